"""What entries of a tensor read of another one, as nested loops with conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal

import numpy as np

from scanproof.programs.compact import Array, Shape, ranked
from scanproof.programs.program import Value


@dataclass(frozen=True)
class Axis:
    """A counter from 0 to ``size`` - 1.

    Attributes:
        size: how often it runs.
        out: the axis of the computed tensor that it moves along, and how far a step is.
        source: the axis of the tensor that is read that it moves along, and how far a step is.
        entries: how many entries of the tensor that is read a step is, where that is along no axis of it.
    """

    size: int
    out: tuple[int, int] | None = None
    source: tuple[int, int] | None = None
    entries: int = 0


@dataclass(frozen=True)
class Condition:
    """A number that must be below a bound, or has an entry in a table that must not be 0, or that is added.

    Attributes:
        kind: which of these.
        start: the number where all counters are 0.
        terms: what a step of each counter adds to it.
        table: the table; for a bound, that number alone.
    """

    kind: Literal["below", "mask", "index"]
    start: int
    terms: tuple[int, ...]
    table: tuple[int, ...]


def strides(shape: Shape) -> list[int]:
    """Return how many entries lie between neighbours along each axis, in row-major order."""
    return [prod(shape[dim + 1 :]) for dim in range(len(shape))]


@dataclass
class Loops:
    """Reads of one tensor by another.

    Attributes:
        source: the tensor that is read.
        made: the tensor that reads.
        axes: the counters.
        out_start: where counters begin along axes of ``made``; 0 along others.
        source_start: the same for axes of ``source``.
        entry: entry of ``source`` to begin at, beside that.
        conditions: all of which must hold.
    """

    source: Value
    made: Value
    axes: Sequence[Axis]
    out_start: dict[int, int] = field(default_factory=dict)
    source_start: dict[int, int] = field(default_factory=dict)
    entry: int = 0
    conditions: list[Condition] = field(default_factory=list)

    def below(self, start: int, bound: int, terms: Sequence[int]) -> "Loops":
        """Read only where a number is at least 0 and below a bound."""
        self.conditions.append(Condition("below", start, tuple(terms), (bound,)))
        return self

    def where(self, alive: Array, moves: Sequence[tuple[int, int] | None]) -> "Loops":
        """Read only where a compact array is true; ``moves`` say where in it each counter moves."""
        return self._masked(alive, alive.shape, moves, {})

    def where_made(self, alive: Array) -> "Loops":
        """Compute only entries where a compact array is true."""
        return self._masked(alive, self.made.shape, [axis.out for axis in self.axes], self.out_start)

    def where_read(self, alive: Array) -> "Loops":
        """Read only entries where a compact array is true."""
        return self._masked(alive, self.source.shape, [axis.source for axis in self.axes], self.source_start)

    def chosen(self, places: Array) -> "Loops":
        """Read for each entry that is computed the entry with a number, none where that is negative."""
        flat = places.reshape(-1)
        terms, start = self._numbers(self.made.shape, [axis.out for axis in self.axes], self.out_start)
        if (flat < 0).any():
            table = tuple((flat >= 0).astype(int).tolist())
            self.conditions.append(Condition("mask", start, terms, table))
        self.conditions.append(Condition("index", start, terms, tuple(np.maximum(flat, 0).tolist())))
        return self

    @property
    def out(self) -> tuple[int, list[int]]:
        """The entry that is computed where all counters are 0, and what a step of each adds."""
        terms, start = self._numbers(self.made.shape, [axis.out for axis in self.axes], self.out_start)
        return start, list(terms)

    @property
    def read(self) -> tuple[int, list[int]]:
        """The entry that is read where all counters are 0, and what a step of each adds."""
        moves = [axis.source for axis in self.axes]
        terms, start = self._numbers(self.source.shape, moves, self.source_start)
        return start + self.entry, [term + axis.entries for term, axis in zip(terms, self.axes, strict=True)]

    def _masked(
        self, alive: Array, shape: Shape, moves: Sequence[tuple[int, int] | None], starts: dict[int, int]
    ) -> "Loops":
        alive = ranked(alive, len(shape))
        if not alive.all():
            terms, start = self._numbers(alive.shape, moves, starts)
            self.conditions.append(
                Condition("mask", start, terms, tuple(alive.reshape(-1).astype(int).tolist()))
            )
        return self

    def _numbers(
        self, shape: Shape, moves: Sequence[tuple[int, int] | None], starts: dict[int, int]
    ) -> tuple[tuple[int, ...], int]:
        """Return steps and start of a number in row-major order; an axis of length 1 does not count."""
        lengths = [0 if size == 1 else stride for size, stride in zip(shape, strides(shape), strict=True)]
        terms = tuple(0 if move is None else lengths[move[0]] * move[1] for move in moves)
        return terms, sum(lengths[dim] * place for dim, place in starts.items())
