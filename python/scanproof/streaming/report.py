"""What a streaming check reports."""

from dataclasses import dataclass
from typing import ClassVar

from scanproof.foundation.judgement import TwoPrecisions
from scanproof.report.report import Report
from scanproof.report.table import Row
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The greatest difference of one comparison.

    Attributes:
        case: how the model was fed.
        index: where, in the tensor that the model returned in that case.
        example: the row of ``x``.
        t: position in the sequence; None for a tensor of the state.
        got: the entry when fed that way.
        expected: what it is to equal.
        size: absolute difference; infinite where ``got`` is not finite.
        share: ``size`` relative to the greatest entry of that which it is to equal.
    """

    case: str
    index: tuple[int, ...]
    example: int
    t: int | None
    got: float
    expected: float
    size: float
    share: float

    def __str__(self) -> str:
        if not self.index:
            return self.case
        place = f"row {self.example}, t {self.t}" if self.t is not None else f"entry {list(self.index)}"
        return (
            f"{self.case}: {place}: got {self.got:.6g}, expected {self.expected:.6g}; "
            f"off by {self.size:.3g}, {self.share:.2g} of the greatest entry"
        )


@dataclass(frozen=True, kw_only=True)
class StreamingRow(Report):
    """What one way of feeding gave.

    Attributes:
        check: which.
        verdict: STREAMS, DIVERGES, INCONCLUSIVE, or NOT_APPLICABLE.
        reason: what led to it.
        cases: comparisons made.
        differing: those that differ in any bit.
        worst: the greatest difference, of float64 where that decides; None without any.
        evidence: the greatest share at two precisions; None where one was enough.
        theorem: the Lean theorem by which these are equalities of a runner.
    """

    check: str
    verdict: Verdict
    reason: str
    cases: int
    differing: int
    worst: Difference | None
    evidence: TwoPrecisions | None
    theorem: str

    def summary(self) -> str:
        """Return the row in a line, and the worst place of a finding in another."""
        worst = f"\n  {self.worst}" if self.worst and self.verdict.found else ""
        return f"streaming, {self.check}: {self.verdict.name}: {self.reason}{worst}"

    def row(self, subject: str) -> Row:
        """Return it as a row of ``scanproof.table``."""
        parts = (
            [self.reason] if self.worst is None or not self.verdict.found else [str(self.worst), self.reason]
        )
        if self.cases:
            parts.append(f"{self.cases} comparisons, {self.differing} differ in a bit")
        return Row(
            subject=subject,
            check=f"streaming: {self.check}",
            verdict=self.verdict,
            evidence="; ".join(parts),
            theorem=self.theorem,
        )


@dataclass(frozen=True, kw_only=True)
class StreamingReport(Report):
    """What ``check_streaming`` found.

    Attributes:
        rows: one for each way of feeding, those that do not apply included.
        verdict: the gravest of them.
        shape: shape of the input.
        lifted: casts to another precision in the code of the model that became float64 in the runs there.
        seed: ``torch.Generator().manual_seed(seed)`` repeats the check.
        dtype: dtype of the input.
        device: device of the input.
        call: the call that repeats the check.
    """

    check: ClassVar = "streaming"

    rows: tuple[StreamingRow, ...]
    verdict: Verdict
    shape: tuple[int, ...]
    lifted: tuple[str, ...]
    seed: int
    dtype: str
    device: str
    call: str

    @property
    def reason(self) -> str:
        """The reasons of the rows with the gravest verdict."""
        return "; ".join(f"{row.check}: {row.reason}" for row in self.rows if row.verdict is self.verdict)

    def _cited(self) -> tuple[str, ...]:
        return tuple(name for row in self.rows for name in row.theorems)

    @property
    def parts(self) -> tuple[Report, ...]:
        """The whole, and each row."""
        return (self, *self.rows)

    @property
    def ok(self) -> bool:
        """Whether every way that applies passed, and one did apply."""
        return self.verdict.passed

    @property
    def casts(self) -> str:
        """What was done about casts inside the model, in words."""
        if not self.lifted:
            return "none was met in runs in float64"
        return f"{', '.join(self.lifted)} became float64 in the runs that tell rounding"

    def summary(self) -> str:
        """Return a line or two for each way of feeding, and what they rest on."""
        width = max(len(row.check) for row in self.rows)
        lines = [f"Streaming(input {self.shape} {self.dtype} on {self.device}, seed {self.seed})"]
        for row in self.rows:
            lines.append(f"  {row.check:<{width}} : {row.verdict.name}: {row.reason}")
            if row.worst and row.verdict.found:
                lines.append(f"  {'':<{width}}   {row.worst}")
        lines.append(f"  {'verdict':<{width}} : {self.verdict.name}: {self.verdict.value}")
        lines.append(f"  {'casts':<{width}} : {self.casts}")
        lines.append(f"  {'theorems':<{width}} : {', '.join(self.theorems)}")
        return "\n".join(lines)
