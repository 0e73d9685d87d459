"""The form that all reports are written in: plain data that follows ``schema.json``.

A report is read by the names of its attributes, so that the report of a user's own check is written in the
same way: ``verdict``, ``reason``, ``check``, ``theorems``, ``call``, ``seed``, ``dtype``, ``device``,
``origin``, ``cases``, ``worst``, the smallest failing case as ``smallest``, pictures as ``leakage`` and
``spread``. ``parts`` are the reports that a report of several checks holds. All other attributes are under
``fields``.
"""

import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from scanproof.report.plain import plain

SCHEMA_VERSION = 2
"""Increases if a reader of an older version would misread a document; new members do not increase it."""

PACKAGES = ("scanproof", "torch", "numpy", "transformers")
"""Packages whose versions the environment holds."""


class Reported(Protocol):
    """What a report must have."""

    def summary(self) -> str:
        """Return what was probed, what was found and what it rests on."""


def document(reports: Iterable[tuple[str, Reported]]) -> dict[str, Any]:
    """Return reports as one document.

    Args:
        reports: for each report, what was checked, in a few words, and the report; in this order.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(),
        "reports": [
            record(subject, part)
            for subject, report in reports
            for part in getattr(report, "parts", (report,))
        ],
    }


def environment() -> dict[str, str | None]:
    """Return the versions of Python, the platform and packages; None for a package that is not installed."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: _version(package) for package in PACKAGES},
    }


def record(subject: str, report: Reported) -> dict[str, Any]:
    """Return a report as one entry of a document."""
    verdict = getattr(report, "verdict", None)
    smallest = getattr(report, "smallest", None)
    origin = getattr(report, "origin", None)
    worst = getattr(report, "worst", None)
    leakage = getattr(report, "leakage", None)
    said = {
        "type": type(report).__name__,
        "subject": subject,
        "check": getattr(report, "check", type(report).__name__),
        "verdict": verdict and verdict.name,
        "meaning": verdict and verdict.value,
        "outcome": verdict and verdict.outcome,
        "reason": getattr(report, "reason", ""),
        "summary": report.summary(),
        "theorems": list(getattr(report, "theorems", ())),
        "seed": getattr(report, "seed", None),
        "dtype": getattr(report, "dtype", None),
        "device": getattr(report, "device", None),
        "worst": None if worst is None or callable(worst) else {"text": str(worst), **plain(worst)},
        "origin": origin and {"text": str(origin), **plain(origin)},
        "cases": plain(getattr(report, "cases", ())),
        "call": getattr(report, "call", None),
        "program": smallest and smallest.code,
        "leakage": leakage and leakage.record(),
        "spread": plain(getattr(report, "spread", None)),
    }
    others = {name: value for name, value in plain(report).items() if name not in said}
    return {**said, "fields": others}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
