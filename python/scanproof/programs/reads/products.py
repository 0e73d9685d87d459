"""Matrix products: sums over an axis that two tensors share, without terms with a known zero."""

import numpy as np

from scanproof.programs.compact import Array, ranked
from scanproof.programs.facts import ANY, ZERO
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.table import REGISTERED, row

BLOCK = 1 << 24
"""Number of entries of a block of terms."""


@row("mm", "bmm", "mv", "dot", "vdot")
def product(reader: Reader, node: Node) -> State:
    """Read a row of the first factor and a column of the second."""
    return multiplied(reader, *node.args[:2])


@row("addmm", "baddbmm", "addmv", "addbmm")
def added_product(reader: Reader, node: Node) -> State:
    """Read a row and a column, and the entry to which their product is added."""
    added, one, other = node.args[:3]
    state = multiplied(reader, one, other)
    if node.op.overloadpacket.__name__ == "addbmm" and state.parts is not None:
        state = State(
            tuple(part[0] for part in reader.reduced(tuple(ranked(part, 3) for part in state.parts), [0]))
        )
    if node.kwargs.get("beta", 1) == 0:
        return State(state.parts)
    return State(reader.joined(state.parts, reader.parts(added)))


@row("_grouped_mm")
def grouped_product(reader: Reader, node: Node) -> State:
    """Read a row and all matrices, because values decide which matrix is used."""
    rows, *others = node.reads
    parts = reader.parts(rows)
    if parts is not None:
        parts = reader.reduced(reader.ranked(parts, rows), [len(rows.shape) - 1])
    for value in others:
        own = reader.parts(value)
        if own is not None:
            parts = reader.joined(
                parts, reader.reduced(reader.ranked(own, value), list(range(len(value.shape))))
            )
    return State(None if parts is None else tuple(part.reshape(part.shape[-2:]) for part in parts))


REGISTERED["transformers::grouped_mm_fallback"] = grouped_product


@row("addr")
def outer(reader: Reader, node: Node) -> State:
    """Read an entry of each of two vectors, and the entry to which their product is added."""
    added, one, other = node.args[:3]
    column = reader.parts(one)
    if column is not None:
        column = tuple(ranked(part, 1)[:, None] for part in column)
    return State(
        reader.all_of([added, other])
        if column is None
        else reader.joined(column, reader.all_of([added, other]))
    )


def multiplied(reader: Reader, one: Value, other: Value) -> State:
    """Return the state of a (batched) matrix product, a matrix times a vector, or of two vectors."""
    rank = max(len(one.shape), len(other.shape), 2)
    row_only, column_only = len(one.shape) == 1, len(other.shape) == 1
    first = _Factor(reader, one, rank, before=True)
    second = _Factor(reader, other, rank, before=False)
    if first.zero is None and second.zero is None:
        parts = reader.joined(_along(reader, first, -1), _along(reader, second, -2))
        fact = None
    else:
        reader.assumed.finite = True
        parts, fact = _without_zeros(reader, first, second)
    for single, dim in ((row_only, -2), (column_only, -1)):
        if single:
            parts = None if parts is None else tuple(part.squeeze(dim) for part in parts)
            fact = None if fact is None else fact.squeeze(dim)
    return State(parts, fact)


class _Factor:
    """A factor as a matrix: its labels, and its known zeros."""

    def __init__(self, reader: Reader, value: Value, rank: int, before: bool) -> None:
        fact, parts = reader.fact(value), reader.parts(value)

        def matrix(array: Array) -> Array:
            array = ranked(array, len(value.shape))
            if len(value.shape) == 1:
                array = array[None, :] if before else array[:, None]
            return ranked(array, rank)

        self.parts = None if parts is None else tuple(map(matrix, parts))
        zero = None if fact is None else fact == ZERO
        self.zero = matrix(zero) if zero is not None and zero.any() else None
        self.length = value.shape[-1] if before else value.shape[-2 if len(value.shape) > 1 else 0]


def _along(reader: Reader, factor: _Factor, dim: int) -> Parts | None:
    return None if factor.parts is None else reader.reduced(factor.parts, [dim])


