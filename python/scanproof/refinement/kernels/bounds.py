"""Bounds of kernels beyond trees of transitions: decays as sums of logarithms, and complex states."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from scanproof.refinement.arithmetic import Part
from scanproof.refinement.bounded import _TINY, Bounded, BoundedArithmetic, Floats, _scan, _up
from scanproof.refinement.kernels.arithmetic import (
    DOUBLE_DOUBLE,
    FLOAT64,
    Complex,
    KernelAdjoint,
    KernelFolding,
    Steps,
)
from scanproof.refinement.rounding import Rounding, growth

_COMPLEX = 3.0
"""The error of a complex operation is at most this many unit roundoffs of the modulus of its result.

The error of a product is sqrt(2) gamma_2 (Higham, Lemma 3.5), and the error of a sum is 1 unit roundoff. The
rest covers the terms of second order.
"""


class KernelBounds(BoundedArithmetic, KernelAdjoint):
    """Running error bounds of kernels.

    ``log_window`` is the window in tokens of an implementation that adds logarithms of decays. Such an
    implementation adds the logarithms over stretches of at most this many tokens, and then adds the sums of
    these stretches. It takes ``exp`` of such sums and of their differences, and forms the output as a sum
    over pairs of tokens. The chunked forms of Mamba-2, gated linear attention and mLSTM work this way. No
    theorem covers these sums: the argument is in :meth:`decaying_scan`, and for gradients in
        :meth:`through_sums`.
    ``gradient_log_window`` is the window over which a backward pass adds up gradients at logarithms; by
    default, it is ``log_window``.
    """

    reference: KernelFolding
    references: ClassVar = (FLOAT64, DOUBLE_DOUBLE)

    def __init__(
        self,
        rounding: Rounding,
        reference: KernelFolding = FLOAT64,
        *,
        log_window: int = 0,
        gradient_log_window: int | None = None,
    ) -> None:
        super().__init__(rounding, reference)
        self.log_window = log_window
        self.gradient_log_window = log_window if gradient_log_window is None else gradient_log_window

    @classmethod
    def finer_than(
        cls, rounding: Rounding, log_window: int = 0, gradient_log_window: int | None = None
    ) -> Self:
        """Return one whose values are more exact than any that an implementation may compute."""
        made = super().finer_than(rounding)
        made.log_window = log_window
        made.gradient_log_window = log_window if gradient_log_window is None else gradient_log_window
        return made

    def div(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound a quotient; the bound is infinite if the divisor may be zero."""
        divisor, rest = np.abs(y.value), np.maximum(np.abs(y.value) * (1 - 2.0**-45) - y.error, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = self.reference.div(x.exact, y.exact)
            spread = _up((x.size * y.error + x.error * divisor) / (divisor * rest))
        return self.rounded(exact, np.where(rest > 0, spread, np.inf))

    def sqrt(self, x: Bounded) -> Bounded:
        """Bound a square root of a non-negative number that moves by e up or down.

        If the number shrinks, the root moves by
        ``sqrt x - sqrt max(x - e, 0) = min(x, e) / (sqrt x + sqrt max(x - e, 0))``. If the number grows, the
        root moves by ``sqrt(x + e) - sqrt x = e / (sqrt(x + e) + sqrt x)``, which is greater near zero.
        """
        least = np.maximum(x.value * (1 - 2.0**-50), 0.0)
        root = np.sqrt(least)
        with np.errstate(divide="ignore", invalid="ignore"):
            down = np.minimum(x.size, x.error) / (root + np.sqrt(np.maximum(least - x.error, 0.0)))
            up = x.error / (root + np.sqrt(least + x.error))
        moved = x.error > 0
        spread = np.maximum(np.where(moved & (least > 0), down, 0.0), np.where(moved, up, 0.0))
        return self._function(self.reference.sqrt(x.exact), _up(spread), ulps=1.0)

    def maximum(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound the greater of two by the Lean theorem ``greater_error``; the maximum itself is exact.

        With ``x >= y`` and ``gap = x - y``, the maximum of the implementation lies between
        ``x - min(e_x, gap + e_y)`` and ``x + max(e_x, e_y - gap)``. An argument that is never the greater one
        adds no error.
        """
        exact = self.reference.maximum(x.exact, y.exact)
        gap = np.abs(x.value - y.value) - 2.0**-50 * (x.size + y.size)
        first = self.reference.at_least(x.exact, y.exact)
        greater, lesser = np.where(first, x.error, y.error), np.where(first, y.error, x.error)
        return Bounded(exact, _up(np.maximum(greater, lesser - np.maximum(gap, 0.0))), self)

    def through_maximum(self, gradient: Bounded, x: Bounded, y: Bounded) -> tuple[Part, Part]:
        """Bound a gradient through a maximum: it may all go to either argument if either may be greater."""
        either = np.abs(x.value - y.value) <= (x.error + y.error) + 2.0**-45 * (x.size + y.size)
        first = self.reference.at_least(x.exact, y.exact)

        def passes(where: NDArray[np.bool_]) -> Part:
            kept = gradient.exact * self.reference.lift(1.0 * where)
            error = np.where(either, gradient.magnitude, np.where(where, gradient.error, 0.0))
            return Part(Bounded(kept, error, self))

        return passes(first), passes(~first)

    def inner(self, x: Bounded, y: Bounded, plus: Bounded | None = None) -> Bounded:
        """Bound a sum of products whose factors are not rounded to the ``operands`` of the rounding."""
        with self._assuming(replace(self.rounding, operands=0.0)):
            return self.dot(x, y, plus)

    def matrix_products(self, x: Bounded) -> Bounded:
        """Bound products ``k v`` that an implementation may sum over tokens as a matrix product ``kᵀ v``.

        Both factors are then rounded to the ``operands`` of the rounding, with or without a decay in one.
        """
        rounded = growth(self.rounding.operands, 2)
        return Bounded(x.exact, _up(x.error + rounded * x.magnitude), self) if rounded else x

    @contextmanager
    def _assuming(self, rounding: Rounding) -> Iterator[None]:
        """Assume another rounding for a while."""
        before, self.rounding = self.rounding, rounding
        try:
            yield
        finally:
            self.rounding = before

    def _states(self, decays: Bounded, b: Bounded, h0: Bounded) -> Bounded:
        """Bound the scan with sums over tokens in a possibly coarser accumulator."""
        with self._assuming(replace(self.rounding, unit_roundoff=self._coarsest)):
            return self.scan(decays, b, h0)

    @property
    def _coarsest(self) -> float:
        return max(self.rounding.unit_roundoff, self.rounding.accumulator or 0.0)

    def decaying_scan(self, decays: Bounded, logs: Bounded, b: Bounded, h0: Bounded) -> Bounded:
        """Bound the states of :meth:`scan`, also if an implementation adds logarithms of decays.

        Token s adds the term ``P(t, s) b_s`` to the state at t, where P is the product of the decays between
        s and t. An implementation computes ``P exp(theta)`` in place of P. Here theta is the rounding error
        of the sums in the exponents, at most ``2 g (L(t, s) + W)``. g bounds the relative error of a sum over
        the window plus a sum over windows. L is the sum of the magnitudes of the logarithms between s and t,
        and W is the greatest such sum over one window. A recurrence sums the errors of the terms: with the
        decays ``a exp(2 g |log a|)``, it gives the greatest possible terms. Each term then enters a sum over
        the tokens of a window, a sum over windows, and up to 8 more products. If the factors of matrix
        products are rounded, the term meets one more matrix product between windows.
        """
        states = self._states(decays, b, h0)
        if not self.log_window:
            return states
        return self._regrouped(
            states, decays, b, h0, logs, np.maximum.accumulate(self._windows(logs), axis=1)
        )

    def decaying_scan_back(self, decays: Bounded, logs: Bounded, b: Bounded, h0: Bounded) -> Bounded:
        """Bound the backward scan with W over all windows, because sums may begin at any earlier token."""
        states = self._states(decays, b, h0)
        if not self.log_window:
            return states
        return self._regrouped(states, decays, b, h0, logs, self._windows(logs).max(axis=1, keepdims=True))

    def _windows(self, logs: Bounded) -> Floats:
        """Return the sums of magnitudes over the window that ends with each token."""
        size, sums = logs.magnitude, np.empty(logs.shape)
        for t in range(logs.shape[1]):
            sums[:, t] = size[:, max(t + 1 - self.log_window, 0) : t + 1].sum(axis=1)
        return sums

    def _roundings(self, log_window: int, time: int) -> int:
        """Return the number of terms of a sum over the tokens of a window, plus one over windows.

        A window longer than the sequence sums only the tokens of the sequence, because adding zeros is exact.
        A window of a single token sums nothing. Its exponent holds one logarithm, and the maximum before and
        after the token.
        """
        if log_window == 1:
            return 4
        window = max(min(log_window, time), 1)
        return window + -(-time // window) + 1

    def _regrouped(
        self, states: Bounded, decays: Bounded, b: Bounded, h0: Bounded, logs: Bounded, widest: Floats
    ) -> Bounded:
        u, shape = self._coarsest, states.shape
        terms, carried = self._roundings(self.log_window, shape[1]), growth(self.rounding.operands, 2)
        relative, regrouped = 2 * growth(u, terms), growth(u, terms + 8)
        regrouped = carried + (1 + carried) * regrouped
        size, reach, widest = (
            np.broadcast_to(each, shape) for each in (logs.magnitude, decays.magnitude, widest)
        )
        added = b.magnitude
        m = np.array(np.broadcast_to(h0.magnitude, shape[:1] + shape[2:]))
        moved = np.zeros_like(m)
        error = np.array(states.error)
        for t in range(shape[1]):
            stretch = np.expm1(relative * size[:, t])
            moved = _up(reach[:, t] * ((1 + stretch) * moved + stretch * m))
            m = _up(reach[:, t] * m + added[:, t])
            either_end = np.expm1(relative * widest[:, t])
            apart = _up((1 + either_end) * moved + either_end * m)
            error[:, t] = _up(error[:, t] + apart + regrouped * (m + apart))
        return Bounded(states.exact, error, self)

    def through_sums(self, forward: Steps, backward: Steps, logs: Bounded) -> Part | None:
        """Bound the errors that do not cancel in the gradient at added logarithms.

        The output is a sum of terms ``Q(t, s) = G_t P(t, s) b_s`` with s up to t. G is what the state at t
        receives from outside, ``P(t, s) = exp(l_t - l_s)``, and l are the sums of the logarithms. The
        gradient at ``log a_r`` is the sum of the terms with s < r <= t, which is how the adjoint of the scan
        computes it. An implementation that adds logarithms adds each Q to the gradient at ``l_t`` and
        subtracts Q at ``l_s``. It then adds the gradients at the sums from the last token to r.

        In this sum the terms with s >= r cancel, but their errors do not. The relative error of each term is
        that of the terms of the states at t and of the gradients at s (:meth:`decaying_scan`). In addition
        the term meets two sums over tokens, one sum over the entries of a state that share a decay, and 16
        more operations, one of which is a matrix product. The magnitudes of the terms with t >= r add up to
        ``|G_t| m_t``, and those of the terms with s >= r to ``|b_s| n_s``. m and n are the forward and the
        backward scan of magnitudes. If an implementation computes the sum over a window as a difference of
        running totals, the sum reaches up to one window further back.
        """
        window = self.gradient_log_window
        if not window:
            return None
        u, shape = self._coarsest, forward.states.shape
        time, shared = shape[1], math.prod(shape) // math.prod(logs.shape)
        rounded = growth(self.rounding.operands, 2)
        more = rounded + (1 + rounded) * growth(u, 2 * time + shared + self._roundings(window, time) + 16)
        outside = backward.inputs[:, :time][:, ::-1].magnitude * self._off(forward, more)
        inside = forward.inputs.magnitude * self._off(backward, more)[:, :time][:, ::-1]
        left = np.add.accumulate((outside + inside)[:, ::-1], axis=1)[:, ::-1] * (1 + time * 2.0**-50)
        from_window = np.maximum(np.arange(time) + 1 - window, 0)
        return Part(Bounded(self.zeros(shape).exact, _up(left[:, from_window]), self))

    def _off(self, steps: Steps, more: float) -> Floats:
        """Bound the sum of the errors of the terms of each state, after further operations."""
        a, b, states = steps.decays.magnitude, steps.inputs.magnitude, steps.states
        sizes = _scan(np.broadcast_to(a, b.shape), b, np.broadcast_to(steps.start.magnitude, b[:, 0].shape))
        return _up(states.error + more * (sizes + states.error))

    def complex_scan(self, a: Complex, b: Complex, h0: Complex) -> Complex:
        """Bound complex states whose transitions are combined by any binary tree.

        The bound is the bound of the real scan on moduli with the unit roundoff of complex operations, once
        for the implementation and once for the reference. The states of the scan of moduli are at least the
        moduli of the complex states. The error of a sum of pairs is relative to the terms, not to the sum;
        the scan of moduli bounds the terms, too.
        """
        plain = [(re.exact, im.exact) for re, im in (a, b, h0)]
        re, im = self.reference.complex_scan(*plain)
        error = np.zeros(re.shape)
        own = replace(self.rounding, unit_roundoff=2 * self.reference.roundoff, underflow=_TINY, order="any")
        for rounding in (self.rounding, own):
            complex_ops = replace(
                rounding,
                unit_roundoff=_COMPLEX * rounding.unit_roundoff,
                underflow=4 * _COMPLEX * rounding.underflow,
            )
            moduli = BoundedArithmetic(complex_ops)
            error = error + moduli.scan(*(_modulus(moduli, *part) for part in (a, b, h0))).error
            self._meets(np.asarray(moduli.peak))
        return Bounded(re, _up(error), self), Bounded(im, _up(error), self)

    def shifted_exp(self, x: Bounded, shift: Bounded) -> Bounded:
        """Bound ``exp x`` where an implementation subtracts a shift and multiplies by its exponential."""
        argument = 4 * self.rounding.unit_roundoff * (x.magnitude + shift.magnitude)
        return self.exp(Bounded(x.exact, _up(x.error + argument), self))


def _modulus(arithmetic: BoundedArithmetic, re: Bounded, im: Bounded) -> Bounded:
    value: Floats = _up(np.hypot(re.size, im.size))
    return Bounded(value, _up(np.hypot(re.error, im.error)), arithmetic)
