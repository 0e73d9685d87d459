"""What tests say of the verdict of a report, with the summary where it is another one."""

from typing import Protocol, TypeVar

from scanproof import CausalCertificate, Verdict
from scanproof.causality.diagnosis.pair import LeakPair

Present = TypeVar("Present")


class Judged(Protocol):
    """A report that has a verdict."""

    @property
    def verdict(self) -> Verdict:
        """The outcome."""

    def summary(self) -> str:
        """Return what was found."""


def assert_verdict(report: Judged, *allowed: Verdict) -> None:
    """Fail with the summary of the report unless its verdict is one of those allowed."""
    __tracebackhide__ = True
    names = " or ".join(verdict.name for verdict in allowed)
    assert report.verdict in allowed, f"{report.verdict.name} where {names} was expected\n{report.summary()}"


def line(text: str, start: str) -> str:
    """Return the one line of ``text`` that starts so, without the spaces around it."""
    (found,) = [each.strip() for each in text.splitlines() if each.strip().startswith(start)]
    return found


def present(value: Present | None) -> Present:
    """Return a value that is not None."""
    __tracebackhide__ = True
    assert value is not None
    return value


def pair_of(report: CausalCertificate) -> LeakPair:
    """Return the pair of tokens of the greatest gradient, of a report that has one."""
    __tracebackhide__ = True
    assert isinstance(report.worst, LeakPair)
    return report.worst
