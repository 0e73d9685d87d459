"""Operations that read along whole axes."""

from typing import Any

import numpy as np

from scanproof.programs.compact import Array, ranked, widened
from scanproof.programs.facts import ANY, HIDDEN, LOW, NINF, ONE, ZERO
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.table import row


def axes(value: Value, dims: Any) -> list[int]:
    """Return the axes that a call names, or all axes if the call names none."""
    rank = len(value.shape)
    if dims is None or dims == []:
        return list(range(rank))
    return [dim % rank for dim in (dims if isinstance(dims, list | tuple) else [dims])] if rank else []


def dropped(array: Array, dims: list[int], keep: bool) -> Array:
    """Return an array without reduced axes, unless they are kept."""
    return array if keep else array.reshape([n for dim, n in enumerate(array.shape) if dim not in dims])


def whole_axes(reader: Reader, value: Value, dims: list[int], keep: bool) -> Parts | None:
    """Return the labels of a tensor joined along axes."""
    parts = reader.parts(value)
    if parts is None or not dims:
        return parts
    reduced = reader.reduced(reader.ranked(parts, value), dims)
    return tuple(dropped(part, dims, keep) for part in reduced)


def _call(node: Node, at: int) -> tuple[Value, list[int], bool]:
    """Return the tensor, the axes (argument ``at``), and whether the axes are kept."""
    value = node.args[0]
    dims = node.args[at] if len(node.args) > at else node.kwargs.get("dim")
    keep = node.args[at + 1] if len(node.args) > at + 1 else node.kwargs.get("keepdim", False)
    if keep.__class__ is not bool:
        keep = node.kwargs.get("keepdim", False)
    return value, axes(value, dims), keep


def _all(reader: Reader, value: Value, dims: list[int], keep: bool, fact: int) -> Array | None:
    """Return facts of the result at which all entries have a fact; None if there are none."""
    facts = reader.fact(value)
    if facts is None:
        return None
    same = (ranked(facts, len(value.shape)) == fact).all(axis=tuple(dims), keepdims=True)
    return dropped(np.where(same, np.uint8(fact), np.uint8(ANY)), dims, keep) if same.any() else None


@row("sum", "mean", "linalg_vector_norm")
def total(reader: Reader, node: Node) -> State:
    """Read all entries along axes except known zeros; a sum of zeros is 0."""
    at = 2 if node.op.overloadpacket.__name__ in ("linalg_vector_norm") else 1
    value, dims, keep = _call(node, at)
    return State(whole_axes(reader, value, dims, keep), _all(reader, value, dims, keep, ZERO))


@row("var", "std", "var_mean", "median", "kthvalue")
def statistics(reader: Reader, node: Node) -> list[State]:
    """Read all entries along axes."""
    at = 2 if node.op.overloadpacket.__name__ == "kthvalue" else 1
    value, dims, keep = _call(node, at)
    return [State(whole_axes(reader, value, dims, keep))] * len(node.outputs)


@row("prod")
def product(reader: Reader, node: Node) -> State:
    """Read all entries along axes, unless one of them is known to be 0."""
    value, dims, keep = _call(node, 1)
    state = _decided(reader, value, dims, keep, ZERO, ONE)
    reader.assumed.finite = reader.assumed.finite or state.fact is not None
    return state


@row("all")
def all_true(reader: Reader, node: Node) -> State:
    """Read all entries along axes, unless one of them is known to be false."""
    value, dims, keep = _call(node, 1)
    return _decided(reader, value, dims, keep, ZERO, ONE)


@row("any")
def any_true(reader: Reader, node: Node) -> State:
    """Read all entries along axes, unless one of them is known to be true."""
    value, dims, keep = _call(node, 1)
    return _decided(reader, value, dims, keep, ONE, ZERO)


def _decided(reader: Reader, value: Value, dims: list[int], keep: bool, by: int, idle: int) -> State:
    """Return the state if one entry with fact ``by`` decides, or if all entries have fact ``idle``."""
    parts, facts = whole_axes(reader, value, dims, keep), reader.fact(value)
    if facts is None:
        return State(parts)
    own = ranked(facts, len(value.shape))
    decided = (own == by).any(axis=tuple(dims), keepdims=True)
    fact = np.where(decided, by, np.where((own == idle).all(axis=tuple(dims), keepdims=True), idle, ANY))
    new = dropped(fact.astype(np.uint8), dims, keep)
    return State(parts, new if new.any() else None)


