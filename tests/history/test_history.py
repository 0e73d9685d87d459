"""Faults that were released, each with the checks that see it and those that cannot."""

import runpy
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from history import releases
from history.mixer import CHUNK, HEADS, MODEL, STATES, WIDTH, Mixer
from scanproof import (
    SsdScan,
    Verdict,
    certify,
    check_batch,
    check_perturbation,
    check_prefix,
    check_refinement,
    check_streaming,
)
from scanproof.refinement.kernels.cases import random_inputs

T = 3 * CHUNK + 3
SIZES = {"time": T, "head": HEADS, "group": 2, "channel": WIDTH, "state": STATES}
LARGE = 8.0
"""Added to dt before its softplus, it makes every step size larger than any limit here."""
CAUSALITY = {"certificate", "perturbation", "prefix"}
ROWS = {"rows that end", "rows reordered"}
WRONG_PREFILL = ROWS | {"refinement", "state returned", "left padding", "padded, then steps"}
DECODING = {"steps", "prefill, then steps"}
PIECES = {"chunked prefill", "verify on a copy"}
MASKS = {"garbage under the mask", "left padding", "padded, then steps"}

RELEASED = {
    releases.DestinationAxis: CAUSALITY | WRONG_PREFILL | DECODING | PIECES,
    releases.DestinationAxisOfSums: CAUSALITY | WRONG_PREFILL | DECODING | PIECES,
    releases.ClampedByAnInitialiser: {"refinement"},
    releases.MixedRows: DECODING | ROWS | {"batch in steps", "padded, then steps"},
    releases.Tiled: DECODING | ROWS | {"refinement", "state returned", "padded, then steps"},
    releases.MaskIgnored: MASKS,
    releases.MaskSkippedForOne: {"left padding"},
    releases.ForgetsOnExtend: PIECES,
    releases.StepsOnce: PIECES,
    releases.BeamsSwapStates: {"rows reordered"},
}
"""What sees each fault; every other check passes."""


def tokens(time: int = T, rows: int = 3) -> Tensor:
    return torch.randn(rows, time, MODEL, generator=torch.Generator().manual_seed(0))


def refinement(model: Mixer, dt: float = 0.0, **sizes: Any) -> Verdict:
    scan = SsdScan(dt_softplus=True)
    inputs = random_inputs(scan, seed=0, without=frozenset({"z", "seq_idx"}), **{**SIZES, **sizes})
    inputs["dt_bias"] = inputs["dt_bias"] + dt
    return check_refinement(model.kernel, scan, inputs, log_window=CHUNK, shrink=False).verdict


def streaming(model: Mixer, x: Tensor) -> dict[str, Verdict]:
    report = check_streaming(model, x, cuts=[cut for cut in (1, 4, 10) if cut < x.shape[1]])
    return {row.check: row.verdict for row in report.ways}


def verdicts(model: Mixer, time: int = T) -> dict[str, Verdict]:
    """Return the verdict of every check, by its name."""
    x = tokens(time)
    found = {
        "certificate": certify(model, x, cuts="coded", cases=1).verdict,
        "perturbation": check_perturbation(
            model, x, cuts=[cut for cut in (1, 3, 4, 10, 14) if cut < time], cases=1
        ).verdict,
        "prefix": check_prefix(
            model, x, cuts=[cut for cut in (1, 3, 4, 10, 14) if cut < time], cases=1
        ).verdict,
        "batch": check_batch(model, x).verdict,
        "refinement": refinement(model, time=time),
    }
    return found | streaming(model, x)


def seen(found: Mapping[str, Verdict]) -> set[str]:
    return {check for check, verdict in found.items() if verdict.found}


def test_the_mixer_is_right() -> None:
    found = verdicts(Mixer())
    assert {check: verdict for check, verdict in found.items() if not verdict.passed} == {
        "packed sequences": Verdict.NOT_APPLICABLE,
        "roll back": Verdict.NOT_APPLICABLE,
    }


@pytest.mark.parametrize("release", RELEASED, ids=lambda release: release.__name__)
def test_what_sees_a_fault_and_what_does_not(release: type[Mixer]) -> None:
    found = verdicts(release())
    assert seen(found) == RELEASED[release]


@pytest.mark.parametrize("release", [releases.DestinationAxis, releases.DestinationAxisOfSums])
def test_one_chunk_hides_the_chunk_axis(release: type[Mixer]) -> None:
    assert not seen(verdicts(release(), time=CHUNK)) & (CAUSALITY | DECODING)


@pytest.mark.parametrize("release", [Mixer, releases.MixedRows])
def test_one_row_hides_mixed_rows(release: type[Mixer]) -> None:
    assert not seen(streaming(release(), tokens(rows=1)))


def test_one_row_shows_a_mask_that_is_skipped() -> None:
    assert seen(streaming(releases.MaskSkippedForOne(), tokens(rows=1))) == MASKS


@pytest.mark.parametrize("release", [Mixer, releases.Tiled])
@pytest.mark.parametrize("groups", [1, HEADS])
def test_one_group_or_one_for_each_head_hides_tiles(release: type[Mixer], groups: int) -> None:
    assert refinement(release(), group=groups).passed


@pytest.mark.parametrize("release", [Mixer, releases.ClampedByAnInitialiser])
def test_large_steps_hide_a_clamp(release: type[Mixer]) -> None:
    assert refinement(release(), dt=LARGE).passed


def test_a_release_that_takes_too_long_is_said_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(__file__).parents[2] / "ci" / "history.py"
    history = SimpleNamespace(**runpy.run_path(str(path)))
    rest = {"4.57.6": '{"steps": "STREAMS"}'}

    def run_over(folder: str, arguments: list[str], *, timeout: float) -> SimpleNamespace:
        if folder not in rest:
            raise subprocess.TimeoutExpired(arguments, timeout)
        return SimpleNamespace(stdout=rest[folder])

    names = history.main.__globals__
    monkeypatch.setitem(names, "overlay", lambda path: path.stem.removeprefix("transformers-"))
    monkeypatch.setitem(names, "run_over", run_over)
    assert history.main(["4.44.0", "4.57.6"]) == 1
    shown = capsys.readouterr()
    assert "4.44.0: TimeoutExpired" in shown.err
    assert "| steps | STREAMS |" in shown.out
