"""What an audit reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scanproof.report.table import Row
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
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
    report: Any = None


@dataclass(frozen=True, kw_only=True)
class AuditReport:
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
    """

    subject: str
    entries: tuple[AuditEntry, ...]
    verdict: Verdict
    shape: str
    dtype: str
    device: str
    seed: int
    versions: Mapping[str, str]

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
        theorems = dict.fromkeys(entry.theorem for entry in self.entries if entry.theorem)
        lines.append(f"  {'verdict':<{width}} : {self.verdict.name}: {self.verdict.value}")
        lines.append(f"  {'theorems':<{width}} : {', '.join(theorems)}")
        lines.append(f"  {'versions':<{width}} : {', '.join(map(' '.join, self.versions.items()))}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the reports of the checks, as JSON can hold it."""
        entries = [
            {
                "check": entry.check,
                "verdict": entry.verdict.name,
                "evidence": entry.evidence,
                "theorem": entry.theorem,
                "seconds": round(entry.seconds, 3),
            }
            for entry in self.entries
        ]
        plain = {name: getattr(self, name) for name in ("subject", "shape", "dtype", "device", "seed")}
        return {
            **plain,
            "verdict": self.verdict.name,
            "versions": dict(self.versions),
            "entries": entries,
        }
