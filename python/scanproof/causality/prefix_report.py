"""What append-prefix equivalence reports."""

from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.causality.comparison_report import ReportOverInputs
from scanproof.causality.evidence import TwoPrecisions
from scanproof.causality.inputs import inputs_lines
from scanproof.causality.where import Where
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """How the outputs of one prefix differ from those of the whole sequence.

    Attributes:
        length: the prefix, k.
        index: index into ``fn(x)`` of the greatest difference.
        example: its example; None without a batch axis.
        t: its position.
        channel: its indices on the remaining axes.
        size: the greatest absolute difference, in the units of the output.
        count: number of entries that differ.
        entries: number of entries compared.
    """

    length: int
    index: tuple[int, ...]
    example: int | None
    t: int
    channel: tuple[int, ...]
    size: float
    count: int
    entries: int

    def __str__(self) -> str:
        index = ", ".join(map(str, self.index))
        return (
            f"k={self.length}, t={self.t}: |fn(x[:k])[{index}] - fn(x)[{index}]| = {self.size:.3e} "
            f"({self.count} of {self.entries} entries differ)"
        )


@dataclass(frozen=True, kw_only=True)
class PrefixReport(ReportOverInputs):
    """What ``check_prefix`` found.

    Attributes:
        T: number of positions of the whole sequence.
        lengths: the prefixes compared.
        verdict: CAUSAL (every prefix is reproduced bit for bit), CAUSAL_TO_ROUNDING, TOLERATED, LEAK or
            INCONCLUSIVE.
        reason: what led to it.
        worst: the prefix with the greatest difference; None when all were equal or nothing was compared. When
            the verdict did not pass, the greatest difference in float64, where that was run and has one.
        where: the module whose past depends on what follows, or on the length; None without a LEAK.
        differing: number of prefixes with any difference.
        scale: greatest absolute output of the whole sequence; NaN when nothing was compared.
        evidence: the greatest difference at two precisions; None where one was enough.
        atol: the difference that the call allowed; 0 is exact.
        seed: ``torch.Generator().manual_seed(seed)`` repeats the same drawn inputs.
        dtype: dtype of ``x``.
        device: device of ``x``.
        call: the call that repeats the check.
        theorem: the Lean theorem of the runners whose numeric counterpart this is.
    """

    check: ClassVar = "append-prefix"

    T: int
    lengths: tuple[int, ...]
    verdict: Verdict
    reason: str
    worst: Mismatch | None
    where: Where | None
    differing: int
    scale: float
    evidence: TwoPrecisions | None
    atol: float
    seed: int
    dtype: str
    device: str
    call: str
    theorem: str = theorems.RUNNER_APPEND

    def summary(self) -> str:
        """Return a few lines that say what was compared, what was found and what it rests on."""
        lines = [f"PrefixEquivalence(T={self.T}, {len(self.lengths)} prefixes)"]
        lines.append(f"  verdict    : {self.verdict.name}: {self.reason}")
        if self.worst:
            lines.append(f"  worst      : {self.worst}")
        if self.where:
            lines.append(f"  enters in  : {self.where}")
        lines.extend(inputs_lines(self.inputs))
        lines.append(f"  compared   : {self._compared()}; {self.dtype} on {self.device}, seed {self.seed}")
        lines.append(f"  theorem    : {self.theorem}")
        return "\n".join(lines)

    def _compared(self) -> str:
        return f"{len(self.lengths)} prefixes, {self.differing} differ"
