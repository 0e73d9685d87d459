"""Tensors whose entries lie in an order that values decide, and operations that undo the order.

In a mixture of experts, each expert gathers the tokens routed to it, computes each token independently, and
scatters the results back to the positions of the tokens. The order of the gathered tokens depends on all
tokens, so labels by place carry no information. Labels by token still do. A tensor in such an order therefore
has two sets of labels: labels by place, and labels by the original position of each entry. When an operation
undoes the order, the second set becomes the labels by place.

An order comes from ``sort`` (all entries) or ``nonzero`` (the entries that a mask selects). An operation that
computes each entry along the ordered axis independently, and in the same way, keeps the order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
import torch

from scanproof.programs.compact import Array, ranked, reshaped, widened
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.reads import norms, pointwise, products, reductions, scans, shapes
from scanproof.programs.reads.reductions import whole_axes

Role = Literal["entries", "inverse", "counts", "ends"]


@dataclass(frozen=True, eq=False)
class Order:
    """An order that values decide.

    Attributes:
        length: number of entries before the reordering.
        complete: True if every entry occurs once; False if only entries that a mask selects occur.
        chosen: labels of the mask at each entry, (length,); None if the mask reads nothing.
        keys: labels of the sort key of each entry, (length,); None if the keys read nothing.
    """

    length: int
    complete: bool
    chosen: Parts | None
    keys: Parts | None


@dataclass(frozen=True)
class Arranged:
    """What is known of a tensor in an order.

    Attributes:
        order: the order.
        role: entries in that order; the indices that undo the order; or the number of entries with each key
            or up to each key.
        axis: for entries, the axis that is in order.
        parts: for entries, labels by original position along that axis; None if nothing is read.
        numbers: for entries, the known value of each entry by its original position; None if unknown.
        keys: whether the entries are the sort keys of the order.
    """

    order: Order
    role: Role = "entries"
    axis: int = 0
    parts: Parts | None = None
    numbers: Array | None = None
    keys: bool = False


class Arrangements:
    """Follows orders through a program while a reader labels it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[int, Arranged] = {}

    def follow(self, node: Node, rule: Callable[..., Any]) -> None:
        """Follow an operation that was just labelled; replace its labels if it undoes an order."""
        name = node.op.overloadpacket.__name__
        begin = _BEGIN.get(name)
        if begin is not None and begin(self, node):
            return
        if not self._known or all(value.index not in self._known for value in node.reads):
            return
        end = _END.get(name)
        if end is not None and end(self, node):
            return
        self._keep(node, rule)

    def of(self, value: Any, role: Role = "entries") -> Arranged | None:
        """Return what is known of a value in a role."""
        found = self._known.get(value.index) if isinstance(value, Value) else None
        return found if found is not None and found.role == role else None

    def note(self, value: Value | None, arranged: Arranged) -> None:
        """Remember what is known of a value."""
        if value is not None:
            self._known[value.index] = arranged

    def mend(self, value: Value | None, parts: Parts | None) -> bool:
        """Replace the labels of a value by more precise ones."""
        if value is not None:
            self._reader.states[value.index] = State(parts)
        return True

    def by_entry(self, value: Value) -> Parts | None:
        """Return the labels of a vector, with its length."""
        parts = self._reader.parts(value)
        if parts is None:
            return None
        return tuple(reshaped(widened(part, value.shape, [0]), value.shape, value.shape) for part in parts)

    def chosen(self, order: Order, parts: Parts | None, axis: int, rank: int) -> Parts | None:
        """Return labels by entry, joined with the labels of what selects the entry."""
        if order.chosen is None:
            return parts
        shape = [-1 if dim == axis else 1 for dim in range(rank)]
        return self._reader.joined(parts, tuple(part.reshape(shape) for part in order.chosen))

    @property
    def reader(self) -> Reader:
        """The reader that orders are followed for."""
        return self._reader

    def _keep(self, node: Node, rule: Callable[..., Any]) -> None:
        """Keep the order in results if each entry along the ordered axis is computed independently."""
        found = [arranged for value in node.reads if (arranged := self._known.get(value.index))]
        arranged = found[0]
        if arranged.role != "entries":
            if _unchanged(node, rule):
                self.note(node.outputs[0], arranged)
            elif rule is scans.cumulative and arranged.role == "counts":
                self.note(node.outputs[0], Arranged(arranged.order, "ends"))
            return
        if any(other.role != "entries" or other.order is not arranged.order for other in found):
            return
        axes = self._axes(node, rule, arranged)
        if axes is None:
            return
        with _at_places(self._reader, node, self._known, arranged.order.length, axes):
            states = rule(self._reader, node)
        states = [states] if isinstance(states, State) else states
        numbers = _numbers(node, arranged, axes) if len(node.reads) == 1 else [None] * len(node.outputs)
        for value, state, axis, own in zip(node.outputs, states, axes, numbers, strict=True):
            if value is not None:
                keys = arranged.keys and _unchanged(node, rule)
                self.note(value, Arranged(arranged.order, "entries", axis, state.parts, own, keys))

    def _axes(self, node: Node, rule: Callable[..., Any], arranged: Arranged) -> list[int] | None:
        """Return the ordered axis of each result, if entries are computed alike and independently."""
        axis = arranged.axis
        if rule in _POINTWISE:
            made = node.outputs[0]
            assert made is not None
            behind = next(len(v.shape) for v in node.reads if v.index in self._known) - axis
            if any(not self._fits(value, behind) for value in node.reads):
                return None
            return [len(made.shape) - behind] * len(node.outputs)
        if len([value for value in node.reads if value.index in self._known]) > 1:
            return None
        rank = len(next(value for value in node.reads if value.index in self._known).shape)
        kept = _AXIS.get(rule)
        new = None if kept is None else kept(node, axis, rank)
        return None if new is None else [new] * len(node.outputs)

    def _fits(self, value: Value, behind: int) -> bool:
        """Whether a value is in order, or constant, along the axis with ``behind`` axes behind it."""
        arranged = self._known.get(value.index)
        if arranged is not None:
            return len(value.shape) - arranged.axis == behind
        return len(value.shape) < behind or value.shape[-behind] == 1


