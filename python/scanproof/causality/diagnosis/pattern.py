"""Where to look for the pattern of a leak: at a few outputs, and then at those that tell patterns apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from scanproof.causality.diagnosis.matching import Seen, agreeing, containing
from scanproof.causality.diagnosis.rules import Rule

LINES = 24
"""Outputs, or inputs, to look at, at most."""

FIRST_LINES = 8
"""How many of them before any pattern is thought of."""


@dataclass(frozen=True, kw_only=True)
class LeakPattern:
    """The pattern of a leak over the pairs t <- s.

    Attributes:
        pattern: the rule that all that was looked at obeys; None when no simple one does.
        gaps: without a pattern, the plainest one that holds all pairs found and is filled at least by half,
            and how many pairs it names where it was looked.
        pairs: number of pairs t <- s found, s later than ``t`` may read.
        possible: number of such pairs that were looked at.
        nearest: least distance ahead of what ``t`` may read.
        farthest: greatest distance.
        looked_at: what was looked at, in words.
    """

    rule: Rule | None
    gaps: tuple[Rule, int] | None
    pairs: int
    possible: int
    nearest: int
    farthest: int
    looked_at: str

    def __str__(self) -> str:
        if self.rule:
            return f"{self.rule}; seen on {self.looked_at}"
        if self.gaps:
            rule, named = self.gaps
            return f"{rule}, with gaps: {self.pairs} of {named} such pairs; seen on {self.looked_at}"
        distances = f"{self.nearest} … {self.farthest}" if self.farthest > self.nearest else str(self.nearest)
        count = f"{self.pairs} of {self.possible} later pairs, {distances} ahead"
        return f"no simple pattern: {count}; seen on {self.looked_at}"


def pattern_of(seen: Seen, same: bool) -> LeakPattern:
    """Return the plainest pattern of what was seen to read; ``same`` unless outputs are aligned otherwise."""
    t, s = seen.pairs
    rule = next(agreeing(seen), None)
    return LeakPattern(
        rule=rule,
        gaps=None if rule else containing(seen),
        pairs=len(t),
        possible=seen.possible,
        nearest=int((s - t).min()) if len(t) else 0,
        farthest=int((s - t).max()) if len(t) else 0,
        looked_at=_looked_at(seen, same),
    )


def _looked_at(seen: Seen, same: bool) -> str:
    if seen.rows:
        count, total, what = len(seen.rows), int((seen.outputs < seen.T - 1).sum()), "outputs"
    else:
        count, total, what = len(seen.columns), int(seen.T - 1 - seen.outputs[0]), "inputs"
    number = f"all {count}" if count == total else f"{count} of {total}"
    return (
        f"{number} {what}" if same else f"{number} {what}, where t is the last input that an output may read"
    )


class Explorer:
    """Looks at a few lines, at those where blocks would begin and end, and at those that tell patterns apart.

    Args:
        look: for some outputs, returns which later inputs each reads; for some inputs, which earlier outputs
            read it; as in ``Seen``.
        lines: whether the lines are the rows of outputs or the columns of inputs.
        seen: what was seen before; that line ``near`` reads, at least.
        near: an output that reads a later input, or the input.
    """

    def __init__(
        self,
        look: Callable[[list[int]], Mapping[int, Tensor]],
        lines: Literal["rows", "columns"],
        seen: Seen,
        near: int,
    ) -> None:
        self._look, self._lines, self._near = look, lines, near
        self.seen = seen
        inputs = range(int(seen.outputs[0]) + 1, seen.T)
        self._known = [t for t in seen.outputs.tolist() if t < seen.T - 1] if lines == "rows" else [*inputs]

    def explore(self) -> Seen:
        """Return everything that was looked at."""
        known, near = self._known, self._near
        if len(known) <= LINES:
            self._add(known)
            return self.seen
        places = torch.linspace(0, len(known) - 1, FIRST_LINES - 3, device="cpu").long().tolist()
        self._add([near, *(known[place] for place in places), near - 1, near + 1])
        self._add(self._edges())
        while self._add(self._telling_apart()):
            pass
        return self.seen

    @property
    def _looked_at(self) -> Mapping[int, Tensor]:
        return self.seen.rows if self._lines == "rows" else self.seen.columns

    def _add(self, wanted: Sequence[int]) -> bool:
        """Look at the wanted lines that are new, up to the limit; return whether there were any."""
        old, known = self._looked_at, set(self._known)
        new = [line for line in dict.fromkeys(wanted) if line in known and line not in old]
        new = new[: LINES - len(old)]
        if new:
            found = {**old, **self._look(new)}
            rows, columns = (found, self.seen.columns) if self._lines == "rows" else (self.seen.rows, found)
            self.seen = replace(self.seen, rows=rows, columns=columns)
        return bool(new)

    def _edges(self) -> list[int]:
        """Return the lines around the far ends of what some lines hold, and around cuts that differ."""
        lines = self._looked_at
        marked = [line.nonzero() for line in (lines[self._near], *lines.values()) if line.any()]
        if self._lines == "rows":
            ends = [int(line.max()) + 1 for line in marked]
        else:
            ends = [int(self.seen.outputs[line.min()]) for line in marked]
        crossed = self.seen.crossed
        turns = [tau for tau, value in crossed.items() if value is not crossed.get(tau - 1, value)]
        places = [*dict.fromkeys(ends[:3]), *turns[:2], *turns[-1:], *self.seen.outermost]
        return [line for place in places for line in (place - 1, place)]

    def _telling_apart(self) -> list[int]:
        """Return the middle one of the lines about which the plainest pattern and another one disagree."""
        patterns = list(agreeing(self.seen))
        chosen = torch.tensor(_spread(self._known), device="cpu")[:, None]
        outputs, inputs = self.seen.outputs, torch.arange(self.seen.T, device="cpu")
        t, s = (chosen, inputs) if self._lines == "rows" else (outputs, chosen)
        for other in patterns[1:]:
            differ = ((patterns[0].reads(t, s) ^ other.reads(t, s)) & (s > t)).any(1)
            if differ.any():
                lines: list[int] = chosen[differ].flatten().tolist()
                return [lines[len(lines) // 2]]
        return []


def _spread(lines: Sequence[int], most: int = 512) -> Sequence[int]:
    return lines[:: max(1, len(lines) // most)]
