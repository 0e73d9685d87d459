"""Arithmetic in pairs of float64, about 100 bits: the reference for implementations in float64.

A number is the unevaluated sum of a float64 and a smaller float64. Sums and products are the error-free
transformations of Dekker and Knuth (Dekker 1971; Hida, Li & Bailey 2001, "Algorithms for quad-double
precision arithmetic"). ``exp`` is a Taylor series after argument reduction, and ``log1p`` is one step of
Newton's method. Tests compare both with mpmath.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.refinement.arithmetic import SOFTPLUS_THRESHOLD, Folding, Value

Floats = NDArray[np.float64]

_SPLITTER = 2.0**27 + 1
_STEPS = 2**8
"""The argument of the Taylor series of exp is at most ln 2 / 2 divided by this."""
_BLOCK = 2**13
"""Entries per block, so that intermediates stay in the cache of the processor."""
_SMALL = 2.0**-20
"""Below this number, log1p is a series of five terms."""


class Pair:
    """An array of numbers, each the sum of two float64 that do not overlap.

    Attributes:
        high: the numbers rounded to float64.
        low: the rounding error of ``high``.
    """

    __slots__ = ("high", "low")
    __array_ufunc__ = None  # an array times a pair is then a pair

    def __init__(self, high: Floats, low: Floats) -> None:
        self.high, self.low = high, low

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of both arrays."""
        return self.high.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.high.ndim

    def __getitem__(self, index: Any) -> "Pair":
        return Pair(self.high[index], self.low[index])

    def __setitem__(self, index: Any, part: "Pair") -> None:
        self.high[index], self.low[index] = part.high, part.low

    def reshape(self, shape: tuple[int, ...]) -> "Pair":
        """Reshape both arrays."""
        return Pair(self.high.reshape(shape), self.low.reshape(shape))

    def swapaxes(self, first: int, second: int) -> "Pair":
        """Exchange two axes of both arrays."""
        return Pair(self.high.swapaxes(first, second), self.low.swapaxes(first, second))

    def sum(self, axis: tuple[int, ...], keepdims: bool = False) -> "Pair":
        """Sum over axes, pairwise by halves."""
        total = self
        for i in axis:
            total = total.swapaxes(0, i)
            if total.shape[0] == 0:
                total = pair(np.zeros((1, *total.shape[1:])))
            while (n := total.shape[0]) > 1:
                half = n // 2
                rest = total[2 * half :]
                total = total[:half] + total[half : 2 * half]
                if n % 2:
                    total = Pair(
                        np.concatenate([total.high, rest.high]), np.concatenate([total.low, rest.low])
                    )
            total = total.swapaxes(0, i)
        if keepdims:
            return total
        return total.reshape(tuple(n for i, n in enumerate(self.shape) if i not in axis))

    def __neg__(self) -> "Pair":
        return Pair(-self.high, -self.low)

    def __add__(self, other: Any) -> "Pair":
        return _by_blocks(_sum, self, pair(other))

    def __sub__(self, other: Any) -> "Pair":
        return self + -pair(other)

    def __mul__(self, other: Any) -> "Pair":
        return _by_blocks(_product, self, pair(other))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> "Pair":
        return pair(other) + -self

    def scaled(self, powers: Any) -> "Pair":
        """Multiply by powers of two."""
        return Pair(self.high * powers, self.low * powers)


def pair(number: Any) -> Pair:
    """Return a number, an array or a pair as a pair."""
    if isinstance(number, Pair):
        return number
    if isinstance(number, Fraction):
        high = float(number)
        return Pair(np.float64(high), np.float64(float(number - Fraction(high))))  # type: ignore[arg-type]
    array = np.asarray(number, dtype=np.float64)
    return Pair(array, np.zeros(array.shape))


