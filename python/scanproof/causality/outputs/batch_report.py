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
    """How the output of one example changed when the rest of its batch changed.

    Attributes:
        example: the example, which kept its contents.
        sources: the examples that were replaced; empty if examples changed places or were left out.
        when: the change of the batch, in words.
        index: index into ``fn(x)`` of the greatest change.
        size: absolute change, in the units of the output; infinite if the output became NaN or infinite.
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
        probe: the comparison: ``"replace"``, ``"permute"`` or ``"alone"``.
        verdict: its outcome.
        reason: what led to the verdict.
        cases: number of other batches compared.
        differing: number of other batches in which an example with unchanged contents changed.
        worst: the change with the greatest share; None if nothing changed or nothing was compared.
        evidence: the greatest share in two precisions; None if one was enough.
        theorem: the Lean theorem behind a verdict that finite fields decided; empty if floats did.
    """

    probe: BatchProbe
    verdict: Verdict
    reason: str
    cases: int
    differing: int
    worst: BatchChange | None
    evidence: TwoPrecisions | None
    theorem: str = ""

    def __str__(self) -> str:
        return f"{self.differing} of {self.cases} other batches change an example"


@dataclass(frozen=True, kw_only=True)
class BatchReport(ComparisonReport):
    """What ``check_batch`` found.

    The verdict is the gravest of the findings: INDEPENDENT (no example changed), INDEPENDENT_TO_ROUNDING,
    LEAK or INCONCLUSIVE. ``worst`` is a change that led to the verdict. The runners of the Lean specs read
    one sequence, so there is no theorem about a batch.

    Attributes:
        examples: number of examples.
        findings: one for each comparison.
        pairs: the ordered pairs (i, j): the output of example i changed when example j alone was replaced.
        kinds: the contents that replaced examples.
        calls: number of calls of ``fn``.
        vocab_size: the argument of the call.
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
