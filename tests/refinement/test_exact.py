"""The exact answer: right code is EQUAL, and an error far below rounding is DIFFERENT, by a single point."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scanproof import (
    CheckFailed,
    MambaCheckpoint,
    MinGru,
    SelectiveScan,
    Verdict,
    check_refinement,
)
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.rounding import Rounding

from .kernels.recurrences import RECURRENCES

TINY = 1e-12
"""A relative error that no rounding bound in float32 can see."""


class Block(nn.Module):
    """A Mamba block of two channels."""

    def __init__(self, dtype: torch.dtype, wrong: Callable[[Tensor], Tensor] = lambda y: y) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape, generator=generator).mul(0.5).to(dtype))

        self.in_proj_weight, self.conv1d_weight = drawn(8, 3), drawn(4, 1, 3)
        self.x_proj_weight, self.dt_proj_weight = drawn(6, 4), drawn(4, 2)
        self.dt_proj_bias, self.A_log, self.out_proj_weight = drawn(4), drawn(4, 2), drawn(3, 4)
        self.D = nn.Parameter(torch.ones(4, dtype=dtype))  # as a new model has it: a coincidence
        self._wrong = wrong

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, T, 3) to (batch, T, 3)."""
        v, z = functional.linear(x, self.in_proj_weight).chunk(2, -1)
        v = functional.conv1d(v.mT, self.conv1d_weight, padding=2, groups=4)[..., : x.shape[1]].mT
        v = functional.silu(v)
        dt, B, C = functional.linear(v, self.x_proj_weight).split([2, 2, 2], -1)
        dt = functional.softplus(functional.linear(dt, self.dt_proj_weight, self.dt_proj_bias))
        h, outputs = v.new_zeros(x.shape[0], 4, 2), []
        for t in range(x.shape[1]):
            decay = torch.exp(dt[:, t, :, None] * -self.A_log.exp())
            h = decay * h + dt[:, t, :, None] * B[:, t, None] * v[:, t, :, None]
            outputs.append((h * C[:, t, None]).sum(-1))
        y = torch.stack(outputs, 1) + self._wrong(self.D) * v
        return functional.linear(y * functional.silu(z), self.out_proj_weight)

    @property
    def checkpoint(self) -> MambaCheckpoint:
        """The parameters."""
        held = {name: p.detach().double().numpy() for name, p in self.named_parameters()}
        return MambaCheckpoint(**held)


def gru(wrong: float = 0.0) -> Callable[..., Tensor]:
    def run(gate: Tensor, candidate: Tensor) -> Tensor:
        h, states = torch.zeros_like(gate[:, 0]), []
        for z, c in zip(gate.sigmoid().unbind(1), candidate.unbind(1), strict=True):
            h = (1 - z) * h + z * c
            h = h + wrong * h
            states.append(h)
        return torch.stack(states, 1)

    return run


def gates() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(2, 7, 3, generator=generator) for name in ("gate", "candidate")}


@pytest.mark.parametrize("gradients", [False, True], ids=["outputs", "gradients"])
@pytest.mark.parametrize("name", RECURRENCES)
def test_recurrences_are_the_function_of_their_kernel(name: str, gradients: bool) -> None:
    kernel, fn = RECURRENCES[name]
    inputs = random_inputs(kernel, seed=0, time=9, dtype=torch.float32)
    exact = check_refinement(fn, kernel, inputs, gradients=gradients, shrink=False).exact
    assert exact.verdict is Verdict.EQUAL, exact
    assert exact.probability is not None
    assert exact.probability < 1e-15


@pytest.mark.parametrize("gradients", [False, True], ids=["outputs", "gradients"])
@pytest.mark.parametrize("name", RECURRENCES)
def test_an_error_below_rounding_is_another_function(name: str, gradients: bool) -> None:
    kernel, fn = RECURRENCES[name]
    inputs = random_inputs(kernel, seed=0, time=9, dtype=torch.float32)

    def wrong(**given: Tensor) -> Any:
        results = fn(**given)
        y, *rest = results if isinstance(results, tuple) else (results,)
        return (y * (1 + TINY), *rest)

    report = check_refinement(wrong, kernel, inputs, gradients=gradients, shrink=False)
    assert report.exact.verdict is Verdict.DIFFERENT, report.exact
    assert len(report.exact.fields) == 1
    assert report.exact.constants
    assert not report.verdict.found  # 1 + 1e-12 may be a rounded constant, and the bound holds


EVERY_INPUT = [
    (name, given)
    for name, (kernel, _) in RECURRENCES.items()
    for given in kernel.inputs
    if given not in kernel.marks
]


@pytest.mark.parametrize(("name", "given"), EVERY_INPUT)
def test_a_change_of_any_input_below_rounding_is_another_function(name: str, given: str) -> None:
    kernel, fn = RECURRENCES[name]
    inputs = random_inputs(kernel, seed=0, time=7, dtype=torch.float32)

    def wrong(**x: Tensor) -> Any:
        first, rest = x[given][..., :1], x[given][..., 1:]
        return fn(**{**x, given: torch.cat([first * (1 + 2.0**-40), rest], -1)})

    report = check_refinement(wrong, kernel, inputs, shrink=False)
    assert report.exact.verdict is Verdict.DIFFERENT, report.exact
    assert len(report.exact.fields) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("gradients", [False, True], ids=["outputs", "gradients"])
def test_a_block_is_decided_in_every_dtype(dtype: torch.dtype, gradients: bool) -> None:
    block = Block(dtype)
    x = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(2)).to(dtype)
    report = check_refinement(block, block.checkpoint, x, gradients=gradients).require()
    assert report.exact.verdict is Verdict.EQUAL
    assert {"D", "A_log", "out_proj_weight"} <= set(report.exact.drawn)
    assert not report.exact.exact
    if dtype == torch.bfloat16 and gradients:
        assert report.verdict is Verdict.EQUAL
        assert "nothing is known" in report.reason


