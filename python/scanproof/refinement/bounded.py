"""Float64 values that carry a bound on how far a rounded evaluation of the same expression may lie from them.

Model (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.1): an
implementation's operation returns ``x op y`` with a relative error of at most u, the unit roundoff, plus an
absolute error of at most eta when it underflows; a fused multiply-add rounds once instead of twice. Its
``exp``, ``sigmoid`` and ``softplus`` are accurate to a declared number of ulps. Nothing overflows.

A :class:`Bounded` is a value ``v`` computed in float64 and an ``error`` such that every evaluation under the
model gives a number within ``error`` of ``v``. It counts both sides: the implementation's rounding, and
float64's rounding of ``v`` itself. Every bound is rounded outward, so that its own evaluation in float64
cannot make it too small.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scanproof.errors import InvalidArgument
from scanproof.refinement.arithmetic import FLOAT64, SOFTPLUS_THRESHOLD, AdjointArithmetic, Part, reduced

Floats = NDArray[np.float64]

_U = 2.0**-53
_TINY = float(np.finfo(np.float64).tiny)
_REFERENCE_ULPS = 8.0
"""Accuracy asked of the C library's ``exp`` and ``log`` and of what is made of them."""


@dataclass(frozen=True)
class Rounding:
    """What is assumed of an implementation's arithmetic.

    Attributes:
        unit_roundoff: greatest relative error of one operation (half an ulp of 1 when rounding to nearest).
        underflow: greatest absolute error of one operation whose result underflows.
        largest: magnitude up to which nothing overflows.
        ulps: accuracy of its ``exp``, ``sigmoid`` and ``softplus``, in units in the last place.
        accumulator: unit roundoff within a sum of products, whose result is then rounded once (tensor cores
            and CPU matrix products of half precision accumulate in float32); None where sums are formed like
            everything else.
    """

    unit_roundoff: float
    underflow: float
    largest: float
    ulps: float = 2.0
    accumulator: float | None = None

    @classmethod
    def of(
        cls, dtype: torch.dtype, *, ulps: float = 2.0, accumulator: torch.dtype | None = None
    ) -> "Rounding":
        """Return the rounding to nearest of a floating-point dtype.

        Results below the smallest normal number may be flushed to zero, as many kernels do; float16, whose
        normal numbers end at 6e-5, is taken to keep its subnormal ones.

        Raises:
            InvalidArgument: ``dtype`` or ``accumulator`` is no real floating dtype.
        """
        for given in (dtype, accumulator or dtype):
            if not isinstance(given, torch.dtype) or not given.is_floating_point:
                raise InvalidArgument(
                    f"rounding in {given!r} is not modelled; give a real floating dtype, as torch.float32, or"
                    " a scanproof.Rounding."
                )
        info = torch.finfo(dtype)
        underflow = info.smallest_normal if dtype != torch.float16 else info.smallest_normal * info.eps
        within = None if accumulator is None else torch.finfo(accumulator).eps / 2
        return cls(info.eps / 2, underflow, info.max, ulps, within)

    def __str__(self) -> str:
        accumulator = "" if self.accumulator is None else f", {self.accumulator:.3g} within sums of products"
        return (
            f"unit roundoff {self.unit_roundoff:.3g}{accumulator}, exp and its kin within {self.ulps:g} ulp,"
            " any order of summation, any association of the scan"
        )

    def growth_of_sum(self, terms: int, parts: int) -> float:
        """Return at least (1 + u)^k - 1 over the k roundings that a term of a sum meets.

        The sum has so many ``terms``. With an accumulator of its own, a term also meets roundings outside of
        it, as many as there are ``parts``.
        """
        if self.accumulator is None:
            return growth(self.unit_roundoff, terms)
        within, rounded = growth(self.accumulator, terms), growth(self.unit_roundoff, parts)
        return (within + rounded + within * rounded) * (1 + 2.0**-45)


class Bounded:
    """A float64 array, and a bound on the distance of the implementation's value from each entry."""

    __slots__ = ("arithmetic", "error", "value")

    def __init__(self, value: Floats, error: Floats, arithmetic: "BoundedArithmetic") -> None:
        self.value = value
        self.error = np.broadcast_to(error, value.shape)
        self.arithmetic = arithmetic

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of both arrays."""
        return self.value.shape

    @property
    def magnitude(self) -> Floats:
        """Greatest magnitude the implementation's value can have."""
        return _up(np.abs(self.value) + self.error)

    def __getitem__(self, index: Any) -> "Bounded":
        return Bounded(self.value[index], self.error[index], self.arithmetic)

    def swapaxes(self, first: int, second: int) -> "Bounded":
        """Exchange two axes."""
        return Bounded(
            self.value.swapaxes(first, second), self.error.swapaxes(first, second), self.arithmetic
        )

    def __neg__(self) -> "Bounded":
        return Bounded(-self.value, self.error, self.arithmetic)

    def __add__(self, other: "Bounded") -> "Bounded":
        return self.arithmetic.rounded(self.value + other.value, self.error + other.error)

    def __mul__(self, other: "Bounded") -> "Bounded":
        spread = np.abs(self.value) * other.error + self.error * other.magnitude
        return self.arithmetic.rounded(self.value * other.value, spread)


