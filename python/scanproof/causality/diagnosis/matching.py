"""Find the rule of a leak from the pairs t <- s that were examined.

The numbers of a rule, such as the length of blocks, come from the places where reading begins and ends. A
report names a rule only if the rule agrees with every pair and every cut that was examined.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product
from math import gcd

import torch
from torch import Tensor

from scanproof.causality.diagnosis.rules import Blocks, Boundary, Distances, Mirror, Rectangle, Rule

MARKS = 8
"""Greatest number of places, of one kind, from which block lengths are taken."""


@dataclass(frozen=True)
class Seen:
    """What was examined; tensors are on the CPU.

    Attributes:
        T: number of inputs.
        outputs: the last input that each output may read, ascending, without repetition.
        rows: for some outputs, the later inputs that the output reads, shape (T,).
        columns: for some inputs, the earlier outputs that read the input, shape of ``outputs``.
        crossed: for some cuts tau, whether any output t < tau reads any input s >= tau.
    """

    T: int
    outputs: Tensor
    rows: Mapping[int, Tensor] = field(default_factory=dict)
    columns: Mapping[int, Tensor] = field(default_factory=dict)
    crossed: Mapping[int, bool] = field(default_factory=dict)

    @cached_property
    def pairs(self) -> tuple[Tensor, Tensor]:
        """The pairs (t, s) where output t reads input s, each once."""
        row, s = _matrix(self.rows, self.T).nonzero(as_tuple=True)
        t, column = _matrix(self.columns, len(self.outputs)).T.nonzero(as_tuple=True)
        by_row = torch.stack([_keys(self.rows)[row], s])
        by_column = torch.stack([self.outputs[t], _keys(self.columns)[column]])
        pairs = torch.cat([by_row, by_column], 1).unique(dim=1)
        return pairs[0], pairs[1]

    @cached_property
    def outermost(self) -> list[int]:
        """The outputs before the first and after the last crossed cut; empty if no crossed cut is known."""
        crossed = [tau for tau, crossed in self.crossed.items() if crossed]
        return [crossed[0] - 1, crossed[-1]] if crossed else []

    @property
    def possible(self) -> int:
        """Number of pairs that were examined."""
        rows = sum(self.T - 1 - t for t in self.rows)
        columns = sum(int((self.outputs < s).sum()) for s in self.columns)
        return rows + columns - sum(t < s for t in self.rows for s in self.columns)

    def silent_outputs(self, rule: Rule) -> Tensor:
        """Return the examined outputs that should read a later input by the rule, and do not."""
        silent = self._named_rows(rule).any(1) & ~_matrix(self.rows, self.T).any(1)
        return _keys(self.rows)[silent]

    def silent_inputs(self, rule: Rule) -> Tensor:
        """Return the examined inputs that an output should read by the rule, and none does."""
        silent = self._named_columns(rule).any(1) & ~_matrix(self.columns, len(self.outputs)).any(1)
        return _keys(self.columns)[silent]

    def agrees(self, rule: Rule) -> bool:
        """Whether the rule is right about every pair and every cut that was examined."""
        return (
            torch.equal(self._named_rows(rule), _matrix(self.rows, self.T))
            and torch.equal(self._named_columns(rule), _matrix(self.columns, len(self.outputs)))
            and self._crosses_the_same_cuts(rule)
        )

    def named(self, rule: Rule) -> int | None:
        """Return the number of examined pairs that a rule names; None if it lacks a pair that reads."""
        if not rule.reads(*self.pairs).all():
            return None
        beside_rows = ~torch.isin(self.outputs, _keys(self.rows))
        return int(self._named_rows(rule).sum() + (self._named_columns(rule) & beside_rows).sum())

    def _named_rows(self, rule: Rule) -> Tensor:
        t, s = _keys(self.rows)[:, None], torch.arange(self.T, device="cpu")
        return rule.reads(t, s) & (s > t)

    def _named_columns(self, rule: Rule) -> Tensor:
        s, t = _keys(self.columns)[:, None], self.outputs
        return rule.reads(t, s) & (s > t)

    def _crosses_the_same_cuts(self, rule: Rule) -> bool:
        if not self.crossed:
            return True
        s, reach = torch.arange(self.T, device="cpu"), []
        for t in self.outputs[:, None].split(256):
            reach.append((rule.reads(t, s) & (s > t)).mul(s).amax(1))
        farthest = torch.cat(reach).cummax(0).values
        taus, crossed = torch.tensor([[*self.crossed], [*self.crossed.values()]], device="cpu")
        before = torch.searchsorted(self.outputs, taus)
        crosses = (before > 0) & (farthest[(before - 1).clamp(0)] >= taus)
        return torch.equal(crosses, crossed.bool())


def agreeing(seen: Seen) -> Iterator[Rule]:
    """Yield the rules that agree with everything that was examined, the simplest first, each once."""
    candidates = dict.fromkeys(_candidates(seen))
    return (rule for rule in candidates if seen.agrees(rule))


def containing(seen: Seen) -> tuple[Rule, int] | None:
    """Return a rule that names all pairs that read, and the number of pairs that it names.

    This is the simplest rule of whose pairs at least three quarters read. If there is none, it is the
    rule with the fewest pairs, provided that at least one half of them read.
    """
    pairs = len(seen.pairs[0])
    found = [(rule, named) for rule in _candidates(seen) if (named := seen.named(rule))]
    dense = [each for each in found if 3 * each[1] <= 4 * pairs]
    tightest = min(found, key=lambda each: each[1], default=None)
    if dense or not tightest or tightest[1] > 2 * pairs:
        return dense[0] if dense else None
    return tightest


def _candidates(seen: Seen) -> Iterator[Rule]:
    t, s = seen.pairs
    if not len(t):
        return
    span = seen.T - int(seen.outputs[0])
    yield Distances(span, tuple(range(1, span)))
    yield Distances(span, tuple((s - t).unique().tolist()))
    yield from _rectangles(seen)
    grids = _grids(seen)
    for size, offset in grids:
        yield from _blocks(seen, size, offset)
    for size, offset in grids:
        yield from _boundaries(seen, size, offset)
    low, high = int((t + s).min()), int((t + s).max())
    bounds = [(low, high)] if low == high else [(low, None), (None, high), (low, high)]
    yield from (Mirror(*each) for each in bounds)


def _blocks(seen: Seen, size: int, offset: int) -> Iterator[Blocks]:
    t, s = seen.pairs
    block = _block(t, size, offset)
    ahead = _block(s, size, offset) - block
    nearest, farthest = int(ahead.min()), int(ahead.max())
    if nearest > 0 and offset + size >= seen.T:
        return  # a single boundary does not show chunks
    for reach in (None, farthest) if nearest > 0 else (farthest,):
        everywhere = Blocks(seen.T, size, offset, nearest, reach, 0, seen.T)
        whole = torch.tensor([0, seen.T - 1, *seen.outermost], device="cpu")
        limits = _block(whole, size, offset).tolist()
        silent = seen.silent_outputs(everywhere)
        if nearest == 0:  # the block of an input that no output reads is silent
            silent = torch.cat([silent, seen.silent_inputs(everywhere)])
        for first, last in _ranges(block, _block(silent, size, offset), limits):
            if nearest > 0 and first == last:
                continue  # a single chunk does not show chunks
            begin, end = max(offset + first * size, 0), min(offset + (last + 1) * size, seen.T)
            yield Blocks(seen.T, size, offset, nearest, reach, begin, end)


def _boundaries(seen: Seen, size: int, offset: int) -> Iterator[Boundary]:
    t, s = seen.pairs
    boundary = offset + size * _block(s, size, offset)
    if (t < boundary).all():
        before, behind = int((boundary - t).max()), int((s - boundary).max()) + 1
        for within in (int((s - t).max()), before + behind - 1):
            yield Boundary(seen.T, size, offset, before, behind, within)


def _rectangles(seen: Seen) -> Iterator[Rectangle]:
    t, s = seen.pairs
    scattered, farthest = tuple(s.unique().tolist()), int(s.max())
    outputs = [0, farthest - 1, *seen.outermost[:1]]
    inputs = [int(seen.outputs[0]) + 1, seen.T - 1, *seen.outermost[1:]]
    silent = seen.silent_outputs(Rectangle(seen.T, 0, seen.T, (farthest,)))
    unread = seen.silent_inputs(Rectangle(seen.T, 0, seen.T, tuple(range(seen.T))))
    for first, last in _ranges(t, silent, outputs):
        yield Rectangle(seen.T, first, last + 1, tuple(range(first + 1, seen.T)))
        for low, high in _ranges(s, unread, inputs) if seen.columns else [(scattered[0], farthest)]:
            yield Rectangle(seen.T, first, last + 1, tuple(range(max(low, first + 1), high + 1)))
        yield Rectangle(seen.T, first, last + 1, scattered)


def _ranges(reading: Tensor, silent: Tensor, limits: list[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of ranges that hold every reading number and no silent one, the widest first.

    ``limits`` holds the smallest and the greatest possible number, and other candidates for first and last.
    """
    low, high = int(reading.min()), int(reading.max())
    below, above = silent[silent < low].tolist(), silent[silent > high].tolist()
    firsts = {max([limits[0] - 1, *below]) + 1, low, *(limit for limit in limits if limit <= low)}
    lasts = {min([limits[1] + 1, *above]) - 1, high, *(limit for limit in limits if limit >= high)}
    return product(sorted(firsts), sorted(lasts, reverse=True))


