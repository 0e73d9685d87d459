"""The arithmetics of the runners with further operations for kernels."""

from abc import abstractmethod
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scanproof.refinement.arithmetic import (
    AdjointArithmetic,
    Arithmetic,
    Exact,
    Float64,
    Folding,
    Part,
    Value,
)
from scanproof.refinement.doubled import DoubleDouble, Pair, pair

Complex = tuple[Value, Value]
"""Real and imaginary part."""


class KernelArithmetic(Arithmetic):
    """The operations of the recurrences of kernels."""

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

    def inner(self, x: Value, y: Value, plus: Value | None = None) -> Value:
        """Return :meth:`dot` for products that implementations do not compute as matrix products."""
        return self.dot(x, y, plus)

    def matrix_products(self, x: Value) -> Value:
        """Return the products ``x``, which chunked forms sum over tokens as a matrix product."""
        return x

    def decaying_scan(self, decays: Value, logs: Value, b: Value, h0: Value) -> Value:
        """Return :meth:`scan`; an implementation may add ``logs`` in place of multiplying decays."""
        return self.scan(decays, b, h0)

    def shifted_exp(self, x: Value, shift: Value) -> Value:
        """Return ``exp x``; an implementation may compute it as ``exp(x - shift)`` times ``exp shift``."""
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


class KernelAdjoint(AdjointArithmetic, KernelArithmetic):
    """The operations of gradients of kernels."""

    def sqrt_slope(self, x: Value, y: Value) -> Value:
        """Return the derivative of ``sqrt`` at ``x``, where its value is ``y``."""
        return self.div(self.lift(np.ones(())), y + y)

    def rsqrt_slope(self, x: Value, y: Value) -> Value:
        """Return the derivative of ``rsqrt`` at ``x``, where its value is ``y``."""
        return self.product(y, y, y) * self.lift(np.asarray(-0.5))

    @abstractmethod
    def through_maximum(self, gradient: Value, x: Value, y: Value) -> tuple[Part, Part]:
        """Return what a gradient at ``maximum x y`` adds to the gradients at ``x`` and ``y``.

        At equal arguments there is no derivative. The whole gradient then goes to ``x``, as in PyTorch's
        ``clamp``, where it goes to the limited tensor.
        """

    def decaying_scan_back(self, decays: Value, logs: Value, b: Value, h0: Value) -> Value:
        """Return :meth:`decaying_scan` of arguments in order from the last token to the first."""
        return self.decaying_scan(decays, logs, b, h0)

    def through_sums(self, forward: "Steps", backward: "Steps", logs: Value) -> Part | None:
        """Return a term of the gradient at ``logs`` that is zero except for rounding.

        The term arises if an implementation adds logarithms in place of multiplying decays.

        Args:
            forward: the scan.
            backward: the scan of its gradients, from the last token to the first, then to the initial state.
            logs: the logarithms of the decays.
        """
        return None


class Steps(NamedTuple):
    """The inputs and states of a scan after its run."""

    decays: Value
    inputs: Value
    start: Value
    states: Value


class KernelFolding(Folding, KernelAdjoint):
    """Kernel arithmetics on arrays of numbers."""

    @abstractmethod
    def at_least(self, x: Value, y: Value) -> NDArray[Any]:
        """Return where ``x >= y``."""

    def through_maximum(self, gradient: Value, x: Value, y: Value) -> tuple[Part, Part]:
        """Multiply by one or by zero."""
        first = self.at_least(x, y)
        return Part(gradient, self.lift(1.0 * first)), Part(gradient, self.lift(1.0 * ~first))


class KernelFloat64(Float64, KernelFolding):
    """IEEE double precision."""

    def sqrt(self, x: Value) -> Value:
        """Return the square root."""
        return np.sqrt(x)

    def maximum(self, x: Value, y: Value) -> Value:
        """Return the greater of two; NaN if either is NaN."""
        return np.maximum(x, y)

    def at_least(self, x: Value, y: Value) -> NDArray[Any]:
        """Compare."""
        return np.asarray(x >= y)


class KernelDoubleDouble(DoubleDouble, KernelFolding):
    """Pairs of float64."""

    def sqrt(self, x: Value) -> Pair:
        """Correct the float64 root s by ``(x - s²) / (2 s)``."""
        root = np.sqrt(x.high)
        twice = np.where(root > 0, 2 * root, 1.0)
        corrected: Pair = pair(root) + (x - pair(root) * root).high / twice
        return corrected

    def maximum(self, x: Value, y: Value) -> Pair:
        """Return the greater of two."""
        first = self.at_least(x, y)
        return Pair(np.where(first, x.high, y.high), np.where(first, x.low, y.low))

    def at_least(self, x: Value, y: Value) -> NDArray[Any]:
        """Return where the difference is not negative."""
        return np.asarray((x - y).high >= 0)


class KernelExact(Exact, KernelFolding):
    """Rational numbers with ``sqrt x := (1 + x) / 2``, one step of Newton's iteration from 1."""

    def sqrt(self, x: Value) -> Value:
        """Return ``(1 + x) / 2``."""
        return (1 + x) * Fraction(1, 2)

    def rsqrt(self, x: Value) -> Value:
        """Return ``exp (-(log x / 2))`` with ``log x := x² - x``, as Lean's ``rmsNorm`` does."""
        return self.exp(-self.div(x * x + -x, self.lift(np.asarray(2.0))))

    def sqrt_slope(self, x: Value, y: Value) -> Value:
        """Return one half."""
        return self.lift(np.full(x.shape, 0.5))

    def rsqrt_slope(self, x: Value, y: Value) -> Value:
        """Return the derivative of ``exp ((x - x²) / 2)`` with this ``exp``."""
        half = self.lift(np.asarray(0.5))
        return self.exp_slope(half * (x + -x * x), y) * (half + -x)

    def maximum(self, x: Value, y: Value) -> Value:
        """Return the greater of two."""
        return np.maximum(x, y)

    def at_least(self, x: Value, y: Value) -> NDArray[Any]:
        """Compare."""
        return np.asarray(x >= y, dtype=bool)


FLOAT64 = KernelFloat64()
DOUBLE_DOUBLE = KernelDoubleDouble()
EXACT = KernelExact()