class BoundedArithmetic(AdjointArithmetic):
    """Running error bounds, for any order of summation and any association of the scan.

    Attributes:
        rounding: the assumptions on the implementation.
        peak: greatest magnitude met so far by any intermediate of any evaluation order.
    """

    def __init__(self, rounding: Rounding) -> None:
        self.rounding = rounding
        self.peak = 0.0

    def lift(self, array: NDArray[Any]) -> Bounded:
        """Take values that the implementation has exactly."""
        value = FLOAT64.lift(array)
        return Bounded(value, np.zeros(()), self)

    def lift_computed(self, array: NDArray[Any]) -> Bounded:
        """Take values that the implementation has to the declared ulps."""
        return self._function(FLOAT64.lift(array), np.zeros(()))

    def concatenate(self, parts: Sequence[Bounded], axis: int) -> Bounded:
        """Join values and errors along an axis."""
        return Bounded(
            np.concatenate([part.value for part in parts], axis),
            np.concatenate([part.error for part in parts], axis),
            self,
        )

    def rounded(self, value: Floats, spread: Floats) -> Bounded:
        """Bound one rounded operation whose exact results lie within ``spread`` of each other."""
        u, eta = self.rounding.unit_roundoff, self.rounding.underflow
        size = np.abs(value)
        reach = _up(size * (1 + 2 * _U) + spread)
        self._meets(reach)
        return Bounded(value, _up(spread + u * reach + eta + _U * size), self)

    def product(self, x: Bounded, y: Bounded, z: Bounded) -> Bounded:
        """Bound a product of three in any order; only where an intermediate underflows does it matter."""
        result = (x * y) * z
        sizes = x.magnitude + y.magnitude + z.magnitude
        return Bounded(result.value, _up(result.error + self.rounding.underflow * sizes), self)

    def dot(self, x: Bounded, y: Bounded, plus: Bounded | None = None) -> Bounded:
        """Bound a sum of n products (and one more term) in any order of summation.

        The Lean theorem ``Rounding.sum_error``, its terms rounded products: each passes through one
        multiplication and at most n - 1 additions (n with ``plus``), hence at most m factors (1 + u), where m
        counts the terms; the error is at most ((1 + u)^m - 1) times the sum of the terms' magnitudes (below
        Higham's gamma_m = m u / (1 - m u)) plus what underflows add, and what inexact factors add.
        """
        eta = self.rounding.underflow
        value = FLOAT64.dot(x.value, y.value)
        absolute_x, reach_y = np.abs(x.value), y.magnitude
        spread = _sum_products(absolute_x, y.error) + _sum_products(x.error, reach_y)
        size = _sum_products(absolute_x, np.abs(y.value))
        products, others = x.shape[-1], 0
        if plus is not None:
            value, others = value + plus.value, 1
            spread, size = spread + plus.error, size + np.abs(plus.value)
        grown = self.rounding.growth_of_sum(products + others, 1 + others)
        reach = _up(size + spread)
        self._meets(reach * (1 + grown))
        rounding = grown * reach + growth(_U, products + others) * size
        underflow = 2 * (products + others) * (eta * (1 + grown) + 2 * _TINY)
        return Bounded(value, _up(spread + rounding + underflow), self)

    def total(self, parts: Sequence[Part], shape: tuple[int, ...]) -> Bounded:
        """Bound a sum in any order, as :meth:`dot` does; products are rounded, also under an accumulator."""
        if len(parts) == 1 and parts[0].y is None and parts[0].x.shape == (parts[0].shape or shape):
            return Bounded(parts[0].x.value.reshape(shape), parts[0].x.error.reshape(shape), self)
        value, spread, size = np.zeros((3, *shape))
        terms, factors = 0, 1
        for x, y, within in parts:
            full = np.broadcast_shapes(x.shape, () if y is None else y.shape)
            within = shape if within is None else within
            count = math.prod(full) // max(math.prod(within), 1)
            outward = 1 + (count + 4) * 2.0**-52
            if y is None:
                sums = (x.value, x.error, np.abs(x.value))
            else:
                factors = 2
                apart = np.abs(x.value) * y.error + x.error * y.magnitude
                sums = (x.value * y.value, apart, np.abs(x.value) * np.abs(y.value))
            own, apart, large = (reduced(part, within).reshape(shape) for part in sums)
            value, spread, size = value + own, spread + apart * outward, size + large * outward
            terms += count
        eta, roundings = self.rounding.underflow, terms + factors - 1
        grown = self.rounding.growth_of_sum(roundings, len(parts) + factors)
        reach = _up(size + spread)
        self._meets(reach * (1 + grown))
        rounding = grown * reach + growth(_U, roundings) * size
        underflow = 2 * terms * (eta * (1 + grown) + 2 * _TINY)
        return Bounded(value, _up(spread + rounding + underflow), self)

    def scatter(self, part: Bounded, index: Any, shape: tuple[int, ...]) -> Bounded:
        """Return zeros that are exact, with a part at an index."""
        value, error = (FLOAT64.scatter(array, index, shape) for array in (part.value, part.error))
        return Bounded(value, error, self)

    def broadcast(self, x: Bounded, shape: tuple[int, ...]) -> Bounded:
        """Repeat values and errors."""
        return Bounded(np.broadcast_to(x.value, shape), np.broadcast_to(x.error, shape), self)

    def scan(self, a: Bounded, b: Bounded, h0: Bounded) -> Bounded:
        """Bound the states of h_t = a_t h_(t-1) + b_t, the transitions combined by any binary tree.

        The Lean theorem ``runDiagonalTransitions_error``: whatever a tree over h_0 and the transitions that
        the implementation has evaluates to, every operation rounding in a way of its own, lies within
        ``Rounding.scanBound`` of the exact state. With n = t + 1 transitions and w = 1 + u that is

            (w^n g - m) + eta (4 ((n + 1) (M + 1) - 1) p) + d.

        m is the scan on absolute values and g the same with decays w |a|, both of the greatest magnitudes of
        the coefficients; g - m has a recurrence of its own, free of cancellation. M is the sum of |h_0| and
        all |b|, p the product of w^2 max(1, |a|) over h_0 (as a = 0) and all transitions, and the eta term
        holds while 8 w^2 eta (n + 1)^2 <= 1; beyond, the bound is infinite. d is how far the inexact
        coefficients move the exact state, d_t = |a| d_(t-1) + e_a |h| + e_b.

        The float64 value, a sequential run, has an error recurrence of its own.
        """
        u, eta = self.rounding.unit_roundoff, self.rounding.underflow
        value = FLOAT64.scan(a.value, b.value, h0.value)
        error = np.zeros_like(value)
        a_size, a_error, a_reach = (
            np.broadcast_to(part, value.shape) for part in (np.abs(a.value), a.error, a.magnitude)
        )
        b_reach = b.magnitude
        h = np.broadcast_to(h0.value, value.shape[:1] + value.shape[2:])
        reference = np.zeros_like(h)
        moved = np.array(np.broadcast_to(h0.error, h.shape))
        m = np.array(np.broadcast_to(h0.magnitude, h.shape))
        g_minus_m = np.zeros_like(h)
        w_squared = _up(np.asarray((1 + u) ** 2))
        p, total = w_squared * np.ones_like(h), m
        segment, longest, top = np.ones_like(h), np.ones_like(h), m
        for t in range(value.shape[1]):
            h_size = np.abs(h)
            size, reach = a_size[:, t], a_reach[:, t]
            moved = _up(reach * moved + a_error[:, t] * _up(h_size + reference) + b.error[:, t])
            h = value[:, t]
            reference = _up(size * reference + _U * (size * h_size + np.abs(h)) + _TINY)
            g_minus_m = _up(reach * (1 + u) * g_minus_m + u * reach * m)
            m = _up(reach * m + b_reach[:, t])
            p, total = _up(p * w_squared * np.maximum(reach, 1)), _up(total + b_reach[:, t])
            segment = _up(reach * np.maximum(segment, 1))
            longest, top = np.maximum(longest, segment), np.maximum(top, m)
            leaves = t + 2
            error[:, t] = _up(reference + moved + growth(u, leaves - 1) * _up(m + g_minus_m) + g_minus_m)
            if eta:
                rare = _up(8 * w_squared * eta * leaves**2) <= 1
                underflow = np.where(rare, _up(eta * (4 * (leaves * (total + 1) - 1) * p)), np.inf)
                error[:, t] = _up(error[:, t] + underflow)
        self._meets(np.maximum(longest, top) * (1 + growth(u, 2 * value.shape[1])))
        return Bounded(value, error, self)

    def exp(self, x: Bounded) -> Bounded:
        """Bound the exponential: an argument moved by e moves it by at most ``exp(v) (exp(e) - 1)``."""
        value = FLOAT64.exp(x.value)
        result = self._function(value, _sure(value) * _stretch(x.error))
        self._meets(result.magnitude)
        return result

    def sigmoid(self, x: Bounded) -> Bounded:
        """Bound sigmoid, whose slope s(1 - s) <= 1/4 changes by at most a factor exp(e) over a distance e."""
        value = FLOAT64.sigmoid(x.value)
        slope = _sure(value) * _sure(FLOAT64.sigmoid(-x.value))
        return self._function(value, np.fmin(slope * _stretch(x.error), x.error / 4))

    def softplus(self, x: Bounded) -> Bounded:
        """Bound softplus: its slope (sigmoid) grows by at most exp(e) over a distance e; at 20 it jumps."""
        value = FLOAT64.softplus(x.value)
        slope = _sure(FLOAT64.sigmoid(x.value))
        spread = np.fmin(slope * _stretch(x.error), x.error)
        either_side = np.abs(x.value - SOFTPLUS_THRESHOLD) <= x.error
        jump = _sure(np.log1p(np.exp(-float(SOFTPLUS_THRESHOLD))))
        return self._function(value, spread + np.where(either_side, jump, 0.0))

    def exp_slope(self, x: Bounded, y: Bounded) -> Bounded:
        """Return the exponential itself, which implementations keep or compute again."""
        return y

    def sigmoid_slope(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound ``y (1 - y)``, the difference rounded; near 1 its error is relative to ``y``, not to it."""
        return y * (self.lift(np.ones(())) + -y)

    def softplus_slope(self, x: Bounded) -> Bounded:
        """Bound the slope of softplus: sigmoid, or exp / (1 + exp), two roundings more; at 20 it jumps."""
        slope = self.sigmoid(x)
        for _ in range(2):
            slope = self.rounded(slope.value, slope.error)
        either_side = np.abs(x.value - SOFTPLUS_THRESHOLD) <= x.error
        jump = _sure(np.exp(-float(SOFTPLUS_THRESHOLD)) * np.exp(x.error))
        above = x.value > SOFTPLUS_THRESHOLD
        error = np.where(above, 0.0, slope.error) + np.where(either_side, slope.error + jump, 0.0)
        return Bounded(np.where(above, 1.0, slope.value), _up(error), self)

    def through_softplus(self, gradient: Bounded, x: Bounded) -> Part:
        """Bound it; up to 20 PyTorch multiplies by ``exp x`` before it divides by ``1 + exp x``."""
        up_to_threshold = x.value - x.error <= SOFTPLUS_THRESHOLD
        factor = np.exp(np.minimum(x.value + x.error, SOFTPLUS_THRESHOLD) + 2.0**-20)
        self._meets(gradient.magnitude * np.where(up_to_threshold, factor, 1.0))
        return super().through_softplus(gradient, x)

    def silu_slope(self, x: Bounded) -> Bounded:
        """Bound the slope of silu, ``s + x (s (1 - s))`` or ``s (1 + x (1 - s))``, one rounding longer."""
        slope = super().silu_slope(x)
        return self.rounded(slope.value, slope.error)

    def _function(self, value: Floats, spread: Floats) -> Bounded:
        """Bound a function accurate to the declared ulps, an ulp of y being at most 2 u |y|."""
        own = 2 * self.rounding.ulps * self.rounding.unit_roundoff
        error = spread + own * _up(_sure(np.abs(value)) + spread) + self.rounding.underflow
        return Bounded(value, _up(error + 2 * _REFERENCE_ULPS * _U * np.abs(value)), self)

    def _meets(self, magnitudes: Floats) -> None:
        self.peak = max(self.peak, float(np.nan_to_num(np.max(magnitudes, initial=0.0), nan=np.inf)))


def _up(bound: Floats) -> Floats:
    """Round outward: makes up for 30 float64 operations on non-negative numbers, and for their underflow."""
    return bound * (1 + 2.0**-48) + _TINY


def _sure(value: Floats) -> Floats:
    """Return an upper bound of a positive function's true value, given the reference's."""
    return _up(value * (1 + 4 * _REFERENCE_ULPS * _U))


def _stretch(error: Floats) -> Floats:
    """Return at least exp(error) - 1."""
    bound: Floats = np.expm1(error) * (1 + 2.0**-45)
    return _up(bound)


def growth(u: float, roundings: int) -> float:
    """Return at least (1 + u)^roundings - 1."""
    return float(np.expm1(roundings * np.log1p(u))) * (1 + 2.0**-45)


def _sum_products(x: Floats, y: Floats) -> Floats:
    """Return at least the sum over the last axis of products of non-negative numbers."""
    total: Floats = np.einsum("...j,...j->...", x, y) * (1 + (x.shape[-1] + 4) * 2.0**-52)
    return total