def _grids(seen: Seen) -> list[tuple[int, int]]:
    """Return sizes and offsets of blocks whose boundaries are where reading begins or ends."""
    T = seen.T
    read = [row.nonzero() for row in seen.rows.values() if row.any()]
    readers = [seen.outputs[column] for column in seen.columns.values() if column.any()]
    sources = [
        {int(inputs[-1]) + 1 for inputs in read},
        {int(inputs[0]) for inputs in read},
        {tau for tau, crossed in seen.crossed.items() if not crossed},
        {(first + last) // 2 for first, last in _runs(seen.crossed)},
        {int(outputs[0]) for outputs in readers},
        {int(outputs[-1]) + 1 for outputs in readers},
    ]
    grids: list[tuple[int, int]] = []
    for source in sources:
        marks = sorted(mark for mark in source if 0 < mark < T)[:MARKS]
        steps = [b - a for a, b in pairwise(marks)]
        common = [gcd(*marks), gcd(*steps)]
        sizes = [*common, *steps, *marks, *(n for size in common for n in range(2, size) if size % n == 0)]
        grids += [(size, marks[0] % size) for size in sizes if size > 1]
        grids += [(T, mark) for mark in marks]
    return sorted(dict.fromkeys(grids), key=lambda grid: grid[0] >= T)


def _runs(crossed: Mapping[int, bool]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last cut of every run of crossed cuts."""
    for tau in crossed:
        if crossed[tau] and not crossed.get(tau - 1, False):
            last = tau
            while crossed.get(last + 1, False):
                last += 1
            yield tau, last


def _keys(lines: Mapping[int, Tensor]) -> Tensor:
    return torch.tensor(list(lines), dtype=torch.long, device="cpu")


def _matrix(lines: Mapping[int, Tensor], length: int) -> Tensor:
    empty = torch.empty(0, length, dtype=torch.bool, device="cpu")
    return torch.stack(list(lines.values())) if lines else empty


def _block(position: Tensor, size: int, offset: int) -> Tensor:
    return (position - offset).div(size, rounding_mode="floor")
