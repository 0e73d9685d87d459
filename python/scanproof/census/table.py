"""The table of a census, as plain data and as Markdown."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from scanproof.census.kind import Kind
from scanproof.census.subject import Answer, Entry
from scanproof.report.verdict import Verdict

MARKS = {"passed": "✓", "found": "✗", "open": "?", "not applicable": "·"}


def document(kind: Kind, entries: Sequence[Entry], made: str) -> dict[str, Any]:
    """Return the whole census as JSON can hold it."""
    return {
        "made": made,
        "environment": environment(entries),
        "columns": list(kind.columns),
        "entries": [
            {
                **asdict(entry),
                "cells": {
                    name: {"verdict": verdict.name, "worst": worst, "exact": entry.exactly(checks)}
                    for name, checks in kind.columns.items()
                    for verdict, worst in [entry.column(checks)]
                },
            }
            for entry in entries
        ],
    }


def environment(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the versions that the entries were made with; all of them where entries differ."""
    return {
        "scanproof": " and ".join(sorted({entry.scanproof for entry in entries})),
        "torch": " and ".join(sorted({entry.torch for entry in entries})),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def cell(entry: Entry, checks: tuple[str, ...]) -> str:
    """Return the mark of the checks of a column, and the worst number."""
    verdict, worst = entry.column(checks)
    number = "" if worst is None else f" {worst:.0e}"
    return f"{mark(verdict)}{number} {entry.exactly(checks)}".rstrip()


def mark(verdict: Verdict) -> str:
    """Return the mark of a verdict."""
    if verdict is Verdict.NOT_APPLICABLE:
        return MARKS["not applicable"]
    return MARKS["passed" if verdict.passed else "found" if verdict.found else "open"]


def markdown(kind: Kind, entries: Sequence[Entry], made: str) -> str:
    """Return the table, and below it the findings, the open questions, and why checks do not apply."""
    shared = ", ".join(f"{name} {value}" for name, value in environment(entries).items())
    found = sum(bool(entry.findings) for entry in entries)
    lines = [
        f"# {kind.title}",
        "",
        f"Made {made} by `{kind.command}` with {shared}; seed {entries[0].seed}. "
        f"{len(entries)} implementations, {found} with findings.",
        "",
        "✓ passed on every input tried, ✗ a counterexample, ? inconclusive, · not applicable. "
        f"The number is the worst one seen: {kind.numbers}.",
        *(["", kind.note] if kind.note else []),
        "",
        "| Implementation | Version | " + " | ".join(kind.columns) + " |",
        "| --- | --- |" + " --- |" * len(kind.columns),
    ]
    for entry in entries:
        cells = " | ".join(cell(entry, checks) for checks in kind.columns.values())
        lines.append(f"| {entry.name} | {entry.package} {entry.version} | {cells} |")
    lines += ["", "## Findings", ""]
    for entry in entries:
        lines += [
            f"- **{entry.name}** ({entry.package} {entry.version}), {answer.check}: {answer.verdict}: "
            f"{plain(answer.evidence)}{_exactly(answer)}"
            for answer in entry.findings
        ]
    lines += ["", "## Open", ""]
    for entry in entries:
        if entry.problem:
            lines.append(f"- **{entry.name}**: {plain(entry.problem)}")
        lines += [
            f"- **{entry.name}**, {answer.check}: {plain(answer.evidence)}"
            for answer in entry.answers
            if Verdict[answer.verdict] is Verdict.INCONCLUSIVE
        ]
    lines += ["", "## Not decided exactly", ""]
    lines += [f"- {plain(reason)}: {'; '.join(ways)}" for reason, ways in _undecided(entries).items()]
    lines += ["", "## Not applicable", ""]
    lines += [
        f"- {check}, {len(names)} of {len(entries)}: {plain(reason)}"
        for (check, reason), names in _not_applicable(entries).items()
    ]
    lines += [
        "",
        f"Every other dot is a check that is not made: {kind.dots}.",
    ]
    return "\n".join(lines) + "\n"


def _exactly(answer: Answer) -> str:
    return f"; over finite fields {answer.exact}" if answer.exact else ""


def _undecided(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Return the ways of feeding that finite fields leave open, by reason."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        for answer in entry.answers:
            if answer.exact == Verdict.INCONCLUSIVE.name:
                found.setdefault(answer.exactly, []).append(f"**{entry.name}**, {answer.check}")
    return found


def _not_applicable(entries: Sequence[Entry]) -> dict[tuple[str, str], set[str]]:
    """Return the names of the entries that a check does not apply to, by check and reason."""
    found: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        for answer in entry.answers:
            if Verdict[answer.verdict] is Verdict.NOT_APPLICABLE:
                check = answer.check.partition(" (")[0]
                found.setdefault((check, answer.evidence), set()).add(entry.name)
    return found


def plain(text: str) -> str:
    """Return text on one line, escaped for a table in Markdown."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
