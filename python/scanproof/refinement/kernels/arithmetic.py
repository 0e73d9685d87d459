"""The arithmetics of the runners, with what kernels of the families need beyond them."""

from abc import abstractmethod
from fractions import Fraction

import numpy as np

from scanproof.refinement.arithmetic import Arithmetic, Exact, Float64, Folding, Value
from scanproof.refinement.doubled import DoubleDouble, Pair, pair

Complex = tuple[Value, Value]
"""Real and imaginary part."""


class KernelArithmetic(Arithmetic):
    """The operations that the recurrences of the families are written with."""

    @abstractmethod
    def div(self, x: Value, y: Value) -> Value:
        """Return the quotient."""

    @abstractmethod
    def sqrt(self, x: Value) -> Value:
        """Return the square root, or its surrogate."""

    def rsqrt(self, x: Value) -> Value:
        """Return the reciprocal square root, or its surrogate."""
        return self.div(self.lift(np.ones(())), self.sqrt(x))

    @abstractmethod
    def maximum(self, x: Value, y: Value) -> Value:
        """Return the greater of two, entry by entry."""

    def decaying_scan(self, decays: Value, logs: Value, b: Value, h0: Value) -> Value:
        """Return :meth:`scan`; ``logs`` are what an implementation may add in place of multiplying decays."""
        return self.scan(decays, b, h0)

    def shifted_exp(self, x: Value, shift: Value) -> Value:
        """Return ``exp x``, which an implementation may have as ``exp(x - shift)`` times ``exp shift``."""
        return self.exp(x)

    def complex_scan(self, a: Complex, b: Complex, h0: Complex) -> Complex:
        """Return the states of a complex :meth:`scan`: ``a`` (state), ``b`` (batch, time, state)."""
        (a_re, a_im), (b_re, b_im), (re, im) = a, b, h0
        states = re[:, None], im[:, None]
        for t in range(b_re.shape[1]):
            re, im = (a_re * re + -(a_im * im)) + b_re[:, t], (a_re * im + a_im * re) + b_im[:, t]
            states = tuple(
                self.concatenate([seen, new[:, None]], axis=1)
                for seen, new in zip(states, (re, im), strict=True)
            )
        return states[0][:, 1:], states[1][:, 1:]


class KernelFolding(Folding, KernelArithmetic):
    """Those on arrays of numbers."""


class KernelFloat64(Float64, KernelFolding):
    """IEEE double precision."""

    def sqrt(self, x: Value) -> Value:
        """Return the square root."""
        return np.sqrt(x)

    def maximum(self, x: Value, y: Value) -> Value:
        """Return the greater of two; a NaN stays one."""
        return np.maximum(x, y)


class KernelDoubleDouble(DoubleDouble, KernelFolding):
    """Pairs of float64."""

    def sqrt(self, x: Value) -> Pair:
        """Correct float64's root s by ``(x - s²) / (2 s)``."""
        root = np.sqrt(x.high)
        twice = np.where(root > 0, 2 * root, 1.0)
        corrected: Pair = pair(root) + (x - pair(root) * root).high / twice
        return corrected

    def maximum(self, x: Value, y: Value) -> Pair:
        """Return the greater of two."""
        first = np.asarray((x - y).high >= 0)
        return Pair(np.where(first, x.high, y.high), np.where(first, x.low, y.low))


class KernelExact(Exact, KernelFolding):
    """Rational numbers; ``sqrt x := (1 + x) / 2``, one step of Newton's iteration from 1."""

    def sqrt(self, x: Value) -> Value:
        """Return ``(1 + x) / 2``."""
        return (1 + x) * Fraction(1, 2)

    def rsqrt(self, x: Value) -> Value:
        """Return ``exp (-(log x / 2))``, as Lean's ``rmsNorm`` has it, with ``log x := x² - x``."""
        return self.exp(-self.div(x * x + -x, self.lift(np.asarray(2.0))))

    def maximum(self, x: Value, y: Value) -> Value:
        """Return the greater of two."""
        return np.maximum(x, y)


FLOAT64 = KernelFloat64()
DOUBLE_DOUBLE = KernelDoubleDouble()
EXACT = KernelExact()