def test_drawn_parameters_show_what_ones_hide() -> None:
    block = Block(torch.float32, wrong=lambda D: D * D)  # D is 1
    x = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(2))
    report = check_refinement(block, block.checkpoint, x)
    assert report.worst.ratio < 1
    assert report.verdict is Verdict.DIFFERENT
    assert "float64 shows it at numbers nearby" in report.exact.reason


def scan(threshold: float) -> Callable[..., tuple[Tensor, Tensor]]:
    def run(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
        dt = functional.softplus(delta, threshold=threshold)
        h, outputs = u.new_zeros(*u[:, 0].shape, A.shape[1]), []
        for t in range(u.shape[1]):
            added = dt[:, t, :, None] * B[:, t, 0][:, None] * u[:, t, :, None]
            h = torch.exp(dt[:, t, :, None] * A) * h + added
            outputs.append((h * C[:, t, 0][:, None]).sum(-1))
        return torch.stack(outputs, 1), h

    return run


def scanned() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    sizes = {"u": (2, 6, 3), "delta": (2, 6, 3), "A": (3, 2), "B": (2, 6, 1, 2), "C": (2, 6, 1, 2)}
    given = {name: torch.randn(size, generator=generator) for name, size in sizes.items()}
    return {**given, "A": -given["A"].abs()}


def test_branches_that_the_input_does_not_take_are_visited() -> None:
    right = check_refinement(scan(20.0), SelectiveScan(delta_softplus=True), scanned()).exact
    assert right.verdict is Verdict.EQUAL
    assert "the threshold of softplus, both sides" in right.branches
    wrong = check_refinement(scan(10.0), SelectiveScan(delta_softplus=True), scanned(), shrink=False)
    assert wrong.exact.verdict is Verdict.DIFFERENT
    assert wrong.verdict is Verdict.DIFFERENT  # 10 is no rounded constant
    with pytest.raises(CheckFailed, match="another function"):
        wrong.require()


def test_numbers_near_a_threshold_are_left_open() -> None:
    inputs = scanned()
    inputs["delta"][0, 0, 0] = 20.0001
    exact = check_refinement(scan(21.0), SelectiveScan(delta_softplus=True), inputs, shrink=False).exact
    assert exact.verdict is Verdict.INCONCLUSIVE
    assert "so close to the threshold of softplus" in exact.reason


def test_the_operation_that_leaves_the_reference_is_named() -> None:
    report = check_refinement(gru(0.5), MinGru(), gates(), shrink=False)
    assert report.exact.differing is not None
    assert "h = h + wrong * h" in report.exact.differing.operation
    assert report.exact.differing.operation in report.summary()


def test_what_pytorch_does_not_see_is_left_to_the_bound() -> None:
    def hidden(gate: Tensor, candidate: Tensor) -> Tensor:
        return torch.from_numpy(np.array(gru()(gate, candidate).numpy()))

    report = check_refinement(hidden, MinGru(), gates())
    assert report.verdict is Verdict.REFINES
    assert report.exact.verdict is Verdict.INCONCLUSIVE
    assert "rounding alone" in report.exact.reason


def test_a_in_rounded_numbers_leaves_the_question_open() -> None:
    block = Block(torch.float32)
    x = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(2))
    spec = block.checkpoint.spec()
    spec = type(spec)(**{name: getattr(spec, name) for name in spec.axes})
    exact = check_refinement(block, spec, x).exact
    assert exact.verdict is Verdict.INCONCLUSIVE
    assert "give a MambaCheckpoint" in exact.reason


def test_the_same_formula_in_an_unstable_order_is_an_error_of_rounding() -> None:
    def unstable(gate: Tensor, candidate: Tensor) -> Tensor:
        y = gru()(gate, candidate)
        return (y + 1e6) - 1e6

    report = check_refinement(unstable, MinGru(), gates(), shrink=False)
    assert report.verdict is Verdict.REFUTED
    assert report.exact.verdict is Verdict.EQUAL


def test_an_answer_repeats_with_its_seed() -> None:
    first, again = (check_refinement(gru(), MinGru(), gates()).exact for _ in range(2))
    assert first == again


def test_a_bound_in_float64_is_the_evidence_for_functions_without_laws() -> None:
    report = check_refinement(
        Block(torch.float32, wrong=lambda D: D * (1 + 1e-9)),
        Block(torch.float32).checkpoint,
        torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(2)),
        shrink=False,
        rounding=Rounding.of(torch.float32),
    )
    assert report.exact.verdict is Verdict.DIFFERENT
    assert "float64 shows it" in report.exact.reason


def test_a_rule_that_raises_leaves_the_question_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise ValueError("no such axis")

    monkeypatch.setattr("scanproof.refinement.exact.ask.run_residues", fails)
    report = check_refinement(gru(), MinGru(), gates())
    assert report.verdict is Verdict.REFINES
    assert "a run over a field raised ValueError: no such axis" in report.exact.reason


def test_no_number_nearby_is_no_evidence() -> None:
    """The root by a logarithm is that of positive candidates; some numbers nearby are negative."""

    def by_roots(gate: Tensor, candidate: Tensor) -> Tensor:
        return gru()(gate, (candidate.log() / 2).exp().square())

    inputs = gates()
    inputs["candidate"] = inputs["candidate"].abs() + 1e-3
    report = check_refinement(by_roots, MinGru(), inputs, rounding=Rounding.of(torch.float32, ulps=16))
    assert report.exact.verdict is Verdict.INCONCLUSIVE, report.exact
    assert "unless a law of sqrt makes them equal" in report.exact.reason
