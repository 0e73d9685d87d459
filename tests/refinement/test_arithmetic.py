"""Folds in index order to the bit, surrogates in exact arithmetic, softplus at its threshold."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanproof.refinement.arithmetic import EXACT, FLOAT64, Arithmetic


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=30), st.floats(-1, 1))
def test_dot_is_the_left_fold_from_zero_to_the_bit(pairs: list[tuple[float, float]], extra: float) -> None:
    total = 0.0
    for left, right in pairs:
        total = total + left * right
    x, y = (np.array([pair[i] for pair in pairs], dtype=float) for i in (0, 1))
    assert FLOAT64.dot(x, y).tobytes() == np.float64(total).tobytes()
    assert FLOAT64.dot(x, y, np.float64(extra)).tobytes() == np.float64(total + extra).tobytes()


def test_dot_is_not_a_pairwise_or_reordered_sum() -> None:
    x = np.array([1.0, 2.0**-53, 2.0**-53])
    assert FLOAT64.dot(x, np.ones(3)) == 1.0
    assert FLOAT64.dot(x[::-1], np.ones(3)) > 1.0


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-9, 9)), max_size=20), st.floats(-5, 5))
def test_scan_multiplies_then_adds_to_the_bit(transitions: list[tuple[float, float]], h0: float) -> None:
    h, want = h0, []
    for decay, added in transitions:
        h = decay * h + added
        want.append(h)
    a, b = (np.array([[part[i] for part in transitions]], dtype=float)[..., None] for i in (0, 1))
    got = FLOAT64.scan(a, b, np.array([[h0]]))
    assert got.ravel().tobytes() == np.array(want, dtype=float).tobytes()


def test_functions_of_float64() -> None:
    x = np.array([-800.0, -30.0, -1.0, 0.0, 0.5, 19.9, 20.0])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(FLOAT64.sigmoid(x), 1 / (1 + np.exp(-x)))
    np.testing.assert_allclose(FLOAT64.softplus(x), [math.log1p(math.exp(v)) for v in x], rtol=1e-15)
    np.testing.assert_array_equal(FLOAT64.silu(x[1:]), x[1:] * FLOAT64.sigmoid(x[1:]))
    above = np.array([np.nextafter(20.0, 21.0), 700.0])
    np.testing.assert_array_equal(FLOAT64.softplus(above), above)
    assert FLOAT64.softplus(np.array(20.0)) > 20.0, "the threshold itself still takes the logarithm"


fractions = st.fractions(-30, 30, max_denominator=50)


@given(fractions)
def test_functions_of_exact_arithmetic(x: Fraction) -> None:
    one = EXACT.lift(np.array([x], dtype=object))
    exp = 1 + x + x * x
    assert EXACT.exp(one)[0] == exp
    assert EXACT.sigmoid(one)[0] == 1 / (1 + 1 - x + x * x)
    assert EXACT.silu(one)[0] == x / (2 - x + x * x)
    assert EXACT.softplus(one)[0] == (x if x > 20 else exp + exp * exp)
    assert all(isinstance(f(one)[0], Fraction) for f in (EXACT.exp, EXACT.sigmoid, EXACT.softplus))


@given(st.lists(st.tuples(fractions, fractions), max_size=8), fractions)
def test_exact_sums_and_scans_are_exact(pairs: list[tuple[Fraction, Fraction]], h0: Fraction) -> None:
    x, y = (np.array([pair[i] for pair in pairs], dtype=object) for i in (0, 1))
    x, y = EXACT.lift(x), EXACT.lift(y)
    assert EXACT.dot(x, y) == sum((a * b for a, b in pairs), Fraction(0))
    h = h0
    for a, b in pairs:
        h = a * h + b
    states = EXACT.scan(x[None, :, None], y[None, :, None], EXACT.lift(np.array([[h0]], dtype=object)))
    assert list(states.ravel())[-1:] == ([h] if pairs else [])


def test_lifting_to_exact_keeps_every_bit_of_a_float_and_never_overflows() -> None:
    assert EXACT.lift(np.array([0.1]))[0] == Fraction(0.1)
    big = EXACT.lift(np.array([2**62]))
    assert (big * big)[0] == 2**124


def test_exact_division_by_zero_is_zero() -> None:
    assert EXACT.div(EXACT.lift(np.ones(1)), EXACT.lift(np.zeros(1)))[0] == 0


@pytest.mark.parametrize("arithmetic", [FLOAT64, EXACT])
def test_empty_sums_are_zero(arithmetic: Arithmetic) -> None:
    assert arithmetic.dot(arithmetic.zeros((3, 0)), arithmetic.zeros((3, 0))).tolist() == [0, 0, 0]
