"""What reports of a comparison of outputs have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from scanproof.causality.inputs import TriedInput, over_inputs
from scanproof.causality.where import Where
from scanproof.report.report import Report
from scanproof.report.table import Row
from scanproof.report.verdict import Verdict


class ComparisonReport(Report, ABC):
    """A report with a verdict, the reason for it, the worst place, and the theorem behind it."""

    check: ClassVar[str]
    verdict: Verdict
    reason: str
    worst: object | None
    where: Where | None
    theorem: str

    @property
    def ok(self) -> bool:
        """Whether the verdict passed."""
        return self.verdict.passed

    def row(self, subject: str) -> Row:
        """Return the report as a row of ``scanproof.table``."""
        return Row(
            subject=subject,
            check=self.check,
            verdict=self.verdict,
            evidence="; ".join([*self._places(), self._compared()]),
            theorem=self.theorem,
        )

    def _places(self) -> list[str]:
        if self.worst is None or self.ok:
            return [self.reason]
        return [str(self.worst), *([f"enters in {self.where}"] if self.where else [])]

    @abstractmethod
    def _compared(self) -> str:
        """Say how much was compared."""


@dataclass(frozen=True, kw_only=True)
class ReportOverInputs(ComparisonReport):
    """A comparison at the given input and at others drawn from it.

    Attributes:
        inputs: the inputs that were tried, the given one first. Where the last of several leaks, everything
            else in the report is about that one, else about the given one.
    """

    verdict: Verdict
    reason: str
    inputs: tuple[TriedInput, ...] = ()

    def with_inputs(self, inputs: tuple[TriedInput, ...]) -> Self:
        """Return the report with the inputs that were tried, and the verdict over all of them."""
        verdict, reason = over_inputs(self.verdict, self.reason, inputs)
        return replace(self, inputs=inputs, verdict=verdict, reason=reason)
