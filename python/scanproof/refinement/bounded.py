"""Float64 values that carry a bound on how far a rounded evaluation of the same expression may lie from them.

Model (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.1): an operation of
the implementation returns ``x op y`` with a relative error of at most u, the unit roundoff, plus an absolute
error of at most eta when the result underflows. A fused multiply-add rounds once instead of twice. The
``exp``, ``sigmoid`` and ``softplus`` of the implementation are accurate to a declared number of ulps. Nothing
overflows.

A :class:`Bounded` is a value ``v`` computed in a reference arithmetic, float64 or pairs of float64, and an
``error`` such that every evaluation under the model gives a number within ``error`` of ``v``. The ``error``
covers both sides: the rounding of the implementation, and the rounding of the reference in ``v`` itself.
Every bound is rounded outward, so evaluating the bound in float64 cannot make the bound too small.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from scanproof.refinement.arithmetic import (
    FLOAT64,
    SOFTPLUS_THRESHOLD,
    AdjointArithmetic,
    Folding,
    Part,
    Value,
    reduced,
)
from scanproof.refinement.doubled import DOUBLE_DOUBLE
from scanproof.refinement.rounding import Rounding, growth

Floats = NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)


class Bounded:
    """Values of a reference arithmetic, and for each a bound on its distance from the implementation's value.

    Attributes:
        exact: the values, in the reference arithmetic.
        error: the bounds.
        arithmetic: the arithmetic that computed the values and the bounds.
    """

    __slots__ = ("arithmetic", "error", "exact")

    def __init__(self, exact: Value, error: Floats, arithmetic: "BoundedArithmetic") -> None:
        self.exact = exact
        self.error = np.broadcast_to(error, exact.shape)
        self.arithmetic = arithmetic

    @property
    def value(self) -> Floats:
        """The values rounded to float64."""
        return self.arithmetic.reference.nearest(self.exact)

    @property
    def rest(self) -> Floats:
        """The difference between the exact values and :attr:`value`."""
        return self.arithmetic.reference.remainder(self.exact)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of values and bounds."""
        return self.error.shape

    @property
    def size(self) -> Floats:
        """Upper bounds of the magnitudes of the values."""
        return self.arithmetic.reference.size(self.exact)

    @property
    def magnitude(self) -> Floats:
        """Greatest magnitude the implementation's value can have."""
        return _up(self.size + self.error)

    def __getitem__(self, index: Any) -> "Bounded":
        return Bounded(self.exact[index], self.error[index], self.arithmetic)

    def swapaxes(self, first: int, second: int) -> "Bounded":
        """Exchange two axes."""
        return Bounded(
            self.exact.swapaxes(first, second), self.error.swapaxes(first, second), self.arithmetic
        )

    def reshape(self, shape: tuple[int, ...]) -> "Bounded":
        """Reshape values and bounds."""
        return Bounded(self.exact.reshape(shape), self.error.reshape(shape), self.arithmetic)

    def __neg__(self) -> "Bounded":
        return Bounded(-self.exact, self.error, self.arithmetic)

    def __add__(self, other: "Bounded") -> "Bounded":
        size = self.size + other.size
        return self.arithmetic.rounded(self.exact + other.exact, self.error + other.error, size)

    def __mul__(self, other: "Bounded") -> "Bounded":
        spread = self.size * other.error + self.error * other.magnitude
        return self.arithmetic.rounded(self.exact * other.exact, spread)


