"""How a command shows reports: text that fits the terminal, or one JSON document; and its exit code."""

import json
import shlex
import sys
import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from scanproof.cli.exits import FINDING, INCONCLUSIVE, PASSED, say
from scanproof.report.console import output
from scanproof.report.table import table, verdict_text
from scanproof.report.verdict import Verdict

if TYPE_CHECKING:
    from scanproof.lean.progress import Step
    from scanproof.report.report import CheckReport


def step(title: str, quiet: bool) -> "AbstractContextManager[Step]":
    """Show progress on the standard error until the context ends."""
    from scanproof.lean.progress import on_console

    return on_console(Console(stderr=True, highlight=False, quiet=quiet))(title, 0, "")


def show_json(content: Any) -> None:
    """Print one JSON document on the standard output."""
    print(json.dumps(content, ensure_ascii=False, indent=2))


def show(subject: str, report: "CheckReport", *, as_json: bool, html: Path | None, quiet: bool) -> int:
    """Print a report, write its HTML page if one is asked for, and return the exit code.

    If the page cannot be written, a finding keeps its exit code; any other verdict gives exit code 3.

    Args:
        subject: what was checked.
        report: a report with a verdict.
        as_json: print one JSON document; otherwise print the verdict, and the report below it.
        html: the file for the page.
        quiet: print the verdict alone.
    """
    document = {**report.document(subject), "command": shlex.join(["scanproof", *sys.argv[1:]])}
    verdict = report.verdict
    if as_json:
        show_json(document)
    else:
        _print(subject, report, verdict, quiet)
    code = exit_code(verdict)
    if html is not None:
        from scanproof.report.html import write

        try:
            write(document, html)
        except OSError as error:
            problem = say(INCONCLUSIVE, f"--html {html} could not be written: {error.strerror}.")
            return code or problem
    return code


def _print(subject: str, report: "CheckReport", verdict: Verdict, quiet: bool) -> None:
    console = output()
    console.print(Text.assemble(verdict_text(verdict), f"  {subject}"), soft_wrap=True)
    if not quiet:
        rows = report.rows()
        if len(rows) > 1:
            console.print(table(rows))
        else:
            width = console.width if console.is_terminal else None
            console.print(wrapped(report.summary(), width), markup=False, soft_wrap=True)


def wrapped(summary: str, width: int | None) -> str:
    """Wrap the lines of a summary at a width; continued lines are indented past the name before the colon."""
    if width is None:
        return summary
    lines: list[str] = []
    for line in summary.split("\n"):
        name, colon, _ = line.partition(": ")
        indent = len(name) + 2 if colon and line.startswith("  ") and len(name) < 20 else 4
        lines += textwrap.wrap(
            line, width, subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True
        ) or [""]
    return "\n".join(lines)


def exit_code(verdict: Verdict) -> int:
    """Return the exit code of a check with this verdict."""
    return PASSED if verdict.passed else FINDING if verdict.found else INCONCLUSIVE
