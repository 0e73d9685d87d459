"""Drawn cases find what is wrong, say how far they went, and are the same for a seed."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from scan_case import scan_case, sequential
from scanproof import (
    Cases,
    CheckFailed,
    ComplexDiagonal,
    DiagonalS4Spec,
    GatedLinearAttention,
    InvalidArgument,
    Kernel,
    LinearRecurrence,
    MinGru,
    MLstm,
    RgLru,
    SelectiveScanFn,
    SsdScan,
    Verdict,
    check_refinement,
    selective_scan,
)
from scanproof.refinement import search
from scanproof.refinement.cases import random_spec
from scanproof.refinement.strategies import scan_inputs, scan_shapes
from verdicts import present

SPEC = random_spec(DiagonalS4Spec, {"inputDim": 3, "stateDim": 4, "outputDim": 2}, seed=0)


def block(x: Tensor, decay_off: float = 1.0) -> Tensor:
    inProj, a, outProj, skip = (
        torch.from_numpy(np.array(getattr(SPEC, name))).to(x.dtype)
        for name in ("inProj", "a", "outProj", "skip")
    )
    u, h, states = functional.linear(x, inProj), torch.zeros_like(a), []
    for t in range(x.shape[1]):
        h = decay_off * a * h + u[:, t]
        states.append(h)
    return functional.linear(torch.stack(states, 1), outProj) + functional.linear(x, skip)


def wrong_after_seven(z: Tensor | None = None, **rest: object) -> tuple[Tensor, Tensor]:
    """Without z; with it the gate of tokens after the seventh is left out."""
    gate = None if z is None else torch.cat([z[..., :7], torch.ones_like(z[..., 7:])], -1)
    return sequential(z=gate, **rest)


@pytest.mark.parametrize("gradients", [False, True])
def test_a_right_block(gradients: bool) -> None:
    report = check_refinement(block, SPEC, cases=60, gradients=gradients)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.reason.startswith("found no counterexample in 60 cases")
    assert present(report.drawn).cases == 60
    assert present(report).compared == present(report.drawn).compared > 1000
    assert 1e-3 < report.worst.ratio <= 1
    assert report.gradients == (("x",) if gradients else ())
    assert f"cases     : {report.drawn}, seed 0" in report.summary()
    assert "no counterexample in 60 cases" in report.rows("mine")[0].evidence


@pytest.mark.parametrize("inputs", [st.nothing(), st.integers().filter(lambda number: False)])
def test_inputs_of_which_nothing_can_be_drawn(inputs: st.SearchStrategy[Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"Cases: inputs is .*which draws nothing"):
        check_refinement(block, SPEC, cases=Cases(3, inputs=inputs))


def test_a_wrong_block_is_refuted_with_code() -> None:
    def wrong(x: Tensor) -> Tensor:
        return block(x, 1 + 1e-5)

    with pytest.raises(CheckFailed) as caught:
        check_refinement(wrong, SPEC, cases=60).require()
    report = caught.value.report
    assert report.verdict is Verdict.REFUTED
    assert report.reason == f"rounding cannot explain the worst entry of case {report.drawn.cases}"
    assert report.smallest.inputs["x"].shape == (1, 2, 3)
    with pytest.raises(CheckFailed):
        exec(report.smallest.code, {"fn": wrong, "spec": SPEC})


def test_a_wrong_scan_shrinks_to_what_it_takes() -> None:
    report = check_refinement(wrong_after_seven, SelectiveScanFn(), cases=200)
    assert report.verdict is Verdict.REFUTED
    inputs = present(report.smallest).inputs
    assert set(inputs) == {"u", "delta", "A", "B", "C", "z"}
    assert inputs["u"].shape == (1, 1, 8)
    assert all(x.is_contiguous() for x in inputs.values())
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, {"fn": wrong_after_seven})


def test_groups_dealt_to_channels_in_turn_shrink_to_two_channels_of_two_groups() -> None:
    def dealt(B: Tensor, C: Tensor, u: Tensor, **rest: object) -> tuple[Tensor, Tensor]:
        if B.ndim == 4:
            B, C = (x.repeat(1, u.shape[1] // x.shape[1], 1, 1) for x in (B, C))
        return sequential(u=u, B=B, C=C, **rest)

    report = check_refinement(dealt, SelectiveScanFn(), scan_case(channels=6, groups=2))
    assert report.verdict is Verdict.REFUTED
    inputs = present(report.smallest).inputs
    assert (inputs["u"].shape, inputs["B"].shape) == ((1, 4, 1), (1, 2, 1, 1))
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, {"fn": dealt})


@pytest.mark.parametrize("axis", [True, False])
def test_where_groups_play_no_part_their_axis_goes(axis: bool) -> None:
    """Unless it is what the scan takes."""

    def wrong(B: Tensor, **rest: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(B=B, **rest)
        return y + 1 if not axis or B.ndim == 4 else y, last

    report = check_refinement(wrong, SelectiveScanFn(), scan_case(channels=4, groups=2))
    assert report.verdict is Verdict.REFUTED
    assert present(report.smallest).inputs["B"].shape == ((1, 1, 1, 1) if axis else (1, 1, 1))


def test_scans_without_groups_are_asked_for_none() -> None:
    def without(B: Tensor, C: Tensor, **rest: object) -> tuple[Tensor, Tensor]:
        assert B.ndim == C.ndim == 3
        return sequential(B=B, C=C, **rest)

    assert check_refinement(without, SelectiveScanFn(), cases=40).verdict is Verdict.REFINES


def test_what_fails_in_one_layout_alone_keeps_it() -> None:
    def ignores_strides(C: Tensor, **rest: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(C=C, **rest)
        return (y, last) if C.is_contiguous() else (y + 1, last)

    report = check_refinement(ignores_strides, SelectiveScanFn(), cases=200)
    assert report.verdict is Verdict.REFUTED
    assert not present(report.smallest).inputs["C"].is_contiguous()
    assert ".as_strided(" in present(report.smallest).code
    with pytest.raises(CheckFailed):
        exec(present(report.smallest).code, {"fn": ignores_strides})


def test_a_seed_repeats_and_another_differs() -> None:
    def seen(seed: int) -> list[Tensor]:
        first = []

        def watched(**inputs: Any) -> tuple[Tensor, Tensor]:
            first.append(inputs["u"])
            return sequential(**inputs)

        check_refinement(watched, SelectiveScanFn(), cases=10, seed=seed)
        return first

    once, again, other = seen(1), seen(1), seen(2)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    assert len(once) == 10
    assert any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(once, other, strict=True))


def test_cotangents_differ_from_case_to_case() -> None:
    seen = []

    class Watch(torch.autograd.Function):
        @staticmethod
        def forward(context: object, y: Tensor) -> Tensor:
            return y.clone()

        @staticmethod
        def backward(context: object, gradient: Tensor) -> Tensor:
            seen.append(gradient.flatten()[0].item())
            return gradient

    def watched(**inputs: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(**inputs)
        return Watch.apply(y), last

    assert check_refinement(watched, SelectiveScanFn(), cases=8, gradients=True).gradients
    assert len(set(seen)) == 8


def test_time_is_a_budget_too() -> None:
    def slow(**inputs: object) -> tuple[Tensor, Tensor]:
        time.sleep(0.05)
        return sequential(**inputs)

    report = check_refinement(slow, SelectiveScanFn(), cases=Cases(count=10_000, seconds=0.3))
    assert report.verdict is Verdict.REFINES
    assert 1 <= present(report.drawn).cases <= 6
    assert present(report.drawn).seconds >= 0.05


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_inputs_may_be_named(dtype: torch.dtype) -> None:
    cases = Cases(count=20, inputs=scan_inputs(scan_shapes(max_length=3), dtype=dtype))
    report = check_refinement(selective_scan, SelectiveScanFn(), cases=cases).require()
    assert report.dtype == str(dtype).removeprefix("torch.")
    assert report.shape[2] <= 3


def test_when_most_is_inconclusive_so_is_the_whole() -> None:
    zeros = st.just(torch.zeros(1, 4, 3))
    report = check_refinement(block, SPEC, cases=Cases(count=5, inputs=zeros))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "cases were inconclusive; the bound is so wide" in report.reason


def test_what_an_implementation_raises_comes_with_the_input() -> None:
    def refuses(**inputs: Any) -> tuple[Tensor, Tensor]:
        if inputs["u"].shape[-1] > 5:
            raise RuntimeError("too long")
        return sequential(**inputs)

    with pytest.raises(RuntimeError, match="too long") as caught:
        check_refinement(refuses, SelectiveScanFn(), cases=50)
    (note,) = caught.value.__notes__
    assert note.startswith("on case ")
    assert "scanproof.check_refinement(fn, scanproof.SelectiveScanFn(), {'u': u, 'delta': delta, " in note


def test_a_bar_on_the_standard_error_of_a_long_search(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check_refinement(selective_scan, SelectiveScanFn(), cases=3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(search, "QUIET_SECONDS", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    check_refinement(selective_scan, SelectiveScanFn(), cases=3)
    assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"cases": 0}, "cases is 0; give a whole number"),
        ({"cases": 1.5}, "cases is 1.5; give a whole number"),
        ({"cases": 5, "x": {"u": torch.zeros(1, 1, 1)}}, "x and cases are both given"),
        ({"cases": 5, "cotangents": {"y": torch.zeros(1)}}, "cotangents and cases are both given"),
        ({"x": {}}, "u is None; give a tensor"),
        ({}, "x is a NoneType; give the arguments by name, or cases=200"),
    ],
)
def test_wrong_calls(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        check_refinement(selective_scan, SelectiveScanFn(), **arguments)


def test_a_limit_that_is_none() -> None:
    with pytest.raises(InvalidArgument, match="seconds is 0; give a positive number"):
        Cases(seconds=0)


def ssd(
    group_of: Callable[[int, int, int], int],
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    dt_bias: Tensor | None = None,
    initial_state: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mamba-2's scan, with a function that says which group a head is of."""
    heads, groups = x.shape[2], B.shape[2]
    group = [group_of(head, heads, groups) for head in range(heads)]
    dt = dt if dt_bias is None else dt + dt_bias
    B, C = B[:, :, group], C[:, :, group]
    h = x.new_zeros(x.shape[0], heads, x.shape[3], B.shape[3]) if initial_state is None else initial_state
    ys = []
    for t in range(x.shape[1]):
        decay = torch.exp(dt[:, t] * A)[..., None, None]
        h = decay * h + (dt[:, t, :, None] * B[:, t])[:, :, None] * x[:, t, ..., None]
        ys.append((h * C[:, t, :, None]).sum(-1))
    y = torch.stack(ys, 1)
    y = y if D is None else y + D * x
    return (y if z is None else y * functional.silu(z)), h


