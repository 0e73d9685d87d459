"""What an audit reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from scanproof.causality.diagnosis.map import LeakMap
from scanproof.report.report import Report
from scanproof.report.table import Row
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Report):
    """What one check said.

    Attributes:
        check: its name, as in ``scanproof.table``.
        verdict: its outcome; NOT_APPLICABLE with the reason as evidence where it was not run.
        evidence: the numbers behind it, in a few words.
        theorem: the Lean theorem that the verdict rests on.
        seconds: how long it took.
        report: the report of the check; None where there is none.
    """

    check: str
    verdict: Verdict
    evidence: str
    theorem: str = ""
    seconds: float = 0.0
    report: Any = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """What led to the verdict, or why there is none."""
        return self.evidence

    def summary(self) -> str:
        """Return the entry in one line."""
        return f"{self.check}: {self.verdict.name}: {self.evidence}"


@dataclass(frozen=True, kw_only=True)
class AuditReport(Report):
    """What ``audit`` found.

    Attributes:
        subject: what was checked.
        entries: one for each check, those that do not apply included.
        verdict: the gravest of them.
        shape: shapes of the input, in words.
        dtype: dtype of the first input.
        device: device of the first input.
        seed: seed of every check.
        versions: of scanproof, torch and Python.
        leak_map: what every output reads of every input; None without a leak across a cut that gradients see
            at the given input, and where there are more than 512 positions.
    """

    check: ClassVar = "audit"

    subject: str
    entries: tuple[AuditEntry, ...]
    verdict: Verdict
    shape: str
    dtype: str
    device: str
    seed: int
    versions: Mapping[str, str]
    leak_map: LeakMap | None = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """The checks with the gravest verdict."""
        return "by " + ", ".join(entry.check for entry in self.entries if entry.verdict is self.verdict)

    def _cited(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts[1:] for name in part.theorems)

    @property
    def parts(self) -> tuple[Report, ...]:
        """The audit itself, the map of a leak, and the report of each check."""
        reports = (entry.report or entry for entry in self.entries)
        return (self, *([self.leak_map] if self.leak_map else []), *reports)

    @property
    def ok(self) -> bool:
        """Whether every check that applies passed, and one did apply."""
        return self.verdict.passed

    def rows(self) -> tuple[Row, ...]:
        """Return the rows of ``scanproof.table``."""
        return tuple(
            Row(
                subject=self.subject,
                check=entry.check,
                verdict=entry.verdict,
                evidence=entry.evidence,
                theorem=entry.theorem,
            )
            for entry in self.entries
        )

    def summary(self) -> str:
        """Return a line for each check, with what was found."""
        width = max(len(entry.check) for entry in self.entries)
        lines = [f"Audit({self.subject}, input {self.shape} {self.dtype} on {self.device}, seed {self.seed})"]
        lines += [
            f"  {entry.check:<{width}} : {entry.verdict.name}: {entry.evidence}" for entry in self.entries
        ]
        theorems = dict.fromkeys(name for entry in self.entries for name in entry.theorems)
        lines.append(f"  {'verdict':<{width}} : {self.verdict.name}: {self.verdict.value}")
        lines.append(f"  {'theorems':<{width}} : {', '.join(theorems)}")
        lines.append(f"  {'versions':<{width}} : {', '.join(map(' '.join, self.versions.items()))}")
        return "\n".join(lines)
