import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import strategies as st
from typer.testing import CliRunner

from scanproof.cli.app import app
from scanproof.refinement import fuzz
from scanproof.refinement.exact.answer import LEFT_OUT

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module of the user's in the working folder."""
    (tmp_path / "my_scans.py").write_text(
        """
import torch
from scanproof import selective_scan as right

def wrong(z=None, **rest):
    y, last = right(**rest)
    return (y if z is None else y * torch.sigmoid(z)), last

def zeros(u, **rest):
    return right(u * 0, **rest)

def without_D(u, delta, A, B, C, z=None, delta_bias=None, delta_softplus=False, return_last_state=False):
    return right(u, delta, A, B, C, None, z, delta_bias, delta_softplus, return_last_state)

def failing(**given):
    raise ValueError("no such\\nscan")

number = 3
"""
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("my_scans", None)


def test_our_own_scans() -> None:
    result = run(app, ["fuzz", "--cases", "5"])
    assert result.exit_code == 0
    assert "float32, seed 0" in result.output
    for scan in ("sequential scan", "scan in chunks of 7", "associative scan"):
        assert scan in result.output
    assert result.output.count("✓ REFINES") == 10


@pytest.mark.parametrize("gradients", [[], ["--gradients"]])
def test_a_wrong_scan_is_a_finding_with_code(gradients: list[str]) -> None:
    result = run(app, ["fuzz", "my_scans:wrong", "my_scans:right", "--cases", "60", *gradients])
    assert result.exit_code == 1
    assert "REFUTED" in result.output
    assert "This code repeats the failure of my_scans:wrong; fn is my_scans:wrong:" in result.output
    assert "scanproof.check_refinement(fn, scanproof.SelectiveScanFn(), {'u': u," in result.output


def test_json() -> None:
    result = run(app, ["fuzz", "my_scans:right", "--cases", "5", "--dtype", "float64", "--json"])
    assert result.exit_code == 0
    (report,) = json.loads(result.stdout)["reports"]
    assert (report["subject"], report["verdict"], report["dtype"]) == ("my_scans:right", "REFINES", "float64")
    assert report["fields"]["drawn"]["cases"] == 5


def test_quiet() -> None:
    result = run(app, ["fuzz", "my_scans:right", "--cases", "5", "--quiet"])
    assert (result.exit_code, result.output) == (0, "my_scans:right: REFINES\n")


def test_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = st.just({name: torch.zeros(1, 1, 3) for name in ("u", "delta", "B", "C")})
    monkeypatch.setattr(
        fuzz, "scan_inputs", lambda shapes, dtype: zeros.map(lambda x: {**x, "A": torch.zeros(1, 1)})
    )
    arguments = ["fuzz", "my_scans:right", "--cases", "2", "--quiet"]
    result = run(app, arguments)
    assert (result.exit_code, result.output) == (0, "my_scans:right: EQUAL\n")
    monkeypatch.setattr("scanproof.refinement.check.ask", lambda *_, **__: LEFT_OUT)
    result = run(app, arguments)
    assert (result.exit_code, result.output) == (3, "my_scans:right: INCONCLUSIVE\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["my_scans"], "fuzz: name it as package.module:name, got 'my_scans'."),
        (["my_scans:absent"], "fuzz: my_scans has no absent."),
        (["my_scans:number"], "fuzz: my_scans:number must be a function, got 3."),
        (
            ["--dtype", "int8"],
            "fuzz: --dtype must be one of float32, float64, bfloat16, float16, got 'int8'.",
        ),
        (["my_scans:without_D"], "fuzz: my_scans:without_D (u, delta, A, B, C, z=None, delta_bias=None,"),
        (["json:dumps"], "fuzz: json:dumps (obj, *, skipkeys=False,"),
        (["--cases", "0"], "cases is 0; give a whole number of at least 1"),
        (["--seconds", "0"], "Cases: seconds is 0.0; give a positive number"),
    ],
)
def test_wrong_calls(arguments: list[str], sentence: str) -> None:
    result = run(app, ["fuzz", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith(sentence)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("other", "code"), [("right", 3), ("wrong", 1)])
def test_a_scan_that_raises_is_said_in_a_sentence_and_does_not_hide_others(other: str, code: int) -> None:
    result = run(app, ["fuzz", f"my_scans:{other}", "my_scans:failing", "--cases", "60", "--quiet"])
    assert result.exit_code == code
    assert result.stdout.startswith(f"my_scans:{other}: ")
    said = "fuzz: nothing was established, for my_scans:failing raised ValueError: no such scan ("
    assert result.stderr.startswith(said)
    assert result.stderr.endswith("my_scans.py, line 16), on case 0 of seed 0.\n")


def test_a_scan_without_a_signature_is_tried() -> None:
    result = run(app, ["fuzz", "builtins:dict", "--cases", "3"])
    assert result.exit_code == 2
    assert result.stderr.startswith("fn(…, return_last_state=True) returned a dict")