def _unchanged(node: Node, rule: Callable[..., Any]) -> bool:
    """Whether the result is the argument, possibly in another dtype."""
    return rule in (pointwise.same, pointwise.cast) or node.op.overloadpacket.__name__ == "clone"


_POINTWISE = {
    pointwise.pointwise,
    pointwise.unary,
    pointwise.cast,
    pointwise.same,
    pointwise.bitwise_not,
    pointwise.clamp,
    pointwise.binary,
    pointwise.bitwise,
    pointwise.power,
    pointwise.where,
    pointwise.masked_fill,
}


def _along_another(node: Node, axis: int, rank: int, dim: int) -> int | None:
    return axis if dim % rank != axis else None


def _sliced(node: Node, axis: int, rank: int) -> int | None:
    made = node.outputs[0]
    if made is not None and made.shape == node.reads[0].shape:
        return axis
    return _along_another(node, axis, rank, node.given(1, 0)[0])


def _unsqueezed(node: Node, axis: int, rank: int) -> int | None:
    if node.op.overloadpacket.__name__ not in ("unsqueeze", "squeeze") or len(node.args) < 2:
        return None
    dims = node.args[1] if isinstance(node.args[1], list) else [node.args[1]]
    if node.op.overloadpacket.__name__ == "unsqueeze":
        return axis + int(dims[0] % (rank + 1) <= axis)
    dims = [dim % rank for dim in dims]
    return None if axis in dims else axis - sum(dim < axis for dim in dims)


def _selected(node: Node, axis: int, rank: int) -> int | None:
    dim = (node.args[1] if len(node.args) > 1 else 0) % rank
    return None if dim == axis else axis - (dim < axis)


def _of_rows(node: Node, axis: int, rank: int) -> int | None:
    """Keep the order of the rows of the first factor of a plain matrix product."""
    first = node.args[1] if node.op.overloadpacket.__name__ == "addmm" else node.args[0]
    others = [value for value in node.reads if value is not first]
    plain = all(len(value.shape) == 2 and value is not first for value in others[-1:])
    added = all(len(value.shape) == 1 for value in others[:-1])
    return 0 if node.op.overloadpacket.__name__ in ("mm", "addmm") and axis == 0 and plain and added else None


def _reduced(node: Node, axis: int, rank: int) -> int | None:
    dims = reductions.axes(node.args[0], node.args[1] if len(node.args) > 1 else node.kwargs.get("dim"))
    keep = node.args[2] if len(node.args) > 2 else node.kwargs.get("keepdim", False)
    return None if axis in dims else axis if keep else axis - sum(dim < axis for dim in dims)


_AXIS: dict[Callable[..., Any], Callable[[Node, int, int], int | None]] = {
    products.product: _of_rows,
    products.added_product: _of_rows,
    reductions.total: _reduced,
    reductions.softmax: lambda node, axis, rank: _along_another(node, axis, rank, node.args[1]),
    norms.layer_norm: lambda node, axis, rank: axis if axis < rank - len(node.args[1]) else None,
    shapes.reshape: _unsqueezed,
    shapes.select: _selected,
    shapes.unbind: _selected,
    shapes.slice_: _sliced,
    shapes.split: lambda node, axis, rank: _along_another(
        node, axis, rank, node.args[2] if len(node.args) > 2 else node.kwargs.get("dim", 0)
    ),
}


