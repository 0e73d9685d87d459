"""The reads of operations as loops; an operation without a row is listed as reading everything."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import torch

from scanproof.programs.compact import Array, ranked
from scanproof.programs.facts import EXACT, HIDDEN, ONE, ZERO
from scanproof.programs.labels import Reader, known
from scanproof.programs.listing.loops import Axis, Loops
from scanproof.programs.program import Node, Value
from scanproof.programs.reads import (
    attention,
    convolution,
    fourier,
    indexing,
    norms,
    pointwise,
    pooling,
    products,
    random,
    reductions,
    scans,
    shapes,
    sorting,
    writing,
)

Reads = list[Loops]


def reads_of(reader: Reader, node: Node, rule: Callable[..., Any] | None) -> list[Reads]:
    """Return the reads of each output from values with labels; known entries read nothing."""
    rows = _ROWS.get(rule) if rule is not None else None
    found: list[Reads] = []
    for number, made in enumerate(node.outputs):
        if made is None:
            found.append([])
            continue
        reads = rows(reader, node, number, made) if rows is not None else None
        reads = _everything(node, made) if reads is None else reads
        alive = [loops for loops in reads if reader.parts(loops.source) is not None]
        fact = reader.fact(made)
        if fact is not None:
            alive = [loops.where_made(~EXACT[fact]) for loops in alive]
        found.append(alive)
    return found


def _everything(node: Node, made: Value) -> Reads:
    """Let every entry read every entry of every argument."""
    return [
        Loops(
            value,
            made,
            [
                *(Axis(size, out=(dim, 1)) for dim, size in enumerate(made.shape)),
                *(Axis(size, source=(dim, 1)) for dim, size in enumerate(value.shape)),
            ],
        )
        for value in dict.fromkeys(node.reads)
    ]


def _beside(value: Value, made: Value) -> Loops:
    """Read the entry at the same index, with broadcasting."""
    behind = len(made.shape) - len(value.shape)
    axes = []
    for dim, size in enumerate(made.shape):
        own = dim - behind
        axes.append(Axis(size, (dim, 1), (own, 1) if own >= 0 and value.shape[own] > 1 else None))
    return Loops(value, made, axes)


def _pointwise(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    return [_beside(value, made) for value in dict.fromkeys(node.reads)]


def _dropout(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    return [_beside(node.args[0], made)] if number == 0 else []


def _nothing(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    return []


def _chosen(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    if node.op.overloadpacket.__name__ == "masked_fill":
        other, condition, value = node.args[:3]
    else:
        condition, value, other = node.args[:3]
    fact = reader.fact(condition)
    reads = [_beside(condition, made)]
    for each, never in ((value, ZERO), (other, ONE)):
        if isinstance(each, Value):
            loops = _beside(each, made)
            reads.append(loops if fact is None else loops.where_made(fact != never))
    if fact is not None:
        reads[0].where_made((fact != ZERO) & (fact != ONE))
    return reads


def _view(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    """Run the operation on a meta tensor to find the layout of its view."""
    value = node.args[0]
    if made.dtype != value.dtype and node.op.overloadpacket.__name__ == "view":
        return None
    view = node.op(torch.empty(value.shape, device="meta"), *node.args[1:], **node.kwargs)
    view = view if isinstance(view, torch.Tensor) else view[number]
    axes = [
        Axis(size, out=(dim, 1), entries=stride)
        for dim, (size, stride) in enumerate(zip(view.shape, view.stride(), strict=True))
    ]
    return [Loops(value, made, axes, entry=int(view.storage_offset()))]


def _by_places(value: Value, made: Value, places: Array) -> Loops:
    return Loops(value, made, [Axis(size, out=(dim, 1)) for dim, size in enumerate(made.shape)]).chosen(
        places
    )


def _asked(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    """Run the operation on the numbers of entries to find which entries it takes."""
    value = node.args[0]
    numbers = torch.arange(1, prod(value.shape) + 1, dtype=torch.float64).reshape(value.shape)
    taken = node.op(numbers, *node.args[1:], **node.kwargs)
    return [_by_places(value, made, taken.long().numpy() - 1)]


def _triangle(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    return [_beside(node.args[0], made)]


def _pad(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    value, margins = node.args[:2]
    rank = len(value.shape)
    axes, out_start, source_start = [], {}, {}
    for dim, size in enumerate(value.shape):
        side = 2 * (rank - 1 - dim)
        before, after = (margins[side], margins[side + 1]) if side < len(margins) else (0, 0)
        axes.append(Axis(size - max(0, -before) - max(0, -after), (dim, 1), (dim, 1)))
        out_start[dim], source_start[dim] = max(0, before), max(0, -before)
    return [Loops(value, made, axes, out_start, source_start)]


def _cat(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    values = [value for value in node.args[0] if value.shape != (0,)]
    new = node.op.overloadpacket.__name__ == "stack"
    dim = (node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)) % len(made.shape)
    reads, start = [], 0
    for value in values:
        axes = [Axis(size, (own + (new and own >= dim), 1), (own, 1)) for own, size in enumerate(value.shape)]
        reads.append(Loops(value, made, axes, {dim: start}))
        start += 1 if new else value.shape[dim]
    return reads


def _along(value: Value, made: Value, dims: Sequence[int], keep: bool) -> list[Axis]:
    """Return counters over all axes of a value; counters of ``dims`` do not move in the result."""
    axes, place = [], 0
    for dim, size in enumerate(value.shape):
        reduced = dim in dims
        axes.append(Axis(size, None if reduced else (place, 1), (dim, 1)))
        place += not reduced or keep
    return axes


def _visible(reader: Reader, value: Value, dims: Sequence[int]) -> Array | None:
    """Return which entries are not masked along axes; None if no entry is masked."""
    fact = reader.fact(value)
    if fact is None:
        return None
    hidden = HIDDEN[ranked(fact, len(value.shape))]
    visible: Array = ~(hidden & ~hidden.all(axis=tuple(dims), keepdims=True))
    return visible


def _reduction(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    name = node.op.overloadpacket.__name__
    if name in ("max", "min") and len(node.args) > 1 and isinstance(node.args[1], Value):
        return _pointwise(reader, node, number, made)
    value = node.args[0]
    if name in ("aminmax", "kthvalue", "linalg_vector_norm"):
        return None
    dims = reductions.axes(value, node.args[1] if len(node.args) > 1 else node.kwargs.get("dim"))
    loops = Loops(value, made, _along(value, made, dims, len(made.shape) == len(value.shape)))
    visible = _visible(reader, value, dims) if name in ("amax", "max", "logsumexp") else None
    return [loops if visible is None else loops.where_read(visible)]


def _whole(value: Value, made: Value, dims: Sequence[int]) -> Loops:
    """Read all entries along some axes, which the result has, too."""
    axes = [Axis(size, (dim, 1), None if dim in dims else (dim, 1)) for dim, size in enumerate(made.shape)]
    return Loops(value, made, [*axes, *(Axis(value.shape[dim], None, (dim, 1)) for dim in dims)])


def _softmax(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    value = node.args[0]
    dims = reductions.axes(value, node.args[1])
    loops, visible = _whole(value, made, dims), _visible(reader, value, dims)
    reads = [loops if visible is None else loops.where_read(visible)]
    return [*reads, _beside(value, made)] if "log" in node.op.overloadpacket.__name__ else reads


def _ordered(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    name, value = node.op.overloadpacket.__name__, node.args[0]
    if name not in ("sort", "topk") or not value.shape:
        return None
    numbers = [arg for arg in node.args[1:] if isinstance(arg, int) and not isinstance(arg, bool)]
    numbers = numbers[1:] if name == "topk" else numbers
    dim = numbers[0] if numbers else node.kwargs.get("dim", -1)
    return [_whole(value, made, [dim % len(value.shape)])]


def _transform(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    value, dims = node.args[:2]
    return [_whole(value, made, [dim % len(value.shape) for dim in dims])]


def _so_far(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    value = node.args[0]
    if not value.shape:
        return [_beside(value, made)]
    dim = (node.args[1] if len(node.args) > 1 else node.kwargs["dim"]) % len(value.shape)
    size = value.shape[dim]
    axes = [
        Axis(length, (own, 1), None if own == dim else (own, 1)) for own, length in enumerate(value.shape)
    ]
    axes.append(Axis(size, None, (dim, 1)))
    terms = [int(own == dim) for own in range(len(value.shape))] + [-1]
    return [Loops(value, made, axes).below(0, size, terms)]


def _product(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    added = node.op.overloadpacket.__name__ in ("addmm", "baddbmm")
    one, other = node.args[1:3] if added else node.args[:2]
    if node.op.overloadpacket.__name__ not in ("mm", "bmm", "addmm", "baddbmm"):
        return None
    batch, last = len(made.shape) - 2, len(made.shape) - 1
    zero = [_zeros(reader, value) for value in (one, other)]
    reads = []
    for value in (one, other):
        axes = [Axis(size, (dim, 1), (dim, 1)) for dim, size in enumerate(made.shape[:batch])]
        rows = Axis(made.shape[batch], (batch, 1), (batch, 1) if value is one else None)
        columns = Axis(made.shape[last], (last, 1), (last, 1) if value is other else None)
        terms = Axis(one.shape[-1], None, (last if value is one else batch, 1))
        loops = Loops(value, made, [*axes, rows, columns, terms])
        for factor, alive in zip((one, other), zero, strict=True):
            if alive is not None:
                inner = (batch, 1) if factor is one else None
                moves = [*((dim, 1) for dim in range(batch)), inner, None if factor is one else (last, 1)]
                place = (last if factor is one else batch, 1)
                loops.where(alive, [*moves, place])
        reads.append(loops)
    return [*reads, *([_beside(node.args[0], made)] if added else [])]


def _zeros(reader: Reader, value: Value) -> Array | None:
    fact = reader.fact(value)
    if fact is None or not (fact == ZERO).any():
        return None
    alive: Array = ranked(fact, len(value.shape)) != ZERO
    return alive


def _convolution(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = node.args[:9]
    labelled = any(reader.parts(each) is not None for each in (weight, bias) if each is not None)
    if transposed or labelled or len(x.shape) != len(weight.shape):
        return None
    space = len(weight.shape) - 2
    stride, padding, dilation = (
        list(numbers) * space if len(numbers) == 1 else list(numbers)
        for numbers in (stride, padding, dilation)
    )
    outs, ins = made.shape[1] // groups, x.shape[1] // groups
    axes = [
        Axis(x.shape[0], (0, 1), (0, 1)),
        Axis(groups, (1, outs), (1, ins)),
        Axis(outs, (1, 1)),
        Axis(ins, None, (1, 1)),
    ]
    terms = []
    for number_, width in enumerate(weight.shape[2:]):
        dim = number_ + 2
        terms.append((dim, len(axes)))
        axes += [
            Axis(made.shape[dim], (dim, 1), (dim, stride[number_])),
            Axis(width, None, (dim, dilation[number_])),
        ]
    loops = Loops(x, made, axes, {}, {dim: -padding[dim - 2] for dim, _ in terms})
    for dim, first in terms:
        steps = [0] * len(axes)
        steps[first], steps[first + 1] = stride[dim - 2], dilation[dim - 2]
        loops.below(-padding[dim - 2], x.shape[dim], steps)
    return [loops]


def _norm(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    value, shape = node.args[:2]
    if number > 0:
        return None
    rank = len(value.shape)
    loops = _whole(value, made, range(rank - len(shape), rank))
    return [loops, *(_beside(each, made) for each in node.reads[1:])]


def _batch_norm(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    flags = [arg for arg in node.args[3:] if isinstance(arg, bool)]
    labelled = any(reader.parts(value) is not None for value in node.reads[1:])
    training = flags[0] if flags else "no_training" not in node.op.overloadpacket.__name__
    return None if number > 0 or training or labelled else [_beside(node.args[0], made)]


def _pool(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    value = node.args[0]
    space = 3 if "3d" in node.op.overloadpacket.__name__ else 2
    width, stride, padding, dilation = node.given(1, 1, None, 0, 1)
    if "max" not in node.op.overloadpacket.__name__:
        dilation = 1
    rank = len(value.shape)
    axes = [Axis(size, (dim, 1), (dim, 1)) for dim, size in enumerate(value.shape[: rank - space])]
    steps = [_each(numbers, space) for numbers in (width, stride or width, padding, dilation)]
    starts, bounds = {}, []
    for dim, (wide, step, before, apart) in enumerate(zip(*steps, strict=True), rank - space):
        bounds.append((dim, len(axes), step, apart))
        starts[dim] = -before
        axes += [Axis(made.shape[dim], (dim, 1), (dim, step)), Axis(wide, None, (dim, apart))]
    loops = Loops(value, made, axes, {}, starts)
    for dim, first, step, apart in bounds:
        terms = [0] * len(axes)
        terms[first], terms[first + 1] = step, apart
        loops.below(starts[dim], value.shape[dim], terms)
    return [loops]


def _each(numbers: int | Sequence[int], space: int) -> list[int]:
    numbers = [numbers] if isinstance(numbers, int) else list(numbers)
    return numbers * space if len(numbers) == 1 else numbers


def _index(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    value, indices = node.args
    tensors = [None if each is None else reader.tensor(each) for each in indices]
    if any(each is not None and tensor is None for each, tensor in zip(indices, tensors, strict=True)):
        return None
    numbers = np.arange(prod(value.shape)).reshape(value.shape)
    where = tuple(slice(None) if each is None else known(each) for each in tensors)
    return [_by_places(value, made, numbers[where])]


def _gathered(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    """Run the operation on the numbers of entries to find which entries known indices select."""
    value, dim, chosen = node.args[:3]
    places = reader.tensor(chosen)
    if places is None and node.op.overloadpacket.__name__ == "gather" and value.shape:
        return [_beside(chosen, made), _whole(value, made, [dim % len(value.shape)])]
    if places is None:
        return None
    taken = node.op(torch.arange(prod(value.shape)).reshape(value.shape), dim, places)
    return [_by_places(value, made, taken.numpy())]


def _put_at(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    """Put numbers of entries at known, distinct indices."""
    value, indices, other = node.args[:3]
    tensors = [None if each is None else reader.tensor(each) for each in indices]
    unknown = any(each is not None and tensor is None for each, tensor in zip(indices, tensors, strict=True))
    if unknown or (len(node.args) > 3 and node.args[3]):
        return None
    own = np.arange(prod(value.shape)).reshape(value.shape)
    put = np.full(value.shape, -1)
    where = tuple(slice(None) if each is None else known(each) for each in tensors)
    theirs = np.broadcast_to(np.arange(prod(other.shape)).reshape(other.shape), own[where].shape)
    if len(np.unique(own[where])) != theirs.size:
        return None
    put[where] = theirs
    own[where] = -1
    return [_by_places(value, made, own), _by_places(other, made, put)]


def _embedding(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    weight, chosen = node.args[:2]
    if reader.parts(weight) is not None:
        return None
    axes = [Axis(size, (dim, 1), (dim, 1)) for dim, size in enumerate(chosen.shape)]
    return [Loops(chosen, made, [*axes, Axis(made.shape[-1], (len(made.shape) - 1, 1))])]


def _attention(reader: Reader, node: Node, number: int, made: Value) -> Reads | None:
    given = attention.arguments(node)
    query, key, value = given["query"], given["key"], given["value"]
    mask = given.get("attn_mask", given.get("attn_bias"))
    if number > 0 or len(query.shape) != 4 or query.shape[1] % key.shape[1]:
        return None
    if mask is not None and reader.parts(mask) is not None:
        return None
    queries, keys, share = query.shape[2], key.shape[2], query.shape[1] // key.shape[1]
    hidden, everything = attention.hidden_keys(reader, mask, queries, keys, given.get("is_causal", False))
    alive = ranked(~(hidden & ~everything), 4)
    examples, rows, channels = (
        Axis(made.shape[0], (0, 1), (0, 1)),
        Axis(queries, (2, 1)),
        Axis(made.shape[3], (3, 1)),
    )
    own = [examples, Axis(made.shape[1], (1, 1), (1, 1)), Axis(queries, (2, 1), (2, 1)), channels]
    reads = [Loops(query, made, [*own, Axis(query.shape[3], None, (3, 1))])]
    shared = [examples, Axis(key.shape[1], (1, share), (1, 1)), Axis(share, (1, 1)), rows]
    moves: list[tuple[int, int] | None] = [(0, 1), (1, share), (1, 1), (2, 1), (3, 1)]
    every, same = [channels, Axis(key.shape[3], None, (3, 1))], [Axis(made.shape[3], (3, 1), (3, 1))]
    for tensor, last in ((key, every), (value, same)):
        loops = Loops(tensor, made, [*shared, Axis(keys, None, (2, 1)), *last])
        reads.append(loops.where(alive, [*moves, *[None] * len(last)]))
    return reads


def _put(reader: Reader, node: Node, number: int, made: Value) -> Reads:
    """Run the operation on numbers of entries to find where it puts the other tensor."""
    value, other = node.args[:2]
    size = prod(value.shape)
    ours = torch.arange(size, dtype=torch.float64).reshape(value.shape)
    theirs = torch.arange(size, size + prod(other.shape), dtype=torch.float64).reshape(other.shape)
    places = node.op(ours, theirs, *node.args[2:], **node.kwargs).long().numpy()
    own, put = np.where(places < size, places, -1), np.where(places < size, -1, places - size)
    return [_by_places(value, made, own), _by_places(other, made, put)]


_ROWS: dict[Callable[..., Any], Callable[[Reader, Node, int, Value], Reads | None]] = {
    **dict.fromkeys(
        (
            pointwise.pointwise, pointwise.unary, pointwise.cast, pointwise.same, pointwise.bitwise_not,
            pointwise.clamp, pointwise.binary, pointwise.bitwise, pointwise.power, random.drawn_by,
        ),
        _pointwise,
    ),
    **dict.fromkeys((pointwise.where, pointwise.masked_fill), _chosen),
    **dict.fromkeys(
        (
            shapes.reshape, shapes.expand, shapes.permute, shapes.transpose, shapes.slice_, shapes.select,
            shapes.unbind, shapes.split,
        ),
        _view,
    ),
    **dict.fromkeys((shapes.flip, shapes.roll, shapes.repeat, shapes.by_torch), _asked),
    **dict.fromkeys((shapes.cat, shapes.stack), _cat),
    **dict.fromkeys((writing.slice_scatter, writing.select_scatter, writing.by_numbers), _put),
    **dict.fromkeys(
        (
            reductions.total, reductions.statistics, reductions.product, reductions.all_true,
            reductions.any_true, reductions.extreme, reductions.logsumexp,
        ),
        _reduction,
    ),
    **dict.fromkeys((reductions.softmax, reductions.log_softmax), _softmax),
    **dict.fromkeys((products.product, products.added_product), _product),
    random.dropout: _dropout,
    random.drawn: _nothing,
    shapes.triangle: _triangle,
    shapes.pad: _pad,
    scans.cumulative: _so_far,
    convolution.convolution: _convolution,
    norms.layer_norm: _norm,
    norms.batch_norm: _batch_norm,
    pooling.pool: _pool,
    sorting.ordered: _ordered,
    fourier.transform: _transform,
    indexing.index: _index,
    indexing.embedding: _embedding,
    indexing.index_select: _gathered,
    indexing.gather: _gathered,
    writing.index_put: _put_at,
    attention.attention: _attention,
}  # fmt: skip
