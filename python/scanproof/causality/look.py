"""Which outputs to look at for the shape of a leak: a few, and then those that tell patterns apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scanproof.causality.patterns import Pattern
from scanproof.causality.shape import Seen, agreeing, containing

ROWS = 24
"""Outputs to look at, at most."""

FIRST_ROWS = 8
"""Outputs to look at before any pattern is thought of."""

Rows = Mapping[int, Tensor]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The shape of a leak over the pairs t <- s.

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

    pattern: Pattern | None
    gaps: tuple[Pattern, int] | None
    pairs: int
    possible: int
    nearest: int
    farthest: int
    looked_at: str

    def __str__(self) -> str:
        if self.pattern:
            return f"{self.pattern}; seen on {self.looked_at}"
        if self.gaps:
            pattern, named = self.gaps
            return f"{pattern}, with gaps: {self.pairs} of {named} such pairs; seen on {self.looked_at}"
        distances = f"{self.nearest} … {self.farthest}" if self.farthest > self.nearest else str(self.nearest)
        count = f"{self.pairs} of {self.possible} later pairs, {distances} ahead"
        return f"no simple shape: {count}; seen on {self.looked_at}"


def shape_of(seen: Seen, same: bool) -> Shape:
    """Return the plainest pattern of what was seen to read; ``same`` unless outputs are aligned otherwise."""
    t, s = seen.pairs
    pattern = next(agreeing(seen), None)
    return Shape(
        pattern=pattern,
        gaps=None if pattern else containing(seen),
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


def look_at_rows(
    look: Callable[[list[int]], Rows],
    T: int,
    outputs: Tensor,
    t: int,
    first: Rows,
    crossed: Mapping[int, bool],
) -> Seen:
    """Look at a few rows, at those where blocks would begin and end, and at those that tell patterns apart.

    Args:
        look: returns, for each of some outputs, which later inputs it reads, shape (T,).
        T: number of inputs.
        outputs: the last input that each output may read, ascending, without repetition.
        t: an output that reads a later input.
        first: rows that were looked at before, that of ``t`` included.
        crossed: by cut tau, whether any output t < tau reads any input s >= tau, as far as that is known.
    """
    outputs = outputs[outputs < T - 1]  # the others may read everything
    seen = Seen(T, outputs, first, {}, crossed)

    def add(wanted: list[int]) -> bool:
        """Look at the wanted outputs that are new, up to the limit; return whether there were any."""
        nonlocal seen
        new = [row for row in dict.fromkeys(wanted) if row in known and row not in seen.rows]
        new = new[: ROWS - len(seen.rows)]
        if new:
            seen = Seen(T, outputs, {**seen.rows, **look(new)}, {}, crossed)
        return bool(new)

    known = set(outputs.tolist())
    if len(known) <= ROWS:
        add(outputs.tolist())
        return seen
    spread = outputs[torch.linspace(0, len(outputs) - 1, FIRST_ROWS - 3, device="cpu").long()]
    add([t, *spread.tolist(), t - 1, t + 1])
    add(_edges(seen, t))
    while add(_telling_apart(seen)):
        pass
    return seen


def _edges(seen: Seen, t: int) -> list[int]:
    """Return the outputs around the ends of what some outputs read, and around cuts that differ."""
    ends = [int(row.nonzero().max()) + 1 for row in (seen.rows[t], *seen.rows.values()) if row.any()]
    turns = [
        tau for tau, crossed in seen.crossed.items() if crossed is not seen.crossed.get(tau - 1, crossed)
    ]
    places = [*dict.fromkeys(ends[:3]), *turns[:2], *turns[-1:]]
    return [row for place in places for row in (place - 1, place)]


def _telling_apart(seen: Seen) -> list[int]:
    """Return the middle one of the outputs about which the plainest pattern and another one disagree."""
    patterns = list(agreeing(seen))
    outputs, s = _spread(seen.outputs), torch.arange(seen.T, device="cpu")
    t = outputs[:, None]
    for other in patterns[1:]:
        differ = ((patterns[0].reads(t, s) ^ other.reads(t, s)) & (s > t)).any(1)
        if differ.any():
            rows: list[int] = outputs[differ].tolist()
            return [rows[len(rows) // 2]]
    return []


def _spread(outputs: Tensor, most: int = 512) -> Tensor:
    if len(outputs) <= most:
        return outputs
    return outputs[torch.linspace(0, len(outputs) - 1, most, device="cpu").long()]
