"""The words in which numbers travel to the oracle and back, for each scalar type of the oracle."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from scanproof.errors import InvalidArgument
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import constant

Array = NDArray[Any]
WordArray = NDArray[np.object_]

LOST = -1
"""Stands for a residue that is lost, and for a law that a number does not have."""


@dataclass(frozen=True)
class FieldNumbers:
    """A tensor over residues, as Lean's ``Residue``.

    All attributes are arrays of one shape. ``LOST`` stands for a residue that is lost.

    Attributes:
        floats: the run in float64.
        values: residues modulo p, int64.
        exponents: residues modulo q, int64.
        rests: residues modulo q; the exponential is ``w^rest * factor``.
        factors: residues modulo p. ``LOST`` stands in both if the exponential is ``w^exponent``.
    """

    floats: NDArray[np.float64]
    values: NDArray[np.int64]
    exponents: NDArray[np.int64]
    rests: NDArray[np.int64]
    factors: NDArray[np.int64]

    @classmethod
    def pure(cls, floats: Array, values: Array, exponents: Array) -> "FieldNumbers":
        """Return inputs or constants, whose exponentials are the powers with their own exponents."""
        exponents = np.asarray(exponents, np.int64)
        factors = np.where(exponents == LOST, LOST, 1)
        return cls(
            np.asarray(floats, np.float64), np.asarray(values, np.int64), exponents, exponents, factors
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.floats.shape


class Words(Protocol):
    """A scalar type of the oracle."""

    header: str
    """The first words of a request."""

    def encode(self, array: Any) -> WordArray:
        """Return the word of each entry."""

    def decode(self, words: WordArray) -> Any:
        """Return the numbers that words denote."""


class FloatWords:
    """Float64, as bit patterns."""

    header = "float"

    def encode(self, array: Any) -> WordArray:
        """Return the word of each entry."""
        x = np.asarray(array, np.float64)
        return _words(x, map(str, np.ravel(x).view(np.uint64).tolist()))

    def decode(self, words: WordArray) -> Array:
        """Return float64 numbers."""
        bits = np.array([int(word) for word in words.ravel()], np.uint64)
        return bits.view(np.float64).reshape(words.shape)


class ExactWords:
    """Rational numbers, as fractions."""

    header = "exact"

    def encode(self, array: Any) -> WordArray:
        """Return the word of each entry."""
        x = np.asarray(array, object)
        fractions = (Fraction(entry) for entry in x.ravel())
        return _words(x, (f"{entry.numerator}/{entry.denominator}" for entry in fractions))

    def decode(self, words: WordArray) -> Array:
        """Return ``Fraction`` objects."""
        return _words(words, (Fraction(word) for word in words.ravel()))


class FieldWords:
    """Residues modulo two primes.

    Args:
        primes: the primes.
        lift: takes an array of numbers to residues; default: :func:`exactly`. ``FieldNumbers`` stay as they
            are.
    """

    def __init__(self, primes: Primes, lift: Callable[[Array], FieldNumbers] | None = None) -> None:
        self.header = f"field {primes.p} {primes.q} {primes.w}"
        self._lift = lift or (lambda array: exactly(array, primes))

    def encode(self, array: Any) -> WordArray:
        """Return the word of each entry."""
        x = array if isinstance(array, FieldNumbers) else self._lift(np.asarray(array))
        bits = np.ravel(np.asarray(x.floats, np.float64)).view(np.uint64).tolist()
        parts = (x.values, x.exponents, x.rests, x.factors)
        residues = [
            ["-" if part == LOST else str(part) for part in np.ravel(each).tolist()] for each in parts
        ]
        return _words(x.floats, ("/".join(map(str, entry)) for entry in zip(bits, *residues, strict=True)))

    def decode(self, words: WordArray) -> FieldNumbers:
        """Return residues."""
        columns = np.array([word.split("/") for word in words.ravel()], dtype=object).reshape(-1, 5).T
        floats = columns[0].astype(np.uint64).view(np.float64).reshape(words.shape)
        residues = (np.where(column == "-", str(LOST), column).astype(np.int64) for column in columns[1:])
        return FieldNumbers(floats, *(residue.reshape(words.shape) for residue in residues))


def exactly(array: Array, primes: Primes) -> FieldNumbers:
    """Return the numbers that an array of floats holds, exactly.

    Raises:
        InvalidArgument: an entry is infinite or NaN.
    """
    floats = np.asarray(array, np.float64)
    if not np.isfinite(floats).all():
        raise InvalidArgument("The array holds an infinity or a NaN; give numbers that are finite.")
    value, exponent = (
        constant(torch.from_numpy(floats.copy()), modulus).values.numpy() for modulus in (primes.p, primes.q)
    )
    return FieldNumbers.pure(floats, value, exponent)


def _words(like: Array, entries: Any) -> WordArray:
    made = np.empty(np.size(like), dtype=object)
    made[:] = list(entries)
    return made.reshape(np.shape(like))
