"""Pairs of float64 hold about 100 bits: exact sums and products, functions to mpmath's digits."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanproof.refinement.arithmetic import EXACT, Part
from scanproof.refinement.cases import random_spec
from scanproof.refinement.doubled import DOUBLE_DOUBLE, Pair, pair
from scanproof.refinement.runners import DiagonalS4Spec

numbers = st.floats(-1e60, 1e60).filter(lambda x: x == 0 or abs(x) > 1e-60)


def fraction(x: Pair) -> Fraction:
    return Fraction(float(x.high)) + Fraction(float(x.low))


def renormalised(of: float, rest: float) -> Pair:
    high, low = np.asarray(of), np.asarray(rest * 2.0**-53 * abs(of))
    total = high + low
    return Pair(total, (high - total) + low)


parts = st.builds(renormalised, numbers, st.floats(-1, 1))


@settings(deadline=None)
@given(parts, parts)
def test_sums_and_products_err_by_less_than_declared(x: Pair, y: Pair) -> None:
    a, b = fraction(x), fraction(y)
    roundoff = Fraction(DOUBLE_DOUBLE.roundoff)
    assert abs(fraction(x + y) - (a + b)) <= roundoff * (abs(a) + abs(b))
    assert abs(fraction(x - y) - (a - b)) <= roundoff * (abs(a) + abs(b))
    assert abs(fraction(x * y) - a * b) <= roundoff * abs(a * b)
    if b:
        assert abs(fraction(DOUBLE_DOUBLE.div(x, y)) - a / b) <= 8 * roundoff * abs(a / b)


@settings(deadline=None)
@given(parts, parts, parts)
def test_a_step_of_a_scan_errs_by_no_more_than_a_sum(a: Pair, b: Pair, h: Pair) -> None:
    state = DOUBLE_DOUBLE.scan(a.reshape((1, 1)), b.reshape((1, 1)), h.reshape((1,)))[0, 0]
    product, added = fraction(a) * fraction(h), fraction(b)
    allowed = Fraction(DOUBLE_DOUBLE.roundoff) * (abs(product) + abs(added))
    assert abs(fraction(state) - (product + added)) <= allowed


def test_large_arrays_go_by_blocks_entry_by_entry_alike() -> None:
    rng = np.random.default_rng(0)
    x, y = (
        Pair(high, high * 2.0**-54 * rng.random(shape))
        for shape in ((3, 9000), (3, 1))
        for high in (rng.normal(size=shape),)
    )
    for function in (Pair.__add__, Pair.__mul__, lambda x, y: DOUBLE_DOUBLE.exp(x)):
        whole = function(x, y)
        for row in range(3):
            for place in (0, 8191, 8192, 8999):
                alone = function(x[row, place : place + 1], y[row])
                assert (whole.high[row, place], whole.low[row, place]) == (alone.high[0], alone.low[0])


def threshold(x: mpmath.mpf) -> mpmath.mpf:
    return x if x > 20 else mpmath.log1p(mpmath.exp(x))


FUNCTIONS = {
    "exp": (mpmath.exp, "exp"),
    "log1p": (mpmath.log1p, "log1p"),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), "sigmoid"),
    "softplus": (threshold, "softplus"),
    "silu": (lambda x: x / (1 + mpmath.exp(-x)), "silu"),
}


def samples(seed: int = 0) -> Pair:
    rng = np.random.default_rng(seed)
    near = 20 + rng.uniform(-1e-6, 1e-6, 20)
    small = np.exp(rng.uniform(-60, 0, 100))
    high = np.concatenate([rng.uniform(-690, 700, 200), rng.uniform(-3, 3, 200), near, small, -small])
    return Pair(high, high * rng.uniform(-1, 1, high.shape) * 2.0**-54)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree_with_mpmath(name: str) -> None:
    function, method = FUNCTIONS[name]
    x = samples()
    if name == "log1p":
        x = Pair(np.abs(x.high), np.sign(x.high) * x.low)
    y = getattr(DOUBLE_DOUBLE, method)(x)
    with mpmath.workprec(300):
        for place in range(x.shape[0]):
            exact = function(mpmath.mpf(float(x.high[place])) + mpmath.mpf(float(x.low[place])))
            got = mpmath.mpf(float(y.high[place])) + mpmath.mpf(float(y.low[place]))
            assert abs(got - exact) <= DOUBLE_DOUBLE.function_error * abs(exact), x.high[place]


def test_softplus_above_its_threshold_is_exact_and_large_arguments_stay_finite() -> None:
    x = pair(np.array([20.0, np.nextafter(20.0, 21.0), 800.0, -800.0]))
    y = DOUBLE_DOUBLE.softplus(x)
    assert y.high[0] > 20
    assert y.high[1:3].tolist() == x.high[1:3].tolist()
    assert np.isfinite(y.high).all()
    assert DOUBLE_DOUBLE.sigmoid(x).high.tolist()[2:] == [1.0, pytest.approx(0.0, abs=1e-300)]


def test_runs_are_those_of_exact_arithmetic_to_a_hundred_bits() -> None:

    spec = random_spec(DiagonalS4Spec, {"inputDim": 2, "stateDim": 3, "outputDim": 2}, seed=0)
    x = np.random.default_rng(0).normal(size=(2, 30, 2))
    exact, _ = spec.run(x, arithmetic=EXACT)
    pairs, _ = spec.run(x, arithmetic=DOUBLE_DOUBLE)
    plain, _ = spec.run(x)
    apart = [abs(fraction(pairs[i]) - Fraction(exact[i])) for i in np.ndindex(exact.shape)]
    assert max(apart) < Fraction(2) ** -95
    assert max(abs(Fraction(plain[i]) - Fraction(exact[i])) for i in np.ndindex(exact.shape)) > 2.0**-55


def test_totals_sum_over_repeated_axes() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 1, 3))
    total = DOUBLE_DOUBLE.total([Part(pair(x), pair(y)), Part(pair(x))], (1, 3))
    exact = [
        sum(Fraction(x[b, t, i]) * (Fraction(y[b, 0, i]) + 1) for b in range(2) for t in range(5))
        for i in range(3)
    ]
    for i in range(3):
        assert abs(fraction(total[0, i]) - exact[i]) < Fraction(2) ** -90
