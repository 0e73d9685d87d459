"""What numbers inputs may hold: drawn inputs keep to it, and so does what checks of causality draw."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from refinement.kernels import chunked
from refinement.kernels.recurrences import RECURRENCES
from scanproof import (
    GatedDeltaRule,
    Kernel,
    SelectiveScan,
    SsdScan,
    Verdict,
    certify,
    check_batch,
    check_perturbation,
    check_prefix,
    check_refinement,
)
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.kernels.domains import DECAYS, FRACTIONS, KEYS, LOG_DECAYS, PARTS, STEPS, Domain
from scanproof.refinement.strategies import kernel_inputs
from scanproof.report.report import CheckReport

KERNELS = [*(kernel for kernel, _ in RECURRENCES.values()), SsdScan(), SelectiveScan(), GatedDeltaRule()]
SOME = torch.tensor([-1e30, -7.3, -1.0, -0.5, -1e-9, 0.0, 1e-9, 0.3, 1.0, 1.25, 2.0, 5.9, 1e30])


@pytest.mark.parametrize("domain", [LOG_DECAYS, DECAYS, FRACTIONS, STEPS, PARTS], ids=lambda d: d.meaning)
def test_numbers_are_brought_in_and_those_inside_stay(domain: Domain) -> None:
    brought = domain.brought(SOME)
    assert domain.holds(brought)
    assert not domain.holds(SOME)
    inside = SOME.ge(domain.low) & SOME.le(domain.high)
    assert torch.equal(brought[inside], SOME[inside])
    assert not domain.holds(torch.tensor([torch.nan]))


def test_numbers_are_reflected_so_that_gradients_go_through() -> None:
    x = torch.tensor([1.25, 2.5, -0.25, 0.5], requires_grad=True)
    y = FRACTIONS.brought(x)
    assert y.tolist() == [0.75, 0.5, 0.25, 0.5]
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [-1.0, 1.0, -1.0, 1.0]


def test_keys_are_made_shorter() -> None:
    keys = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], requires_grad=True)
    brought = KEYS.brought(keys)
    assert torch.allclose(brought[0], torch.tensor([0.6, 0.8]))
    assert torch.equal(brought[1:], keys[1:])
    assert KEYS.holds(brought.detach())
    assert not KEYS.holds(keys.detach())
    assert torch.autograd.grad(brought.sum(), keys)[0].isfinite().all()


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_drawn_inputs_are_in_the_domains(kernel: Kernel) -> None:
    drawn = [random_inputs(kernel, seed=seed, dtype=dtype, width=3) for seed in range(3) for dtype in DTYPES]
    for seed in range(30):
        torch.manual_seed(seed)
        drawn += [example(kernel_inputs(kernel), seed)]
    assert set(kernel.domains) <= set(kernel.inputs)
    for inputs in drawn:
        for name in set(kernel.domains) & set(inputs):
            assert kernel.domains[name].holds(inputs[name]), name


DTYPES = (torch.float64, torch.float32, torch.bfloat16)


def example(strategy: SearchStrategy[dict[str, Tensor]], seed: int) -> dict[str, Tensor]:
    """Draw once."""
    import hypothesis

    found: list[dict[str, Tensor]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=2, database=None, deadline=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(strategy)
    def draw(inputs: dict[str, Tensor]) -> None:
        found.append(inputs)

    draw()
    return found[-1]


# ---------------------------------------------------------------- checks of causality

KERNEL = GatedDeltaRule(scale=0.5, norm_eps=1e-6, chunk_size=4)


def delta(leak: float = 0.0, **inputs: Any) -> Tensor:
    state = inputs["v"].new_zeros(len(inputs["v"]), 4, 5, 3)
    y, _ = chunked.delta(torch.matmul, **inputs, initial_state=state)
    return y + leak * inputs["v"].sum(dim=1, keepdim=True)


INPUTS = random_inputs(KERNEL, seed=0, time=16, without=frozenset({"initial_state"}))
CHECKS: dict[str, Callable[..., CheckReport]] = {
    "perturbation": check_perturbation,
    "prefix": check_prefix,
    "batch": check_batch,
    "certificate": certify,
}


@pytest.mark.parametrize("check", CHECKS)
def test_what_checks_draw_is_brought_into_the_domains(check: str) -> None:
    """The form by chunks refines its kernel; beyond the domain of g it overflows, and NaN spreads back."""
    right = check_refinement(
        lambda **x: chunked.delta(torch.matmul, **x, initial_state=torch.zeros(2, 4, 5, 3))[0], KERNEL, INPUTS
    )
    assert right.verdict is Verdict.REFINES, right.summary()
    options: dict[str, Any] = {} if check == "batch" else {"cases": 7}
    found = CHECKS[check](KERNEL.within_domains(delta), INPUTS, **options)
    assert found.verdict.passed, found.summary()
    if check == "perturbation":
        assert check_perturbation(delta, INPUTS, **options).verdict is Verdict.LEAK
    if check != "batch":
        leaks = KERNEL.within_domains(partial(delta, leak=1e-3))
        assert CHECKS[check](leaks, INPUTS).verdict is Verdict.LEAK