@contextmanager
def _at_places(
    reader: Reader, node: Node, known: Mapping[int, Arranged], length: int, axes: Sequence[int]
) -> Iterator[None]:
    """Give ordered values their original length and labels by entry while a rule runs."""
    given = list({value.index: value for value in node.reads if value.index in known}.values())
    made = [(value, axis) for value, axis in zip(node.outputs, axes, strict=True) if value is not None]
    shapes_before = [(value, value.shape) for value in (*given, *(value for value, _ in made))]
    states_before = [(value.index, reader.states[value.index]) for value in given]
    try:
        for value in given:
            arranged = known[value.index]
            reader.states[value.index] = State(arranged.parts)
            value.shape = _with_length(value.shape, arranged.axis, length)
        for value, axis in made:
            value.shape = _with_length(value.shape, axis, length)
        yield
    finally:
        for value, shape in shapes_before:
            value.shape = shape
        for index, state in states_before:
            reader.states[index] = state


def _with_length(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    return (*shape[:axis], length, *shape[axis + 1 :])


def _numbers(node: Node, arranged: Arranged, axes: Sequence[int]) -> list[Array | None]:
    """Return the results of an operation on known numbers."""
    if arranged.numbers is None:
        return [None] * len(node.outputs)
    result = node.op(torch.from_numpy(np.ascontiguousarray(arranged.numbers)), *node.args[1:], **node.kwargs)
    results = [result] if isinstance(result, torch.Tensor) else list(result)
    return [each.numpy() for each in results]


def _sort(orders: Arrangements, node: Node) -> bool:
    """Begin an order by sorting a vector; sorting the indices of an order gives the indices that undo it."""
    value = node.args[0]
    if len(value.shape) != 1 or node.known:
        return False
    values, numbers = (None, node.outputs[0]) if len(node.outputs) == 1 else node.outputs[:2]
    before = orders.of(value)
    length = value.shape[0]
    if before is not None and before.order.complete and _identity(before.numbers):
        orders.note(numbers, Arranged(before.order, "inverse"))
        return True
    labels = orders.by_entry(value)
    ascending = not (node.kwargs.get("descending") or True in node.args[1:])
    order = Order(length, True, None, labels)
    orders.note(values, Arranged(order, "entries", 0, labels, None, ascending))
    orders.note(numbers, Arranged(order, "entries", 0, None, np.arange(length)))
    return True


def _nonzero(orders: Arrangements, node: Node) -> bool:
    """Begin an order of the places where a mask holds."""
    mask, made = node.args[0], node.outputs[0]
    if node.known or not mask.shape:
        return False
    length = prod(mask.shape)
    parts = orders.reader.parts(mask)
    chosen = None
    if parts is not None:
        chosen = tuple(np.broadcast_to(part, mask.shape).reshape(-1) for part in parts)
    places = np.stack(np.unravel_index(np.arange(length), mask.shape), -1)
    orders.note(made, Arranged(Order(length, False, chosen, None), "entries", 0, None, places))
    return True


def _identity(numbers: Array | None) -> bool:
    return numbers is not None and numbers.ndim == 1 and bool((numbers == np.arange(len(numbers))).all())


def _index(orders: Arrangements, node: Node) -> bool:
    """Gather entries in an order, or undo one."""
    value, indices = node.args
    asked = [number for number, each in enumerate(indices) if each is not None]
    names = [indices[number] for number in asked]
    reader, made = orders.reader, node.outputs[0]
    inverse, entries = orders.of(names[0], "inverse"), orders.of(value)
    if inverse is not None and asked == [0] and entries is not None:
        if entries.order is inverse.order and entries.axis == 0:
            return orders.mend(made, entries.parts)
        return False
    found = [orders.of(name) for name in names]
    first = found[0]
    together = asked == list(range(asked[0], asked[-1] + 1))
    if first is None or orders.of(value) is not None or not together:
        return False
    if any(
        each is None or each.order is not first.order or len(name.shape) != 1
        for each, name in zip(found, names, strict=True)
    ):
        return False
    numbers = [None if each is None else each.numbers for each in found]
    parts = reader.parts(value)
    if parts is not None:
        read = [axis for axis, each in zip(asked, numbers, strict=True) if each is None]
        certain = [axis for axis, each in zip(asked, numbers, strict=True) if each is not None]
        nothing = np.zeros(first.order.length, int)
        places = (slice(None),) * asked[0] + tuple(nothing if each is None else each for each in numbers)
        parts = reader.reduced(reader.ranked(parts, value), read)
        parts = tuple(widened(part, value.shape, certain)[places] for part in parts)
    for each in found:
        if each is not None and each.parts is not None:
            behind = len(value.shape) - asked[-1] - 1
            own = tuple(ranked(part, 1).reshape(-1, *[1] * behind) for part in each.parts)
            parts = reader.joined(parts, own)
    orders.note(made, Arranged(first.order, "entries", asked[0], parts))
    return True


def _put_back(orders: Arrangements, node: Node) -> bool:
    """Put entries back at their original positions: replace or add, or store their numbers there."""
    name = node.op.overloadpacket.__name__
    if name == "index_add":
        value, dim, number, other = node.args[:4]
        adds = True
    else:
        value, indices, other = node.args[:3]
        if len(indices) != 1 or indices[0] is None:
            return False
        dim, number, adds = 0, indices[0], bool((*node.args[3:], False)[0])
    places, entries = orders.of(number), orders.of(other)
    rank, made = len(value.shape), node.outputs[0]
    if places is None or places.numbers is None or places.numbers.ndim != 1 or made is None:
        return False
    order = places.order
    whole = order.complete and _identity(places.numbers) and value.shape[dim] == order.length
    if entries is None:
        tensor = orders.reader.tensor(other)
        if name == "index_put" and whole and tensor is not None and _identity(tensor.cpu().numpy()):
            orders.note(made, Arranged(order, "inverse"))
            return True
        return False
    if entries.order is not order or entries.axis != dim % rank:
        return False
    reader = orders.reader
    parts = orders.chosen(order, entries.parts, dim % rank, rank)
    before = None if whole and not adds else reader.parts(value)
    if not adds and not whole:
        return False
    return orders.mend(made, reader.joined(before, _added(reader, parts, places.numbers, dim % rank, value)))


def _added(reader: Reader, parts: Parts | None, numbers: Array, dim: int, value: Value) -> Parts | None:
    """Return labels joined over all entries that are put at the same place of an axis."""
    if parts is None:
        return None
    made = []
    for lattice, part in zip(reader.lattices, parts, strict=True):
        part = np.moveaxis(widened(part, _with_length(value.shape, dim, len(numbers)), [dim]), dim, 0)
        target = np.full((value.shape[dim], *part.shape[1:]), lattice.bottom, part.dtype)
        lattice.join.at(target, numbers, part)
        made.append(np.moveaxis(target, 0, dim))
    return tuple(made)


def _counts(orders: Arrangements, node: Node) -> bool:
    """Count how many entries have each key."""
    keys = orders.of(node.args[0])
    if keys is None or not keys.keys:
        return False
    if node.op.overloadpacket.__name__ == "histc":
        bins, low, high = node.given(1, 100, 0, 0)
        if low != 0 or high != bins - 1:
            return False
    orders.note(node.outputs[0], Arranged(keys.order, "counts"))
    return True


def _grouped_product(orders: Arrangements, node: Node) -> bool:
    """Multiply each row by the matrix of its key; the counts of the keys give the ends of the groups."""
    rows, matrices, ends = (*node.args, node.kwargs.get("offs"))[:3]
    entries, counted = orders.of(rows), orders.of(ends, "ends")
    if entries is None or counted is None or entries.order is not counted.order or entries.axis != 0:
        return False
    if orders.of(matrices) is not None:
        return False
    reader = orders.reader
    parts = None
    if entries.parts is not None:
        parts = reader.reduced(tuple(ranked(part, 2) for part in entries.parts), [1])
    if entries.order.keys is not None:
        parts = reader.joined(parts, tuple(part[:, None] for part in entries.order.keys))
    weights = whole_axes(reader, matrices, [0, 1], False)
    parts = reader.joined(parts, weights)
    orders.note(node.outputs[0], Arranged(entries.order, "entries", 0, parts))
    return True


_BEGIN: dict[str, Callable[[Arrangements, Node], bool]] = {
    "sort": _sort,
    "argsort": _sort,
    "nonzero": _nonzero,
}
_END: dict[str, Callable[[Arrangements, Node], bool]] = {
    "index": _index,
    "index_add": _put_back,
    "index_put": _put_back,
    "histc": _counts,
    "bincount": _counts,
    "_grouped_mm": _grouped_product,
    "grouped_mm_fallback": _grouped_product,
}
