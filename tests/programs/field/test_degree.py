"""The bound on degrees holds: along a line, entries are quotients of polynomials of no greater degree."""

from collections.abc import Callable
from random import Random

import pytest
import torch

from scanproof.programs.field.degree import DRAWN, Degree
from scanproof.programs.field.primes import draw_primes
from scanproof.programs.field.residues import Side

P = draw_primes(7).p
Step = Callable[[list[Side], Random], Side]


def rolled(x: Side) -> Side:
    return Side(P, x.values.roll(1), x.degree)


def total(x: Side) -> Side:
    return x.summed(x.values.sum(0, keepdim=True).expand(3), 3)


def product(x: Side, y: Side) -> Side:
    matrix = Side(P, torch.stack([x.values, x.values.roll(1), x.values.roll(2)]), x.degree)
    column = matrix.matmul(Side(P, y.values[:, None], y.degree))
    return Side(P, column.values[:, 0], column.degree)


STEPS: list[Step] = [
    lambda sides, random: random.choice(sides) + rolled(random.choice(sides)),
    lambda sides, random: random.choice(sides) - random.choice(sides),
    lambda sides, random: random.choice(sides) * rolled(random.choice(sides)),
    lambda sides, random: (random.choice(sides) + Side(P, torch.tensor(random.randrange(1, P)))).inverse(),
    lambda sides, random: total(random.choice(sides)),
    lambda sides, random: random.choice(sides).to_power(2),
    lambda sides, random: product(random.choice(sides), random.choice(sides)),
]


def computed(seed: int, t: int) -> Side:
    """Return what a random program computes at a point of a line."""
    random = Random(seed)
    starts, slopes = ([random.randrange(P) for _ in range(3)] for _ in range(2))
    values = [(start + slope * t) % P for start, slope in zip(starts, slopes, strict=True)]
    sides = [Side(P, torch.tensor(values), DRAWN)]
    for _ in range(random.randrange(3, 6)):
        sides.append(random.choice(STEPS)(sides, random))
    return sides[-1]


def rank(rows: list[list[int]]) -> int:
    found = 0
    for column in range(len(rows[0])):
        pivot = next((at for at in range(found, len(rows)) if rows[at][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        inverse = pow(rows[found][column], -1, P)
        for at in range(found + 1, len(rows)):
            factor = rows[at][column] * inverse % P
            if factor:
                rows[at] = [(x - factor * y) % P for x, y in zip(rows[at], rows[found], strict=True)]
        found += 1
    return found


def fits(values: list[int], numerator: int, denominator: int) -> bool:
    """Whether polynomials of these degrees, not both zero, have a quotient with these values at 1, 2, …."""
    rows = []
    for t, value in enumerate(values, 1):
        powers = [pow(t, each, P) for each in range(max(numerator, denominator) + 1)]
        rows.append(powers[: numerator + 1] + [-value * each % P for each in powers[: denominator + 1]])
    return rank(rows) < numerator + denominator + 2


@pytest.mark.parametrize("seed", range(40))
def test_entries_are_quotients_of_polynomials_of_these_degrees(seed: int) -> None:
    degree = computed(seed, 1).degree
    unknowns = degree.numerator + degree.denominator + 2
    if unknowns > 120:
        pytest.skip("a system that is too large")
    sides = [computed(seed, t) for t in range(1, unknowns + 3)]
    for entry in range(3):
        assert fits([int(side.values[entry]) for side in sides], degree.numerator, degree.denominator)


def test_a_bound_that_is_too_low_does_not_fit() -> None:
    values = [pow(t, 5, P) * pow(t + 3, -1, P) % P for t in range(1, 20)]
    assert fits(values, 5, 1)
    assert not fits(values, 4, 1)
    assert not fits(values, 5, 0)


def test_a_denominator_counts_once_in_a_sum() -> None:
    x = DRAWN.inverse(3)
    assert (x.plus(x).plus(x).denominator, x.total(100).denominator) == (3, 3)
    assert x.times(x).total(100).denominator == 6
    assert x.plus(DRAWN.inverse(3)).total(100).denominator == 6
    assert (x.to_power(2).numerator, x.to_power(2).denominator) == (0, 2)


def test_the_degree_of_an_argument_stays_behind() -> None:
    renewed = Degree(5).renewed().times(DRAWN).renewed()
    assert (renewed.numerator, renewed.denominator, renewed.behind) == (1, 0, 7)
