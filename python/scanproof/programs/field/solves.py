"""Rules of linear algebra beside products: triangular systems, and products of groups of rows."""

import torch

from scanproof.programs.field.calls import Call
from scanproof.programs.field.residues import Side, Undecided, matmul, power
from scanproof.programs.field.table import RINGS, entered


@entered(RINGS, "linalg_solve_triangular")
def _solve_triangular(call: Call) -> Side:
    """Substitute row after row; the degrees are those of Cramer's rule.

    Every row of the matrix has a common denominator, and so has every column of the right-hand side.
    """
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
        x[..., row, :] = (x[..., row, :] - taken) % m * inverses[..., row, None] % m
    common = size * size * matrix.denominator + size * right.denominator
    numerator = size * matrix.numerator + right.numerator + common
    denominator = common + (0 if unit else size * matrix.numerator)
    return right.made(x if left else x.transpose(-1, -2), numerator, denominator)


@entered(RINGS, "_grouped_mm")
def _grouped_mm(call: Call) -> Side:
    """Multiply groups of rows or of columns, which end at ``offs``, each with a matrix of its own."""
    one, other, m = call.side("self").finite, call.side("mat2").finite, call.modulus
    x, y = one.values, other.values
    if call["offs"] is None:
        total = matmul(x, y, m)
    else:
        ends = call.chosen(call["offs"]).tolist()
        spans = [slice(first, end) for first, end in zip([0, *ends[:-1]], ends, strict=True)]
        if x.dim() == 2 and y.dim() == 2:
            total = torch.stack([matmul(x[:, span], y[span], m) for span in spans])
        elif x.dim() == 2:
            parts = [matmul(x[span], y[group], m) for group, span in enumerate(spans)]
            total = torch.cat([*parts, x.new_zeros(len(x) - ends[-1], y.shape[-1])])
        elif y.dim() == 2:
            parts = [matmul(x[group], y[:, span], m) for group, span in enumerate(spans)]
            total = torch.cat([*parts, x.new_zeros(x.shape[1], y.shape[-1] - ends[-1])], 1)
        else:
            raise Undecided("has groups of matrices")
    degrees = one.numerator + other.numerator, one.denominator + other.denominator
    result = one.made(total, *degrees).summed(total, x.shape[-1])
    return result if call["bias"] is None else result + call.side("bias")
