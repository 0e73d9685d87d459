"""Entries selected by indices: exactly these if the indices are known, otherwise any entry of the axis."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from scanproof.programs.compact import Array, ranked, shrunk, sliced, widened
from scanproof.programs.labels import Parts, Reader, State, known
from scanproof.programs.program import Node, Value
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.reads.shapes import moved
from scanproof.programs.table import row


@row("index", "_unsafe_index")
def index(reader: Reader, node: Node) -> State:
    """Read the entries that index tensors, or a mask, select on some axes."""
    value, indices = node.args
    tensors = [None if each is None else reader.tensor(each) for each in indices]
    asked = [number for number, each in enumerate(indices) if each is not None]
    rank = len(value.shape)
    if all(tensors[number] is not None for number in asked):
        where = tuple(slice(None) if each is None else known(each) for each in tensors)
        dims = _indexed(indices, rank)
        return moved(reader, value, lambda array: shrunk(widened(array, value.shape, dims)[where]))
    if any(indices[number].dtype in (torch.bool, torch.uint8) for number in asked):
        return _by_mask(reader, value, [indices[number] for number in asked])
    parts, names = reader.parts(value), [indices[number] for number in asked]
    if parts is not None:
        read = [number for number in asked if tensors[number] is None]
        certain = [number for number in asked if tensors[number] is not None]
        parts = reader.reduced(reader.ranked(parts, value), read)
        nothing = np.zeros((1,) * len(np.broadcast_shapes(*(each.shape for each in names))), int)
        chosen = tuple(
            slice(None)
            if each is None
            else nothing
            if tensors[number] is None
            else known(_there(tensors[number]))
            for number, each in enumerate(indices)
        )
        parts = tuple(widened(part, value.shape, certain)[chosen] for part in parts)
    return State(reader.joined(parts, placed(reader, reader.all_of(names), asked, names, rank)))


def _there(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


def _indexed(indices: Sequence[Value | None], rank: int) -> list[int]:
    """Return the axes on which indices select; a mask covers as many axes as it has."""
    dims: list[int] = []
    axis = 0
    for each in indices:
        count = len(each.shape) if each is not None and each.dtype in (torch.bool, torch.uint8) else 1
        if each is not None:
            dims += range(axis, axis + count)
        axis += count
    return dims


def _by_mask(reader: Reader, value: Value, names: Sequence[Value]) -> State:
    """Read the whole mask and the whole tensor, because values decide how many entries are selected."""
    whole: Parts | None = None
    for each in (value, *names):
        whole = reader.joined(whole, whole_axes(reader, each, list(range(len(each.shape))), False))
    return State(whole)


def placed(
    reader: Reader, parts: Parts | None, asked: Sequence[int], names: Sequence[Value], rank: int
) -> Parts | None:
    """Return the labels of the indices, at the axes of the indices in the result."""
    if parts is None:
        return None
    axes = len(np.broadcast_shapes(*(each.shape for each in names)))
    together = list(asked) == list(range(asked[0], asked[-1] + 1))
    first = asked[0] if together else 0
    behind = rank - len(asked) - first
    return tuple(ranked(part, axes).reshape(*ranked(part, axes).shape, *[1] * behind) for part in parts)


@row("index_select")
def index_select(reader: Reader, node: Node) -> State:
    """Read the entries of one axis that indices select."""
    value, dim, chosen = node.args
    rank = max(len(value.shape), 1)
    dim %= rank
    places = reader.tensor(chosen)
    if places is not None:
        where = known(places).reshape(-1)
        return moved(reader, value, lambda array: shrunk(widened(array, value.shape, [dim]).take(where, dim)))
    own = reader.parts(chosen)
    if own is not None:
        own = tuple(ranked(part, 1).reshape(-1, *[1] * (rank - dim - 1)) for part in own)
    return State(reader.joined(whole_axes(reader, value, [dim], True), own))


@row("embedding")
def embedding(reader: Reader, node: Node) -> State:
    """Read an index, and any row of the table (the exact row if the index is known)."""
    weight, chosen = node.args[:2]
    own = reader.parts(chosen)
    if own is not None:
        own = tuple(part[..., None] for part in own)
    table = reader.parts(weight)
    places = reader.tensor(chosen)
    if table is None:
        return State(own)
    if places is not None:
        return State(tuple(widened(part, weight.shape, [0])[known(places)] for part in table))
    rows = reader.reduced(reader.ranked(table, weight), [0])
    return State(reader.joined(tuple(part[0] for part in rows), own))


@row("gather")
def gather(reader: Reader, node: Node) -> State:
    """Read the entry of one axis that an index of the same shape selects."""
    value, dim, chosen = node.args[:3]
    rank = len(value.shape)
    if rank == 0:
        return State(reader.all_of((value, chosen)))
    dim %= rank
    places = reader.tensor(chosen)
    shape = chosen.shape

    def within(array: Array) -> Array:
        for axis in range(rank):
            if axis != dim:
                array = sliced(array, rank, axis, slice(0, shape[axis]))
        return array

    if places is not None:
        where = known(places)
        others = range(rank)

        def take(array: Array) -> Array:
            array = within(widened(array, value.shape, others))
            return shrunk(np.take_along_axis(array, where, dim))

        return moved(reader, value, take)
    parts = reader.parts(value)
    if parts is not None:
        parts = tuple(map(within, reader.reduced(reader.ranked(parts, value), [dim])))
    return State(reader.joined(parts, reader.parts(chosen)))


@row("take")
def take(reader: Reader, node: Node) -> State:
    """Read the entry with a flat index."""
    value, chosen = node.args
    return State(
        reader.joined(whole_axes(reader, value, list(range(len(value.shape))), False), reader.parts(chosen))
    )


@row("repeat_interleave.Tensor")
def repeated_numbers(reader: Reader, node: Node) -> State:
    """Read all counts."""
    value = node.args[0]
    return State(whole_axes(reader, value, list(range(len(value.shape))), False))
