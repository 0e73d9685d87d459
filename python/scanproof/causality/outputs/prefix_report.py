"""What the check of prefixes reports."""

from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.causality.outputs.comparison_report import SequenceReport


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """How the outputs of one prefix differ from those of the whole sequence.

    Attributes:
        cut: the length k of the prefix.
        index: index into ``fn(x)`` of the greatest difference.
        example: its example; None without a batch axis.
        t: its position.
        channel: its indices on the remaining axes.
        size: the greatest absolute difference, in the units of the output.
        count: number of entries that differ.
        entries: number of entries compared.
        s: an input that changes this entry when it is appended, from ``fn(x[:s])`` to ``fn(x[:s+1])``; None
            without a LEAK, and if ``fn`` does not take these lengths.
    """

    cut: int
    index: tuple[int, ...]
    example: int | None
    t: int
    channel: tuple[int, ...]
    size: float
    count: int
    entries: int
    s: int | None = None

    def __str__(self) -> str:
        index = ", ".join(map(str, self.index))
        source = "" if self.s is None else f" <- s={self.s}"
        return (
            f"k={self.cut}, t={self.t}{source}: |fn(x[:k])[{index}] - fn(x)[{index}]| = {self.size:.3e} "
            f"({self.count} of {self.entries} entries differ)"
        )


@dataclass(frozen=True, kw_only=True)
class PrefixReport(SequenceReport):
    """What ``check_prefix`` found.

    The verdict is CAUSAL (every prefix is reproduced bit for bit), CAUSAL_TO_ROUNDING, TOLERATED, LEAK or
    INCONCLUSIVE. If the verdict did not pass, ``worst`` is the greatest difference in float64, if float64 was
    run and has one. ``differing`` counts prefixes. ``pattern`` comes from appending one input at a time: an
    output that depends on the length alone counts as reading every later input.

    Attributes:
        cuts: the lengths k of the prefixes that were compared.
        scale: greatest absolute output of the whole sequence; NaN if nothing was compared.
        atol: the difference that the call allowed; 0 is exact.
    """

    check: ClassVar = "prefix"

    worst: Mismatch | None
    cuts: tuple[int, ...]
    scale: float
    atol: float
    theorem: str = theorems.RUNNER_APPEND

    def _title(self) -> str:
        return f"Prefix(T={self.T}, {len(self.cuts)} prefixes)"

    def _compared(self) -> str:
        return f"{len(self.cuts)} prefixes, {self.differing} differ"

    def _counts(self) -> list[str]:
        return [f"{self.differing} of {len(self.cuts)} prefixes differ"] if self.differing else []

    def _allowed(self) -> str:
        return f"absolute difference {self.atol:g}" if self.atol else super()._allowed()
