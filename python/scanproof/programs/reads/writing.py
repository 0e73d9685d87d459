"""Operations that replace some entries of a tensor, or add to them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from scanproof.programs.compact import Array, ranked, whole, widened
from scanproof.programs.facts import ANY
from scanproof.programs.labels import Parts, Reader, State, known
from scanproof.programs.program import Node, Value
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.table import row

Where = tuple[Any, ...]


@row("slice_scatter")
def slice_scatter(reader: Reader, node: Node) -> State:
    """Read the other tensor within a slice, and the tensor itself outside."""
    value, other = node.args[:2]
    dim, start, end, step = node.given(2, 0, None, None, 1)
    rank = len(value.shape)
    return _put(reader, value, other, dim % rank, slice(start, end, step), lambda part: ranked(part, rank))


@row("select_scatter")
def select_scatter(reader: Reader, node: Node) -> State:
    """Read the other tensor at one index of an axis, and the tensor itself elsewhere."""
    value, other, dim, place = node.args
    rank = len(value.shape)
    dim %= rank
    return _put(reader, value, other, dim, place, lambda part: np.expand_dims(ranked(part, rank - 1), dim))


def _put(
    reader: Reader, value: Value, other: Value, dim: int, where: int | slice, view: Callable[[Array], Array]
) -> State:
    """Return the state of ``value`` with ``other`` at indices of one axis; ``view`` adds that axis."""
    rank = len(value.shape)
    place = (slice(None),) * dim + (slice(where, where + 1 or None) if isinstance(where, int) else where,)

    def placed(array: Array, part: Array) -> Array:
        array, part = ranked(array, rank), view(part)
        lengths = [max(one, two) for one, two in zip(array.shape, part.shape, strict=True)]
        lengths[dim] = value.shape[dim]
        made = np.broadcast_to(array, lengths).copy()
        made[place] = part
        return made

    state, fact = reader.state(value), reader.fact(value)
    theirs, put_fact = reader.state(other).parts, reader.fact(other)
    parts: Parts | None = None
    if state.parts is not None or theirs is not None:
        ours, own = state.parts or reader.bottoms(), theirs or reader.bottoms()
        parts = tuple(placed(array, part) for array, part in zip(ours, own, strict=True))
    if fact is None and put_fact is None:
        return State(parts)
    nothing = np.zeros((), np.uint8)
    new = placed(nothing if fact is None else fact, nothing if put_fact is None else put_fact)
    return State(parts, new if new.any() else None)


@row("diagonal_scatter", "as_strided_scatter")
def by_numbers(reader: Reader, node: Node) -> State:
    """Read the other tensor at the entries that running the operation on numbers of entries finds."""
    value, other = node.args[:2]
    size = int(np.prod(value.shape))
    ours = torch.arange(size, dtype=torch.float64).reshape(value.shape)
    theirs = torch.arange(size, size + int(np.prod(other.shape)), dtype=torch.float64).reshape(other.shape)
    places = node.op(ours, theirs, *node.args[2:], **node.kwargs).long().numpy()
    one, another = reader.parts(value) or reader.bottoms(), reader.parts(other) or reader.bottoms()

    def taken(first: Array, second: Array) -> Array:
        flat = [whole(first, value.shape).reshape(-1), whole(second, other.shape).reshape(-1)]
        made: Array = np.concatenate(flat)[places]
        return made

    return State(tuple(taken(first, second) for first, second in zip(one, another, strict=True)))


@row("index_put", "_unsafe_index_put")
def index_put(reader: Reader, node: Node) -> State:
    """Read the entry itself, and the entries that replace it or are added to it."""
    value, indices, other = node.args[:3]
    accumulate = node.args[3] if len(node.args) > 3 else node.kwargs.get("accumulate", False)
    asked = [number for number, each in enumerate(indices) if each is not None]
    tensors = [None if each is None else reader.tensor(each) for each in indices]
    if all(tensors[number] is not None for number in asked):
        where = tuple(slice(None) if each is None else known(each) for each in tensors)
        return scattered(reader, value, State(reader.parts(other), reader.fact(other)), where, accumulate)
    return _anywhere(reader, value, indices, asked, other)


def scattered(reader: Reader, value: Value, other: State, where: Where, keeps: bool) -> State:
    """Return the state of a tensor after another tensor is put, or added, at known indices."""
    ours = reader.parts(value) or reader.bottoms()
    theirs = other.parts or reader.bottoms()
    parts = []
    for lattice, array, part in zip(reader.lattices, ours, theirs, strict=True):
        made = whole(array, value.shape).copy()
        if not keeps:
            made[where] = lattice.bottom
        lattice.join.at(made, where, part)
        parts.append(made)
    fact, put_fact = reader.fact(value), other.fact
    if keeps or (fact is None and put_fact is None):
        return State(tuple(parts))
    nothing = np.zeros((), np.uint8)
    own = whole(nothing if fact is None else fact, value.shape).copy()
    if _once(value, where):
        own[where] = nothing if put_fact is None else put_fact
    else:
        own[where] = ANY
    return State(tuple(parts), own if own.any() else None)


def _once(value: Value, where: Where) -> bool:
    """Whether no entry is written twice."""
    count = np.zeros(value.shape, np.int32)
    np.add.at(count, where, 1)
    return bool((count <= 1).all())


def _anywhere(
    reader: Reader, value: Value, indices: Sequence[Value | None], asked: Sequence[int], other: Value
) -> State:
    """Let every entry along the indexed axes read everything that may be put there."""
    names = [indices[number] for number in asked]
    if any(each is not None and each.dtype in (torch.bool, torch.uint8) for each in names):
        return _by_mask(reader, value, names, other)
    rank = len(value.shape)
    axes = len(np.broadcast_shapes(*(each.shape for each in names if each is not None)))
    together = list(asked) == list(range(asked[0], asked[-1] + 1))
    first = asked[0] if together else 0
    whole_rank = rank - len(asked) + axes
    made = reader.parts(value)
    for parts in (reader.parts(other), _whole(reader, names)):
        if parts is None:
            continue
        joined = reader.reduced(
            tuple(ranked(part, whole_rank) for part in parts), list(range(first, first + axes))
        )
        kept = [np.squeeze(part, tuple(range(first, first + axes))) for part in joined]
        made = reader.joined(made, tuple(np.expand_dims(part, tuple(asked)) for part in kept))
    return State(made)


def _whole(reader: Reader, values: Sequence[Value | None]) -> Parts | None:
    made: Parts | None = None
    for value in values:
        if value is not None:
            made = reader.joined(made, whole_axes(reader, value, list(range(len(value.shape))), False))
    return made


def _by_mask(reader: Reader, value: Value, names: Sequence[Value | None], other: Value) -> State:
    """Read a mask at the index of the result, and the written number; of several numbers, all are read."""
    mask = names[0]
    made = reader.joined(reader.parts(value), _whole(reader, [other]))
    if len(names) == 1 and mask is not None and mask.shape == value.shape[: len(mask.shape)]:
        behind = len(value.shape) - len(mask.shape)
        own = reader.parts(mask)
        if own is not None:
            own = tuple(
                ranked(part, len(mask.shape)).reshape(*ranked(part, len(mask.shape)).shape, *[1] * behind)
                for part in own
            )
        if int(np.prod(other.shape)) > 1:
            own = reader.joined(own, _whole(reader, names))
        return State(reader.joined(made, own))
    return State(reader.joined(made, _whole(reader, names)))


@row("masked_scatter")
def masked_scatter(reader: Reader, node: Node) -> State:
    """Read the entry itself, and where the mask may be true, the mask and all of the other tensor."""
    value, mask, other = node.args
    return State(reader.joined(reader.parts(value), _whole(reader, [mask, other])))


@row("scatter", "scatter_add", "scatter_reduce")
def scatter(reader: Reader, node: Node) -> State:
    """Read the entry itself, and the entries that indices put at, or add to, its index on one axis."""
    value, dim, chosen, other = node.args[:4]
    name = node.op.overloadpacket.__name__
    keeps = name == "scatter_add" or (name == "scatter_reduce" and node.kwargs.get("include_self", True))
    keeps = keeps or "reduce" in node.kwargs
    rank = len(value.shape)
    if rank == 0:
        return State(reader.all_of(node.reads))
    dim %= rank
    places = reader.tensor(chosen)
    if places is not None:
        shape = chosen.shape
        grid = list(np.indices(shape, sparse=True))
        grid[dim] = known(places)
        parts, fact = reader.parts(other), reader.fact(other)
        if isinstance(other, Value):

            def cut(array: Array) -> Array:
                return np.broadcast_to(array, other.shape)[tuple(slice(0, length) for length in shape)]

            parts, fact = (
                None if parts is None else tuple(map(cut, parts)),
                None if fact is None else cut(fact),
            )
        return scattered(reader, value, State(parts, fact), tuple(grid), keeps)
    made = reader.parts(value)
    for each in (chosen, other):
        parts = reader.parts(each)
        if parts is not None and isinstance(each, Value):
            parts = reader.reduced(reader.ranked(parts, each), [dim])
            parts = tuple(
                _within(part, chosen.shape, value.shape, dim, lattice.bottom)
                for part, lattice in zip(parts, reader.lattices, strict=True)
            )
            made = reader.joined(made, parts)
    return State(made)


def _within(part: Array, shape: tuple[int, ...], full: tuple[int, ...], dim: int, bottom: int) -> Array:
    """Return the labels of a tensor, extended to a tensor that is longer along other axes."""
    for axis, (length, whole_length) in enumerate(zip(shape, full, strict=True)):
        if axis != dim and length < whole_length:
            part = widened(
                part, tuple(shape[a] if a != dim else part.shape[dim] for a in range(len(shape))), [axis]
            )
            part = part[(slice(None),) * axis + (slice(0, length),)]
            room = [(0, 0)] * axis + [(0, whole_length - length)] + [(0, 0)] * (len(full) - axis - 1)
            part = np.pad(part, room, constant_values=bottom)
    return part


@row("index_add", "index_copy", "index_reduce")
def index_add(reader: Reader, node: Node) -> State:
    """Read the entry itself, and the entries that are put, or added, at indices of one axis."""
    value, dim, chosen, other = node.args[:4]
    rank = max(len(value.shape), 1)
    dim %= rank
    name = node.op.overloadpacket.__name__
    places = reader.tensor(chosen)
    if places is not None and len(value.shape):
        where = (slice(None),) * dim + (known(places).reshape(-1),)
        put = State(reader.parts(other), reader.fact(other))
        return scattered(reader, value, put, where, name in ("index_add", "index_reduce"))
    made = reader.joined(reader.parts(value), _whole(reader, [chosen]))
    if isinstance(other, Value):
        theirs = reader.parts(other)
        if theirs is not None and other.shape:
            theirs = reader.reduced(reader.ranked(theirs, other), [dim])
        made = reader.joined(made, theirs)
    return State(made)