class TestKernels:
    """Kernels of families, with groups of heads."""

    def test_a_right_one(self) -> None:
        right = partial(ssd, lambda head, heads, groups: head * groups // heads)
        report = check_refinement(right, SsdScan(), cases=60)
        assert report.verdict is Verdict.REFINES, report.summary()
        assert report.worst.ratio > 1e-3

    def test_heads_dealt_to_groups_in_turn(self) -> None:
        wrong = partial(ssd, lambda head, heads, groups: head % groups)
        report = check_refinement(wrong, SsdScan(), cases=60)
        assert report.verdict is Verdict.REFUTED
        assert present(report.smallest).inputs["B"].shape == (1, 1, 2, 1)
        assert set(present(report.smallest).inputs) == {"x", "dt", "A", "B", "C"}

    def test_wrong_calls(self) -> None:
        with pytest.raises(InvalidArgument, match="x and cases are both given"):
            check_refinement(ssd, SsdScan(), {}, cases=5)
        with pytest.raises(InvalidArgument, match="x is a NoneType; give tensors by name, or cases=200"):
            check_refinement(ssd, SsdScan())

    @pytest.mark.parametrize(
        "kernel", [GatedLinearAttention(), LinearRecurrence(), MinGru(), MLstm(), ComplexDiagonal(), RgLru()]
    )
    def test_the_reference_itself(self, kernel: Kernel) -> None:
        """In float64, rounded to float32."""

        def run(**inputs: Tensor) -> tuple[Tensor, ...]:
            results = kernel.run({name: x.double().numpy() for name, x in inputs.items()})
            return tuple(torch.from_numpy(np.asarray(result)).float() for result in results.values())

        report = check_refinement(run, kernel, cases=20)
        assert report.verdict is Verdict.REFINES, report.summary()
