"""Labels joined over windows along an axis."""

from collections.abc import Sequence

import numpy as np

from scanproof.programs.compact import Array, ranked, sliced, widened
from scanproof.programs.labels import Lattice, Parts, Reader
from scanproof.programs.program import Value


def over_windows(
    reader: Reader,
    parts: Parts,
    value: Value,
    dims: Sequence[int],
    width: Sequence[int],
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
    result: Sequence[int],
    gaps: Sequence[int] | None = None,
) -> Parts:
    """Return labels joined over the window at every index of the result.

    Args:
        reader: the reader with the lattices of the labels.
        parts: labels of the tensor that is read.
        value: the tensor that is read.
        dims: the axes along which windows move; the next arguments have one number for each of these axes.
        width: number of entries of a window.
        stride: distance between windows.
        before: distance of the start of the first window before the first entry.
        dilation: distance between entries of a window.
        result: number of windows.
        gaps: distance between entries, as spread by a transposed convolution; default: 1.
    """
    made = []
    for lattice, part in zip(reader.lattices, parts, strict=True):
        part = ranked(part, len(value.shape))
        for number, dim in enumerate(dims):
            if part.shape[dim] == 1 and value.shape[dim] > 1:
                continue
            part = widened(part, value.shape, [dim])
            gap = gaps[number] if gaps else 1
            spread = _spread(part, dim, gap, lattice)
            part = _windows(
                spread,
                dim,
                width[number],
                stride[number],
                before[number],
                dilation[number],
                result[number],
                lattice,
            )
        made.append(part)
    return tuple(made)


def _spread(part: Array, dim: int, gap: int, lattice: Lattice) -> Array:
    if gap == 1:
        return part
    shape = list(part.shape)
    shape[dim] = (shape[dim] - 1) * gap + 1
    wide = np.full(shape, lattice.bottom, lattice.dtype)
    wide[(slice(None),) * dim + (slice(None, None, gap),)] = part
    return wide


def _windows(
    part: Array, dim: int, width: int, stride: int, before: int, dilation: int, result: int, lattice: Lattice
) -> Array:
    """Join over windows by doubling: a window of 2 n entries is two windows of n entries."""
    rank = part.ndim
    needed = (result - 1) * stride + (width - 1) * dilation + 1
    after = needed - before - part.shape[dim]
    part = sliced(part, rank, dim, slice(max(0, -before), part.shape[dim] - max(0, -after)))
    room = [(0, 0)] * dim + [(max(0, before), max(0, after))] + [(0, 0)] * (rank - dim - 1)
    part = np.pad(part, room, constant_values=lattice.bottom)
    have = 1
    while have < width:
        step = min(have, width - have)
        shift = step * dilation
        length = part.shape[dim] - shift
        part = lattice.join(
            part[(slice(None),) * dim + (slice(0, length),)],
            part[(slice(None),) * dim + (slice(shift, None),)],
        )
        have += step
    windows: Array = part[(slice(None),) * dim + (slice(0, (result - 1) * stride + 1, stride),)]
    return windows
