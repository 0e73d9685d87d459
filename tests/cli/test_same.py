"""``scanproof same``: verdicts, exit codes, files of recordings, and what is wrong with a call."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scanproof.cli.app import app

FACTORIES = """
import torch

def pair():
    return (lambda x: x + x), (lambda x: 2 * x)

def apart():
    return (lambda x: x + x), (lambda x: (2 + 1e-9) * x)

def beyond():
    return (lambda x: x * 1.0), (lambda x: x if x.shape[1] < 7 else 3 * x)

def alone():
    return torch.nn.Linear(2, 2)
"""


@pytest.fixture(autouse=True)
def _made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "same_made.py").write_text(FACTORIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("same_made", None)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["same", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["same_made:pair"], 0, "✓ EQUAL"),
        (["same_made:pair", "--gradients"], 0, "outputs and gradients"),
        (["same_made:apart"], 1, "✗ DIFFERENT"),
        (["same_made:beyond"], 0, "✓ EQUAL"),
        (["same_made:beyond", "--cases", "4"], 1, "(1, 7, 2), resize_input(x, 7, 1)"),
        (["same_made:alone"], 2, "same_made:alone returned no g"),
        (["same_made:pair", "--record", "a", "--recorded", "b"], 2, "give --record or --recorded, not both"),
        (["same_made:alone", "--record", "a", "--cases", "3", "--json"], 2, "leave --cases, --json out"),
        (["same_made:alone", "--recorded", "a", "--gradients"], 2, "leave --gradients, --shape out"),
    ],
)
def test_outcomes(arguments: list[str], code: int, text: str) -> None:
    found, output = run(*arguments, "--shape", "2,5,2")
    assert found == code, output
    assert text in output


def test_a_function_is_recorded_and_compared_later() -> None:
    code, output = run("same_made:alone", "--shape", "2,5,2", "--record", "linear.scanproof")
    assert code == 0, output
    assert "scanproof same same_made:alone --recorded linear.scanproof" in output
    assert run("same_made:alone", "--recorded", "linear.scanproof")[0] == 0
    code, output = run("same_made:alone", "--recorded", "linear.scanproof", "--seed", "1")
    assert code == 1, output
    code, output = run("same_made:alone", "--recorded", "linear.scanproof", "--json")
    assert json.loads(output[output.index("{") :])["reports"][0]["check"] == "same"


def test_a_recording_gives_the_input() -> None:
    run("same_made:alone", "--shape", "2,5,2", "--record", "linear.scanproof")
    code, output = run("same_made:alone", "--recorded", "linear.scanproof", "--shape", "2,5,2")
    assert code == 2
    assert "leave --shape out" in output
