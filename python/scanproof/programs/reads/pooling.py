"""Pooling and resampling along spatial axes."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
import torch

from scanproof.programs.compact import ranked, widened
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.reads.windows import over_windows
from scanproof.programs.table import row

_SPACE = {"1d": 1, "2d": 2, "3d": 3}


def _space(node: Node) -> int:
    name = node.op.overloadpacket.__name__
    return next(space for end, space in _SPACE.items() if end in name)


def _each(numbers: Any, space: int, default: Sequence[int]) -> list[int]:
    numbers = numbers if isinstance(numbers, list | tuple) else [numbers]
    return list(numbers) * space if len(numbers) == 1 else list(numbers) or list(default)


@row(
    "avg_pool2d",
    "avg_pool3d",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
)
def pool(reader: Reader, node: Node) -> list[State]:
    """Read a window of one channel."""
    space, value, made = _space(node), node.args[0], node.outputs[0]
    assert made is not None
    parts = reader.parts(value)
    if parts is None:
        return [State(None)] * len(node.outputs)
    given = [*node.args[1:], *[None] * 4]
    width = _each(given[0], space, [])
    stride = _each([] if given[1] is None else given[1], space, width)
    before = _each(0 if given[2] is None else given[2], space, [0] * space)
    dilation = [1] * space
    if "max" in node.op.overloadpacket.__name__ and given[3] is not None:
        dilation = _each(given[3], space, dilation)
    rank = len(value.shape)
    dims = range(rank - space, rank)
    size = [made.shape[dim] for dim in dims]
    pooled = over_windows(reader, parts, value, dims, width, stride, before, dilation, size)
    return [State(pooled)] * len(node.outputs)


@row(
    "_adaptive_avg_pool2d",
    "_adaptive_avg_pool3d",
    "adaptive_max_pool2d",
)
def adaptive_pool(reader: Reader, node: Node) -> list[State]:
    """Read the windows that divide an axis into as many parts as the result has."""
    space, value, made = _space(node), node.args[0], node.outputs[0]
    assert made is not None
    rank = len(value.shape)
    weights = [(dim, _dividing(value.shape[dim], made.shape[dim])) for dim in range(rank - space, rank)]
    return [State(mixed(reader, value, weights))] * len(node.outputs)


def _dividing(length: int, parts: int) -> Any:
    places = np.arange(length)
    first = np.arange(parts) * length // parts
    last = np.array([ceil((part + 1) * length / parts) for part in range(parts)])
    return (places >= first[:, None]) & (places < last[:, None])


@row("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d")
def resample(reader: Reader, node: Node) -> State:
    """Read the neighbours on each axis; running the operation on each axis finds these neighbours."""
    space, value, made = _space(node), node.args[0], node.outputs[0]
    assert made is not None
    rank = len(value.shape)
    weights = []
    for number in range(space):
        dim = rank - space + number
        length = value.shape[dim]
        probe = torch.eye(length, dtype=torch.float64).reshape(
            length, 1, *(length if axis == number else 1 for axis in range(space))
        )
        probe = probe.expand(
            -1, -1, *(length if axis == number else value.shape[rank - space + axis] for axis in range(space))
        )
        answer = node.op(probe.contiguous(), *node.args[1:], **node.kwargs)
        others = tuple(2 + axis for axis in range(space) if axis != number)
        answer = answer.abs().amax((1, *others)) if others else answer.abs().amax(1)
        weights.append((dim, (answer > 1e-12).T.numpy()))
    return State(mixed(reader, value, weights))


def mixed(reader: Reader, value: Value, weights: Sequence[tuple[int, Any]]) -> Parts | None:
    """Return labels joined along axes by matrices (result, length) of reads."""
    parts = reader.parts(value)
    if parts is None:
        return None
    made = []
    for lattice, part in zip(reader.lattices, parts, strict=True):
        part = ranked(part, len(value.shape))
        for dim, reads in weights:
            if part.shape[dim] == 1 and value.shape[dim] > 1:
                continue
            last = np.moveaxis(widened(part, value.shape, [dim]), dim, -1)
            rows = [
                lattice.join.reduce(last[..., row_.nonzero()[0]], axis=-1, initial=lattice.bottom)
                for row_ in reads
            ]
            part = np.moveaxis(np.stack(rows, -1), -1, dim)
        made.append(part)
    return tuple(made)


@row("avg_pool2d_backward", "max_pool2d_with_indices_backward", "_adaptive_avg_pool2d_backward")
def within_channels(reader: Reader, node: Node) -> State:
    """Read all spatial entries in one channel of each argument."""
    whole: Parts | None = None
    for value in node.reads:
        rank = len(value.shape)
        whole = reader.joined(whole, whole_axes(reader, value, [rank - 2, rank - 1], True))
    return State(whole)


@row("grid_sampler_2d")
def sampled(reader: Reader, node: Node) -> State:
    """Read all spatial entries in one channel, and the sampling coordinates."""
    value, grid = node.args[:2]
    rank = len(value.shape)
    coordinates = whole_axes(reader, grid, [rank - 1], False)
    if coordinates is not None:
        coordinates = tuple(np.expand_dims(part, 1) for part in coordinates)
    return State(reader.joined(whole_axes(reader, value, list(range(2, rank)), True), coordinates))
