"""What the batch check reports."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from scanproof.causality.outputs.comparison_report import ComparisonReport
from scanproof.causality.outputs.replacement import Kind
from scanproof.foundation.judgement import TwoPrecisions
from scanproof.report.verdict import Verdict

BatchProbe = Literal["replace", "permute", "alone"]
PROBES: tuple[BatchProbe, ...] = get_args(BatchProbe)

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class BatchChange:
    """How the output of one example changed with the rest of its batch.

    Attributes:
        example: the example, which kept its contents.
        sources: the examples that were replaced; empty when they changed places, or were left out.
        when: what was done to the batch, in words.
        index: index into ``fn(x)`` of the greatest change.
        size: absolute change, in the units of the output; infinite when the output became NaN or infinite.
        share: ``size`` relative to the greatest finite output of the example in both runs.
        count: number of entries of the example that changed.
        entries: number of its entries.
    """

    example: int
    sources: tuple[int, ...]
    when: str
    index: tuple[int, ...]
    size: float
    share: float
    count: int
    entries: int

    def __str__(self) -> str:
        source = f" <- {', '.join(map(str, self.sources))}" if self.sources else ""
        index = ", ".join(map(str, self.index))
        return (
            f"example {self.example}{source}: fn(x)[{index}] changes by {self.size:.3e} when {self.when} "
            f"({self.count} of {self.entries} entries change)"
        )


@dataclass(frozen=True, kw_only=True)
class BatchFinding:
    """What one of the comparisons found.

    Attributes:
        probe: which: ``"replace"``, ``"permute"`` or ``"alone"``.
        verdict: its outcome.
        reason: what led to it.
        cases: number of other batches compared.
        differing: number of them in which an example changed that kept its contents.
        worst: the change with the greatest share; None when nothing changed or nothing was compared.
        evidence: the greatest share at two precisions; None where one was enough.
    """

    probe: BatchProbe
    verdict: Verdict
    reason: str
    cases: int
    differing: int
    worst: BatchChange | None
    evidence: TwoPrecisions | None

    def __str__(self) -> str:
        return f"{self.differing} of {self.cases} other batches change an example"


@dataclass(frozen=True, kw_only=True)
class BatchReport(ComparisonReport):
    """What ``check_batch`` found.

    The verdict is the gravest of the findings: INDEPENDENT (no example changed), INDEPENDENT_TO_ROUNDING,
    LEAK or INCONCLUSIVE. ``worst`` is a change behind it. The runners of the Lean specs read one sequence, so
    there is no theorem about a batch.

    Attributes:
        examples: number of examples.
        findings: one for each comparison that was made.
        pairs: the ordered pairs (i, j): the output of example i changed when j alone was replaced.
        kinds: what examples were replaced with.
        calls: how often ``fn`` was called.
        vocab_size: as the call gave it.
    """

    check: ClassVar = "batch"

    worst: BatchChange | None
    examples: int
    findings: tuple[BatchFinding, ...]
    pairs: tuple[tuple[int, int], ...]
    kinds: tuple[Kind, ...]
    calls: int
    vocab_size: int | None
    theorem: str = "none: a runner reads one sequence"

    def _title(self) -> str:
        return f"Batch({self.examples} examples, {', '.join(self.kinds)})"

    def _counts(self) -> list[str]:
        return [f"{finding.probe}: {finding}" for finding in self.findings if finding.differing]

    def _details(self) -> list[str]:
        lines = []
        if self.pairs:
            shown = ", ".join(f"{i} <- {j}" for i, j in self.pairs[:_SHOWN])
            more = ", …" if self.pairs[_SHOWN:] else ""
            possible = self.examples * (self.examples - 1)
            lines.append(f"  pairs      : {shown}{more} ({len(self.pairs)} of {possible} ordered pairs)")
        return lines + [f"  {found.probe:<11}: {found}  -> {found.verdict.name}" for found in self.findings]

    def _compared(self) -> str:
        other = sum(finding.cases for finding in self.findings)
        return f"{self.examples} examples in {other} other batches, {self.calls} calls"
