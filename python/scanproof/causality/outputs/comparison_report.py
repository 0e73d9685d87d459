"""The common part of reports that compare outputs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.pattern import LeakPattern
from scanproof.foundation.drawing import TriedCase, cases_lines, over_cases
from scanproof.foundation.judgement import TwoPrecisions
from scanproof.report.report import SingleCheckReport
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class ComparisonReport(SingleCheckReport, ABC):
    """A comparison of outputs at the given input, and at inputs drawn from it.

    Attributes:
        verdict: the outcome over all inputs.
        reason: what led to the verdict.
        worst: the greatest difference; None if nothing differed or nothing was compared.
        origin: the module where the leak enters; None without a LEAK.
        seed: repeats the same random numbers.
        dtype: dtype of ``x``.
        device: device of ``x``.
        call: the call that repeats the check.
        cases: the inputs that were tried, ``x`` first. If a drawn input leaks, it is the last one, and the
            rest of the report is about it; otherwise the rest is about ``x``.
        theorem: the Lean theorem behind the property.
        fields_theorem: the Lean theorem behind a verdict that finite fields decided; empty if floats did.
    """

    check: ClassVar[str]

    verdict: Verdict
    reason: str
    worst: object | None
    origin: Origin | None
    seed: int
    dtype: str
    device: str
    call: str
    cases: tuple[TriedCase, ...] = ()
    theorem: str
    fields_theorem: str = ""

    def _cited(self) -> tuple[str, ...]:
        return (self.theorem, self.fields_theorem)

    def with_cases(self, cases: tuple[TriedCase, ...]) -> Self:
        """Return the report with the inputs that were tried, and the verdict over all of them."""
        verdict, reason = over_cases(self.verdict, self.reason, cases)
        return replace(self, cases=cases, verdict=verdict, reason=reason)

    def summary(self) -> str:
        """Return a few lines: what was compared, what was found, and the theorem behind it."""
        lines = [self._title(), f"  verdict    : {self.verdict.name}: {self.reason}", *self._details()]
        lines.extend(f"  {name:<11}: {found}" for name, found in self._places().items() if found)
        lines.extend(cases_lines(self.cases))
        compared = f"{self._compared()}{self._calls()}; {self.dtype} on {self.device}, seed {self.seed}"
        lines.append(f"  compared   : {compared}")
        lines.append(f"  theorem    : {', '.join(filter(None, self._cited()))}")
        return "\n".join(lines)

    def failure_lines(self) -> list[str]:
        """Return the number of differences, and what is allowed."""
        return [*self._counts(), f"Allowed: {self._allowed()}, or rounding on the evidence of two precisions"]

    def _allowed(self) -> str:
        return "equal bits"

    @abstractmethod
    def _counts(self) -> list[str]:
        """Return lines with the number of differences."""

    def _evidence(self) -> str:
        return "; ".join([*self._found(), self._compared()])

    def _found(self) -> list[str]:
        if self.worst is None or self.ok:
            return [self.reason]
        return [str(self.worst), *([f"enters in {self.origin}"] if self.origin else [])]

    def _places(self) -> Mapping[str, object | None]:
        return {"worst": self.worst, "enters in": self.origin}

    def _details(self) -> list[str]:
        return []

    def _calls(self) -> str:
        return ""

    @abstractmethod
    def _title(self) -> str:
        """Return the first line: the check and its sizes."""

    @abstractmethod
    def _compared(self) -> str:
        """Return how much was compared."""


@dataclass(frozen=True, kw_only=True)
class SequenceReport(ComparisonReport):
    """A comparison of outputs before and after later inputs change.

    Attributes:
        T: number of positions of the whole sequence.
        pattern: the pattern of the leak over the pairs t <- s, found by changing one position at a time; None
            without a LEAK, and if no single position changes an output.
        differing: number of comparisons in which an earlier output differed.
        evidence: the greatest difference in two precisions; None if one was enough.
    """

    T: int
    pattern: LeakPattern | None
    differing: int
    evidence: TwoPrecisions | None

    def _places(self) -> Mapping[str, object | None]:
        return {"worst": self.worst, "pattern": self.pattern, "enters in": self.origin}

    def _found(self) -> list[str]:
        pattern = [str(self.pattern.rule)] if self.pattern and self.pattern.rule else []
        first, *rest = super()._found()
        return [first, *pattern, *rest]
