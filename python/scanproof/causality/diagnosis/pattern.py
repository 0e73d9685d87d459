"""Find the pattern of a leak: examine a few outputs, and then those about which possible rules disagree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from scanproof.causality.diagnosis.matching import Seen, agreeing, containing
from scanproof.causality.diagnosis.rules import Rule

LINES = 24
"""Greatest number of outputs, or of inputs, to examine."""

FIRST_LINES = 8
"""Number of them to examine before rules are compared."""


@dataclass(frozen=True, kw_only=True)
class LeakPattern:
    """The pattern of a leak over the pairs t <- s.

    Attributes:
        rule: the rule that agrees with everything that was examined; None if no simple rule does.
        gaps: without ``rule``: a simple rule that names all pairs found, and the number of examined pairs
            that it names, of which at least one half were found; None if there is no such rule.
        pairs: number of pairs t <- s found where s is later than ``t`` may read.
        possible: number of such pairs that were examined.
        nearest: least distance of ``s`` from the last input that ``t`` may read.
        farthest: greatest distance.
        looked_at: what was examined, in words.
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
    """Return the pattern with the simplest rule that agrees; ``same`` if output t belongs to input t."""
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
    """Examines a few lines, lines where blocks may begin and end, and lines about which rules disagree.

    Args:
        look: for some outputs, returns the later inputs that each reads; or for some inputs, the earlier
            outputs that read each; as in ``Seen``.
        lines: whether a line is the row of an output or the column of an input.
        seen: what was examined before, with line ``near`` at least.
        near: an output that reads a later input; or an input that an earlier output reads.
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
        """Return everything that was examined."""
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
        """Examine the wanted lines that are new, up to the limit; return whether there were any."""
        old, known = self._looked_at, set(self._known)
        new = [line for line in dict.fromkeys(wanted) if line in known and line not in old]
        new = new[: LINES - len(old)]
        if new:
            found = {**old, **self._look(new)}
            rows, columns = (found, self.seen.columns) if self._lines == "rows" else (self.seen.rows, found)
            self.seen = replace(self.seen, rows=rows, columns=columns)
        return bool(new)

    def _edges(self) -> list[int]:
        """Return the lines around the far ends of some lines, and around cuts where ``crossed`` changes."""
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
        """Return the middle one of the lines about which the simplest rule and another rule disagree."""
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
