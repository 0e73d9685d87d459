"""What all reports share: JSON, an HTML page, a picture; and, for checks, a verdict and ``require()``."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scanproof.report.failure import CheckFailed
from scanproof.report.record import document
from scanproof.report.row import Row
from scanproof.report.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Report(ABC):
    """What was found, as text, JSON, a page or a picture."""

    @property
    def theorems(self) -> tuple[str, ...]:
        """The Lean theorems that the verdict rests on, without the namespace ``Scanproof``.

        A check that does not apply has none. A report may hold ``"none: "`` and a reason in place of a name;
        these are left out.
        """
        if getattr(self, "verdict", None) is Verdict.NOT_APPLICABLE:
            return ()
        cited = dict.fromkeys(self._cited())
        return tuple(name for name in cited if name and not name.startswith("none"))

    def _cited(self) -> Iterable[str]:
        """Return the names of theorems, with empty texts and ``"none: …"``."""
        return (getattr(self, "theorem", ""),)

    @property
    def parts(self) -> "tuple[Report, ...]":
        """The reports to write: this report, and the reports that it holds."""
        return (self,)

    @abstractmethod
    def summary(self) -> str:
        """Return what was probed, what was found and what it rests on."""

    def to_json(self, subject: str | None = None) -> str:
        """Return the report as JSON that follows the schema ``scanproof/report/schema.json``.

        Args:
            subject: what was checked, in a few words; by default what the report calls it, else ``fn``.
        """
        return json.dumps(self.document(subject), ensure_ascii=False) + "\n"

    def to_html(self, path: str | Path, subject: str | None = None, site: str | None = None) -> Path:
        """Write the report as one page that needs no other file and no network; return its path.

        Args:
            path: the file; an existing file is replaced.
            subject: what was checked, in a few words; by default what the report calls it, else ``fn``.
            site: address of the site that ``scanproof theorems --site`` made, for links to theorems.
        """
        from scanproof.report.html import write

        return write(self.document(subject), path, site=site)

    def plot(self) -> "Figure":
        """Draw the pictures of the page with matplotlib (extra ``plot``): leakage, error over time.

        Raises:
            InvalidArgument: the report has nothing to draw.
            MissingDependency: matplotlib is not installed.
        """
        from scanproof.report.plot import draw

        return draw(self.document(None))

    def document(self, subject: str | None = None) -> dict[str, Any]:
        """Return the report as plain data, which :meth:`to_json` writes.

        Args:
            subject: what was checked, in a few words; by default what the report calls it, else ``fn``.
        """
        named = subject or str(getattr(self, "subject", "fn"))
        return document([(named, self)])


class CheckReport(Report):
    """The report of a check that has a verdict.

    Attributes:
        check: name of the check, as in the table of names.
        verdict: the outcome.
        reason: what led to the verdict.
        call: the call that repeats the check.
    """

    if TYPE_CHECKING:
        check: ClassVar[str]

        @property
        def verdict(self) -> Verdict: ...  # noqa: D102

        @property
        def reason(self) -> str: ...  # noqa: D102

        @property
        def call(self) -> str: ...  # noqa: D102

    @property
    def ok(self) -> bool:
        """Whether the verdict passed."""
        return self.verdict.passed

    def require(self) -> Self:
        """Return the report if its verdict passed; INCONCLUSIVE does not pass.

        Raises:
            CheckFailed: an ``AssertionError`` that holds the report; its message names what was found and the
                call that repeats the check.
        """
        __tracebackhide__ = True
        if not self.ok:
            raise CheckFailed(self)
        return self

    @abstractmethod
    def rows(self, subject: str = "") -> tuple[Row, ...]:
        """Return the report as rows of ``scanproof.table``; ``subject`` says what was checked."""

    @abstractmethod
    def failure_lines(self) -> Iterable[str]:
        """Return what was found and what would have passed, for the message of a failure."""


class SingleCheckReport(CheckReport):
    """The report of one check: one row of a table.

    Attributes:
        theorem: the Lean theorem that the verdict rests on.
    """

    if TYPE_CHECKING:

        @property
        def theorem(self) -> str: ...  # noqa: D102

    def rows(self, subject: str = "") -> tuple[Row, ...]:
        """Return the report as one row of ``scanproof.table``; ``subject`` says what was checked."""
        return (
            Row(
                subject=subject,
                check=self.check,
                verdict=self.verdict,
                evidence=self._evidence(),
                theorem=self._theorem_of_row(),
            ),
        )

    @abstractmethod
    def _evidence(self) -> str:
        """Return the numbers behind the verdict, in a few words."""

    def _theorem_of_row(self) -> str:
        return self.theorem
