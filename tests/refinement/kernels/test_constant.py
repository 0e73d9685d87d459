"""Inputs that are the same for every example and token, as the decays of retention are."""

from typing import Any

import pytest
import torch
from torch import Tensor

from block_case import scalar_s4
from scanproof import (
    GatedLinearAttention,
    InvalidArgument,
    SelectiveScan,
    SsdScan,
    Verdict,
    check_refinement,
    random_inputs,
)
from verdicts import present

KERNEL = GatedLinearAttention(scale=0.5)
CONSTANT = frozenset({"g"})


def retention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    g: Tensor | None = None,
    initial_state: Tensor | None = None,
    off: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Attention that reads the decay of each head off the first token, so its gradient is there alone."""
    decay = torch.tensor(1.0) if g is None else g[:1, 0, ..., None].exp() * (1 + off)
    s = v.new_zeros(len(v), v.shape[2], k.shape[3], v.shape[3]) if initial_state is None else initial_state
    ys = []
    for t in range(q.shape[1]):
        s = decay * s + k[:, t, ..., None] * v[:, t, :, None]
        ys.append((0.5 * q[:, t, ..., None] * s).sum(-2))
    return torch.stack(ys, 1), s


def wrong(**x: Tensor) -> Any:
    return retention(**x, off=1e-4)


def is_constant(g: Tensor) -> bool:
    return torch.equal(g, g[:1, :1].expand_as(g))


def test_drawn_inputs_are_constant_and_within_the_domain() -> None:
    x, other = (random_inputs(KERNEL, seed=seed, constant=CONSTANT) for seed in (0, 1))
    assert is_constant(x["g"])
    assert KERNEL.domains["g"].holds(x["g"])
    assert not torch.equal(x["g"], other["g"])
    assert x["g"][0, 0].unique().numel() == 4, "each head has a decay of its own"
    assert not is_constant(random_inputs(KERNEL, seed=0)["g"])
    free = random_inputs(KERNEL, seed=0)
    assert all(torch.equal(x[name], free[name]) for name in x if name != "g")


def test_a_function_of_constant_decays_refines_with_gradients() -> None:
    x = random_inputs(KERNEL, seed=0, constant=CONSTANT)
    report = check_refinement(retention, KERNEL, x, constant=CONSTANT, gradients=True)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.gradients == ("q", "k", "v", "initial_state")
    assert check_refinement(retention, KERNEL, x, gradients=True, shrink=False).verdict is Verdict.REFUTED


def test_cases_are_drawn_constant() -> None:
    report = check_refinement(retention, KERNEL, cases=40, constant={"g"}, gradients=True)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert present(report.drawn).cases == 40
    assert "constant={'g'}" in report.call
    assert check_refinement(retention, KERNEL, cases=40).verdict is Verdict.REFUTED


def test_the_smallest_failing_case_is_constant_and_can_be_repeated() -> None:
    x = random_inputs(KERNEL, seed=0, time=7, constant=CONSTANT)
    report = check_refinement(wrong, KERNEL, x, constant=CONSTANT)
    assert report.verdict is Verdict.REFUTED
    smallest = present(report.smallest)
    assert is_constant(smallest.inputs["g"])
    assert smallest.inputs["g"].numel() < x["g"].numel()
    assert "constant={'g'}" in smallest.code
    with pytest.raises(AssertionError):
        exec(smallest.code, {"fn": wrong, "report": report})


def test_wrong_calls_are_explained() -> None:
    x = random_inputs(KERNEL, seed=0)
    with pytest.raises(InvalidArgument, match="g is in constant=, but differs between examples or tokens"):
        check_refinement(retention, KERNEL, x, constant=CONSTANT)
    with pytest.raises(
        InvalidArgument, match=r"constant is \['decay'\]; give a set of names of inputs of Gated"
    ):
        check_refinement(retention, KERNEL, x, constant={"decay"})
    with pytest.raises(InvalidArgument, match="constant is 'g'; give a set of names"):
        check_refinement(retention, KERNEL, x, constant="g")
    s4 = scalar_s4(inProj=1.0, a=1.0, outProj=1.0, skip=0.0)
    with pytest.raises(InvalidArgument, match="constant applies to kernels, but spec is a DiagonalS4Spec"):
        check_refinement(torch.nn.Identity(), s4, torch.ones(1, 2, 1), constant=CONSTANT)
    with pytest.raises(InvalidArgument, match="random_inputs: constant is"):
        random_inputs(KERNEL, seed=0, constant={"G"})
    with pytest.raises(InvalidArgument, match="random_inputs: there is no axis chanel; the axes are batch"):
        random_inputs(KERNEL, seed=0, chanel=3)


def test_an_input_without_an_axis_of_groups_may_be_constant() -> None:
    x = random_inputs(SelectiveScan(), seed=0, constant={"B"})
    assert x["B"].shape == (2, 37, 5)
    assert is_constant(x["B"])
    assert random_inputs(SsdScan(), seed=0, constant={"A"})["A"].unique().numel() == 4
