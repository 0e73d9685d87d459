"""What a check that did not pass raises, and what its message says."""

from collections.abc import Iterable
from typing import Any, Protocol

from scanproof.report.verdict import Verdict


class Failed(Protocol):
    """What a message needs of a report."""

    check: str

    @property
    def verdict(self) -> Verdict:
        """The outcome."""

    @property
    def call(self) -> str:
        """The call that repeats the check."""

    def failure_lines(self) -> Iterable[str]:
        """Return what was found, and what would have passed."""

    def summary(self) -> str:
        """Return what was tried, what was found and what it rests on."""


class CheckFailed(AssertionError):
    """A check did not pass; ``report`` holds everything that the check found."""

    def __init__(self, report: Any) -> None:
        super().__init__(message(report))
        self.report = report

    def __reduce__(self) -> tuple[type["CheckFailed"], tuple[Any]]:
        return type(self), (self.report,)


def message(report: Failed) -> str:
    """Return what an engineer needs first: the verdict, what was found, and how to repeat the check."""
    return "\n".join(
        [
            f"{report.check}: {report.verdict.name}: {report.verdict.value}",
            *report.failure_lines(),
            f"Repeat : {report.call}",
            "",
            report.summary(),
        ]
    )
