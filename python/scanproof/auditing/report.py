"""What an audit reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from scanproof.causality.diagnosis.map import LeakMap
from scanproof.report.report import CheckReport, Report
from scanproof.report.row import Row
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class AuditedCheck(Report):
    """The result of one check.

    Attributes:
        check: the name of the check, as in ``scanproof.table``.
        verdict: the verdict. A check that was not run is NOT_APPLICABLE, with the reason as evidence.
        evidence: the numbers behind the verdict, in a few words.
        theorem: the Lean theorem that the verdict rests on.
        seconds: duration of the check.
        report: the report of the check; None if there is none.
    """

    check: str
    verdict: Verdict
    evidence: str
    theorem: str = ""
    seconds: float = 0.0
    report: Any = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """Why the verdict was given, or why the check was not run."""
        return self.evidence

    def summary(self) -> str:
        """Return the result in one line."""
        return f"{self.check}: {self.verdict.name}: {self.evidence}"


@dataclass(frozen=True, kw_only=True)
class AuditReport(CheckReport):
    """What ``audit`` found.

    Attributes:
        subject: the name of what was checked.
        checks: one result for each check, also for checks that do not apply.
        verdict: the gravest verdict of the checks.
        shape: shapes of the input, in words.
        dtype: dtype of the first input.
        device: device of the first input.
        seed: seed of every check.
        versions: versions of scanproof, torch and Python.
        call: the call that repeats the audit.
        leak_map: which inputs every output reads, by gradients; None unless gradients show a leak across a
            cut at the given input, and None for more than 512 positions.
    """

    check: ClassVar = "audit"

    subject: str
    checks: tuple[AuditedCheck, ...]
    verdict: Verdict
    shape: str
    dtype: str
    device: str
    seed: int
    versions: Mapping[str, str]
    call: str
    leak_map: LeakMap | None = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """The checks with the gravest verdict."""
        return "by " + ", ".join(one.check for one in self.checks if one.verdict is self.verdict)

    def _cited(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts[1:] for name in part.theorems)

    @property
    def parts(self) -> tuple[Report, ...]:
        """The audit itself, the map of a leak, and the report of each check."""
        reports = (one.report or one for one in self.checks)
        return (self, *([self.leak_map] if self.leak_map else []), *reports)

    def rows(self, subject: str = "") -> tuple[Row, ...]:
        """Return the rows of ``scanproof.table``; ``subject`` is a name in place of that of the report."""
        return tuple(
            Row(
                subject=subject or self.subject,
                check=one.check,
                verdict=one.verdict,
                evidence=one.evidence,
                theorem=one.theorem,
            )
            for one in self.checks
        )

    def failure_lines(self) -> list[str]:
        """Return how many checks did not pass, and the result of each of these checks."""
        applied = [one for one in self.checks if one.verdict is not Verdict.NOT_APPLICABLE]
        failed = [one for one in applied if not one.verdict.passed]
        lines = [f"{len(failed)} of {len(applied)} checks did not pass on {self.subject}"]
        for one in failed:
            lines += ["", (one.report or one).summary()]
        return [*lines, ""]

    def summary(self) -> str:
        """Return a line for each check, with its result."""
        width = max(len(one.check) for one in self.checks)
        lines = [f"Audit({self.subject}, input {self.shape} {self.dtype} on {self.device}, seed {self.seed})"]
        lines += [f"  {one.check:<{width}} : {one.verdict.name}: {one.evidence}" for one in self.checks]
        theorems = dict.fromkeys(name for one in self.checks for name in one.theorems)
        lines.append(f"  {'verdict':<{width}} : {self.verdict.name}: {self.verdict.value}")
        lines.append(f"  {'theorems':<{width}} : {', '.join(theorems)}")
        lines.append(f"  {'versions':<{width}} : {', '.join(map(' '.join, self.versions.items()))}")
        return "\n".join(lines)
