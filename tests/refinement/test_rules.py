"""Every rule of the bounds by itself: it covers all that its operands may be, and not much more.

Roundings are left out, so that the bound of a result is what the errors of the operands alone make of it. It
is compared with how far the function itself moves over the box of the operands: at its corners and inside.
"""

import itertools
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scanproof import Rounding
from scanproof.refinement.arithmetic import Part
from scanproof.refinement.bounded import Bounded
from scanproof.refinement.kernels.arithmetic import DOUBLE_DOUBLE, FLOAT64, KernelDoubleDouble, KernelFloat64
from scanproof.refinement.kernels.bounds import KernelBounds
from scanproof.refinement.kernels.kernel import constant

NOTHING = Rounding(0.0, 0.0, np.inf, exp_ulps=0.0, sigmoid_ulps=0.0, softplus_ulps=0.0)
ENTRIES = 400


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-np.logaddexp(0, -x))


def softplus(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(x > 20, x, np.logaddexp(0, x))


def wide(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.normal(size=ENTRIES) * 10.0 ** rng.integers(-3, 2, ENTRIES)


def positive(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.abs(wide(rng)) + 1e-3


Reference = KernelFloat64 | KernelDoubleDouble
Rule = tuple[Callable[..., Bounded], Callable[..., Any], tuple[Callable[[np.random.Generator], Any], ...]]

RULES: dict[str, Rule] = {
    "sum": (lambda ar, x, y: x + y, np.add, (wide, wide)),
    "difference": (lambda ar, x, y: x + -y, np.subtract, (wide, wide)),
    "product": (lambda ar, x, y: x * y, np.multiply, (wide, wide)),
    "product of three": (lambda ar, *of: ar.product(*of), lambda x, y, z: x * y * z, (wide, wide, wide)),
    "quotient": (lambda ar, x, y: ar.div(x, y), np.divide, (wide, positive)),
    "sum of products": (
        lambda ar, x, y, z, w, more: ar.dot(pair(ar, x, y), pair(ar, z, w), more),
        lambda x, y, z, w, more: x * z + y * w + more,
        (wide, wide, wide, wide, wide),
    ),
    "gradient of parts": (
        lambda ar, x, y, z: ar.total([Part(x, y), Part(z)], (ENTRIES,)),
        lambda x, y, z: x * y + z,
        (wide, wide, wide),
    ),
    "maximum": (lambda ar, x, y: ar.maximum(x, y), np.maximum, (wide, wide)),
    "minimum": (lambda ar, x, y: -ar.maximum(-x, -y), np.minimum, (wide, wide)),
    "magnitude": (lambda ar, x: ar.maximum(x, -x), np.abs, (wide,)),
    "limits": (
        lambda ar, x, low, high: -ar.maximum(-ar.maximum(x, low), -high),
        lambda x, low, high: np.minimum(np.maximum(x, low), high),
        (wide, wide, lambda rng: 10 + positive(rng)),
    ),
    "root": (lambda ar, x: ar.sqrt(x), np.sqrt, (positive,)),
    "reciprocal root": (lambda ar, x: ar.rsqrt(x), lambda x: x**-0.5, (positive,)),
    "slope of the root": (lambda ar, x: ar.sqrt_slope(x, ar.sqrt(x)), lambda x: x**-0.5 / 2, (positive,)),
    "slope of the reciprocal root": (
        lambda ar, x: ar.rsqrt_slope(x, ar.rsqrt(x)),
        lambda x, y, z: -((x * y * z) ** -0.5) / 2,
        (positive,),
    ),
    "exp": (lambda ar, x: ar.exp(x), np.exp, (wide,)),
    "exp with a shift": (lambda ar, x, shift: ar.shifted_exp(x, shift), lambda x, _: np.exp(x), (wide, wide)),
    "sigmoid": (lambda ar, x: ar.sigmoid(x), sigmoid, (wide,)),
    "slope of sigmoid": (
        lambda ar, x: ar.sigmoid_slope(x, ar.sigmoid(x)),
        lambda x, y: sigmoid(x) * (1 - sigmoid(y)),
        (wide,),
    ),
    "softplus": (lambda ar, x: ar.softplus(x), softplus, (wide,)),
    "slope of softplus": (lambda ar, x: ar.softplus_slope(x), sigmoid, (wide,)),
    "silu": (lambda ar, x: ar.silu(x), lambda x, y: x * sigmoid(y), (wide,)),
    "slope of silu": (
        lambda ar, x: ar.silu_slope(x),
        lambda x, y, z, w: sigmoid(x) + y * sigmoid(z) * (1 - sigmoid(w)),
        (wide,),
    ),
}
"""What the bounds apply, the function, and what its operands are drawn from.

A function of more operands than are drawn gets the last one several times, each with an error of its own: an
implementation rounds each time that it takes it.
"""


def pair(ar: KernelBounds, x: Bounded, y: Bounded) -> Bounded:
    return ar.concatenate([x[:, None], y[:, None]], axis=1)


@pytest.mark.parametrize("reference", [FLOAT64, DOUBLE_DOUBLE], ids=lambda reference: reference.name)
@pytest.mark.parametrize("relative", [1e-2, 1e-6])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_holds_and_is_tight(rule: str, relative: float, reference: Reference) -> None:
    apply, function, draws = RULES[rule]
    rng, ar = np.random.default_rng(0), KernelBounds(NOTHING, reference)
    values = [draw(rng) for draw in draws]
    errors = [np.abs(v) * relative * rng.choice([0.0, 0.3, 1.0], ENTRIES) for v in values]
    bound = apply(ar, *(Bounded(reference.lift(v), e, ar) for v, e in zip(values, errors, strict=True)))
    count = getattr(function, "nin", None) or len(signature(function).parameters)
    boxes = [*zip(values, errors, strict=True)]
    boxes += [boxes[-1]] * (count - len(boxes))
    centre, reached = function(*(value for value, _ in boxes)), np.zeros(ENTRIES)
    for moves in itertools.product((-1, 0, 1) if count > 2 else np.linspace(-1, 1, 9), repeat=count):
        moved = function(*(v + t * e for (v, e), t in zip(boxes, moves, strict=True)))
        reached = np.maximum(reached, np.abs(moved - centre))
    own = 1e-13 * (np.abs(centre) + sum(np.abs(value) for value, _ in boxes))
    assert np.all(reached <= bound.error + own)
    assert np.all(bound.error <= 1.02 * reached + own)


@pytest.mark.parametrize("reference", [FLOAT64, DOUBLE_DOUBLE], ids=lambda reference: reference.name)
def test_a_limit_that_never_binds_adds_nothing(reference: Reference) -> None:
    """However large it is, and however much of it rounding moves."""
    ar = KernelBounds(Rounding.of(torch.float32), reference)
    x = ar.rounded(reference.lift(np.linspace(-3, 3, 50)), np.zeros(50))
    for limit in (10.0, 1e6, 1e30):
        for found in (ar.maximum(x, constant(ar, -limit)), -ar.maximum(-x, constant(ar, -limit))):
            assert np.array_equal(found.value, x.value)
            assert np.all(found.error <= x.error * (1 + 1e-9) + 1e-300)


def test_the_gradient_at_what_a_limit_replaces_is_exactly_zero() -> None:
    ar = KernelBounds(Rounding.of(torch.float32))
    x, one = ar.lift(np.array([-3.0, 1.0, 5.0])), ar.lift(np.ones(3))
    [at_x, at_limit] = ar.through_maximum(one, x, constant(ar, 2.0))
    assert at_x.x.value.tolist() == [0.0, 0.0, 1.0]
    assert at_limit.x.value.tolist() == [1.0, 1.0, 0.0]
    assert at_x.x.error.max() == at_limit.x.error.max() == 0


def test_an_exponential_of_what_is_far_below_zero_is_nearly_exact() -> None:
    """Its argument may err by more than exp can hold."""
    ar = KernelBounds(Rounding.of(torch.bfloat16))
    x = ar.lift(np.array([-1e6, -1e9]))
    moved = Bounded(x.exact, np.array([5e3, 1e6]), ar)
    assert ar.exp(moved).error.max() < 1e-37
