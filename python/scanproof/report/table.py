"""Verdicts as a table on the console."""

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from scanproof.extras import extra
from scanproof.report.row import Row
from scanproof.report.verdict import Verdict

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def table(rows: Iterable[Row], title: str | None = None) -> "Table":
    """Lay out rows for ``rich.console.Console.print``.

    Consecutive rows of one subject stand under it. Each row has its check, its verdict, and the evidence
    above the theorem; long texts continue on the next line. A mark before the verdict shows passed, failed or
    undecided without colour.

    Raises:
        MissingDependency: rich is not installed.
    """
    with extra("cli", "Tables"):
        from rich import box
        from rich.table import Table
        from rich.text import Text
    laid_out = Table(title=title, title_justify="left", title_style="bold", box=box.ROUNDED)
    laid_out.add_column("Checked", overflow="fold", max_width=26)
    laid_out.add_column("Verdict", overflow="fold")
    laid_out.add_column("Evidence, and the theorem it rests on", overflow="fold")
    for subject, group in groupby(rows, key=lambda row: row.subject):
        laid_out.add_row(Text(subject, style="bold"))
        for row in group:
            evidence = Text.assemble(row.evidence, "\n", (row.theorem, "dim"))
            laid_out.add_row(Text(f"  {row.check}"), verdict_text(row.verdict), evidence)
        laid_out.add_section()
    return laid_out


def verdict_text(verdict: Verdict) -> "Text":
    """Return the verdict's name with a mark, coloured: passed, failed, undecided or not applicable."""
    with extra("cli", "Tables"):
        from rich.text import Text
    if verdict.passed:
        mark, style = "✓", "green"
    elif verdict.found:
        mark, style = "✗", "bold red"
    elif verdict is Verdict.NOT_APPLICABLE:
        mark, style = "-", "dim"
    else:
        mark, style = "?", "yellow"
    return Text(f"{mark} {verdict.name}", style=style)
