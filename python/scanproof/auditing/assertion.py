"""The twin of ``audit`` that raises."""

from collections.abc import Callable
from typing import Any

from scanproof.auditing.audit import audit
from scanproof.auditing.report import AuditReport
from scanproof.foundation.packing import Inputs
from scanproof.report.verdict import Verdict


class AuditError(AssertionError):
    """A check of an audit did not pass; ``report`` holds everything that was found."""

    def __init__(self, report: AuditReport) -> None:
        super().__init__(_message(report))
        self.report = report

    def __reduce__(self) -> tuple[type["AuditError"], tuple[AuditReport]]:
        return type(self), (self.report,)


def assert_audit(fn: Callable[..., Any], x: Inputs, **options: Any) -> AuditReport:
    """Raise unless ``audit`` with the same arguments passes; return its report.

    INCONCLUSIVE does not pass.

    Raises:
        AuditError: an ``AssertionError`` with the report; its message is what each check that did not pass
            says.
        InvalidArgument: the call is wrong.
    """
    __tracebackhide__ = True
    report = audit(fn, x, **options)
    if not report.ok:
        raise AuditError(report)
    return report


def _message(report: AuditReport) -> str:
    applied = [entry for entry in report.entries if entry.verdict is not Verdict.NOT_APPLICABLE]
    failed = [entry for entry in applied if not entry.verdict.passed]
    said = [(entry.report or entry).summary() for entry in failed]
    counts = f"{len(failed)} of {len(applied)} checks did not pass on {report.subject}"
    return "\n\n".join([f"assert_audit: {report.verdict.name}: {counts}", *said])
