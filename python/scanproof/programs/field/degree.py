"""A bound on the degrees of the entries of a tensor, as quotients of polynomials in what was drawn.

An inverse has denominators of its own, one an entry. A sum has a common denominator: there each of them
counts once, no matter how many summands have it. The result of a function that is no arithmetic is a new
unknown. The degree of its argument is kept apart: it bounds how often different arguments agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType

_names = count()


@dataclass(frozen=True)
class Pole:
    """The denominators that one inverse brought.

    Attributes:
        weight: an entry has at most this many factors among the denominators.
        power: an entry has none of them to a higher power.
        size: number of denominators.
        degree: the degree of each.
    """

    weight: int
    power: int
    size: int
    degree: int

    @property
    def total(self) -> int:
        """The degree of what an entry may have in its denominator."""
        return self.degree * min(self.weight, self.power * self.size)


@dataclass(frozen=True)
class Degree:
    """A bound on degrees.

    Attributes:
        growth: the degree of a numerator is at most this much greater than that of its denominator.
        poles: the denominators, by the inverse that brought them.
        behind: the degrees of the arguments of functions that are no arithmetic, added along a path.
    """

    growth: int = 0
    poles: Mapping[int, Pole] = field(default_factory=lambda: MappingProxyType({}))
    behind: int = 0

    @property
    def denominator(self) -> int:
        """The degree of every denominator is at most this."""
        return sum(pole.total for pole in self.poles.values())

    @property
    def numerator(self) -> int:
        """The degree of every numerator is at most this."""
        return max(self.growth + self.denominator, 0)

    def plus(self, other: "Degree") -> "Degree":
        """Return a bound for sums."""
        return Degree(max(self.growth, other.growth), self._joined(other, True, False), self._behind(other))

    def times(self, other: "Degree") -> "Degree":
        """Return a bound for products."""
        return Degree(self.growth + other.growth, self._joined(other, True, True), self._behind(other))

    def either(self, other: "Degree") -> "Degree":
        """Return a bound for entries that come from one of two tensors."""
        return Degree(max(self.growth, other.growth), self._joined(other, False, False), self._behind(other))

    def total(self, number: int) -> "Degree":
        """Return a bound for sums of up to ``number`` entries."""
        poles = {
            name: Pole(pole.weight * max(number, 1), pole.power, pole.size, pole.degree)
            for name, pole in self.poles.items()
        }
        return Degree(self.growth, poles, self.behind)

    def to_power(self, number: int) -> "Degree":
        """Return a bound for products of up to ``number`` entries."""
        poles = {
            name: Pole(pole.weight * number, pole.power * number, pole.size, pole.degree)
            for name, pole in self.poles.items()
            if number
        }
        return Degree(self.growth * number, poles, self.behind)

    def inverse(self, size: int) -> "Degree":
        """Return a bound for the inverses of ``size`` entries."""
        degree = self.numerator
        poles = {next(_names): Pole(1, 1, size, degree)} if degree else {}
        return Degree(self.denominator - degree, poles, self.behind)

    def renewed(self) -> "Degree":
        """Return a bound for a function of the entries that is no arithmetic."""
        return Degree(1, behind=self.behind + self.numerator + self.denominator)

    def _behind(self, other: "Degree") -> int:
        return max(self.behind, other.behind)

    def _joined(self, other: "Degree", weights: bool, powers: bool) -> dict[int, Pole]:
        if not other.poles:
            return dict(self.poles)
        joined = dict(other.poles)
        for name, one in self.poles.items():
            two = joined.get(name)
            if two is not None:
                weight = one.weight + two.weight if weights else max(one.weight, two.weight)
                power = one.power + two.power if powers else max(one.power, two.power)
                one = Pole(weight, power, one.size, one.degree)
            joined[name] = one
        return joined


CONSTANT = Degree()
"""The degree of numbers that are not drawn."""

DRAWN = Degree(1)
"""The degree of what is drawn."""
