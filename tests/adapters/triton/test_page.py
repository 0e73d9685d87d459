"""The walk of docs/how-to/triton.md: its commands run, and its changes plant faults that are found."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pages import ROOT, Block, blocks, commands
from scanproof.cli.app import app
from scanproof.demo import block as demo

pytestmark = pytest.mark.usefixtures("interpreting")
BLOCKS = blocks(ROOT / "docs" / "how-to" / "triton.md")
SOURCE = Path(demo.__file__).with_name("attention_kernel.py")
CHANGES = [place for place, block in enumerate(BLOCKS) if block.kind == "diff"]


def changed(source: str, diff: Block) -> str:
    """Return a source with a change made to it."""
    for hunk in diff.text.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        assert source.count(before) == 1, before
        source = source.replace(before, after)
    return source


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])

    def run(source: str, command: str) -> tuple[int, dict[str, Any]]:
        Path("attention.py").write_text(source, encoding="utf-8")
        result = CliRunner().invoke(app, [*shlex.split(command)[1:], "--json", "--quiet"])
        del sys.modules["attention"]
        return result.exit_code, json.loads(result.stdout)

    return run


def test_the_page_shows_the_file_of_the_demo() -> None:
    [shown] = [block for block in BLOCKS if block.kind == 'python title="attention.py"']
    assert (ROOT / shown.text.split('"')[1]).samefile(SOURCE)


def test_the_right_kernel_passes(run: Any) -> None:
    [(command, _)] = commands(next(block for block in BLOCKS if block.kind == "console"))
    code, document = run(SOURCE.read_text(), command)
    assert code == 0
    assert document["reports"][0]["verdict"] == "CLEAN"


@pytest.mark.parametrize("place", CHANGES)
def test_a_fault_of_the_page_is_found(run: Any, place: int) -> None:
    [(command, _)] = commands(BLOCKS[place + 1])
    code, document = run(changed(SOURCE.read_text(), BLOCKS[place]), command)
    assert code == 1
    end = min([next_ for next_ in CHANGES if next_ > place], default=len(BLOCKS))
    said = [block.text for block in BLOCKS[place + 2 : end] if block.kind == "text"]
    assert said
    for line in "".join(said).splitlines():
        assert line in document["reports"][0]["summary"]


def test_the_test_of_the_page_passes(tmp_path: Path) -> None:
    [suite] = [block for block in BLOCKS if block.kind == 'python title="kernel_tests.py"']
    (tmp_path / "attention.py").write_text(SOURCE.read_text())
    (tmp_path / "test_kernels.py").write_text(suite.text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--scanproof-interpret"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "CLEAN" in done.stdout
