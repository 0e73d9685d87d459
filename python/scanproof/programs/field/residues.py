"""Tensors of residues modulo a prime below 2^31, with a bound on their degree."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite

import torch
from torch import Tensor

from scanproof.programs.field.degree import CONSTANT, Degree

LEAST = -1e30
"""Numbers up to this one count as minus infinity: masks are spelt so, and ``exp`` of them is zero."""

LIMB = 16
"""Bits of the lower limb of a factor: sums of up to 2^15 products of a residue and a limb fit int64."""


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
        values = self.finite.values * other.finite.values
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
        """Return sums of up to ``count`` entries of this, which have the residues ``values``."""
        return self.finite.made(values, self.degree.total(count))

    def matmul(self, other: "Side") -> "Side":
        """Return the product of two matrices, or of two batches of matrices.

        Raises:
            Undecided: the sums have more than 2^15 terms, or an entry is minus infinity.
        """
        values = matmul(self.finite.values, other.finite.values, self.modulus)
        return self.made(values, self.degree.times(other.degree).total(self.values.shape[-1]))


def matmul(x: Tensor, y: Tensor, modulus: int) -> Tensor:
    """Return the product of two matrices of residues, or of two batches of matrices that broadcast.

    Raises:
        Undecided: the sums have more than 2^15 terms.
    """
    if x.shape[-1] > 1 << 15:
        raise Undecided("sums more than 32768 products")
    low = x @ (y & ((1 << LIMB) - 1))
    return ((x @ (y >> LIMB)) % modulus * (1 << LIMB) + low) % modulus


def power(base: Tensor, exponent: int, modulus: int) -> Tensor:
    """Return every entry to a whole power of at least 0, modulo a prime."""
    result, base = torch.ones_like(base), base % modulus
    while exponent:
        if exponent & 1:
            result = result * base % modulus
        base, exponent = base * base % modulus, exponent >> 1
    return result


def powers(base: int, exponents: Tensor, modulus: int) -> Tensor:
    """Return ``base`` to every entry of ``exponents``, modulo a prime; entries are at least 0."""
    result, left = torch.ones_like(exponents), exponents
    for _ in range(int(exponents.max()).bit_length() if exponents.numel() else 0):
        result = torch.where((left & 1).bool(), result * base % modulus, result)
        base, left = base * base % modulus, left >> 1
    return result


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
    values = whole * torch.tensor(twos)[(exponent - least).long()] % modulus
    return Side(modulus, values, gone=gone if gone.any() else None)
