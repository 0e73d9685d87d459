"""What a census checks: one real implementation, and the answers of its checks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanproof.report.verdict import Verdict, gravest

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "certificate": ("certificate",),
    "perturbation": ("perturbation",),
    "prefix": ("prefix",),
    "batch": ("batch",),
    "streaming": (
        "steps",
        "prefill, then steps",
        "state returned",
        "copy of the state",
        "batch in steps",
        "rows that end",
        "rows reordered",
        "packed sequences",
    ),
    "chunked prefill": ("chunked prefill", "verify on a copy", "roll back"),
    "padding": ("garbage under the mask", "left padding", "padded, then steps"),
    "refinement": ("refinement",),
    "gradients": ("refinement of gradients",),
    "same function": ("same function",),
}
"""The columns of the table, and the checks that each column holds."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one check found, as plain data.

    Attributes:
        check: name of the check, or of the way of feeding.
        verdict: name of the verdict.
        evidence: the numbers behind the verdict.
        theorem: the Lean theorem that the verdict rests on.
        worst: the worst number: a share of the greatest output, or an error relative to its bound; None if
            nothing differed.
        exact: name of the verdict over finite fields about a way of feeding; empty if none was asked for.
        exactly: what led to that verdict.
        constants: whether rounded constants may explain that formulas differ.
    """

    check: str
    verdict: str
    evidence: str
    theorem: str = ""
    worst: float | None = None
    exact: str = ""
    exactly: str = ""
    constants: bool = False


@dataclass(frozen=True)
class Subject:
    """One implementation in a census.

    Attributes:
        name: ``package: what``.
        package: distribution that it comes from.
        answers: runs the checks with a seed.
        notes: what a reader of the table should know about it.
        version: version of the distribution; default: the installed version.
        interpreted: folder of Triton and the package, if Triton's interpreter runs its kernels.
    """

    name: str
    package: str
    answers: Callable[[int], Iterable[Answer]]
    notes: str = ""
    version: str = ""
    interpreted: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the table.

    Attributes:
        name: name of the subject.
        package: distribution of the subject.
        version: version of the distribution.
        torch: version of torch.
        scanproof: version of scanproof.
        code: hash of scanproof's code.
        answers: the answer of every check.
        notes: notes of the subject.
        seconds: wall time of all checks.
        processor_seconds: CPU time of the process, with imports.
        seed: seed of every check.
        problem: why answers are missing; empty if none are.
    """

    name: str
    package: str
    version: str
    torch: str = ""
    scanproof: str = ""
    code: str = ""
    answers: tuple[Answer, ...] = ()
    notes: str = ""
    seconds: float = 0.0
    processor_seconds: float = 0.0
    seed: int = 0
    problem: str = ""

    def column(self, checks: Sequence[str]) -> tuple[Verdict, float | None]:
        """Return the gravest verdict of the checks of a column, and the worst number behind it."""
        answers = self._of(checks)
        if not answers:
            return (Verdict.INCONCLUSIVE if self.problem else Verdict.NOT_APPLICABLE), None
        verdict = gravest(Verdict[answer.verdict] for answer in answers)
        same = [answer for answer in answers if answer.verdict == verdict.name]
        return verdict, max((answer.worst for answer in same if answer.worst is not None), default=None)

    def exactly(self, checks: Sequence[str]) -> str:
        """Say how far the answers of a column are decided over finite fields, by a sign of ``SIGNS``."""
        asked = [answer for answer in self._of(checks) if answer.exact]
        different = [answer for answer in asked if answer.exact == Verdict.DIFFERENT.name]
        equal = [answer for answer in asked if answer.exact == Verdict.EQUAL.name]
        if different:
            return "≈" if all(answer.constants for answer in different) else "≠"
        if not equal:
            return "?" if asked else ""
        return "=" if len(equal) == len(asked) else "(=)"

    def _of(self, checks: Sequence[str]) -> list[Answer]:
        return [answer for answer in self.answers if answer.check.partition(" (")[0] in checks]

    @property
    def key(self) -> tuple[str, ...]:
        """What the entry depends on: entries with the same key hold the same answers."""
        return (self.name, self.version, self.torch, self.scanproof, self.code, str(self.seed))

    @property
    def findings(self) -> tuple[Answer, ...]:
        """The answers that are counterexamples."""
        return tuple(answer for answer in self.answers if Verdict[answer.verdict].found)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Entry":
        """Read what ``dataclasses.asdict`` wrote."""
        answers = tuple(Answer(**answer) for answer in plain["answers"])
        return cls(**{**plain, "answers": answers})