class DoubleDouble(Folding):
    """Pairs of float64, with relative errors below 2^-100 in sums and products and 2^-60 in functions.

    The error of a sum is relative to the sizes of its terms, even where the terms cancel.
    """

    name = "pairs of float64"
    roundoff = 2.0**-100
    function_error = 2.0**-60

    def lift(self, array: NDArray[Any]) -> Pair:
        """Take float64 numbers."""
        return pair(array)

    def concatenate(self, parts: Sequence[Value], axis: int) -> Pair:
        """Join values along an axis."""
        return Pair(*(np.concatenate([getattr(p, n) for p in parts], axis) for n in ("high", "low")))

    def broadcast(self, x: Value, shape: tuple[int, ...]) -> Pair:
        """Repeat entries up to a shape."""
        return Pair(np.broadcast_to(x.high, shape), np.broadcast_to(x.low, shape))

    def scan(self, a: Value, b: Value, h0: Value) -> Pair:
        """Step from token to token; the product is not rounded to a pair before ``b`` is added."""
        a = self.broadcast(a, b.shape)
        halves = [np.broadcast_to(half, b.shape) for half in _split(a.high)]
        states: Pair = self.zeros(b.shape)
        h = Pair(*(np.broadcast_to(part, b[:, 0].shape) for part in (h0.high, h0.low)))
        for t in range(b.shape[1]):
            decay, added = a[:, t], b[:, t]
            high, low = _two_product(decay.high, h.high, (halves[0][:, t], halves[1][:, t]))
            h = _sum(Pair(high, low + (decay.high * h.low + decay.low * h.high)), added)
            states[:, t] = h
        return states

    def size(self, x: Value) -> Floats:
        """Return upper bounds of the magnitudes."""
        size: Floats = np.abs(x.high) * (1 + 2.0**-52)
        return size

    def nearest(self, x: Value) -> Floats:
        """Return the high parts."""
        high: Floats = x.high
        return high

    def remainder(self, x: Value) -> Floats:
        """Return the low parts."""
        low: Floats = x.low
        return low

    def exp(self, x: Value) -> Pair:
        """Multiply 2^(m / 256), from a table, by a Taylor series whose first terms are pairs."""
        return _by_blocks(_exp, x)

    def log1p(self, x: Value) -> Pair:
        """Correct the float64 result L by (1 + x) exp(-L) - 1; use a series for small arguments."""
        tiny = Pair(*(np.where(x.high < _SMALL, part, 0.0) for part in (x.high, x.low)))
        series = pair(0.2) * tiny - 0.25
        for n in (3, 2, 1):
            series = series * tiny + Fraction((-1) ** (n + 1), n)
        first = pair(np.log1p(np.minimum(x.high, np.finfo(np.float64).max)))
        newton = first + ((x + 1.0) * self.exp(-first) - 1.0)
        return _where(x.high < _SMALL, series * tiny, newton)

    def div(self, x: Value, y: Value) -> Pair:
        """Return the float64 quotient, corrected twice."""
        first = pair(x.high / y.high)
        rest = x - first * y
        second = pair(rest.high / y.high)
        rest = rest - second * y
        return first + second + pair(rest.high / y.high)

    def sigmoid(self, x: Value) -> Pair:
        """Return ``exp(x) / (1 + exp(x))`` for negative x, and ``1 / (1 + exp(-x))`` for other x."""
        y = self.exp(_where(x.high < 0, x, -x))
        return self.div(_where(x.high < 0, y, pair(np.ones(x.shape))), y + 1.0)

    def softplus(self, x: Value) -> Pair:
        """Return ``x`` above 20 and ``log1p(exp x)`` elsewhere."""
        capped = _where(x.high > SOFTPLUS_THRESHOLD + 1, pair(np.zeros(x.shape)), x)
        return _where(_above(x), x, self.log1p(self.exp(capped)))

    def exp_slope(self, x: Value, y: Value) -> Pair:
        """Return ``y``."""
        return pair(y)

    def sigmoid_slope(self, x: Value, y: Value) -> Pair:
        """Return ``y (1 - y)``."""
        return pair(y * (1.0 - y))

    def softplus_slope(self, x: Value) -> Pair:
        """Return 1 above 20 and ``sigmoid x`` elsewhere."""
        return _where(_above(x), pair(np.ones(x.shape)), self.sigmoid(x))


