"""Arithmetic that NumPy does not have: bfloat16 as bit patterns, and the short factors of tensor cores.

The interpreter of Triton keeps bfloat16 numbers as ``uint16`` bit patterns. Every operation on them is done
here in float32 and rounded once, to the nearest bfloat16 with ties to even. For sums, products and quotients
this is the correctly rounded result, because float32 has more than twice the digits of bfloat16.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_TF32 = np.uint32(0xFFFFE000)
"""The bits of a float32 number that TF32 keeps: sign, exponent and 10 bits of the significand."""


def widened(bits: Array) -> Array:
    """Return bfloat16 bit patterns (``uint16``) as float32 numbers, exactly."""
    return (np.asarray(bits).astype(np.uint32) << np.uint32(16)).view(np.float32)


def narrowed(x: Array, *, nearest: bool = True) -> Array:
    """Round numbers of any dtype to bfloat16 once; return bit patterns (``uint16``).

    Args:
        x: numbers; integers are rounded through float64.
        nearest: round to nearest, ties to even; otherwise towards zero.
    """
    x = np.asarray(x)
    if x.dtype not in (np.float32, np.float16):
        x = _rounded_to_odd(x.astype(np.float64)) if nearest else _towards_zero(x.astype(np.float64))
    bits = x.astype(np.float32).view(np.uint32)
    last = (bits >> np.uint32(16)) & np.uint32(1)
    up = last + np.uint32(0x7FFF) if nearest else np.uint32(0)
    rounded = ((bits + up) >> np.uint32(16)).astype(np.uint16)
    quiet = (bits >> np.uint32(16)).astype(np.uint16) | np.uint16(0x0040)
    return np.where(np.isnan(x), quiet, rounded)


def _towards_zero(x: Array) -> Array:
    y = x.astype(np.float32)
    return np.where(np.abs(y) > np.abs(x), np.nextafter(y, np.float32(0)), y).astype(np.float32)


def _rounded_to_odd(x: Array) -> Array:
    """Round float64 to float32 so that a second rounding to fewer digits gives the result of one rounding."""
    short = _towards_zero(x)
    bits = short.view(np.uint32)
    inexact = np.isfinite(short) & (short.astype(np.float64) != x)
    return np.where(inexact, bits | np.uint32(1), bits).astype(np.uint32).view(np.float32)


def half_towards_zero(x: Array) -> Array:
    """Round numbers to float16 towards zero."""
    y = np.asarray(x).astype(np.float16)
    return np.where(np.abs(y.astype(np.float64)) > np.abs(x), np.nextafter(y, np.float16(0)), y)


def truncated_tf32(x: Array) -> Array:
    """Return float32 numbers with the digits that TF32 drops set to zero, as tensor cores read factors."""
    return (np.asarray(x, dtype=np.float32).view(np.uint32) & _TF32).view(np.float32)


def _rounded_tf32(x: Array) -> Array:
    bits = np.asarray(x, dtype=np.float32).view(np.uint32)
    special = ~np.isfinite(x)
    return np.where(special, bits, (bits + np.uint32(0x1000)) & _TF32).astype(np.uint32).view(np.float32)


def _rounded_bfloat16(x: Array) -> Array:
    return widened(narrowed(x))


def product(x: Array, y: Array, precision: str) -> Array:
    """Return the matrix product of float32 blocks with the factors that ``input_precision`` names.

    Products are added in float32. The precisions of several parts split each factor into a short number and
    the short remainders, and leave out the products of two remainders.

    Args:
        x: block (..., M, K).
        y: block (..., K, N).
        precision: ``"ieee"``, ``"tf32"``, ``"tf32x3"``, ``"bf16x3"`` or ``"bf16x6"``.
    """
    if precision == "ieee":
        return np.asarray(np.matmul(x, y))
    if precision == "tf32":
        return np.asarray(np.matmul(truncated_tf32(x), truncated_tf32(y)))
    count, short = {
        "tf32x3": (2, _rounded_tf32),
        "bf16x3": (2, _rounded_bfloat16),
        "bf16x6": (3, _rounded_bfloat16),
    }[precision]
    left, right = _parts(x, count, short), _parts(y, count, short)
    pairs = [(i, j) for i in range(count) for j in range(count) if i + j < count]
    ordered = sorted(pairs, key=sum, reverse=True)  # the small products first
    total = np.matmul(left[ordered[0][0]], right[ordered[0][1]])
    for i, j in ordered[1:]:
        total = total + np.matmul(left[i], right[j])
    return np.asarray(total)


def _parts(x: Array, count: int, short: Any) -> list[Array]:
    parts, rest = [], np.asarray(x, dtype=np.float32)
    for _ in range(count):
        parts.append(short(rest))
        rest = rest - parts[-1]
    return parts
