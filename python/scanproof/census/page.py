"""The table of a census as one page of HTML."""

from collections.abc import Sequence

from scanproof.census.kind import Kind
from scanproof.census.subject import Entry
from scanproof.census.table import cell, environment
from scanproof.report.pages import joined, render
from scanproof.report.verdict import Verdict


def html(kind: Kind, entries: Sequence[Entry], made: str) -> str:
    """Return a page that needs no other file: the table, and below it the answer of every check."""
    rows = [
        {
            "entry": entry,
            "cells": [
                {"text": cell(entry, checks), "outcome": entry.column(checks)[0].outcome}
                for checks in kind.columns.values()
            ],
            "answers": [
                {"answer": answer, "outcome": Verdict[answer.verdict].outcome} for answer in entry.answers
            ],
        }
        for entry in entries
    ]
    return render(
        "census.html.j2",
        css=joined(("style.css",)),
        made=made,
        environment=environment(entries),
        title=kind.title,
        columns=list(kind.columns),
        rows=rows,
    )
