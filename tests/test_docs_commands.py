"""What pages show beside Python: commands run in a shell, files are those that tests check."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from examples import PAGES as COMMANDS
from figures import same
from pages import PAGES, ROOT, Block, blocks, commands, name, prose
from verdicts import present

BLOCKS = [block for page in PAGES for block in blocks(page)]
WALK = "docs/how-to/triton.md"
"""Runs Triton: ``tests/adapters/triton/test_page.py`` runs its commands and makes its changes."""
CONSOLES = [block for block in BLOCKS if block.kind == "console"]

TOO_LONG = {
    "make demo": "sets up an environment from a package registry; tests/demo runs what it runs then",
    "make test": "is what runs this",
    "python ci/history.py": "installs six releases from a package registry; tests/history runs its loop",
    "python ci/history.py 4.47.1 4.48.0": "installs two releases from a package registry",
}
"""Commands that pages show and no test runs, and why."""

OF_THE_WALK = ("diff", "text", 'python title="attention.py"', 'python title="kernel_tests.py"')

LAKE = 'require scanproof from git "…/scanproof" @ "main"\n'
"""For lake, which Lean as WebAssembly has not; CI builds ``examples/downstream``, which requires a path."""

CHECKED = {
    "examples/downstream/Downstream.lean": "tests/lean/test_downstream.py",
    "python/scanproof/report/schema.json": "tests/report/test_record.py",
}
"""Files that pages include, and the test that each is checked by."""


OF_KERNELS = (ROOT / "docs" / "census-findings.md").read_text().partition("\n## Kernels\n")[2]
"""Programs that need packages; ``tests/adapters/triton/test_kernel_findings.py`` runs them over these."""


def test_no_block_is_passed_over() -> None:
    """Python is run by ``tests/test_docs.py``, with the text that follows; consoles are run below."""
    unknown = []
    for block in BLOCKS:
        included = re.fullmatch(r'--8<-- "(.+)"\n', block.text)
        known = (
            re.fullmatch(r'python(?: title="test_\w+\.py")?|console', block.kind)
            or (block.kind == "text" and block.follows == "python")
            or (block.kind == "text" and block.page == "docs/reference/program-format.md")
            or (block.kind in ("lean", "json") and included and included[1] in CHECKED)
            or (block.kind == 'lean title="lakefile.lean"' and block.text == LAKE)
            or (block.kind == "text" and block.text in OF_KERNELS)
            or (block.page == WALK and block.kind in OF_THE_WALK)
        )
        if not known:
            unknown.append(block)
    assert unknown == []


def test_a_console_shows_commands_and_their_output_alone() -> None:
    for block in CONSOLES:
        assert block.text.startswith("$ ")
        assert len(commands(block)) == block.text.count("\n$ ") + 1


def test_what_is_not_run_is_there() -> None:
    shown = {command for block in CONSOLES for command, _ in commands(block)}
    assert shown >= TOO_LONG.keys()
    texts = {block.text for block in BLOCKS}
    assert LAKE in texts
    for file, test in CHECKED.items():
        assert f'--8<-- "{file}"\n' in texts
        assert Path(file).name in (ROOT / test).read_text()


@pytest.mark.parametrize(
    "block", [block for block in CONSOLES if block.page != WALK], ids=lambda block: block.page
)
def test_the_commands_of_a_console_run(block: Block, tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command, output in commands(block):
        if command in TOO_LONG:
            continue
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
        assert run.stdout, command
        assert not output or same(output, run.stdout), f"{command} prints:\n{run.stdout}"
        for file in re.findall(r"--html (\S+)", command):
            assert (tmp_path / file).is_file()


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_has_the_targets(target: str) -> None:
    said = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert f".venv/bin/{'scanproof demo' if target == 'demo' else 'pytest'}" in said


def test_the_releases_that_a_page_asks_for_are_pinned() -> None:
    versions = [word for command in TOO_LONG for word in command.split() if re.match(r"\d", word)]
    assert versions
    for version in versions:
        assert (ROOT / "ci" / "overlays" / f"transformers-{version}.txt").is_file()


def test_lake_finds_the_package_that_pages_require() -> None:
    package = present(re.search(r"^package (\w+)", (ROOT / "lakefile.lean").read_text(), re.MULTILINE))[1]
    text = "".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"require (\w+) from", text)) == {package}


NAMED = re.compile(r"`scanproof ((?:bench )?[a-z]+ ?[^`]*)`")


@pytest.mark.parametrize("page", [page for page in PAGES if NAMED.search(prose(page))], ids=name)
def test_commands_in_the_prose_are_taken(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names and options, in a clone; what they do then is not run."""
    monkeypatch.chdir(ROOT)
    for command in COMMANDS.values():
        if not hasattr(command, "commands"):
            monkeypatch.setattr(command, "callback", lambda **options: None)
    for line in NAMED.findall(prose(page)):
        if line not in COMMANDS:
            COMMANDS[""].main(shlex.split(line), standalone_mode=False)


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
INSTALLS = re.compile(r"pip install (?:-e )?('[^'{]+'|[\w.=-]+)")


def test_what_is_said_to_be_installed_is_declared() -> None:
    """On pages and in messages; ``tests/test_wheel.py`` installs the package."""
    declared = [Requirement(text) for texts in EXTRAS.values() for text in texts]
    quoting = ROOT / "docs" / "census-causal-lms.md"  # its reasons are messages of transformers
    sources = [page for page in (*PAGES, *(ROOT / "python").rglob("*.py")) if page != quoting]
    said = {text.strip("'") for file in sources for text in INSTALLS.findall(file.read_text())}
    assert len(said) > 5
    for text in said:
        requirement = Requirement(re.sub(r"^\.", PROJECT["name"], text).rstrip("."))
        if requirement.name == PROJECT["name"]:
            assert requirement.extras <= EXTRAS.keys()
        else:
            assert requirement.name in {one.name for one in declared}, text
            assert str(requirement.specifier) in {"", *(str(one.specifier) for one in declared)}, text
