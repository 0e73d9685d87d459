"""The arithmetics a reference runner can be run in: float64, exact rationals, float64 with a rounding bound.

A runner (:mod:`scanproof.refinement.runners`) is written once against :class:`Arithmetic`, as the Lean
runners are written once against a scalar class without laws. In float64 and in exact arithmetic, every sum is
a left fold in index order from zero, with one multiplication and one addition for each term. The result is
therefore that of the Lean fold.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Value: TypeAlias = Any
"""The values of an arithmetic: an array of float64 or of ``Fraction``, or a ``Bounded`` pair of arrays.

All values have ``shape``, ``reshape``, ``swapaxes``, indexing, ``+``, ``*`` and unary ``-``, with NumPy's
broadcasting.
"""

SOFTPLUS_THRESHOLD = 20
"""Above this number, softplus is the identity in PyTorch, in the reference kernels and in the spec."""


class Part(NamedTuple):
    """Terms of a sum: the entries of ``x * y``, or of ``x`` alone.

    Attributes:
        x: first factor.
        y: second factor, which broadcasts with the first; None where there is none.
        shape: shape of the terms after they are summed over the axes that broadcasting has widened. The terms
            are then reshaped to the shape of the sum. None where the two shapes are equal.
        index: where in that shape the entries of ``x`` belong, each entry at one place; None: everywhere.
    """

    x: Value
    y: Value | None = None
    shape: tuple[int, ...] | None = None
    index: Any = None


class Arithmetic(ABC):
    """The operations a reference runner needs beyond ``+``, ``*`` and ``-`` of its values."""

    @abstractmethod
    def lift(self, array: NDArray[Any]) -> Value:
        """Convert exact parameters or inputs to this arithmetic."""

    def lift_computed(self, array: NDArray[Any]) -> Value:
        """Convert parameters that each implementation computes, such as ``A = -exp(A_log)``."""
        return self.lift(array)

    def zeros(self, shape: tuple[int, ...]) -> Value:
        """Return zeros of a shape."""
        return self.lift(np.zeros(shape))

    @abstractmethod
    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        """Join values along an axis."""

    @abstractmethod
    def dot(self, x: Value, y: Value, plus: Value | None = None) -> Value:
        """Sum ``x * y`` over the last axis, then add ``plus``."""

    @abstractmethod
    def scan(self, a: Value, b: Value, h0: Value) -> Value:
        """Return all states ``h_t = a_t h_(t-1) + b_t``.

        Inputs ``b`` have shape (batch, time, ...), ``a`` broadcasts to it, and ``h0`` has shape (batch, ...).
        """

    def product(self, x: Value, y: Value, z: Value) -> Value:
        """Return ``(x * y) * z``."""
        return (x * y) * z

    @abstractmethod
    def exp(self, x: Value) -> Value:
        """Return the exponential, or its surrogate."""

    @abstractmethod
    def sigmoid(self, x: Value) -> Value:
        """Return ``1 / (1 + exp(-x))``."""

    @abstractmethod
    def softplus(self, x: Value) -> Value:
        """Return ``x`` above 20 and ``log1p(exp x)`` elsewhere."""

    def silu(self, x: Value) -> Value:
        """Return ``x * sigmoid x``."""
        return x * self.sigmoid(x)


class AdjointArithmetic(Arithmetic):
    """The operations that gradients need beyond those of the runners."""

    @abstractmethod
    def total(self, parts: Sequence[Part], shape: tuple[int, ...]) -> Value:
        """Sum all terms of all parts into a value of a shape; the order of summation is not specified."""

    @abstractmethod
    def scatter(self, pieces: Sequence[tuple[Any, Value]], shape: tuple[int, ...]) -> Value:
        """Return zeros of a shape, with each value at its index."""

    @abstractmethod
    def broadcast(self, x: Value, shape: tuple[int, ...]) -> Value:
        """Repeat entries up to a shape."""

    @abstractmethod
    def exp_slope(self, x: Value, y: Value) -> Value:
        """Return the derivative of ``exp`` at ``x``, where its value is ``y``."""

    @abstractmethod
    def sigmoid_slope(self, x: Value, y: Value) -> Value:
        """Return the derivative of ``sigmoid`` at ``x``, where its value is ``y``."""

    @abstractmethod
    def softplus_slope(self, x: Value) -> Value:
        """Return the derivative of ``softplus``: 1 above 20."""

    def through_softplus(self, gradient: Value, x: Value) -> Part:
        """Return what a gradient at ``softplus x`` adds to the gradient at ``x``."""
        return Part(gradient, self.softplus_slope(x))

    def silu_slope(self, x: Value) -> Value:
        """Return the derivative of ``silu``."""
        y = self.sigmoid(x)
        return y + x * self.sigmoid_slope(x, y)


class Folding(AdjointArithmetic):
    """Arithmetics on arrays of numbers, in which every sum of a runner is a left fold.

    Attributes:
        name: the name of the arithmetic in reports.
        roundoff: greatest relative error of one sum or product.
        function_error: greatest relative error of ``exp``, ``log1p``, ``sigmoid`` and ``softplus``.
    """

    name: str
    roundoff: float
    function_error: float

    def size(self, x: Value) -> NDArray[np.float64]:
        """Return upper bounds of the magnitudes."""
        size: NDArray[np.float64] = np.abs(x)
        return size

    def nearest(self, x: Value) -> NDArray[np.float64]:
        """Round to float64."""
        return np.asarray(x, dtype=np.float64)

    def remainder(self, x: Value) -> NDArray[np.float64]:
        """Return the rounding error of :meth:`nearest`, itself rounded to float64."""
        return np.zeros(x.shape)

    @abstractmethod
    def log1p(self, x: Value) -> Value:
        """Return ``log(1 + x)``, or its surrogate."""

    @abstractmethod
    def div(self, x: Value, y: Value) -> Value:
        """Return the quotient."""

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        """Join arrays along an axis."""
        return np.concatenate(parts, axis)

    def dot(self, x: Value, y: Value, plus: Value | None = None) -> Value:
        """Fold from the left, from zero."""
        total = self.zeros(np.broadcast_shapes(x.shape[:-1], y.shape[:-1]))
        for j in range(x.shape[-1]):
            total = total + x[..., j] * y[..., j]
        return total if plus is None else total + plus

    def scan(self, a: Value, b: Value, h0: Value) -> Value:
        """Step from token to token."""
        a = self.broadcast(a, b.shape)
        states = self.zeros(b.shape)
        h = h0
        for t in range(b.shape[1]):
            h = a[:, t] * h + b[:, t]
            states[:, t] = h
        return states

    def total(self, parts: Sequence[Part], shape: tuple[int, ...]) -> Value:
        """Sum array after array."""
        result = self.zeros(shape)
        for x, y, within, _ in parts:
            result = result + reduced(x if y is None else x * y, within or shape).reshape(shape)
        return result

    def scatter(self, pieces: Sequence[tuple[Any, Value]], shape: tuple[int, ...]) -> Value:
        """Assign to indices of zeros."""
        result = self.zeros(shape)
        for index, part in pieces:
            result[index] = part
        return result

    def broadcast(self, x: Value, shape: tuple[int, ...]) -> Value:
        """Repeat entries without copying them."""
        return np.broadcast_to(x, shape)

    def sigmoid(self, x: Value) -> Value:
        """Divide one by ``1 + exp(-x)``."""
        return self.div(self.lift(np.ones(())), 1 + self.exp(-x))

    def softplus(self, x: Value) -> Value:
        """Choose between ``x`` and ``log1p(exp x)``."""
        return np.where(x > SOFTPLUS_THRESHOLD, x, self.log1p(self.exp(x)))


class Float64(Folding):
    """IEEE double precision, the same as Lean's ``Float``: overflow gives infinities.

    ``exp`` and ``log`` are the functions of the C library, called for each entry, because Lean calls the same
    functions. NumPy's vectorised functions differ in the last place several times as often.
    """

    name = "float64"
    roundoff = 2.0**-53
    function_error = 2.0**-49

    def lift(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Round to float64."""
        return np.asarray(array, dtype=np.float64)

    def exp(self, x: Value) -> Value:
        """Return the exponential."""
        return _exp(x)

    def log1p(self, x: Value) -> Value:
        """Return ``log(1 + x)`` by the formula of Lean's ``FloatScalar.log1p``."""
        u = 1 + x
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(u == 1, x, _log(u) * (x / (u - 1)))

    def div(self, x: Value, y: Value) -> Value:
        """Return the quotient."""
        return x / y

    def exp_slope(self, x: Value, y: Value) -> Value:
        """Return ``y``."""
        return y

    def sigmoid_slope(self, x: Value, y: Value) -> Value:
        """Return ``y (1 - y)``."""
        return y * (1 - y)

    def softplus_slope(self, x: Value) -> Value:
        """Return 1 above 20 and ``sigmoid x`` elsewhere."""
        return np.where(x > SOFTPLUS_THRESHOLD, 1.0, self.sigmoid(x))


