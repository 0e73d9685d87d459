"""A tensor of a program at a drawn point: its residues as a value, and what its exponential is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from scanproof.programs.field.mix import mix
from scanproof.programs.field.residues import Side, Undecided, number, power


@dataclass(frozen=True)
class Lost:
    """Why a tensor has no residues: the operation where this began, in words.

    Attributes:
        why: the operation, and what it cannot do.
    """

    why: str


class Before(Exception):
    """An operand has no residues, because of an operation before this one.

    Attributes:
        lost: why.
    """

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost.why)
        self.lost = lost


Found: TypeAlias = Side | Lost


@dataclass(frozen=True)
class Power:
    """What ``exp`` of a tensor is: ``w^rest * factor``.

    The factor is what stood in a logarithm, so ``exp(log(x) + y)`` is ``x * exp(y)``.

    Attributes:
        rest: modulo q.
        factor: modulo p, of the same shape.
        opaque: functions behind both of which no law is used.
        absent: entries without a factor, because a product left none: ``rest`` is the exponent there, and
            ``factor`` is 1. None if there are none.
    """

    rest: Side
    factor: Side
    opaque: frozenset[str]
    absent: Tensor | None = None


@dataclass(frozen=True)
class Pair:
    """A tensor modulo both primes, with the arithmetic of tensors that broadcast.

    Arithmetic raises nothing: where a residue cannot be computed, such as a quotient by zero, that residue is
    lost.

    Attributes:
        value: the tensor modulo p.
        exponent: the tensor modulo q.
        opaque: functions behind ``value`` of which no law is used, such as ``log``.
        within: functions behind ``exponent`` of which no law is used.
        power: what ``exp`` of the tensor is; None if the tensor is pure: ``exp`` of it is ``w^exponent``.
    """

    value: Found
    exponent: Found
    opaque: frozenset[str] = frozenset()
    within: frozenset[str] = frozenset()
    power: Power | None = None

    def __add__(self, other: "Pair") -> "Pair":
        made = apart(Side.__add__, self, other)
        if self.power is None and other.power is None:
            return made
        one, two = power_of(self), power_of(other)
        if one is None or two is None:
            return made
        return with_power(
            made,
            one.rest + two.rest,
            one.factor * two.factor,
            one.opaque | two.opaque,
            united(one.absent, two.absent),
        )

    def __neg__(self) -> "Pair":
        made, power = apart(Side.__neg__, self), self.power
        if power is None or isinstance(made.exponent, Lost):
            return made
        zero = power.factor.values == 0
        factor = replace(power.factor, values=power.factor.values.masked_fill(zero, 1)).inverse()
        return with_power(made, -power.rest, factor, power.opaque, united(power.absent, zero))

    def __sub__(self, other: "Pair") -> "Pair":
        return self + -other

    def __mul__(self, other: "Pair") -> "Pair":
        return _without_factor(apart(Side.__mul__, self, other), self, other)

    def __truediv__(self, other: "Pair") -> "Pair":
        return _without_factor(apart(lambda x, y: x * y.inverse(), self, other), self, other)

    def times(self, whole: int) -> "Pair":
        """Return the product with a whole number: ``exp(n * log(x))`` is ``x^n``."""
        if whole < 0:
            return (-self).times(-whole)
        made, power = apart(lambda side: side * number(whole, side.modulus), self), self.power
        if power is None or isinstance(made.exponent, Lost):
            return made
        rest, factor = power.rest * number(whole, power.rest.modulus), power.factor.to_power(whole)
        return with_power(made, rest, factor, power.opaque, power.absent)

    def halved(self) -> "Pair":
        """Return half of this: ``exp(log(x) / 2)`` is the square root of ``x``."""
        made, power = apart(lambda side: side * number(0.5, side.modulus), self), self.power
        if power is None or isinstance(made.exponent, Lost):
            return made
        rest, factor = power.rest * number(0.5, power.rest.modulus), root(power.factor)
        return with_power(made, rest, factor, power.opaque | {"sqrt"}, power.absent)

    def times_halves(self, halves: int) -> "Pair":
        """Return the product with ``halves / 2``: ``exp(-3/2 * log(x))`` is ``1 / (x * sqrt(x))``."""
        if halves % 2 == 0:
            return self.times(halves // 2)
        if halves < 0:
            return -self.times_halves(-halves)
        return self.halved() if halves == 1 else self.times(halves // 2) + self.halved()


@dataclass(frozen=True)
class Complex:
    """A complex tensor.

    Attributes:
        real: the real parts.
        imag: the imaginary parts.
    """

    real: Pair
    imag: Pair

    def __add__(self, other: "Complex") -> "Complex":
        return Complex(self.real + other.real, self.imag + other.imag)

    def __sub__(self, other: "Complex") -> "Complex":
        return Complex(self.real - other.real, self.imag - other.imag)

    def __mul__(self, other: "Complex") -> "Complex":
        return Complex(
            self.real * other.real - self.imag * other.imag, self.real * other.imag + self.imag * other.real
        )

    def __truediv__(self, other: "Complex") -> "Complex":
        square = other.real * other.real + other.imag * other.imag
        product = self * Complex(other.real, -other.imag)
        return Complex(product.real / square, product.imag / square)


@dataclass(frozen=True)
class Spectrum:
    """A Fourier transform of a real signal.

    Attributes:
        signal: the signal.
        axis: the transformed axis, counted from the last.
        length: the length of the signal.
    """

    signal: Pair
    axis: int
    length: int


def parts_of(found: "Pair | Complex | Spectrum") -> list[Pair]:
    """Return a real tensor, the parts of a complex one, or the signal of a transform."""
    if isinstance(found, Spectrum):
        return [found.signal]
    return [found.real, found.imag] if isinstance(found, Complex) else [found]


def root(side: Side) -> Side:
    """Return a pseudo-random root of residues; the root of an inverse is the inverse of the root.

    The root of zero is zero, and the root of one is one.
    """
    p, values = side.modulus, side.values
    inverses = power(values, p - 2, p)
    mixed = mix("sqrt", p, torch.minimum(values, inverses)) % p
    roots = torch.where(values <= inverses, mixed, power(mixed, p - 2, p))
    return Side(p, torch.where(values <= 1, values, roots), side.degree.renewed())


def apart(made: Callable[..., Side], *pairs: Pair) -> Pair:
    """Return what arithmetic makes of tensors, modulo each prime, as a pure tensor."""

    def side(*sides: Found) -> Found:
        given = []
        for each in sides:
            if isinstance(each, Lost):
                return each
            given.append(each)
        try:
            return made(*given)
        except Undecided as error:
            return Lost(str(error))

    return Pair(
        side(*(pair.value for pair in pairs)),
        side(*(pair.exponent for pair in pairs)),
        frozenset().union(*(pair.opaque for pair in pairs)),
        frozenset().union(*(pair.within for pair in pairs)),
    )


def power_of(pair: Pair) -> Power | None:
    """Return what ``exp`` of a tensor is; None if the exponents are lost."""
    if pair.power is not None or isinstance(pair.exponent, Lost):
        return pair.power
    if isinstance(pair.value, Lost):
        return None
    return Power(pair.exponent, number(1, pair.value.modulus), pair.within)


def with_power(
    pair: Pair, rest: Side, factor: Side, opaque: frozenset[str], absent: Tensor | None = None
) -> Pair:
    """Return a tensor whose ``exp`` is ``w^rest * factor``, except where ``absent`` is true."""
    if isinstance(pair.exponent, Lost):
        return replace(pair, power=None)
    shape = pair.exponent.values.shape
    if absent is not None and not absent.any():
        absent = None
    if absent is not None:
        absent = absent.broadcast_to(shape)
        rest = either(absent, pair.exponent, rest)
        factor = either(absent, number(1, factor.modulus), factor)
        opaque = opaque | pair.within
    rest = replace(rest, values=rest.values.broadcast_to(shape), gone=pair.exponent.gone)
    factor = replace(factor, values=factor.values.broadcast_to(shape))
    return replace(pair, power=Power(rest, factor, opaque, absent))


def parts(pair: Pair) -> tuple[Found, Found, Found]:
    """Return the rest, the factor less 1, and ones where it is absent: what an operation may move.

    Such an operation adds zeros and constants, whose factor is 1.
    """
    power = power_of(pair)
    if power is None or isinstance(pair.value, Lost):
        lost = pair.exponent if isinstance(pair.exponent, Lost) else pair.value
        return lost, lost, lost
    less = power.factor - number(1, power.factor.modulus)
    shape, q = power.rest.values.shape, power.rest.modulus
    missing = torch.zeros(shape, dtype=torch.int64) if power.absent is None else power.absent.long()
    return power.rest, replace(less, values=less.values.broadcast_to(shape)), Side(q, missing)


def joined(pair: Pair, rest: Found, less: Found, missing: Found, opaque: frozenset[str]) -> Pair:
    """Return a tensor with a power of which the parts were moved."""
    if isinstance(rest, Lost) or isinstance(less, Lost) or isinstance(missing, Lost):
        return pair
    return with_power(pair, rest, less + number(1, less.modulus), opaque, missing.values.bool())


def without_factor(made: Pair, *pairs: Pair) -> Pair:
    """Return a tensor that a function other than a sum made of others: pure if they are pure."""
    value, exponent = made.value, made.exponent
    if all(pair.power is None for pair in pairs) or isinstance(value, Lost) or isinstance(exponent, Lost):
        return made
    everywhere = torch.ones(exponent.values.shape, dtype=torch.bool)
    return with_power(made, exponent, number(1, value.modulus), made.within, everywhere)


def _without_factor(made: Pair, *pairs: Pair) -> Pair:
    """Return a product or a quotient, whose entries are pure where those of all factors are."""
    value, exponent = made.value, made.exponent
    if all(pair.power is None for pair in pairs) or isinstance(value, Lost) or isinstance(exponent, Lost):
        return made
    impure = united(*(_impure(pair) for pair in pairs))
    if impure is None or not impure.any():
        return made
    return with_power(made, exponent, number(1, value.modulus), made.within, impure)


def _impure(pair: Pair) -> Tensor | None:
    power, exponent = pair.power, pair.exponent
    if power is None or isinstance(exponent, Lost):
        return None
    return united((power.rest.values != exponent.values) | (power.factor.values != 1), power.absent)


def united(*masks: Tensor | None) -> Tensor | None:
    """Return where one of several masks is true; None stands for nowhere."""
    found = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else found | mask
    return found


def either(first: Tensor, one: Side, other: Side) -> Side:
    """Return entries of ``one`` where ``first`` is true, else of ``other``; shapes broadcast."""
    values = torch.where(first, one.values, other.values)
    zero = torch.zeros((), dtype=torch.bool)
    ours, theirs = (zero if side.gone is None else side.gone for side in (one, other))
    gone = torch.where(first, ours, theirs).broadcast_to(values.shape)
    return Side(one.modulus, values, one.degree.either(other.degree), gone if gone.any() else None)
