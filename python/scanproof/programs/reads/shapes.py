"""Operations that move entries: each entry of a result is one entry of an argument, or a constant."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, pairwise

import numpy as np
import torch

from scanproof.programs.compact import (
    Array,
    joined,
    ranked,
    reshaped,
    selected,
    shrunk,
    sliced,
    whole,
    widened,
)
from scanproof.programs.facts import fact_of
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.table import row


def moved(reader: Reader, value: Value, move: Callable[[Array], Array]) -> State:
    """Return the state of a tensor whose entries are moved in the same way as its array."""
    state = reader.states[value.index] or reader.state(value)
    fact = reader.fact(value)
    parts = None if state.parts is None else tuple(map(move, state.parts))
    return State(parts, None if fact is None else move(fact))


@row(
    "view",
    "reshape",
    "_unsafe_view",
    "unsqueeze",
    "squeeze",
)
def reshape(reader: Reader, node: Node) -> State:
    """Read the same entry in another shape."""
    value, made = node.reads[0], node.outputs[0]
    assert made is not None
    if made.dtype != value.dtype:
        return _other_dtype(reader, value, made)
    old, new = value.shape, made.shape
    return moved(reader, value, lambda array: reshaped(array, old, new))


def _other_dtype(reader: Reader, value: Value, made: Value) -> State:
    """Read the neighbouring entries on the last axis whose bytes make up an entry."""
    parts = reader.parts(value)
    if parts is None or value.shape == made.shape:
        return State(parts)
    return State(reader.reduced(reader.ranked(parts, value), [len(value.shape) - 1]))


@row("expand")
def expand(reader: Reader, node: Node) -> State:
    """Read the same entry along new axes, and along axes of length 1."""
    value, made = node.reads[0], node.outputs[0]
    assert made is not None
    return moved(reader, value, lambda array: array)


@row("permute")
def permute(reader: Reader, node: Node) -> State:
    """Read the same entry with axes in another order."""
    value = node.reads[0]
    rank = len(value.shape)
    dims = [dim % rank for dim in node.args[1]]
    return moved(reader, value, lambda array: ranked(array, rank).transpose(dims))


@row("transpose", "t")
def transpose(reader: Reader, node: Node) -> State:
    """Read the same entry with two axes exchanged."""
    value = node.reads[0]
    rank = len(value.shape)
    if rank < 2:
        return moved(reader, value, lambda array: array)
    one, other = node.args[1:3] if len(node.args) > 2 else (0, 1)
    return moved(reader, value, lambda array: ranked(array, rank).swapaxes(one, other))


@row("slice")
def slice_(reader: Reader, node: Node) -> State:
    """Read the same entry in a slice of an axis."""
    value = node.reads[0]
    dim, start, end, step = node.given(1, 0, None, None, 1)
    rank = len(value.shape)
    part = slice(start, end, step)
    return moved(reader, value, lambda array: sliced(array, rank, dim % rank, part))


@row("select")
def select(reader: Reader, node: Node) -> State:
    """Read one index of an axis."""
    value, dim, index = node.args
    rank = len(value.shape)
    return moved(reader, value, lambda array: selected(array, rank, dim % rank, index))


@row("unbind")
def unbind(reader: Reader, node: Node) -> list[State]:
    """Read one index of an axis for each result."""
    value = node.reads[0]
    rank = len(value.shape)
    dim = (node.args[1] if len(node.args) > 1 else 0) % rank
    state, fact = reader.state(value), reader.fact(value)
    arrays = [*(state.parts or ()), *([] if fact is None else [fact])]
    arrays = [np.moveaxis(ranked(array, rank), dim, 0) for array in arrays]
    count = len(state.parts or ())
    made = []
    for index in range(value.shape[dim]):
        here = [array[0 if len(array) == 1 else index] for array in arrays]
        made.append(State(tuple(here[:count]) if state.parts else None, None if fact is None else here[-1]))
    return made


@row(
    "split",
    "split_with_sizes",
)
def split(reader: Reader, node: Node) -> list[State]:
    """Read a part of an axis for each result."""
    value = node.reads[0]
    rank = len(value.shape)
    dim = (node.args[2] if len(node.args) > 2 else node.kwargs.get("dim", 0)) % rank
    sizes = node.args[1] if isinstance(node.args[1], list | tuple) else [node.args[1]] * len(node.outputs)
    ends = list(accumulate(sizes, initial=0))
    parts = (slice(first, min(end, value.shape[dim])) for first, end in pairwise(ends))
    return [moved(reader, value, partial(sliced, rank=rank, dim=dim, part=part)) for part in parts]


def put_together(
    reader: Reader, states: Sequence[State], shapes: Sequence[tuple[int, ...]], dim: int
) -> State:
    """Return the state of the concatenation of tensors with these states and shapes."""
    parts: Parts | None = None
    if any(state.parts is not None for state in states):
        each = [state.parts or reader.bottoms() for state in states]
        parts = tuple(
            joined([(own[which], shape) for own, shape in zip(each, shapes, strict=True)], dim)
            for which in range(len(reader.lattices))
        )
    fact = None
    if any(state.fact is not None for state in states):
        nothing = np.zeros((), np.uint8)
        facts = [nothing if state.fact is None else state.fact for state in states]
        fact = joined(list(zip(facts, shapes, strict=True)), dim)
    return State(parts, fact)


@row("cat")
def cat(reader: Reader, node: Node) -> State:
    """Read the tensor that covers the index of the result."""
    values = [value for value in node.args[0] if value.shape != (0,)]
    dim = (node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)) % len(values[0].shape)
    states = [moved(reader, value, lambda array: array) for value in values]
    return put_together(reader, states, [value.shape for value in values], dim)


@row("stack")
def stack(reader: Reader, node: Node) -> State:
    """Read the tensor at the index of the result on the new axis."""
    values = node.args[0]
    shape = values[0].shape
    dim = (node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)) % (len(shape) + 1)
    new_axis = (slice(None),) * dim + (None,)
    states = [moved(reader, value, lambda array: ranked(array, len(shape))[new_axis]) for value in values]
    return put_together(reader, states, [(*shape[:dim], 1, *shape[dim:])] * len(values), dim)


@row("constant_pad_nd")
def pad(reader: Reader, node: Node) -> State:
    """Read the entry inside the padding, or nothing."""
    value, margins = node.args[:2]
    number = node.args[2] if len(node.args) > 2 else 0
    rank = len(value.shape)
    sides = [(margins[i], margins[i + 1]) for i in range(0, len(margins), 2)][::-1]
    dims = range(rank - len(sides), rank)

    def padded(array: Array, fill: int) -> Array:
        for dim, (before, after) in zip(dims, sides, strict=True):
            if not before and not after:
                continue
            array = widened(array, value.shape, [dim])
            array = sliced(array, rank, dim, slice(max(0, -before), value.shape[dim] - max(0, -after)))
            room = [(0, 0)] * dim + [(max(before, 0), max(after, 0))] + [(0, 0)] * (rank - dim - 1)
            array = np.pad(array, room, constant_values=fill)
        return array

    state, fact = reader.state(value), reader.fact(value)
    known = fact_of(number, value.dtype)
    if known or fact is not None:
        own = np.zeros((), np.uint8) if fact is None else fact
        fact = padded(ranked(own, rank), known)
    parts = None
    if state.parts is not None:
        parts = tuple(
            padded(part, lattice.bottom) for part, lattice in zip(state.parts, reader.lattices, strict=True)
        )
    return State(parts, fact)


@row("flip")
def flip(reader: Reader, node: Node) -> State:
    """Read axes in reverse."""
    value, dims = node.args
    rank = len(value.shape)
    return moved(reader, value, lambda array: np.flip(ranked(array, rank), tuple(dims)))


@row("roll")
def roll(reader: Reader, node: Node) -> State:
    """Read at a shifted index, cyclically."""
    value, shifts = node.args[:2]
    dims = node.args[2] if len(node.args) > 2 else []
    rank = len(value.shape)
    if not dims:
        return by_torch(reader, node)
    shifts, dims = (list(each) if isinstance(each, list | tuple) else [each] for each in (shifts, dims))
    return moved(reader, value, lambda array: np.roll(ranked(array, rank), tuple(shifts), tuple(dims)))


@row("repeat")
def repeat(reader: Reader, node: Node) -> State:
    """Read the same entry in every copy."""
    value, times = node.args
    rank = len(times)

    def repeated(array: Array) -> Array:
        array = ranked(array, rank)
        return np.tile(array, [1 if array.shape[dim] == 1 else times[dim] for dim in range(rank)])

    return moved(reader, value, repeated)


@row("tril", "triu")
def triangle(reader: Reader, node: Node) -> State:
    """Read the same entry within the triangle, and nothing outside of it."""
    value = node.reads[0]
    diagonal = node.args[1] if len(node.args) > 1 else node.kwargs.get("diagonal", 0)
    rows, columns = value.shape[-2:]
    inside = np.tri(rows, columns, diagonal, dtype=bool)
    if node.op.overloadpacket.__name__ == "triu":
        inside = ~np.tri(rows, columns, diagonal - 1, dtype=bool)
    fact = reader.fact(value)
    own = np.zeros((), np.uint8) if fact is None else fact
    return State(reader.state(value).parts, np.where(inside, own, np.uint8(fact_of(0))))


@row(
    "as_strided", "unfold", "diagonal", 
    "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "diag_embed", "im2col", "reflection_pad1d",
    "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d", "replication_pad3d",
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d",
    "_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d",
    
    
)  # fmt: skip
def by_torch(reader: Reader, node: Node) -> State:
    """Read the entries that the operation takes; running it on the numbers of entries finds them."""
    value = node.reads[0]
    size = int(np.prod(value.shape))
    numbers = torch.arange(1, size + 1, dtype=torch.float64).reshape(value.shape)  # 0 marks padding
    taken = node.op(numbers, *node.args[1:], **node.kwargs)
    places = taken.long().numpy()
    state, fact = reader.state(value), reader.fact(value)

    def take(array: Array, fill: int) -> Array:
        flat = np.concatenate([np.array([fill], array.dtype), whole(array, value.shape).reshape(-1)])
        return shrunk(flat[places])

    parts = None
    if state.parts is not None:
        parts = tuple(
            take(part, lattice.bottom) for part, lattice in zip(state.parts, reader.lattices, strict=True)
        )
    if fact is None and (places == 0).any():
        fact = np.zeros((), np.uint8)
    return State(parts, None if fact is None else take(fact, fact_of(0)))


@row("view_as_real")
def view_as_real(reader: Reader, node: Node) -> State:
    """Read the complex number of a real or imaginary part."""
    value = node.reads[0]
    return moved(reader, value, lambda array: ranked(array, len(value.shape))[..., None])


@row("view_as_complex")
def view_as_complex(reader: Reader, node: Node) -> State:
    """Read the real and the imaginary part."""
    parts = reader.parts(node.reads[0])
    if parts is None:
        return State(None)
    rank = len(node.reads[0].shape)
    kept = reader.reduced(reader.ranked(parts, node.reads[0]), [rank - 1])
    return State(tuple(part[..., 0] for part in kept))
