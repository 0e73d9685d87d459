"""What batch independence reports."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from scanproof.causality.comparison_report import ComparisonReport
from scanproof.causality.evidence import TwoPrecisions
from scanproof.causality.replacement import Kind
from scanproof.causality.where import Where
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
        share: ``size`` relative to the greatest finite output of both runs.
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
    """What ``check_batch_independence`` found.

    Attributes:
        examples: number of examples.
        findings: one for each comparison that was made.
        pairs: the ordered pairs (i, j): the output of example i changed when j alone was replaced.
        kinds: what examples were replaced with.
        verdict: the gravest of the findings: CAUSAL (no example changed), CAUSAL_TO_ROUNDING, LEAK or
            INCONCLUSIVE.
        reason: what led to it.
        worst: a change behind it; None when nothing changed or nothing was compared.
        where: the module that lets it in; None without a LEAK.
        calls: how often ``fn`` was called.
        vocab_size: as the call gave it.
        seed: ``torch.Generator().manual_seed(seed)`` repeats the same contents.
        dtype: dtype of ``x``.
        device: device of ``x``.
        call: the call that repeats the check.
        theorem: what it rests on: the runners of the Lean specs read one sequence, so there is no theorem of
            a batch.
    """

    check: ClassVar = "batch independence"

    examples: int
    findings: tuple[BatchFinding, ...]
    pairs: tuple[tuple[int, int], ...]
    kinds: tuple[Kind, ...]
    verdict: Verdict
    reason: str
    worst: BatchChange | None
    where: Where | None
    calls: int
    vocab_size: int | None
    seed: int
    dtype: str
    device: str
    call: str
    theorem: str = "none: a runner reads one sequence"
    theorems: ClassVar = ()

    def summary(self) -> str:
        """Return a few lines that say what was compared, what was found and what it rests on."""
        lines = [f"BatchIndependence({self.examples} examples, {', '.join(self.kinds)})"]
        lines.append(f"  verdict    : {self.verdict.name}: {self.reason}")
        if self.pairs:
            shown = ", ".join(f"{i} <- {j}" for i, j in self.pairs[:_SHOWN])
            more = ", …" if self.pairs[_SHOWN:] else ""
            possible = self.examples * (self.examples - 1)
            lines.append(f"  pairs      : {shown}{more} ({len(self.pairs)} of {possible} ordered pairs)")
        if self.worst:
            lines.append(f"  worst      : {self.worst}")
        if self.where:
            lines.append(f"  enters in  : {self.where}")
        lines.extend(f"  {found.probe:<11}: {found}  -> {found.verdict.name}" for found in self.findings)
        lines.append(f"  compared   : {self._compared()}; {self.dtype} on {self.device}, seed {self.seed}")
        lines.append(f"  theorem    : {self.theorem}")
        return "\n".join(lines)

    def _compared(self) -> str:
        other = sum(finding.cases for finding in self.findings)
        return f"{self.examples} examples in {other} other batches, {self.calls} calls"
