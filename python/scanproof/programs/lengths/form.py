"""How far beyond its own indices an entry of a tensor may read, whatever the length is.

A tensor has axes, each a product of factors, such as (examples, T) after a flattening view. The *delay* d of
a factor says: an entry at index i of the factor may read the positions up to i + d. The delay of no factor
(None) bounds positions absolutely. An entry may read what any of its delays allows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from math import inf
from typing import Any

import sympy  # type: ignore[import-untyped]
import torch

Size = Any
"""A whole number, or an expression of sympy with the length in it."""


class Factor:
    """A factor of an axis; two factors are the same index only if they are the same object."""

    __slots__ = ("size",)

    def __init__(self, size: Size) -> None:
        self.size = size

    @property
    def fixed(self) -> bool:
        """Whether the size does not depend on the length."""
        return isinstance(self.size, int) or self.size.is_Integer


class Known(Enum):
    """What is known of an entry: 0 or False, 1 or True, minus infinity, or far below all other entries."""

    ZERO = 0
    ONE = 1
    NINF = 2
    LOW = 3


@dataclass(frozen=True)
class Region:
    """Entries of a known value: those at indices with ``later - earlier > beyond``; None counts as 0."""

    known: Known
    later: Factor | None
    earlier: Factor | None
    beyond: int


@dataclass(frozen=True)
class Affine:
    """Whole numbers that are sums of indices: the coefficient of each factor, and a constant."""

    coefficients: Mapping[Factor, int] = field(default_factory=dict)
    constant: int = 0

    def plus(self, other: "Affine", times: int = 1) -> "Affine":
        """Return this plus ``times`` the other."""
        sums = dict(self.coefficients)
        for factor, number in other.coefficients.items():
            sums[factor] = sums.get(factor, 0) + times * number
        return Affine({f: n for f, n in sums.items() if n}, self.constant + times * other.constant)

    @property
    def may_be_negative(self) -> bool:
        """Whether one of the numbers may be negative; indices are not."""
        return self.constant < 0 or any(number < 0 for number in self.coefficients.values())


class Unreadable(Exception):
    """An operation reads in a way that no delay bounds for every length."""


@dataclass(frozen=True)
class Form:
    """A tensor: its axes, what its entries may read, and what is known of their values.

    Attributes:
        axes: the factors of each axis; none for an axis of size 1.
        delays: how far beyond its index an entry may read, by factor; None bounds positions absolutely.
        regions: entries of known values.
        numbers: the entries, if they are sums of indices.
        scalar: the value of all entries, if that is one known number.
    """

    axes: tuple[tuple[Factor, ...], ...]
    delays: Mapping[Factor | None, int] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    numbers: Affine | None = None
    scalar: float | None = None

    @classmethod
    def of(cls, shape: Iterable[Any], **known: Any) -> "Form":
        """Return the form of a tensor that reads nothing."""
        return cls(tuple(factors_of(size) for size in shape), **known)

    @property
    def known(self) -> Known | None:
        """What is known of every entry."""
        if self.scalar is None:
            return None
        if self.scalar in (0, 1):
            return Known(int(self.scalar))
        if self.scalar == -inf:
            return Known.NINF
        return Known.LOW if self.scalar <= LOWEST else None

    @property
    def bound(self) -> set[Factor | None]:
        """The factors that something is known about."""
        bound = set(self.delays) | {f for each in self.regions for f in (each.later, each.earlier)}
        return bound | set(self.numbers.coefficients if self.numbers else ())

    def with_axes(self, axes: Iterable[tuple[Factor, ...]]) -> "Form":
        """Return the same entries along other axes, which have the same factors and perhaps new ones."""
        return replace(self, axes=tuple(axes))

    def bare(self) -> "Form":
        """Return the axes and delays alone."""
        return Form(self.axes, self.delays)

    def substitute(self, old: Factor, new: Factor, shift: int = 0) -> "Form":
        """Return the form in which index i of the new factor is index i + shift of the old one."""
        axes = tuple(tuple(new if each is old else each for each in axis) for axis in self.axes)
        delays: dict[Factor | None, int] = {}
        for factor, delay in self.delays.items():
            key, moved = (new, delay + shift) if factor is old else (factor, delay)
            delays[key] = max(moved, delays.get(key, moved))
        regions = []
        for region in self.regions:
            later = new if region.later is old else region.later
            earlier = new if region.earlier is old else region.earlier
            beyond = region.beyond - shift * (region.later is old) + shift * (region.earlier is old)
            regions.append(Region(region.known, later, earlier, beyond))
        numbers = self.numbers
        if numbers is not None and old in numbers.coefficients:
            rest = {f: n for f, n in numbers.coefficients.items() if f is not old}
            number = numbers.coefficients[old]
            numbers = Affine(rest, numbers.constant + number * shift).plus(Affine({new: number}))
        return Form(axes, delays, tuple(regions), numbers, self.scalar)

    def fresh(self) -> "Form":
        """Return the form with factors of its own."""
        form = self
        for axis in self.axes:
            for factor in axis:
                form = form.substitute(factor, Factor(factor.size))
        return form

    def without(self, factors: Iterable[Factor], skipped: tuple[Known, ...]) -> "Form":
        """Return what is read by something that joins all entries along factors.

        Entries that are known to be one of ``skipped`` do not count. The axes stay.

        Raises:
            Unreadable: the entries along a factor whose size is the length may read any position.
        """
        gone = set(factors)
        delays = {factor: delay for factor, delay in self.delays.items() if factor not in gone}
        for factor in gone & set(self.delays):
            bounded = [
                region
                for region in self.regions
                if region.known in skipped and region.later is factor and region.earlier not in gone
            ]
            if bounded:
                key: Factor | None = bounded[0].earlier
                reach = min(region.beyond for region in bounded if region.earlier is key)
            elif factor.fixed:
                key, reach = None, int(factor.size) - 1
            else:
                raise Unreadable
            delay = self.delays[factor] + reach
            delays[key] = max(delay, delays.get(key, delay))
        kept = tuple(each for each in self.regions if each.later not in gone and each.earlier not in gone)
        return Form(self.axes, delays, kept)


LOWEST = -1e4
"""A number that hides the scores that it is added to, where scores are small beside it."""


def factors_of(size: Any) -> tuple[Factor, ...]:
    """Return the factor of an axis; none for size 1."""
    expression = expression_of(size)
    return () if expression == 1 else (Factor(expression),)


def expression_of(size: Any) -> Size:
    """Return a size as a whole number or an expression."""
    if isinstance(size, torch.SymInt):
        expression = size.node.expr
        return int(expression) if expression.is_Integer else expression
    return size


def same_size(a: Size, b: Size) -> bool:
    """Whether two sizes are equal at every length."""
    return bool(sympy.expand(sympy.sympify(a) - sympy.sympify(b)) == 0)


def joined(*forms: Form) -> dict[Factor | None, int]:
    """Return what is read by something that reads an entry of each form."""
    delays: dict[Factor | None, int] = {}
    for form in forms:
        for factor, delay in form.delays.items():
            delays[factor] = max(delay, delays.get(factor, delay))
    return delays


def renamed(form: Form, axis: int, named: tuple[Factor, ...]) -> Form:
    """Return the form with other factors along an axis, which are the same indices.

    Raises:
        Unreadable: the axis is a product of other factors, and something is known about these.
    """
    own = form.axes[axis]
    alike = len(own) == len(named) and all(same_size(a.size, b.size) for a, b in zip(own, named, strict=True))
    if not alike:
        if form.bound & set(own):
            raise Unreadable
        return form.with_axes((*form.axes[:axis], named, *form.axes[axis + 1 :]))
    for old, new in zip(own, named, strict=True):
        form = form.substitute(old, new)
    return form


def broadcast(forms: Iterable[Form]) -> list[Form]:
    """Return forms with the same factors along the axes that they share, as an elementwise operation does.

    Raises:
        Unreadable: an axis is a product of other factors in one form than in another one.
    """
    forms = [form.fresh() for form in forms]
    rank = max(len(form.axes) for form in forms)
    forms = [form.with_axes(((),) * (rank - len(form.axes)) + form.axes) for form in forms]
    for axis in range(rank):
        named = max((form for form in forms), key=lambda form: _weight(form, axis)).axes[axis]
        for number, form in enumerate(forms):
            if form.axes[axis]:
                forms[number] = renamed(form, axis, named)
        forms = [form.with_axes((*form.axes[:axis], named, *form.axes[axis + 1 :])) for form in forms]
    return forms


def _weight(form: Form, axis: int) -> tuple[int, int]:
    """Order the forms by how much depends on the factors of an axis."""
    own = form.axes[axis]
    return len(form.bound & set(own)), len(own)
