"""What reports of a comparison of outputs have in common."""

from abc import ABC, abstractmethod
from typing import ClassVar

from scanproof.report.table import Row
from scanproof.report.verdict import Verdict


class ComparisonReport(ABC):
    """A report with a verdict, the reason for it, the worst place, and the theorem behind it."""

    check: ClassVar[str]
    verdict: Verdict
    reason: str
    worst: object | None
    theorem: str

    @property
    def ok(self) -> bool:
        """Whether the verdict passed."""
        return self.verdict.passed

    def row(self, subject: str) -> Row:
        """Return the report as a row of ``scanproof.table``."""
        show_place = self.worst is not None and not self.ok
        return Row(
            subject=subject,
            check=self.check,
            verdict=self.verdict,
            evidence=f"{self.worst if show_place else self.reason}; {self._compared()}",
            theorem=self.theorem,
        )

    @abstractmethod
    def _compared(self) -> str:
        """Say how much was compared."""
