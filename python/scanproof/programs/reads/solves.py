"""Systems of linear equations and decompositions of matrices."""

import numpy as np

from scanproof.programs.compact import Array, ranked, widened
from scanproof.programs.facts import ANY, ZERO
from scanproof.programs.labels import Lattice, Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.table import row


@row("linalg_solve_triangular")
def triangular(reader: Reader, node: Node) -> State:
    """Read triangle and right side up to the row of the result; from this row on for an upper triangle."""
    matrix, right = node.args[:2]
    left, upper = node.kwargs.get("left", True), node.kwargs["upper"]
    unit = node.kwargs.get("unitriangular", False)
    rank = max(len(matrix.shape), len(right.shape))
    size = matrix.shape[-1]
    made: Parts | None = None
    for value, of_matrix in ((matrix, True), (right, False)):
        parts = reader.parts(value)
        if parts is None:
            continue
        own = []
        for lattice, part in zip(reader.lattices, parts, strict=True):
            part = ranked(part, rank)
            if of_matrix:
                part = widened(part, (*[1] * (rank - 2), size, size), [rank - 2, rank - 1])
            if not left:  # X A = B is A' X' = B'
                part = part.swapaxes(-1, -2)
            if of_matrix:
                part = _rows(part, lattice, upper == left, unit)
            part = _through(part, lattice, upper == left)
            own.append(part if left else part.swapaxes(-1, -2))
        made = reader.joined(made, tuple(own))
    return State(made, _zeros(reader, right, rank, left, upper == left))


def _zeros(reader: Reader, right: Value, rank: int, left: bool, upper: bool) -> Array | None:
    """Return where the result is 0: where the right side is 0, as in all rows that are solved before."""
    fact = reader.fact(right)
    if fact is None:
        return None
    zero = ranked(fact, rank) == ZERO
    zero = zero if left else zero.swapaxes(-1, -2)
    zero = np.flip(zero, -2) if upper else zero
    zero = np.logical_and.accumulate(zero, axis=-2)
    zero = np.flip(zero, -2) if upper else zero
    zero = zero if left else zero.swapaxes(-1, -2)
    if not zero.any():
        return None
    reader.assumed.finite = True
    return np.where(zero, np.uint8(ZERO), np.uint8(ANY))


def _rows(part: Array, lattice: Lattice, upper: bool, unit: bool) -> Array:
    """Return the labels of the triangle, by row."""
    size = part.shape[-1]
    inside = np.tri(size, size, -1 if unit else 0, dtype=bool)
    inside = inside.T if upper else inside
    rows: Array = lattice.join.reduce(
        np.where(inside, part, lattice.dtype(lattice.bottom)), axis=-1, keepdims=True
    )
    return rows


def _through(part: Array, lattice: Lattice, upper: bool) -> Array:
    """Join over the rows that are solved earlier."""
    dim = part.ndim - 2
    if part.shape[dim] == 1:
        return part
    part = np.flip(part, dim) if upper else part
    part = lattice.join.accumulate(part, axis=dim)
    return np.flip(part, dim) if upper else part


@row(
    "linalg_inv_ex", "_linalg_solve_ex", "linalg_cholesky_ex", "linalg_qr", "_linalg_svd", "_linalg_eigh",
    "linalg_lu_factor_ex", "_linalg_det", "_linalg_slogdet", "linalg_matrix_exp",
    "cholesky_solve", 
    
)  # fmt: skip
def matrices(reader: Reader, node: Node) -> list[State]:
    """Read whole matrices; each matrix of a batch is independent."""
    batch: Parts | None = None
    for value in node.reads:
        dims = list(range(max(0, len(value.shape) - 2), len(value.shape)))
        batch = reader.joined(batch, whole_axes(reader, value, dims, True))
    return [State(_with_rank(batch, output)) for output in node.outputs]


def _with_rank(parts: Parts | None, output: Value | None) -> Parts | None:
    if parts is None or output is None:
        return None
    made = []
    for part in parts:
        lead = part.reshape(part.shape[:-2])
        behind = len(output.shape) - lead.ndim
        made.append(lead.reshape((*lead.shape, *[1] * max(behind, 0))))
    return tuple(made)
