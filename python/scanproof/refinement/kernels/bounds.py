"""Bounds for what kernels do beyond trees of transitions: decays as sums of logarithms, complex states."""

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np

from scanproof.refinement.bounded import _TINY, Bounded, BoundedArithmetic, Floats, _up
from scanproof.refinement.kernels.arithmetic import (
    DOUBLE_DOUBLE,
    FLOAT64,
    Complex,
    KernelArithmetic,
    KernelFolding,
)
from scanproof.refinement.rounding import Rounding, growth

_COMPLEX = 3.0
"""A complex operation errs by at most this many unit roundoffs of the modulus of its result.

A product by sqrt(2) gamma_2 (Higham, Lemma 3.5), a sum by 1; the excess covers what is of second order.
"""


class KernelBounds(BoundedArithmetic, KernelArithmetic):
    """Running error bounds of kernels.

    With ``log_window``, an implementation may add the logarithms of decays over stretches of at most so many
    tokens (and sums over such stretches in turn), take ``exp`` of such sums and of differences of them, and
    form the output as a sum over pairs of tokens, as the chunked forms of Mamba-2, gated linear attention and
    mLSTM do. No theorem is about that: the argument is in :meth:`decaying_scan`.
    """

    reference: KernelFolding
    references: ClassVar = (FLOAT64, DOUBLE_DOUBLE)

    def __init__(
        self, rounding: Rounding, reference: KernelFolding = FLOAT64, *, log_window: int = 0
    ) -> None:
        super().__init__(rounding, reference)
        self.log_window = log_window

    @classmethod
    def finer_than(cls, rounding: Rounding, log_window: int = 0) -> Self:
        """Return one whose values are more exact than any that an implementation may compute."""
        made = super().finer_than(rounding)
        made.log_window = log_window
        return made

    def div(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound a quotient; without limit where the divisor may be zero."""
        divisor, rest = np.abs(y.value), np.maximum(np.abs(y.value) * (1 - 2.0**-45) - y.error, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = self.reference.div(x.exact, y.exact)
            spread = _up((x.size * y.error + x.error * divisor) / (divisor * rest))
        return self.rounded(exact, np.where(rest > 0, spread, np.inf))

    def sqrt(self, x: Bounded) -> Bounded:
        """Bound a square root of what is not negative, for an argument moved by e either way.

        ``sqrt x - sqrt max(x - e, 0) = min(x, e) / (sqrt x + sqrt max(x - e, 0))`` if it shrinks,
        ``sqrt(x + e) - sqrt x = e / (sqrt(x + e) + sqrt x)``, the greater one near zero, if it grows.
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
        """Bound the greater of two, which is exact."""
        return Bounded(self.reference.maximum(x.exact, y.exact), np.maximum(x.error, y.error), self)

    def decaying_scan(self, decays: Bounded, logs: Bounded, b: Bounded, h0: Bounded) -> Bounded:
        """Bound the states of :meth:`scan`, also where logarithms of decays are added.

        The term of the state at t that token s added is ``P(t, s) b_s``, P the product of the decays in
        between. An implementation has ``P exp(theta)`` instead, where theta, the rounding of the sums in the
        exponents, is at most ``2 g (L(t, s) + W)``: g bounds the relative error of a sum of as many terms as
        the window and the number of windows, L is the sum of the logarithms' magnitudes between s and t, W
        the greatest of such sums over one window. The terms' errors are summed by a recurrence: with decays
        ``a exp(2 g |log a|)`` it gives what the terms may become. Each term is then in sums over the tokens
        of a window and over windows, and in up to 8 more products.
        """
        states = self.scan(decays, b, h0)
        if not self.log_window:
            return states
        u, shape = self.rounding.unit_roundoff, states.shape
        time = shape[1]
        terms = self.log_window + -(-time // self.log_window) + 1
        relative = 2 * growth(u, terms)
        size = np.broadcast_to(logs.magnitude, shape)
        reach = np.broadcast_to(decays.magnitude, shape)
        added = b.magnitude
        m = np.array(np.broadcast_to(h0.magnitude, shape[:1] + shape[2:]))
        moved, widest = np.zeros_like(m), np.zeros_like(m)
        error = np.array(states.error)
        for t in range(time):
            stretch = np.expm1(relative * size[:, t])
            moved = _up(reach[:, t] * ((1 + stretch) * moved + stretch * m))
            m = _up(reach[:, t] * m + added[:, t])
            window = size[:, max(t + 1 - self.log_window, 0) : t + 1].sum(axis=1)
            widest = np.maximum(widest, window)
            either_end = np.expm1(relative * widest)
            regrouped = growth(u, terms + 8)
            apart = _up((1 + either_end) * moved + either_end * m)
            error[:, t] = _up(error[:, t] + apart + regrouped * (m + apart))
        return Bounded(states.exact, error, self)

    def complex_scan(self, a: Complex, b: Complex, h0: Complex) -> Complex:
        """Bound complex states, the transitions combined by any binary tree.

        The bound of the real scan on moduli, whose states are at least those of the complex one, and with the
        unit roundoff of complex operations; once for the implementation and once for the reference. A sum
        of pairs errs relative to its terms, not to itself: the scan of moduli bounds these, too.
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
