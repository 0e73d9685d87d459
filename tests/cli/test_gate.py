"""``scanproof gate``: one line, and an exit code that is the answer."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scanproof.cli.app import app

MODULE = """
import torch

def causal():
    return lambda x: x.cumsum(1)

def leaky():
    return lambda x: x + x.roll(-1, 1)

def longer():
    return lambda x: x.flip(1) if x.shape[1] > 8 else x.cumsum(1)

def gated():
    return lambda x: torch.where(x.sum(1, keepdim=True) > 1e30, x.flip(1), x.cumsum(1))

def transformed():
    kernel = torch.randn(5, 1)
    def fn(x):
        spectrum = torch.fft.rfft(x, 16, 1) * torch.fft.rfft(kernel, 16, 0)
        return torch.fft.irfft(spectrum, 16, 1)[:, : x.shape[1]]
    return fn

def steered():
    return lambda x: x.flip(1) if x.sum().item() > 1e30 else x.cumsum(1)

def blocked():
    return lambda x: x.cumsum(1) if x.shape[1] % 3 else x.cumsum(1) + 0.0

def language_model():
    embedding = torch.nn.Embedding(9, 4)
    return lambda ids: embedding(ids).cumsum(1)
"""


@pytest.fixture(autouse=True)
def _models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "gated_models.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("gated_models", None)


def gate(name: str, *options: str, shape: str = "2,5,1") -> Result:
    return CliRunner().invoke(app, ["gate", f"gated_models:{name}", "--shape", shape, *options])


@pytest.mark.parametrize(
    ("name", "options", "code", "word"),
    [
        ("causal", (), 0, "accepted  gated_models:causal: established for every input at "),
        ("leaky", (), 1, "refused  gated_models:leaky: t=2 <- s=3"),
        ("longer", (), 1, "refused  gated_models:longer: t="),
        ("gated", (), 3, "open  gated_models:gated: the program reads it, and no effect was found"),
        ("gated", ("--probes",), 3, "open  gated_models:gated"),
        ("transformed", (), 3, "open  gated_models:transformed: reading leaves a question open"),
        ("steered", (), 3, "open  gated_models:steered: values decide what is run"),
        ("steered", ("--probes",), 0, "accepted  gated_models:steered: values decide what is run"),
        (
            "causal",
            ("--every-length",),
            0,
            "accepted  gated_models:causal: established for every input at 4 sizes and at any length from 2",
        ),
        ("transformed", ("--every-length", "--probes"), 3, "open  gated_models:transformed: "),
        ("blocked", (), 0, "accepted"),
        ("blocked", ("--every-length",), 3, "open  gated_models:blocked: not established for every length"),
        ("transformed", ("--probes",), 0, "accepted  gated_models:transformed: reading leaves"),
    ],
)
def test_the_line_and_the_exit_code(name: str, options: tuple[str, ...], code: int, word: str) -> None:
    result = gate(name, *options)
    assert (result.exit_code, result.stdout.count("\n")) == (code, 1), result.output
    assert result.stdout.startswith(word)


def test_token_ids() -> None:
    result = gate("language_model", "--vocab-size", "9", shape="2,5")
    assert (result.exit_code, result.stdout[:8]) == (0, "accepted")


def test_quietly() -> None:
    assert gate("causal", "--quiet").stdout == "accepted\n"


def test_as_json() -> None:
    result = gate("longer", "--json")
    said = json.loads(result.stdout)
    assert (said["accepted"], said["established"], said["verdict"]) == (False, False, "LEAK")
    assert "resize_input(x, " in said["call"]
    assert json.loads(gate("causal", "--json").stdout)["accepted"] is True


def test_a_wrong_call_is_one_sentence() -> None:
    result = gate("absent")
    assert (result.exit_code, result.stdout) == (2, "")
