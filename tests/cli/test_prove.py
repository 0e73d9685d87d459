import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scanproof.cli.app import app
from scanproof.errors import InvalidArgument
from scanproof.lean import command
from scanproof.lean.catalogue import Catalogue, Declaration
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.findings import Finding
from scanproof.lean.prove import ProofReport

ROOT = Path(__file__).parents[2]
THEOREM = Declaration(
    "Scanproof.t", "theorem", "Scanproof.t : True", "Says so.\n\nMore.", "Spec", "Spec.lean", 3, (), ()
)
PROVED = ProofReport((), (), 1, 1, Catalogue("4.28.0", "lean", "k", (THEOREM,)), "WebAssembly", 0.5)
FAULTY = ProofReport(
    (Finding("Spec.lean", 3, 7, "error: [unsolved] goals"),), (), 1, 1, None, "WebAssembly", 0.5
)

run = CliRunner().invoke


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the next check of the proofs reports, or raises."""
    queue: list[object] = []

    def prove(*arguments: object) -> object:
        if isinstance(queue[0], BaseException):
            raise queue[0]
        return queue[0]

    monkeypatch.setattr(command, "prove", prove)
    return queue


def test_the_version() -> None:
    result = run(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("scanproof 0.")


def test_proved(outcome: list[object]) -> None:
    outcome.append(PROVED)
    result = run(app, ["prove", "--project", str(ROOT), "--toolchain", "wasm"])
    assert result.exit_code == 0
    assert "Proved: 1 theorems" in result.output
    assert "Says so" not in result.output


def test_the_list(outcome: list[object]) -> None:
    outcome.append(PROVED)
    result = run(app, ["prove", "--project", str(ROOT), "--toolchain", "wasm", "--list"])
    assert result.output.startswith("Scanproof.t\n    Says so.\n\nProved: ")


def test_the_catalogue_is_written_where_asked(outcome: list[object], tmp_path: Path) -> None:
    outcome.append(PROVED)
    file = tmp_path / "catalogue.json"
    result = run(app, ["prove", "--project", str(ROOT), "--toolchain", "wasm", "--catalogue", str(file)])
    assert result.exit_code == 0
    assert Catalogue.from_json(file.read_text(encoding="utf-8")) == PROVED.catalogue
    assert [entry.name for entry in tmp_path.iterdir()] == ["catalogue.json"]


def test_a_finding(outcome: list[object]) -> None:
    outcome.append(FAULTY)
    result = run(app, ["prove", "--project", str(ROOT), "--toolchain", "wasm"])
    assert result.exit_code == 1
    assert "Spec.lean:3:7: error: [unsolved] goals" in result.output


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InvalidArgument("You said [x], say [y]."), 2, "You said [x], say [y]."),
        (LeanUnavailable("There is no network."), 3, "There is no network."),
        (PermissionError(13, "Permission denied", "/cache"), 3, "/cache: Permission denied."),
        (KeyboardInterrupt(), 130, "Interrupted; what was finished is kept."),
    ],
)
def test_problems_are_sentences(
    outcome: list[object], error: BaseException, code: int, sentence: str
) -> None:
    outcome.append(error)
    result = run(app, ["prove", "--project", str(ROOT), "--toolchain", "wasm"])
    assert result.exit_code == code
    assert result.stderr == sentence + "\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prove", "--project", "."], "is not in a Lean project"),
        (["prove", "--project", str(ROOT), "--toolchain", "cargo"], "The toolchain is 'cargo'"),
    ],
)
def test_a_wrong_call(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from scanproof.cli import main; main()", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
