"""Tensors of residues modulo a prime below 2^47, with a bound on their degree."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import isfinite

import torch
from torch import Tensor

from scanproof.programs.field.degree import CONSTANT, Degree

LEAST = -1e30
"""Numbers up to this one count as minus infinity: masks are spelt so, and ``exp`` of them is zero."""

LIMB, LIMBS = 16, 3
"""Bits of a limb, and limbs of a residue: float64 adds up to 2^20 products of limbs exactly."""

TERMS = 1 << 16
"""Residues that int64 adds exactly."""


class Undecided(Exception):
    """An operation has no result over a field; the message says why."""


@dataclass(frozen=True)
class Side:
    """A tensor modulo one prime.

    Every entry is a quotient of two polynomials in what was drawn, evaluated at the drawn residues.

    Attributes:
        modulus: the prime.
        values: the residues, int64.
        degree: bounds the degrees.
        gone: entries that are minus infinity, bool; None if there are none.
    """

    modulus: int
    values: Tensor
    degree: Degree = CONSTANT
    gone: Tensor | None = None

    @property
    def finite(self) -> "Side":
        """The same tensor.

        Raises:
            Undecided: an entry is minus infinity.
        """
        if self.gone is not None:
            raise Undecided("takes minus infinity")
        return self

    def made(self, values: Tensor, degree: Degree) -> "Side":
        """Return a tensor modulo the same prime, without infinities."""
        return Side(self.modulus, values % self.modulus, degree)

    def __add__(self, other: "Side") -> "Side":
        gone = self.gone
        if other.gone is not None:
            gone = other.gone if gone is None else gone | other.gone
        made = self.made(self.values + other.values, self.degree.plus(other.degree))
        return made if gone is None else replace(made, gone=gone.broadcast_to(made.values.shape))

    def __neg__(self) -> "Side":
        return self.made(-self.finite.values, self.degree)

    def __sub__(self, other: "Side") -> "Side":
        return self + -other

    def __mul__(self, other: "Side") -> "Side":
        values = product(self.finite.values, other.finite.values, self.modulus)
        return self.made(values, self.degree.times(other.degree))

    def inverse(self) -> "Side":
        """Return 1 / this.

        Raises:
            Undecided: an entry is zero.
        """
        if not self.finite.values.all():
            raise Undecided("divides by zero")
        values = power(self.values, self.modulus - 2, self.modulus)
        return self.made(values, self.degree.inverse(values.numel()))

    def to_power(self, exponent: int) -> "Side":
        """Return this to a whole power of at least 0."""
        values = power(self.finite.values, exponent, self.modulus)
        return self.made(values, self.degree.to_power(exponent))

    def summed(self, values: Tensor, count: int) -> "Side":
        """Return sums of up to ``count`` entries of this, which have the residues ``values``.

        Raises:
            Undecided: the sums have more than 2^16 terms, or an entry is minus infinity.
        """
        if count > TERMS:
            raise Undecided(f"sums more than {TERMS} entries")
        return self.finite.made(values, self.degree.total(count))

    def matmul(self, other: "Side") -> "Side":
        """Return the product of two matrices, or of two batches of matrices.

        Raises:
            Undecided: the sums have more than 2^16 terms, or an entry is minus infinity.
        """
        values = matmul(self.finite.values, other.finite.values, self.modulus)
        return self.made(values, self.degree.times(other.degree).total(self.values.shape[-1]))


def matmul(x: Tensor, y: Tensor, modulus: int) -> Tensor:
    """Return the product of two matrices of residues, or of two batches of matrices that broadcast.

    Raises:
        Undecided: the sums have more than 2^16 terms.
    """
    rows, columns, count = x.shape[-2], y.shape[-1], x.shape[-1]
    if count > TERMS:
        raise Undecided(f"sums more than {TERMS} products")
    left, right = torch.cat(_limbs(x), -2), torch.cat(_limbs(y), -1)
    blocks = (left @ right).long().unflatten(-2, (LIMBS, rows)).unflatten(-1, (LIMBS, columns))
    values = torch.zeros_like(blocks[..., 0, :, 0, :])
    for weight in reversed(range(2 * LIMBS - 1)):
        values = product(values, torch.tensor(1 << LIMB), modulus)
        for i in range(max(0, weight - LIMBS + 1), min(LIMBS, weight + 1)):
            values = values + blocks[..., i, :, weight - i, :]
    return values % modulus


def _limbs(values: Tensor) -> list[Tensor]:
    return [(values >> LIMB * place & (1 << LIMB) - 1).double() for place in range(LIMBS)]


def product(x: Tensor, y: Tensor, modulus: int) -> Tensor:
    """Return the products of residues modulo a prime below 2^47.

    The quotient by the prime is exact to 1 in float64. So what remains, modulo 2^64, is small.
    """
    quotient = (x.double() * y.double() / modulus).long()
    return (x * y - quotient * modulus) % modulus


def power(base: Tensor, exponent: int, modulus: int) -> Tensor:
    """Return every entry to a whole power of at least 0, modulo a prime."""
    result, base = torch.ones_like(base), base % modulus
    while exponent:
        if exponent & 1:
            result = product(result, base, modulus)
        base, exponent = product(base, base, modulus), exponent >> 1
    return result


def powers(base: int, exponents: Tensor, modulus: int) -> Tensor:
    """Return ``base`` to every entry of ``exponents``, modulo a prime; entries are from 0 to 2^48 - 1."""
    result = None
    for place, table in enumerate(_table(base, modulus)):
        taken = table[exponents >> 8 * place & 255]
        result = taken if result is None else product(result, taken, modulus)
    assert result is not None
    return result


@lru_cache(maxsize=8)
def _table(base: int, modulus: int) -> list[Tensor]:
    """Return the powers of ``base`` by every byte of an exponent of six bytes."""
    tables = []
    for _ in range(6):
        row = [1]
        for _ in range(255):
            row.append(row[-1] * base % modulus)
        tables.append(torch.tensor(row))
        base = row[-1] * base % modulus
    return tables


def number(value: float | bool, modulus: int) -> Side:
    """Return a number of Python, exactly, as a tensor without axes; up to ``LEAST``, minus infinity.

    Raises:
        Undecided: the number is infinite or no number.
    """
    if value <= LEAST:
        return Side(modulus, torch.zeros((), dtype=torch.int64), gone=torch.ones((), dtype=torch.bool))
    if not isfinite(value):
        raise Undecided(f"takes the constant {value}")
    exact = Fraction(value)
    return Side(modulus, torch.tensor(exact.numerator * pow(exact.denominator, -1, modulus) % modulus))


def constant(tensor: Tensor, modulus: int) -> Side:
    """Return the numbers that a tensor holds, exactly: a float is a fraction over a power of two.

    Numbers up to ``LEAST`` are minus infinity.

    Raises:
        Undecided: an entry is plus infinity or no number, or the dtype is complex.
    """
    tensor = tensor.detach().cpu()
    if tensor.is_complex():
        raise Undecided("takes complex numbers")
    if not tensor.is_floating_point():
        return Side(modulus, tensor.long() % modulus)
    wide = tensor.double()
    gone = wide <= LEAST
    wide = wide.masked_fill(gone, 0)
    if not wide.isfinite().all():
        raise Undecided("takes a constant that is not finite")
    mantissa, exponent = torch.frexp(wide)
    whole = (mantissa * 2.0**53).long() % modulus
    least = int(exponent.min()) if exponent.numel() else 0
    twos = (
        [pow(2, least - 53 + step, modulus) for step in range(int((exponent - least).max()) + 1)]
        if (exponent.numel())
        else [1]
    )
    values = product(whole, torch.tensor(twos)[(exponent - least).long()], modulus)
    return Side(modulus, values, gone=gone if gone.any() else None)