class BoundedArithmetic(AdjointArithmetic):
    """Running error bounds, for any order of summation and any association of the scan.

    Attributes:
        rounding: the assumptions on the implementation.
        reference: the arithmetic of the values.
        peak: greatest magnitude so far of any intermediate in any evaluation order.
        references: the reference arithmetics to choose from, the more exact one last.
    """

    references: ClassVar[tuple[Folding, Folding]] = (FLOAT64, DOUBLE_DOUBLE)

    def __init__(self, rounding: Rounding, reference: Folding = FLOAT64) -> None:
        self.rounding, self.reference = rounding, reference
        self.peak = 0.0

    @classmethod
    def finer_than(cls, rounding: Rounding) -> Self:
        """Return one whose values are more exact than any that an implementation may compute."""
        return cls(rounding, cls.references[rounding.unit_roundoff <= 2.0**-40])

    def lift(self, array: NDArray[Any]) -> Bounded:
        """Take values that the implementation has exactly."""
        return Bounded(self.reference.lift(FLOAT64.lift(array)), np.zeros(()), self)

    def lift_computed(self, array: NDArray[Any]) -> Bounded:
        """Take values with the error of the implementation's ``exp``, and of the reference's (two ulps)."""
        value = FLOAT64.lift(array)
        size = np.abs(value)
        known = 2 * self.rounding.exp_ulps * self.rounding.unit_roundoff + 2.0**-51
        moved = self._argument_moved() * np.abs(np.log(np.maximum(size, _TINY)))
        return Bounded(
            self.reference.lift(value), _up((known + moved) * size + self.rounding.underflow), self
        )

    def concatenate(self, parts: Sequence[Bounded], axis: int) -> Bounded:
        """Join values and errors along an axis."""
        return Bounded(
            self.reference.concatenate([part.exact for part in parts], axis),
            np.concatenate([part.error for part in parts], axis),
            self,
        )

    def rounded(self, exact: Value, spread: Floats, sizes: Floats | None = None) -> Bounded:
        """Bound one rounded operation whose exact results lie within ``spread`` of each other.

        The error of the reference is relative to ``sizes``; by default, the sizes of the result.
        """
        u, eta, own = self.rounding.unit_roundoff, self.rounding.underflow, self.reference.roundoff
        size = self.reference.size(exact)
        reference = own * (size if sizes is None else sizes)
        reach = _up(size + reference + spread)
        self._meets(reach)
        return Bounded(exact, _up(spread + u * reach + eta + reference), self)

    def product(self, x: Bounded, y: Bounded, z: Bounded) -> Bounded:
        """Bound a product of three factors in any order; the order matters only under underflow."""
        result = (x * y) * z
        sizes = x.magnitude + y.magnitude + z.magnitude
        return Bounded(result.exact, _up(result.error + self.rounding.underflow * sizes), self)

    def dot(self, x: Bounded, y: Bounded, plus: Bounded | None = None) -> Bounded:
        """Bound a sum of n products (and one more term) in any order of summation.

        The bound is the Lean theorem ``Rounding.sum_error`` with rounded products as terms. Each term passes
        through one multiplication and at most n - 1 additions (n with ``plus``), hence at most m factors
        (1 + u), where m is the number of terms. The error is at most ((1 + u)^m - 1) times the sum of the
        magnitudes of the terms (below Higham's gamma_m = m u / (1 - m u)), plus the errors of underflow, plus
        the errors of inexact factors.
        """
        exact = self.reference.dot(x.exact, y.exact, None if plus is None else plus.exact)
        size_x, size_y = x.size, y.size
        spread = _sum_products(size_x, y.error) + _sum_products(x.error, _up(size_y + y.error))
        size = _sum_products(size_x, size_y)
        terms, parts = x.shape[-1], 1
        if plus is not None:
            terms, parts = terms + 1, 2
            spread, size = spread + plus.error, size + plus.size
        return self._sum(exact, spread, size, terms, terms, parts)

    def total(self, parts: Sequence[Part], shape: tuple[int, ...]) -> Bounded:
        """Bound a sum in any order, as :meth:`dot` does; products are rounded even with an accumulator."""
        if len(parts) == 1 and parts[0].y is None and parts[0].x.shape == (parts[0].shape or shape):
            alone: Bounded = parts[0].x
            return alone.reshape(shape)
        spread, size = np.zeros((2, *shape))
        terms, factors = 0, 1
        for x, y, within, _ in parts:
            full = np.broadcast_shapes(x.shape, () if y is None else y.shape)
            within = shape if within is None else within
            count = math.prod(full) // max(math.prod(within), 1)
            outward = 1 + (count + 4) * 2.0**-52
            apart, large = x.error, x.size
            if y is not None:
                factors = 2
                apart, large = large * y.error + apart * y.magnitude, large * y.size
            apart, large = (reduced(part, within).reshape(shape) for part in (apart, large))
            spread, size = spread + apart * outward, size + large * outward
            terms += count
        exact = self.reference.total(
            [Part(x.exact, None if y is None else y.exact, within) for x, y, within, _ in parts], shape
        )
        return self._sum(exact, spread, size, terms, terms + factors - 1, len(parts) + factors)

    def _sum(
        self, exact: Value, spread: Floats, size: Floats, terms: int, roundings: int, parts: int
    ) -> Bounded:
        """Bound a sum with this total ``size`` and number of ``terms``, each rounded ``roundings`` times."""
        grown = self.rounding.growth_of_sum(roundings, parts)
        reach = _up(size + spread)
        self._meets(reach * (1 + grown))
        own = grown * reach + growth(self.reference.roundoff, roundings) * size
        underflow = 2 * terms * (self.rounding.underflow * (1 + grown) + 2 * _TINY)
        return Bounded(exact, _up(spread + own + underflow), self)

    def scatter(self, pieces: Sequence[tuple[Any, Bounded]], shape: tuple[int, ...]) -> Bounded:
        """Return zeros that are exact, with values at indices."""
        error = FLOAT64.scatter([(index, part.error) for index, part in pieces], shape)
        exact = self.reference.scatter([(index, part.exact) for index, part in pieces], shape)
        return Bounded(exact, error, self)

    def broadcast(self, x: Bounded, shape: tuple[int, ...]) -> Bounded:
        """Repeat values and errors."""
        return Bounded(self.reference.broadcast(x.exact, shape), np.broadcast_to(x.error, shape), self)

    def scan(self, a: Bounded, b: Bounded, h0: Bounded) -> Bounded:
        """Bound the states of h_t = a_t h_(t-1) + b_t, in any association or token after token.

        The reference runs sequentially, and its error has a recurrence of its own. Every recurrence of errors
        is a scan of non-negative numbers, whose coefficients are enlarged for two roundings a step.
        """
        exact = self.reference.scan(a.exact, b.exact, h0.exact)
        h = Bounded(exact, np.zeros(()), self).size
        before = np.concatenate([np.broadcast_to(h0.size, h[:, 0].shape)[:, None], h], axis=1)[:, :-1]
        size, own = np.broadcast_to(a.size, h.shape), self.reference.roundoff
        reference = _scan(size, own * (2 * size * before + h) + _TINY, np.zeros_like(h[:, 0]))
        true = before + np.concatenate([np.zeros_like(h[:, :1]), reference], axis=1)[:, :-1]
        bound = self._scan_sequential if self.rounding.order == "sequential" else self._scan_any
        if self.rounding.confidence is not None:
            bound = self._scan_probable
        return Bounded(exact, _up(reference + bound(a, b, h0, _up(true))), self)

    def _scan_any(self, a: Bounded, b: Bounded, h0: Bounded, before: Floats) -> Floats:
        """Bound a scan whose transitions are combined by any binary tree.

        The bound is the Lean theorem ``runDiagonalTransitions_error``. An implementation evaluates a tree
        over h_0 and the transitions, and each operation rounds independently of the others. The result lies
        within ``Rounding.scanBound`` of the exact state. With n = t + 1 transitions and w = 1 + u, this bound
        is

            (w^n g - m) + eta (4 ((n + 1) (M + 1) - 1) p) + d.

        m is the scan on absolute values, and g is the same scan with decays w |a|. Both take the greatest
        magnitudes of the coefficients. g - m has a recurrence of its own, free of cancellation. M is the sum
        of |h_0| and all |b|. p is the product of w^2 max(1, |a|) over h_0 (as a = 0) and all transitions. The
        eta term holds while 8 w^2 eta (n + 1)^2 <= 1; beyond that, the bound is infinite. d is how far the
        inexact coefficients move the exact state, d_t = |a| d_(t-1) + e_a |h| + e_b.
        """
        u, eta = self.rounding.unit_roundoff, self.rounding.underflow
        w_squared = (1 + u) ** 2 * (1 + 2.0**-50)
        reach, b_reach = np.broadcast_to(a.magnitude, before.shape), b.magnitude
        a_error, b_error = np.broadcast_to(a.error, before.shape), b.error
        start, moved = (np.broadcast_to(x, before[:, 0].shape) for x in (h0.magnitude, h0.error))
        m, M, p, g_minus_m = start, start, np.full_like(start, w_squared), np.zeros_like(start)
        error, highest = np.empty(before.shape), m
        for t in range(before.shape[1]):
            size, added, leaves = reach[:, t], b_reach[:, t], t + 2
            moved = _up(size * moved + a_error[:, t] * before[:, t] + b_error[:, t])
            g_minus_m = _up(size * ((1 + u) * g_minus_m + u * m))
            m, p = _up(size * m + added), _up(w_squared * p * np.maximum(size, 1.0))
            grown = growth(u, leaves - 1)
            error[:, t] = moved + grown * m + (1 + grown) * g_minus_m
            highest = np.maximum(highest, np.maximum(m, p))
            if eta and 8 * w_squared * eta * leaves**2 * (1 + 2.0**-50) <= 1:
                M = _up(M + added)
                error[:, t] += eta * (4 * (leaves * (M + 1) - 1) * p)
            elif eta:
                error[:, t] = np.inf
        self._meets(highest * (1 + growth(u, 2 * before.shape[1])))
        return _up(error)

    def _scan_sequential(self, a: Bounded, b: Bounded, h0: Bounded, before: Floats) -> Floats:
        """Bound a scan that goes token after token, with or without fused multiply-adds.

        The bound is the Lean theorem ``Rounding.sequential_error``; where the coefficients are inexact, it is
        ``Rounding.affine_error`` at every step. With w = 1 + u, and A, B the greatest magnitudes of the
        coefficients, the error is

            e' = (w^2 A (|h| + e) + w B + (w + 1) eta) - (|a| |h| + |b|).

        The code sums this expression without cancellation.
        """
        u, eta = self.rounding.unit_roundoff, self.rounding.underflow
        reach, b_reach = np.broadcast_to(a.magnitude, before.shape), b.magnitude
        w_squared_minus_1 = u * (2 + u)
        added = (a.error + w_squared_minus_1 * reach) * before + b.error + u * b_reach + (2 + u) * eta
        error = _scan(reach * (1 + w_squared_minus_1), added, np.broadcast_to(h0.error, before[:, 0].shape))
        self._meets((reach * (before + error) + b_reach) * (1 + u) ** 2)
        return error

    def _scan_probable(self, a: Bounded, b: Bounded, h0: Bounded, before: Floats) -> Floats:
        """Estimate the error of a scan with 2 n independent roundings; no Lean theorem is behind it."""
        u, shape = self.rounding.unit_roundoff, before[:, 0].shape
        reach = np.broadcast_to(a.magnitude, before.shape)
        moved = _scan(reach, a.error * before + b.error, np.broadcast_to(h0.error, shape))
        m = _scan(reach, b.magnitude, np.broadcast_to(h0.magnitude, shape))
        grown = np.array([self.rounding.growth(u, 2 * n) for n in range(1, before.shape[1] + 1)])
        estimate = _up(moved + grown.reshape(-1, *[1] * (before.ndim - 2)) * m)
        return np.minimum(estimate, self._scan_any(a, b, h0, before))

    def exp(self, x: Bounded) -> Bounded:
        """Bound the exponential: an argument moved by e moves the result by at most ``exp(v) (exp(e) - 1)``.

        The result also moves by at most ``exp(v + e)``, which is small even where ``exp(e)`` overflows.
        """
        exact = self.reference.exp(x.exact)
        moved = _up(x.error + self._argument_moved() * x.magnitude)
        with np.errstate(over="ignore", invalid="ignore"):
            spread = np.fmin(self._sure(exact) * _stretch(moved), np.exp(x.value + moved) * (1 + 2.0**-40))
        result = self._function(exact, spread, self.rounding.exp_ulps)
        self._meets(result.magnitude)
        return result

    def sigmoid(self, x: Bounded) -> Bounded:
        """Bound sigmoid, whose slope s(1 - s) <= 1/4 changes by at most a factor exp(e) over a distance e."""
        exact = self.reference.sigmoid(x.exact)
        slope = self._sure(exact) * self._sure(self.reference.sigmoid(-x.exact))
        spread = np.fmin(slope * _stretch(x.error), x.error / 4)
        return self._function(exact, spread, self.rounding.sigmoid_ulps)

    def softplus(self, x: Bounded) -> Bounded:
        """Bound softplus: its slope (sigmoid) grows by at most exp(e) over a distance e; it jumps at 20."""
        exact = self.reference.softplus(x.exact)
        slope = _up(FLOAT64.sigmoid(x.value) * (1 + 2 * FLOAT64.function_error))
        spread = np.fmin(slope * _stretch(x.error), x.error)
        jump = _up(np.log1p(np.exp(-float(SOFTPLUS_THRESHOLD))) * (1 + 2.0**-45))
        spread = spread + np.where(_either_side_of_threshold(x), jump, 0.0)
        return self._function(exact, spread, self.rounding.softplus_ulps)

    def exp_slope(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound the slope ``exp x``, kept or computed again, with every rounding of its argument."""
        factors = growth(self.rounding.unit_roundoff, 2 * self.rounding.exp_argument_roundings)
        return Bounded(y.exact, _up(y.error + factors * y.magnitude), self) if factors else y

    def _argument_moved(self) -> float:
        """Return the relative error with which the argument of exp enters."""
        return growth(self.rounding.unit_roundoff, self.rounding.exp_argument_roundings)

    def sigmoid_slope(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound ``y (1 - y)`` with a rounded difference; near 1 the error is relative to ``y``."""
        return y * (self.lift(np.ones(())) + -y)

    def softplus_slope(self, x: Bounded) -> Bounded:
        """Bound the slope of softplus, sigmoid or exp / (1 + exp) with two more roundings; it jumps at 20."""
        slope = self.sigmoid(x)
        for _ in range(2):
            slope = self.rounded(slope.exact, slope.error)
        jump = _up(np.exp(x.error - SOFTPLUS_THRESHOLD) * (1 + 2.0**-45))
        exact = self.reference.softplus_slope(x.exact)
        error = np.where(x.value > SOFTPLUS_THRESHOLD, 0.0, slope.error)
        error = error + np.where(_either_side_of_threshold(x), slope.error + jump, 0.0)
        return Bounded(exact, _up(error), self)

    def through_softplus(self, gradient: Bounded, x: Bounded) -> Part:
        """Bound a gradient through softplus; up to 20, PyTorch multiplies by ``exp x``, then divides."""
        up_to_threshold = x.value - x.error <= SOFTPLUS_THRESHOLD
        factor = np.exp(np.minimum(x.value + x.error, SOFTPLUS_THRESHOLD) + 2.0**-20)
        self._meets(gradient.magnitude * np.where(up_to_threshold, factor, 1.0))
        return super().through_softplus(gradient, x)

    def silu_slope(self, x: Bounded) -> Bounded:
        """Bound the slope of silu, ``s + x (s (1 - s))`` or, rounded once more, ``s (1 + x (1 - s))``."""
        slope = super().silu_slope(x)
        return self.rounded(slope.exact, slope.error)

    def _function(self, exact: Value, spread: Floats, ulps: float) -> Bounded:
        """Bound a function accurate to the declared ulps; an ulp of y is at most 2 u |y|."""
        own = 2 * ulps * self.rounding.unit_roundoff
        size, known = self._sure(exact), self.reference.function_error
        return Bounded(
            exact, _up(spread + own * _up(size + spread) + self.rounding.underflow + known * size), self
        )

    def _sure(self, exact: Value) -> Floats:
        """Return an upper bound of the true magnitude of a function, given the value of the reference."""
        return _up(self.reference.size(exact) * (1 + 2 * self.reference.function_error))

    def _meets(self, magnitudes: Floats) -> None:
        self.peak = max(self.peak, float(np.nan_to_num(np.max(magnitudes, initial=0.0), nan=np.inf)))


def _up(bound: Floats) -> Floats:
    """Round outward, to cover 30 float64 operations on non-negative numbers and their underflow."""
    raised = bound * (1 + 2.0**-48)
    raised += _TINY
    return raised


def _scan(decays: Floats, inputs: Floats, start: Floats) -> Floats:
    """Return an upper bound of the scan of non-negative numbers from a state before the first token."""
    states: Floats = FLOAT64.scan(decays * (1 + 2.0**-50), _up(inputs), start)
    return states


def _either_side_of_threshold(x: Bounded) -> NDArray[np.bool_]:
    """Return where the softplus argument of the implementation may lie on the other side of 20."""
    near: NDArray[np.bool_] = np.abs(x.value - SOFTPLUS_THRESHOLD) <= x.error + 2.0**-48
    return near


def _stretch(error: Floats) -> Floats:
    """Return an upper bound of exp(error) - 1."""
    bound: Floats = np.expm1(error) * (1 + 2.0**-45)
    return _up(bound)


def _sum_products(x: Floats, y: Floats) -> Floats:
    """Return an upper bound of the sum, over the last axis, of products of non-negative numbers."""
    total: Floats = np.einsum("...j,...j->...", x, y) * (1 + (x.shape[-1] + 4) * 2.0**-52)
    return total