def _by_blocks(function: Callable[..., Pair], *operands: Pair) -> Pair:
    """Apply an elementwise function, with as many entries at a time as fit into the cache."""
    if all(operand.high.size <= _BLOCK for operand in operands):
        return function(*operands)
    arrays = [part for operand in operands for part in (operand.high, operand.low)]
    use: Any = [["readonly"]] * len(arrays) + [["writeonly", "allocate"]] * 2
    blocks = np.nditer([*arrays, None, None], ["external_loop", "buffered"], use, buffersize=_BLOCK)
    with blocks:
        for *given, high, low in blocks:
            result = function(*map(Pair, given[::2], given[1::2]))
            high[...], low[...] = result.high, result.low
        return Pair(*blocks.operands[-2:])


def _sum(x: Pair, y: Pair) -> Pair:
    high, low = _two_sum(x.high, y.high)
    return Pair(*_fast_two_sum(high, low + (x.low + y.low)))


def _product(x: Pair, y: Pair) -> Pair:
    high, low = _two_product(x.high, y.high)
    return Pair(*_fast_two_sum(high, low + (x.high * y.low + x.low * y.high)))


def _exp(x: Pair) -> Pair:
    high = np.clip(x.high, -800.0, 800.0)
    m = np.rint(high * (_STEPS / math.log(2.0)))
    rest = Pair(high, np.where(high == x.high, x.low, 0.0)) - m * _STEP
    r = rest.high
    tail = r * r * r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040)))))
    series = rest + (rest * rest).scaled(0.5) + tail
    k, j = np.divmod(m.astype(np.int32), _STEPS)
    power = Pair(_POWERS.high[j], _POWERS.low[j])
    half = k // 2
    result: Pair = (power + power * series).scaled(np.ldexp(1.0, half)).scaled(np.ldexp(1.0, k - half))
    return result


def _above(x: Pair) -> NDArray[np.bool_]:
    high = x.high
    above: NDArray[np.bool_] = (high > SOFTPLUS_THRESHOLD) | ((high == SOFTPLUS_THRESHOLD) & (x.low > 0))
    return above


def _where(condition: NDArray[np.bool_], x: Pair, y: Pair) -> Pair:
    return Pair(np.where(condition, x.high, y.high), np.where(condition, x.low, y.low))


def _two_sum(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the rounded sum and its error (Knuth)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def _fast_two_sum(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the rounded sum and its error, where |x| >= |y| (Dekker)."""
    total = x + y
    return total, y - (total - x)


def _two_product(
    x: Floats, y: Floats, halves_of_x: tuple[Floats, Floats] | None = None
) -> tuple[Floats, Floats]:
    """Return the rounded product and its error (Dekker)."""
    product = x * y
    (a, b), (c, d) = halves_of_x or _split(x), _split(y)
    return product, ((a * c - product) + a * d + b * c) + b * d


def _split(x: Floats) -> tuple[Floats, Floats]:
    """Return two halves of 26 bits."""
    scaled = _SPLITTER * x
    high = scaled - (scaled - x)
    return high, x - high


def _roots_of_two() -> tuple[Pair, Pair]:
    """Return (ln 2) / 256 and all 2^(j / 256)."""
    with localcontext(prec=60):
        step = Decimal(2).ln() / _STEPS
        roots = [pair(Fraction((step * j).exp())) for j in range(_STEPS)]
    return pair(Fraction(step)), Pair(np.array([r.high for r in roots]), np.array([r.low for r in roots]))


_STEP, _POWERS = _roots_of_two()

DOUBLE_DOUBLE = DoubleDouble()
