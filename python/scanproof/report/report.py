"""What all reports have in common: they can be written as JSON, as a page, and drawn."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanproof.report.record import document
from scanproof.report.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Report(ABC):
    """A report of a check, or of several together."""

    @property
    def theorems(self) -> tuple[str, ...]:
        """The Lean theorems that the verdict rests on, without the namespace ``Scanproof``.

        There are none where the check does not apply, and where a report says ``"none: "`` and why in the
        place of a name.
        """
        if getattr(self, "verdict", None) is Verdict.NOT_APPLICABLE:
            return ()
        cited = dict.fromkeys(self._cited())
        return tuple(name for name in cited if name and not name.startswith("none"))

    def _cited(self) -> Iterable[str]:
        """Return what stands in the place of theorems, empty texts and ``"none: …"`` included."""
        return (getattr(self, "theorem", ""),)

    @property
    def parts(self) -> "tuple[Report, ...]":
        """What is written of it: itself, and the reports that it holds."""
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
            path: the file; one that exists is replaced.
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
