"""What ``pip install`` alone gives: the wheel in an empty environment, far from any checkout."""

import ast
import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from verdicts import present

ROOT = Path(__file__).parents[1]
_INTERPRETER = (
    "autotune",
    "builder",
    "executor",
    "language",
    "machine",
    "pointers",
    "reductions",
    "rewriting",
    "rounded",
)
FOR_OTHERS = {
    "scanproof.monitors.lightning",
    "scanproof.monitors.transformers",
    "scanproof.demo.attention_kernel",
    *(f"scanproof.adapters.triton.{name}" for name in _INTERPRETER),
}
"""Modules that only those import who have another package."""
EXTRAS = ("cli", "pytest", "report", "lean")
"""What the environment has besides PyTorch and NumPy, in the second of its two states."""
FOR_COMMANDS = (
    "scanproof.cli.",
    "scanproof.bench.",
    "scanproof.census.",
    "scanproof.demo.",
    "scanproof.lean.command",
    "scanproof.refinement.fuzz",
    "scanproof.report.console",
)
"""How the names of modules begin that commands alone import."""
FOR_EXTRAS = {"scanproof.pytest_checks", "scanproof.refinement.strategies"}
"""Modules that need an extra, and say which."""
CHECK = """
import torch, scanproof
print(scanproof.certify(lambda x: x.roll(-1, 1), torch.randn(1, 5, 2)).verdict.name)
"""
IMPORT_ALL = """
import importlib, pkgutil, scanproof
for module in pkgutil.walk_packages(scanproof.__path__, "scanproof."):
    if module.name != "scanproof.__main__":
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            print(module.name, type(error).__name__, sep="\\t")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


Run = Callable[..., subprocess.CompletedProcess[str]]


def required(package: metadata.Distribution, extras: Iterable[str]) -> list[Requirement]:
    """Return what a package requires with some extras; its own name stands for what its extras require."""
    found: list[Requirement] = []
    for requirement in map(Requirement, present(package.requires)):
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        )
        if wanted and requirement.name == package.name:
            found += required(package, requirement.extras)
        elif wanted:
            requirement.marker = None
            found.append(requirement)
    return found


def link(requirements: Iterable[Requirement], folder: Path) -> None:
    """Link into a folder the installed packages that are required, and what these require, without extras."""
    waiting, linked = list(requirements), set[str]()
    while waiting:
        requirement = waiting.pop()
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not wanted or requirement.name in linked:
            continue
        linked.add(requirement.name)
        package = metadata.distribution(requirement.name)
        waiting += map(Requirement, package.requires or ())
        for part in {file.parts[0] for file in present(package.files)} - {"..", "__pycache__"}:
            if not (folder / part).exists():
                (folder / part).symlink_to(str(package.locate_file(part)))


def environment(wheel: Path, folder: Path, extras: Iterable[str]) -> Run:
    """Make an environment of the wheel and, of what is installed here, what it requires with some extras."""
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    install = [
        "pip",
        "--python",
        str(python),
        "install",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
    ]
    subprocess.run([sys.executable, "-m", *install, str(wheel)], check=True, capture_output=True)
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    (installed,) = metadata.distributions(name="scanproof", path=[where])
    link(required(installed, extras), Path(where))
    return partial(run_in, folder)


def run_in(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of an environment in a folder of its own."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(folder / "env" / "bin" / program), *arguments]
    result = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr, result.stderr
    return result


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program where scanproof is installed without an extra."""
    return environment(wheel, tmp_path_factory.mktemp("bare"), ())


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program where scanproof is installed with ``EXTRAS``."""
    return environment(wheel, tmp_path_factory.mktemp("empty"), EXTRAS)


@pytest.fixture(scope="module")
def scanproof(run: Run) -> Run:
    return partial(run, "scanproof")


def test_it_carries_sources_catalogue_and_golden_vectors(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = [
        ROOT / "Spec.lean",
        ROOT / "lakefile.lean",
        ROOT / "lean-toolchain",
        *(ROOT / "Spec").rglob("*.lean"),
    ]
    carried = {f"scanproof/lean/project/{source.relative_to(ROOT).as_posix()}" for source in sources}
    assert carried <= names
    data = (
        "lean/catalogue.json",
        "lean/catalogue.lean",
        "adapters/overlays/build.txt",
        "adapters/overlays/exports.txt",
        "adapters/overlays/fla.txt",
        "adapters/overlays/ggml.txt",
        "adapters/overlays/mamba-ssm.txt",
        "adapters/overlays/mlx.txt",
        "adapters/overlays/plain.txt",
        "adapters/overlays/recurrentgemma.txt",
        "refinement/golden.json",
        "report/schema.json",
        "py.typed",
    )
    assert {f"scanproof/{name}" for name in data} <= names


def failures(run: Run) -> dict[str, str]:
    result = run("python", "-c", IMPORT_ALL)
    assert result.returncode == 0, result.stderr
    return dict(line.split("\t") for line in result.stdout.splitlines())


def test_what_is_required_is_enough_to_import_every_module(run: Run) -> None:
    assert set(failures(run)) == FOR_OTHERS


def test_without_an_extra_the_commands_alone_cannot_be_imported(bare: Run) -> None:
    found = failures(bare)
    commands = {name for name in found if name.startswith(FOR_COMMANDS)}
    missing = {name for name, error in found.items() if error == "MissingDependency"}
    assert found.keys() == commands | missing | FOR_OTHERS | {"scanproof.pytest_plugin"}
    assert missing - FOR_OTHERS == FOR_EXTRAS
    assert bare("python", "-c", CHECK).stdout == "LEAK\n"
    said = bare("scanproof", "--help")
    assert said.returncode == 3
    assert said.stderr == (
        "The commands need rich, which is not installed; run: pip install 'scanproof[cli]'\n"
    )


def test_every_import_is_declared(wheel: Path) -> None:
    trees = [ast.parse(file.read_text()) for file in (ROOT / "python").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    roots = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"scanproof"}
    (built,) = metadata.distributions(path=[str(wheel)])
    declared = {canonicalize_name(Requirement(text).name) for text in present(built.requires)}
    sources = metadata.packages_distributions()
    undeclared = [
        root for root in roots if declared.isdisjoint(map(canonicalize_name, sources.get(root, [root])))
    ]
    assert undeclared == ["pytorch_lightning"]  # the older name of lightning


def test_doctor_finds_the_carried_project(scanproof: Run) -> None:
    result = scanproof("doctor", "--json")
    found = {one["name"]: one for one in json.loads(result.stdout)["findings"]}
    assert result.returncode == (0 if found["toolchain"]["state"] == "ok" else 3)
    assert "/projects/" in found["Lean sources"]["detail"]
    assert f"{len(list((ROOT / 'Spec').rglob('*.lean'))) + 1} modules" in found["Lean sources"]["detail"]


@pytest.mark.lean
def test_prove_knows_what_was_proved_of_the_same_sources(scanproof: Run) -> None:
    result = scanproof("prove", "--list")
    assert result.returncode == 0, result.stderr
    assert "Scanproof.Runner.take_outputs_append\n" in result.stdout
    assert " 0 checked now " in result.stdout


def test_audit(scanproof: Run) -> None:
    result = scanproof("audit", "scanproof.demo.factories:block", "--shape", "1,9,8", "--quiet")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("✓ ")


def test_cite(scanproof: Run) -> None:
    result = scanproof("cite", "Runner.take_outputs_append")
    assert result.returncode == 0
    assert result.stdout.startswith("@misc{scanproof:Runner.take_outputs_append,\n")
