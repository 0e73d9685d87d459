"""Rules of linear algebra beside products: triangular systems, and products of groups of rows."""

from collections.abc import Callable

import torch
from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.degree import Degree
from scanproof.programs.field.pair import Found, Lost
from scanproof.programs.field.residues import Side, Undecided, matmul, power, product
from scanproof.programs.field.table import RINGS, entered


@entered(RINGS, "linalg_solve_triangular")
def _solve_triangular(call: Call) -> Side:
    """Substitute row after row; an entry is a quotient of minors and of the product of the diagonal."""
    matrix, right, m = call.side("self").finite, call.side("B").finite, call.modulus
    a, b = matrix.values, right.values
    upper, left, unit = call["upper"], call["left"], call["unitriangular"]
    if not left:  # x a = b is a' x' = b'
        a, b, upper = a.transpose(-1, -2), b.transpose(-1, -2), not upper
    size = a.shape[-1]
    diagonal = a.diagonal(dim1=-2, dim2=-1)
    if not unit and not diagonal.all():
        raise Undecided("divides by zero")
    inverses = torch.ones_like(diagonal) if unit else power(diagonal, m - 2, m)
    shape = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = b.broadcast_to(*shape, *b.shape[-2:]).clone()
    for row in reversed(range(size)) if upper else range(size):
        known = slice(row + 1, None) if upper else slice(None, row)
        taken = matmul(a[..., row : row + 1, known], x[..., known, :], m)[..., 0, :]
        x[..., row, :] = product((x[..., row, :] - taken) % m, inverses[..., row, None], m)
    minors = matrix.degree.to_power(size).total(1 << size)
    degree = minors.times(right.degree.total(size))
    if not unit:
        degree = degree.times(matrix.degree.to_power(size).inverse(x.shape[:-2].numel()))
    return right.made(x if left else x.transpose(-1, -2), degree)


def grouped(
    x: Tensor, y: Tensor, offsets: Tensor | None, times: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Multiply groups of rows or of columns, each with a matrix of its own.

    Args:
        x: a matrix, or one for each group.
        y: a matrix, or one for each group.
        offsets: where the groups end; None if both have matrices for each group.
        times: multiplies two matrices.
    """
    if offsets is None:
        return times(x, y)
    ends = offsets.tolist()
    spans = [slice(first, end) for first, end in zip([0, *ends[:-1]], ends, strict=True)]
    if x.dim() == 2 and y.dim() == 2:
        return torch.stack([times(x[:, span], y[span]) for span in spans])
    if x.dim() == 2:
        parts = [times(x[span], y[group]) for group, span in enumerate(spans)]
        return torch.cat([*parts, x.new_zeros(len(x) - ends[-1], y.shape[-1])])
    parts = [times(x[group], y[:, span]) for group, span in enumerate(spans)]
    return torch.cat([*parts, x.new_zeros(x.shape[1], y.shape[-1] - ends[-1])], 1)


@entered(RINGS, "linalg_inv_ex")
def _inverse(call: Call) -> list[Found]:
    side = call.side("A").finite
    degree = side.degree.to_power(side.values.shape[-1] - 1).total(1 << side.values.shape[-1])
    values = _solved(side.values, torch.eye(side.values.shape[-1], dtype=torch.int64), call.modulus)
    return [side.made(values, degree.times(_determinant(side))), _OTHER]


@entered(RINGS, "_linalg_solve_ex")
def _solve(call: Call) -> list[Found]:
    side, right = call.side("A").finite, call.side("B").finite
    vector = right.values.dim() == 1 or right.values.shape == side.values.shape[:-1]
    if not call["left"] or vector:
        raise Undecided("solves for a vector, or from the right")
    size = side.values.shape[-1]
    minors = side.degree.to_power(size - 1).total(1 << size).times(right.degree.total(size))
    values = _solved(side.values, right.values, call.modulus)
    return [right.made(values, minors.times(_determinant(side))), *[_OTHER] * 3]


_OTHER = Lost("returns factors of a matrix")


def _determinant(side: Side) -> Degree:
    """Return a bound for the inverses of determinants."""
    size = side.values.shape[-1]
    return side.degree.to_power(size).total(1 << size).inverse(side.values.shape[:-2].numel())


def _solved(a: Tensor, b: Tensor, modulus: int) -> Tensor:
    """Return the solutions of systems of equations by elimination, with the first pivot that is not zero."""
    size = a.shape[-1]
    shape = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    rows = torch.cat([a.expand(*shape, *a.shape[-2:]), b.expand(*shape, *b.shape[-2:])], -1)
    for column in range(size):
        below = rows[..., column:, column] != 0
        if not below.any(-1).all():
            raise Undecided("divides by zero")
        pivot = below.long().argmax(-1) + column
        order = torch.arange(size).expand(*shape, size).clone()
        order[..., column] = pivot
        order.scatter_(-1, pivot[..., None], column)
        rows = rows.gather(-2, order[..., None].expand(rows.shape))
        inverse = power(rows[..., column, column], modulus - 2, modulus)[..., None]
        first = product(rows[..., column, :], inverse, modulus)
        rows = (rows - product(rows[..., :, column, None], first[..., None, :], modulus)) % modulus
        rows[..., column, :] = first
    return rows[..., size:]


@entered(RINGS, "_grouped_mm")
def _grouped_mm(call: Call) -> Side:
    one, other, m = call.side("self").finite, call.side("mat2").finite, call.modulus
    total = grouped(one.values, other.values, call.chosen(call["offs"]), lambda x, y: matmul(x, y, m))
    result = one.made(total, one.degree.times(other.degree).total(one.values.shape[-1]))
    return result if call["bias"] is None else result + call.side("bias")
