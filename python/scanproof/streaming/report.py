"""What the streaming check reports."""

from dataclasses import dataclass
from typing import ClassVar

from scanproof.foundation.judgement import TwoPrecisions
from scanproof.programs.field.decide import theorem_of
from scanproof.refinement.exact.answer import LEFT_OUT, ExactAnswer
from scanproof.report.report import CheckReport, Report
from scanproof.report.row import Row
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
        expected: the entry that it should equal.
        size: absolute difference; infinite where ``got`` is not finite.
        share: ``size`` relative to the greatest entry of the expected tensor.
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
class StreamingWay(Report):
    """What one way of feeding gave.

    Attributes:
        check: name of the way.
        verdict: STREAMS, DIVERGES, INCONCLUSIVE, or NOT_APPLICABLE.
        reason: what led to the verdict.
        comparisons: number of comparisons.
        differing: number of comparisons that differ in a bit.
        worst: the greatest difference, in float64 if float64 decides; None without a difference.
        evidence: the greatest share at two precisions; None if one precision was enough.
        theorem: the Lean theorem that states the equality for a runner.
        exact: whether the way of feeding is one pass, without a tolerance, by runs over finite fields.
    """

    check: str
    verdict: Verdict
    reason: str
    comparisons: int
    differing: int
    worst: Difference | None
    evidence: TwoPrecisions | None
    theorem: str
    exact: ExactAnswer = LEFT_OUT

    def _cited(self) -> tuple[str, ...]:
        return (self.theorem, theorem_of(self.exact.verdict))

    def summary(self) -> str:
        """Return the verdict in a line, and for a finding the worst place in another line."""
        worst = f"\n  {self.worst}" if self.worst and self.verdict.found else ""
        return f"streaming, {self.check}: {self.verdict.name}: {self.reason}{worst}"

    def row(self, subject: str = "") -> Row:
        """Return a row of ``scanproof.table``; ``subject`` says what was checked."""
        shown = self.worst is not None and self.verdict.found
        parts = [str(self.worst), self.reason] if shown else [self.reason]
        if self.comparisons:
            parts.append(f"{self.comparisons} comparisons, {self.differing} differ in a bit")
        return Row(
            subject=subject,
            check=f"streaming: {self.check}",
            verdict=self.verdict,
            evidence="; ".join(parts),
            theorem=self.theorem,
        )


@dataclass(frozen=True, kw_only=True)
class StreamingReport(CheckReport):
    """What ``check_streaming`` found.

    Attributes:
        ways: an entry for each way of feeding, with those that do not apply.
        verdict: the gravest of their verdicts.
        shape: shape of the input.
        casts: casts in the code of the model that were lifted to float64 in the runs in float64.
        seed: repeats the check.
        dtype: dtype of the input.
        device: device of the input.
        call: the call that repeats the check.
    """

    check: ClassVar = "streaming"

    ways: tuple[StreamingWay, ...]
    verdict: Verdict
    shape: tuple[int, ...]
    casts: tuple[str, ...]
    seed: int
    dtype: str
    device: str
    call: str

    @property
    def reason(self) -> str:
        """The reasons of the ways with the gravest verdict."""
        return "; ".join(f"{way.check}: {way.reason}" for way in self._gravest)

    def _cited(self) -> tuple[str, ...]:
        return tuple(name for way in self.ways for name in way.theorems)

    @property
    def parts(self) -> tuple[Report, ...]:
        """The whole, and each way."""
        return (self, *self.ways)

    @property
    def _gravest(self) -> tuple[StreamingWay, ...]:
        return tuple(way for way in self.ways if way.verdict is self.verdict)

    def rows(self, subject: str = "") -> tuple[Row, ...]:
        """Return a row of ``scanproof.table`` for each way; ``subject`` says what was checked."""
        return tuple(way.row(subject) for way in self.ways)

    def failure_lines(self) -> list[str]:
        """Return the worst place of each way with the gravest verdict, and what would have passed."""
        lines = [f"{way.check}: {way.worst or way.reason}" for way in self._gravest]
        return [*lines, "Allowed: equal bits, or rounding on the evidence of two precisions"]

    def summary(self) -> str:
        """Return a line or two for each way of feeding, and the theorems."""
        width = max(len(way.check) for way in self.ways)
        lines = [f"Streaming(input {self.shape} {self.dtype} on {self.device}, seed {self.seed})"]
        for way in self.ways:
            lines.append(f"  {way.check:<{width}} : {way.verdict.name}: {way.reason}")
            if way.worst and way.verdict.found:
                lines.append(f"  {'':<{width}}   {way.worst}")
            if way.exact is not LEFT_OUT:
                lines.append(f"  {'':<{width}}   exact: {way.exact.verdict.name}: {way.exact.reason}")
        casts = f"{', '.join(self.casts)} became float64 in the runs in float64" if self.casts else "none"
        lines.append(f"  {'verdict':<{width}} : {self.verdict.name}: {self.verdict.value}")
        lines.append(f"  {'casts':<{width}} : {casts}")
        lines.append(f"  {'theorems':<{width}} : {', '.join(self.theorems)}")
        return "\n".join(lines)