class Exact(Folding):
    """Rational numbers, with polynomials in place of the two transcendental functions.

    With ``exp x := 1 + x + x²`` and ``log1p x := x + x²`` all numbers stay rational and small, so two
    programs can be compared for equality. Dividing by zero gives zero, as in Lean's ``Rat``.
    """

    name = "exact arithmetic"
    roundoff = function_error = 0.0

    def lift(self, array: NDArray[Any]) -> NDArray[np.object_]:
        """Turn every number, floats included, into an exact fraction."""
        return np.asarray(_to_fraction(array), dtype=object)

    def exp(self, x: Value) -> Value:
        """Return ``1 + x + x²``."""
        return 1 + x + x * x

    def log1p(self, x: Value) -> Value:
        """Return ``x + x²``."""
        return x + x * x

    def div(self, x: Value, y: Value) -> Value:
        """Return the quotient, or zero for a zero divisor."""
        return _divide(x, y)

    def exp_slope(self, x: Value, y: Value) -> Value:
        """Return ``1 + 2 x``."""
        return 1 + 2 * x

    def sigmoid_slope(self, x: Value, y: Value) -> Value:
        """Return the derivative of ``1 / (1 + exp(-x))`` with this ``exp``."""
        return y * y * self.exp_slope(-x, self.exp(-x))

    def softplus_slope(self, x: Value) -> Value:
        """Return the derivative of ``log1p(exp x)`` with this ``log1p`` and ``exp``, or 1 above 20."""
        y = self.exp(x)
        one = self.lift(np.ones(()))
        return np.where(x > SOFTPLUS_THRESHOLD, one, (1 + 2 * y) * self.exp_slope(x, y))


def reduced(x: Value, shape: tuple[int, ...]) -> Value:
    """Sum an array down to ``shape``, over the axes that broadcasting from ``shape`` has widened."""
    extra = x.ndim - len(shape)
    axes = tuple(i for i, n in enumerate((*[0] * extra, *shape)) if n != x.shape[i])
    return x.sum(axis=axes, keepdims=True).reshape(shape) if axes else x


def _exp_of(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _log_of(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


_exp = np.vectorize(_exp_of, otypes=[np.float64])
_log = np.vectorize(_log_of, otypes=[np.float64])
_to_fraction = np.vectorize(Fraction, otypes=[object])
_divide = np.vectorize(lambda x, y: x / y if y else Fraction(0), otypes=[object])

FLOAT64 = Float64()
EXACT = Exact()