@row("amax", "max", "amin", "min", "argmax", "argmin", "aminmax", "max.dim", "min.dim")
def extreme(reader: Reader, node: Node) -> list[State]:
    """Read all entries along axes; for a maximum, except masked entries."""
    name = node.op.overloadpacket.__name__
    if name in ("max", "min") and len(node.args) > 1 and isinstance(node.args[1], Value):
        return [State(reader.all_of(node.reads))]
    value, dims, keep = _call(node, 1)
    if name == "aminmax":
        dims, keep = axes(value, node.kwargs.get("dim")), node.kwargs.get("keepdim", False)
    if name not in ("amax", "max", "argmax"):
        return [State(whole_axes(reader, value, dims, keep))] * len(node.outputs)
    parts, hidden = below_others(reader, value, dims)
    made = None if parts is None else tuple(dropped(part, dims, keep) for part in parts)
    fact = None if hidden is None or name == "argmax" else dropped(hidden, dims, keep)
    return [State(made, fact), *[State(made)] * (len(node.outputs) - 1)]


def below_others(reader: Reader, value: Value, dims: list[int]) -> tuple[Parts | None, Array | None]:
    """Return labels joined along axes without masked entries, and facts of the maximum."""
    parts, facts = reader.parts(value), reader.fact(value)
    if parts is not None:
        parts = reader.ranked(parts, value)
    if facts is None or not HIDDEN[facts].any():
        return None if parts is None else reader.reduced(parts, dims), None
    own = ranked(facts, len(value.shape))
    hidden = HIDDEN[own]
    none_left = hidden.all(axis=tuple(dims), keepdims=True)
    low = ((own == LOW) & ~none_left).any()
    reader.assumed.low = reader.assumed.low or bool(low)
    if parts is not None:
        parts = reader.reduced(reader.without(parts, hidden & ~none_left), dims)
    empty = (own == NINF).all(axis=tuple(dims), keepdims=True)
    fact = np.where(empty, NINF, np.where(none_left, LOW, ANY)).astype(np.uint8)
    return parts, fact if fact.any() else None


@row("_softmax", "_safe_softmax")
def softmax(reader: Reader, node: Node) -> State:
    """Read entries along an axis that are not masked; masked entries become 0."""
    value = node.args[0]
    dims = axes(value, node.args[1])
    facts = reader.fact(value)
    parts, _ = below_others(reader, value, dims)
    if facts is None:
        return State(parts)
    own = ranked(facts, len(value.shape))
    hidden = HIDDEN[own]
    visible = (~hidden).any(axis=tuple(dims), keepdims=True)
    if node.op.overloadpacket.__name__ == "_safe_softmax":
        visible = visible | (own == NINF).all(axis=tuple(dims), keepdims=True)
    zero = np.where(hidden & visible, np.uint8(ZERO), np.uint8(ANY))
    return State(parts, zero if zero.any() else None)


@row("_log_softmax")
def log_softmax(reader: Reader, node: Node) -> State:
    """Read entries along an axis that are not masked; masked entries stay masked."""
    value = node.args[0]
    dims = axes(value, node.args[1])
    facts = reader.fact(value)
    parts, _ = below_others(reader, value, dims)
    parts = reader.joined(parts, reader.parts(value))
    if facts is None:
        return State(parts)
    own = ranked(facts, len(value.shape))
    visible = (~HIDDEN[own]).any(axis=tuple(dims), keepdims=True)
    fact = np.where(HIDDEN[own] & visible, own, np.uint8(ANY)).astype(np.uint8)
    return State(parts, fact if fact.any() else None)


@row("logsumexp")
def logsumexp(reader: Reader, node: Node) -> State:
    """Read entries along axes that are not masked."""
    value, dims, keep = _call(node, 1)
    parts, fact = below_others(reader, value, dims)
    made = None if parts is None else tuple(dropped(part, dims, keep) for part in parts)
    return State(made, None if fact is None else dropped(fact, dims, keep))


@row("_cdist_forward")
def distances(reader: Reader, node: Node) -> State:
    """Read a row of each of two lists of points."""
    one, other = node.args[:2]
    first = whole_axes(reader, one, [len(one.shape) - 1], True)
    second = whole_axes(reader, other, [len(other.shape) - 1], True)
    if second is not None:
        second = tuple(part.swapaxes(-1, -2) for part in second)
    return State(reader.joined(first, second))


@row("_pdist_forward")
def own_distances(reader: Reader, node: Node) -> State:
    """Read two rows of a list of points."""
    value = node.args[0]
    count = value.shape[0]
    rows = whole_axes(reader, value, [1], False)
    if rows is None:
        return State(None)
    first, second = np.triu_indices(count, 1)
    wide = [widened(part, (count,), [0]) for part in rows]
    return State(
        tuple(join(part[first], part[second]) for join, part in zip(reader.joins, wide, strict=True))
    )
