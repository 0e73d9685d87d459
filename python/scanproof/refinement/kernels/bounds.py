"""Bounds for what kernels do beyond trees of transitions: decays as sums of logarithms, complex states."""

from dataclasses import replace

import numpy as np
import torch

from scanproof.refinement.bounded import Bounded, BoundedArithmetic, Floats, _up
from scanproof.refinement.kernels.arithmetic import FLOAT64, Complex, KernelArithmetic
from scanproof.refinement.rounding import Rounding, growth

_COMPLEX = 3.0
"""A complex operation errs by at most this many unit roundoffs of the modulus of its result.

A product by sqrt(2) gamma_2 (Higham, Lemma 3.5), a sum by 1; the excess covers what is of second order.
"""

_FLOAT64 = Rounding.of(torch.float64)


class KernelBounds(BoundedArithmetic, KernelArithmetic):
    """Running error bounds of kernels.

    With ``log_window``, an implementation may add the logarithms of decays over stretches of at most so many
    tokens (and sums over such stretches in turn), take ``exp`` of such sums and of differences of them, and
    form the output as a sum over pairs of tokens, as the chunked forms of Mamba-2, gated linear attention and
    mLSTM do. No theorem is about that: the argument is in :meth:`decaying_scan`.
    """

    def __init__(self, rounding: Rounding, log_window: int = 0) -> None:
        super().__init__(rounding)
        self.log_window = log_window

    def div(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound a quotient; without limit where the divisor may be zero."""
        divisor, rest = np.abs(y.value), np.maximum(np.abs(y.value) * (1 - 2.0**-45) - y.error, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = x.value / y.value
            spread = _up((np.abs(x.value) * y.error + x.error * divisor) / (divisor * rest))
        return self.rounded(value, np.where(rest > 0, spread, np.inf))

    def sqrt(self, x: Bounded) -> Bounded:
        """Bound a square root of what is not negative: it moves most when its argument shrinks."""
        value = np.sqrt(x.value)
        spread = value - np.sqrt(np.maximum(x.value - x.error, 0.0)) * (1 - 2.0**-45)
        return self._function(value, np.maximum(spread, 0.0), ulps=1.0)

    def maximum(self, x: Bounded, y: Bounded) -> Bounded:
        """Bound the greater of two, which is exact."""
        return Bounded(np.maximum(x.value, y.value), np.maximum(x.error, y.error), self)

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
        return Bounded(states.value, error, self)

    def complex_scan(self, a: Complex, b: Complex, h0: Complex) -> Complex:
        """Bound complex states, the transitions combined by any binary tree.

        The bound of the real scan on moduli, whose states are at least those of the complex one, and with the
        unit roundoff of complex operations; once for the implementation and once for the float64 values.
        """
        plain = [(re.value, im.value) for re, im in (a, b, h0)]
        re, im = FLOAT64.complex_scan(*plain)
        error = np.zeros(re.shape)
        for rounding in (self.rounding, _FLOAT64):
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
        return self.exp(Bounded(x.value, _up(x.error + argument), self))


def _modulus(arithmetic: BoundedArithmetic, re: Bounded, im: Bounded) -> Bounded:
    value: Floats = _up(np.hypot(re.value, im.value))
    return Bounded(value, _up(np.hypot(re.error, im.error)), arithmetic)
