"""Random stacks of causal layers, with and without a random leak: the verdict is that of the ground truth."""

from typing import NamedTuple

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from scanproof import Verdict, certify, check_perturbation
from verdicts import assert_verdict, pair_of
from zoo.layers import LEAKS, PLAIN, ROUNDING, SEEDED, Layer, Stack, pair, residual
from zoo.specimen import D

PASSES = (Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING)

repeatable = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Case(NamedTuple):
    stack: Stack
    x: Tensor


plain = st.sampled_from([*PLAIN, ROUNDING])
seeds = st.builds(lambda make, seed: make(seed), st.sampled_from(SEEDED), st.integers(0, 9))
layers = plain | seeds | plain.map(residual) | seeds.map(residual)


@st.composite
def leaks(draw: st.DrawFn, T: int, digits: int) -> Layer:
    size = 10.0 ** -draw(st.integers(0, digits))
    if draw(st.booleans()):
        return draw(st.sampled_from(LEAKS))(size)
    t = draw(st.integers(0, T - 2))
    return pair(t, draw(st.integers(t + 1, T - 1)), size)


@st.composite
def cases(draw: st.DrawFn, digits: int, dtype: torch.dtype) -> Case:
    T = draw(st.integers(5, 15))
    chosen = draw(st.lists(layers, min_size=1, max_size=4))
    if draw(st.booleans()):
        rounds = any(layer.rounds for layer in chosen)
        leak = draw(leaks(T, min(digits, 4) if rounds else digits))
        chosen.insert(draw(st.integers(0, len(chosen))), leak)
    seed = draw(st.integers(0, 2**16))
    x = torch.randn(draw(st.integers(1, 2)), T, D, generator=torch.Generator().manual_seed(seed))
    return Case(Stack(tuple(chosen)), x.to(dtype))


def later_pairs(case: Case, *, by_gradient: bool) -> Tensor:
    return case.stack.reads(case.x.shape[1], by_gradient=by_gradient).triu(1)


EVERY = [*PLAIN, ROUNDING, *(make(3) for make in SEEDED), *(make(0.5) for make in LEAKS), pair(2, 4, 1e-3)]


@pytest.mark.parametrize("layer", EVERY, ids=repr)
@pytest.mark.parametrize("T", [5, 9, 13])
def test_a_layer_reads_what_it_is_said_to_read(layer: Layer, T: int) -> None:
    x = torch.randn(1, T, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(layer.fn, x)[0, :, :, 0].abs()
    reads = jacobian.amax((1, 3)) > 1e-13 * jacobian.max()
    assert torch.equal(reads, layer.read(T, by_gradient=True).bool())
    if layer.blind:
        changed = layer.fn(x + 1.0) - 1.0 - layer.fn(x)
        assert changed.abs().min() > 0


def has_gradient(case: Case) -> bool:
    """Whether every example has an output with a gradient."""
    x = case.x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(case.stack(x).square().sum(), x, allow_unused=True)
    return gradient is not None and bool(gradient.flatten(1).any(1).all())


@settings(repeatable, max_examples=200)
@given(cases(digits=10, dtype=torch.float32))
def test_the_certificate_says_what_is_true(case: Case) -> None:
    truth = later_pairs(case, by_gradient=True)
    report = certify(case.stack, case.x, cuts="all")
    if truth.any():
        assert report.temporal.verdict is Verdict.LEAK, report.summary()
        pair = pair_of(report)
        assert truth[pair.t, pair.s]
    elif has_gradient(case):
        assert_verdict(report, *PASSES)
    else:
        assert_verdict(report, Verdict.INCONCLUSIVE)


@settings(repeatable, max_examples=100)
@given(cases(digits=6, dtype=torch.float64))
def test_coded_cotangents_say_what_is_true(case: Case) -> None:
    truth = later_pairs(case, by_gradient=True)
    report = certify(case.stack, case.x, cuts="coded")
    if truth.any():
        assert report.temporal.verdict is Verdict.LEAK, report.summary()
        pair = pair_of(report)
        assert truth[pair.t, pair.s]
    else:
        assert_verdict(report, *PASSES)


@settings(repeatable, max_examples=100)
@given(cases(digits=3, dtype=torch.float64))
def test_perturbation_says_what_is_true(case: Case) -> None:
    truth = later_pairs(case, by_gradient=False)
    report = check_perturbation(case.stack, case.x)
    if truth.any():
        assert_verdict(report, Verdict.LEAK)
        assert report.worst is not None
        first, last = report.worst.sources
        assert truth[report.worst.t, first : last + 1].any()
    else:
        assert_verdict(report, *PASSES)
