"""The arithmetics a reference runner can be run in: float64, exact rationals, float64 with a rounding bound.

A runner (:mod:`scanproof.refinement.runners`) is written once against :class:`Arithmetic`, as the Lean
runners are written once against a scalar class without laws. In float64 and in exact arithmetic every sum is
a left fold in index order from zero, one multiplication and one addition a term, so that the result is the
Lean fold's.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Value: TypeAlias = Any
"""What an arithmetic computes with: an array of float64 or of ``Fraction``, or a ``Bounded`` pair of arrays.

All have ``shape``, indexing, ``+``, ``*`` and unary ``-``, with NumPy's broadcasting.
"""

SOFTPLUS_THRESHOLD = 20
"""Above it PyTorch's softplus, the reference kernels' and the spec's is the identity."""


class Arithmetic(ABC):
    """The operations a reference runner needs beyond ``+``, ``*`` and ``-`` of its values."""

    @abstractmethod
    def lift(self, array: NDArray[Any]) -> Value:
        """Take parameters or inputs, held exactly, into this arithmetic."""

    def lift_computed(self, array: NDArray[Any]) -> Value:
        """Take parameters that implementations compute for themselves, as in ``A = -exp(A_log)``."""
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


class _Folding(Arithmetic):
    """Arithmetics on plain arrays, where every sum is the left fold."""

    @abstractmethod
    def log1p(self, x: Value) -> Value:
        """Return ``log(1 + x)``, or its surrogate."""

    @abstractmethod
    def div(self, x: Value, y: Value) -> Value:
        """Return the quotient."""

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        return np.concatenate(parts, axis)

    def dot(self, x: Value, y: Value, plus: Value | None = None) -> Value:
        total = self.zeros(np.broadcast_shapes(x.shape[:-1], y.shape[:-1]))
        for j in range(x.shape[-1]):
            total = total + x[..., j] * y[..., j]
        return total if plus is None else total + plus

    def scan(self, a: Value, b: Value, h0: Value) -> Value:
        a = np.broadcast_to(a, b.shape)
        states = self.zeros(b.shape)
        h = h0
        for t in range(b.shape[1]):
            h = a[:, t] * h + b[:, t]
            states[:, t] = h
        return states

    def sigmoid(self, x: Value) -> Value:
        return self.div(self.lift(np.ones(())), 1 + self.exp(-x))

    def softplus(self, x: Value) -> Value:
        return np.where(x > SOFTPLUS_THRESHOLD, x, self.log1p(self.exp(x)))


class Float64(_Folding):
    """IEEE double precision, as Lean's ``Float`` has it: overflow gives infinities.

    ``exp`` and ``log`` are the C library's, entry by entry, since Lean calls the same; NumPy's vectorised
    ones differ in the last place several times as often.
    """

    def lift(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Round to float64 whatever is not."""
        return np.asarray(array, dtype=np.float64)

    def exp(self, x: Value) -> Value:
        """Return the exponential."""
        return _exp(x)

    def log1p(self, x: Value) -> Value:
        """Return ``log(1 + x)`` by the formula of Lean's ``Scalar.log1p``."""
        u = 1 + x
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(u == 1, x, _log(u) * (x / (u - 1)))

    def div(self, x: Value, y: Value) -> Value:
        """Return the quotient."""
        return x / y


class Exact(_Folding):
    """Rational numbers, with polynomials in place of the two transcendental functions.

    ``exp x := 1 + x + x²`` and ``log1p x := x + x²`` keep everything rational and small; with them two
    programs are compared for equality. Dividing by zero gives zero, as in Lean's ``Rat``.
    """

    def lift(self, array: NDArray[Any]) -> NDArray[np.object_]:
        """Turn every number into the fraction it is, floats included."""
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
