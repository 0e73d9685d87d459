"""Compact arrays: an axis along which nothing changes has length 1 and is broadcast.

An array stands for a tensor of a given shape. The array may lack leading axes of the tensor. Every axis has
the length of the same axis of the tensor, or 1.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]


def ranked(array: Array, rank: int) -> Array:
    """Return the array with all axes of its tensor."""
    missing = rank - array.ndim
    return array.reshape((1,) * missing + array.shape) if missing else array


def widened(array: Array, shape: Shape, dims: Sequence[int]) -> Array:
    """Return the array with the lengths of ``shape`` along some axes."""
    array = ranked(array, len(shape))
    lengths = list(array.shape)
    for dim in dims:
        lengths[dim] = shape[dim]
    return array if tuple(lengths) == array.shape else np.broadcast_to(array, lengths)


def whole(array: Array, shape: Shape) -> Array:
    """Return the array in the shape of its tensor, in memory of its own."""
    return np.ascontiguousarray(np.broadcast_to(array, shape))


def shrunk(array: Array) -> Array:
    """Return the array without repetitions along its axes."""
    for axis, length in enumerate(array.shape):
        if length > 1:
            first = array.take([0], axis)
            if (array == first).all():
                array = first
    return array


@lru_cache(maxsize=4096)
def _reshaping(have: Shape, old: Shape, new: Shape) -> tuple[Shape, Shape, bool]:
    """Return the shape to broadcast an array to, the shape to view it in, and whether axes are split."""
    wide: list[int] = []
    result: list[int] = []
    i = j = 0
    splits = False
    while i < len(old) or j < len(new):
        first, then = i, j
        left = right = 1
        if i < len(old):
            left, i = old[i], i + 1
        if j < len(new):
            right, j = new[j], j + 1
        while left != right:
            if left < right:
                left, i = left * old[i], i + 1
            else:
                right, j = right * new[j], j + 1
        flat = all(length == 1 for length in have[first:i])
        wide += [1] * (i - first) if flat else old[first:i]
        result += [1] * (j - then) if flat else new[then:j]
        splits = splits or (not flat and sum(length > 1 for length in new[then:j]) > 1)
    return tuple(wide), tuple(result), splits


def reshaped(array: Array, old: Shape, new: Shape) -> Array:
    """Return the array of a tensor viewed in another shape; neither shape contains a zero."""
    if array.size == 1:
        return array.reshape((1,) * len(new))
    array = ranked(array, len(old))
    if old == new:
        return array
    wide, result, splits = _reshaping(array.shape, old, new)
    moved = (array if wide == array.shape else np.broadcast_to(array, wide)).reshape(result)
    return shrunk(moved) if splits else moved


def sliced(array: Array, rank: int, dim: int, part: slice) -> Array:
    """Return the array of a slice along one axis."""
    array = ranked(array, rank)
    if array.shape[dim] == 1:
        return array
    return array[(slice(None),) * dim + (part,)]


def selected(array: Array, rank: int, dim: int, index: int) -> Array:
    """Return the array at one index of an axis, without this axis."""
    array = ranked(array, rank)
    return array[(slice(None),) * dim + (0 if array.shape[dim] == 1 else index,)]


def joined(arrays: Sequence[tuple[Array, Shape]], dim: int) -> Array:
    """Return the array of tensors that are concatenated along an axis."""
    rank = len(arrays[0][1])
    parts = [ranked(array, rank) for array, _ in arrays]
    lengths = [max(part.shape[axis] for part in parts) for axis in range(rank)]
    wide = []
    for part, (_, shape) in zip(parts, arrays, strict=True):
        lengths[dim] = shape[dim]
        wide.append(part if part.shape == tuple(lengths) else np.broadcast_to(part, lengths))
    return np.concatenate(wide, dim)


def entries(shape: Shape) -> int:
    """Return the number of entries of a shape."""
    return prod(shape)
