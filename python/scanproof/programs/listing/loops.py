"""The reads of one tensor by another, as nested loops with conditions."""

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
        size: number of steps.
        out: the axis of the computed tensor along which the counter moves, and the size of a step.
        source: the axis of the read tensor along which the counter moves, and the size of a step.
        entries: size of a step in entries of the read tensor, if the step follows none of its axes.
    """

    size: int
    out: tuple[int, int] | None = None
    source: tuple[int, int] | None = None
    entries: int = 0


@dataclass(frozen=True)
class Condition:
    """A number that must be below a bound, or an index into a table, whose entry must not be 0 or is added.

    Attributes:
        kind: the kind of the condition.
        start: the number if all counters are 0.
        terms: what a step of each counter adds to the number.
        table: the table; for a bound, only the bound.
    """

    kind: Literal["below", "mask", "index"]
    start: int
    terms: tuple[int, ...]
    table: tuple[int, ...]


def strides(shape: Shape) -> list[int]:
    """Return the row-major stride of each axis, in entries."""
    return [prod(shape[dim + 1 :]) for dim in range(len(shape))]


@dataclass
class Loops:
    """The reads of one tensor by another.

    Attributes:
        source: the tensor that is read.
        made: the tensor that reads.
        axes: the counters.
        out_start: the start along axes of ``made``; 0 for other axes.
        source_start: the start along axes of ``source``; 0 for other axes.
        entry: an offset, in entries of ``source``, that is added to the start.
        conditions: the conditions, all of which must hold.
    """

    source: Value
    made: Value
    axes: Sequence[Axis]
    out_start: dict[int, int] = field(default_factory=dict)
    source_start: dict[int, int] = field(default_factory=dict)
    entry: int = 0
    conditions: list[Condition] = field(default_factory=list)

    def below(self, start: int, bound: int, terms: Sequence[int]) -> "Loops":
        """Restrict the reads to a number of at least 0 and below a bound."""
        self.conditions.append(Condition("below", start, tuple(terms), (bound,)))
        return self

    def where(self, alive: Array, moves: Sequence[tuple[int, int] | None]) -> "Loops":
        """Restrict the reads to true entries of a compact array; ``moves`` give each counter's axis in it."""
        return self._masked(alive, alive.shape, moves, {})

    def where_made(self, alive: Array) -> "Loops":
        """Restrict the computed entries to true entries of a compact array."""
        return self._masked(alive, self.made.shape, [axis.out for axis in self.axes], self.out_start)

    def where_read(self, alive: Array) -> "Loops":
        """Restrict the read entries to true entries of a compact array."""
        return self._masked(alive, self.source.shape, [axis.source for axis in self.axes], self.source_start)

    def chosen(self, places: Array) -> "Loops":
        """Let each computed entry read the entry with the given number, or none if it is negative."""
        flat = places.reshape(-1)
        terms, start = self._numbers(self.made.shape, [axis.out for axis in self.axes], self.out_start)
        if (flat < 0).any():
            table = tuple((flat >= 0).astype(int).tolist())
            self.conditions.append(Condition("mask", start, terms, table))
        self.conditions.append(Condition("index", start, terms, tuple(np.maximum(flat, 0).tolist())))
        return self

    @property
    def out(self) -> tuple[int, list[int]]:
        """The computed entry if all counters are 0, and what a step of each counter adds."""
        terms, start = self._numbers(self.made.shape, [axis.out for axis in self.axes], self.out_start)
        return start, list(terms)

    @property
    def read(self) -> tuple[int, list[int]]:
        """The read entry if all counters are 0, and what a step of each counter adds."""
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
        """Return the start and the steps of a row-major number; axes of length 1 do not count."""
        lengths = [0 if size == 1 else stride for size, stride in zip(shape, strides(shape), strict=True)]
        terms = tuple(0 if move is None else lengths[move[0]] * move[1] for move in moves)
        return terms, sum(lengths[dim] * place for dim, place in starts.items())
