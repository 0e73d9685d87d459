"""Convolutions: windows along the axes of space, all channels of a group."""

from collections.abc import Sequence

import numpy as np

from scanproof.programs.compact import Array, ranked
from scanproof.programs.facts import ZERO
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.reads.windows import over_windows
from scanproof.programs.table import row


@row("convolution")
def convolution(reader: Reader, node: Node) -> State:
    """Read a window of the channels of a group, without taps whose weights are known to be 0."""
    x, weight, bias, stride, padding, dilation, transposed, _, groups = node.args[:9]
    made = node.outputs[0]
    assert made is not None
    space = len(weight.shape) - 2
    dims = range(len(x.shape) - space, len(x.shape))
    stride, padding, dilation = (_each(numbers, space) for numbers in (stride, padding, dilation))
    parts = reader.parts(x)
    if parts is not None:
        parts = _over_channels(reader, reader.ranked(parts, x), x, made, groups, space)
        width = weight.shape[2:]
        taps = None if transposed else _live_taps(reader, weight)
        before = padding
        if transposed:
            before = [d * (w - 1) - p for d, w, p in zip(dilation, width, padding, strict=True)]
        gaps = stride if transposed else None
        step = [1] * space if transposed else stride
        size = [made.shape[dim] for dim in dims]
        if taps is None:
            parts = over_windows(reader, parts, x, dims, width, step, before, dilation, size, gaps)
        else:
            parts = _over_taps(reader, parts, x, dims, taps, step, before, dilation, size)
    return State(reader.joined(parts, _of_weights(reader, weight, bias, transposed, groups, space)))


def _each(numbers: Sequence[int], space: int) -> list[int]:
    return list(numbers) * space if len(numbers) == 1 else list(numbers)


def _over_channels(reader: Reader, parts: Parts, x: Value, made: Value, groups: int, space: int) -> Parts:
    """Join over the channels of a group, and give every channel of the result those of its group."""
    channel = len(x.shape) - space - 1
    spread = []
    for lattice, part in zip(reader.lattices, parts, strict=True):
        have = part.shape[channel]
        if have > 1 and groups > 1:
            shape = part.shape
            grouped = part.reshape(*shape[:channel], groups, have // groups, *shape[channel + 1 :])
            part = lattice.join.reduce(grouped, axis=channel + 1)
            part = np.repeat(part, made.shape[channel] // groups, axis=channel)
        elif have > 1:
            part = lattice.join.reduce(part, axis=channel, keepdims=True)
        spread.append(part)
    return tuple(spread)


def _live_taps(reader: Reader, weight: Value) -> list[tuple[int, ...]] | None:
    """Return the taps that any channel uses; None if all taps are, or may be, used."""
    fact = reader.fact(weight)
    if fact is None:
        return None
    zero = (ranked(fact, len(weight.shape)) == ZERO).all(axis=(0, 1))
    zero = np.broadcast_to(zero, weight.shape[2:])
    if not zero.any():
        return None
    reader.assumed.finite = True
    return [tuple(tap) for tap in np.argwhere(~zero).tolist()]


def _over_taps(
    reader: Reader,
    parts: Parts,
    x: Value,
    dims: Sequence[int],
    taps: Sequence[tuple[int, ...]],
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
    size: Sequence[int],
) -> Parts:
    made = reader.bottoms()
    ones = [1] * len(dims)
    for tap in taps:
        shifted = [b - t * d for b, t, d in zip(before, tap, dilation, strict=True)]
        here = over_windows(reader, parts, x, dims, ones, stride, shifted, ones, size)
        joined = reader.joined(made, here)
        assert joined is not None
        made = joined
    return made


def _of_weights(
    reader: Reader, weight: Value, bias: Value | None, transposed: bool, groups: int, space: int
) -> Parts | None:
    """Return the labels of the weights, by output channel."""
    parts = reader.parts(weight)
    if parts is not None:
        parts = reader.ranked(parts, weight)
        dims = range(len(weight.shape)) if transposed else range(1, len(weight.shape))
        reduced = reader.reduced(parts, list(dims))
        parts = tuple(_by_channel(part.reshape(-1), space) for part in reduced)
    own = None if bias is None else reader.parts(bias)
    if own is not None:
        own = tuple(_by_channel(ranked(part, 1), space) for part in own)
    return reader.joined(parts, own)


def _by_channel(part: Array, space: int) -> Array:
    return part.reshape(-1, *[1] * space)