def _without_zeros(reader: Reader, first: _Factor, second: _Factor) -> tuple[Parts | None, Array | None]:
    """Return labels and facts of a product with some known zero terms."""
    if second.zero is None:
        assert first.zero is not None
        parts = reader.joined(_along(reader, first, -1), live_terms(reader, first.zero, second.parts))
        gone = first.zero.all(-1, keepdims=True)
    elif first.zero is None:
        turned = None if first.parts is None else tuple(part.swapaxes(-1, -2) for part in first.parts)
        terms = live_terms(reader, second.zero.swapaxes(-1, -2), turned)
        terms = None if terms is None else tuple(part.swapaxes(-1, -2) for part in terms)
        parts = reader.joined(terms, _along(reader, second, -2))
        gone = second.zero.all(-2, keepdims=True)
    else:
        parts, gone = _both_zeros(reader, first, second)
    fact = np.where(gone, np.uint8(ZERO), np.uint8(ANY))
    return parts, fact if gone.any() else None


def live_terms(reader: Reader, zero: Array, parts: Parts | None) -> Parts | None:
    """Return for every row (…, m, k) of known zeros the labels (…, k, n), joined over the nonzero k.

    The function works on blocks of rows, so no array of all terms is created.
    """
    if parts is None:
        return None
    return tuple(
        _masked(lattice.join, lattice.dtype(lattice.bottom), zero, part)
        for lattice, part in zip(reader.lattices, parts, strict=True)
    )


def _masked(join: np.ufunc, bottom: np.signedinteger, zero: Array, part: Array) -> Array:
    rows, columns = zero.shape[-2], part.shape[-1]
    if zero.shape[-1] == 1:
        one: Array = np.where(zero, bottom, join.reduce(part, axis=-2, keepdims=True))
        return one
    if part.shape[-2] == 1:
        alive: Array = np.where(zero.all(-1, keepdims=True), bottom, part)
        return alive
    lead = np.broadcast_shapes(zero.shape[:-2], part.shape[:-2])
    made = np.empty((*lead, rows, columns), part.dtype)
    size = max(1, BLOCK // (zero.shape[-1] * int(np.prod(lead)) or 1))
    for column in range(columns):
        labels = part[..., None, :, column]
        for row_ in range(0, rows, size):
            live = np.where(zero[..., row_ : row_ + size, :], bottom, labels)
            made[..., row_ : row_ + size, column] = join.reduce(live, axis=-1)
    return made


def _both_zeros(reader: Reader, first: _Factor, second: _Factor) -> tuple[Parts | None, Array]:
    assert first.zero is not None
    assert second.zero is not None
    ours, theirs = first.parts or reader.bottoms(), second.parts or reader.bottoms()
    made: list[list[Array]] = [[] for _ in reader.lattices]
    gone = []
    length = max(first.length, 1)
    columns = (
        second.zero.shape[-1] if not second.parts else max(part.shape[-1] for part in (second.zero, *theirs))
    )
    size = max(1, BLOCK // (length * columns))
    rows = max(part.shape[-2] if part.ndim > 1 else 1 for part in (first.zero, *ours))
    rank = first.zero.ndim

    def block(array: Array, start: int) -> Array:
        array = ranked(array, rank)
        return array[..., start : start + size, :, None] if array.shape[-2] > 1 else array[..., :, :, None]

    for start in range(0, rows, size):
        zero = block(first.zero, start) | ranked(second.zero, rank)[..., None, :, :]
        zero = np.broadcast_to(zero, (*zero.shape[:-2], max(zero.shape[-2], 1), zero.shape[-1]))
        gone.append(zero.all(-2))
        for which, lattice in enumerate(reader.lattices):
            term = lattice.join(block(ours[which], start), ranked(theirs[which], rank)[..., None, :, :])
            live = np.where(zero, lattice.dtype(lattice.bottom), term)
            made[which].append(lattice.join.reduce(live, axis=-2))
    return tuple(np.concatenate(each, -2) for each in made), np.concatenate(gone, -2)
