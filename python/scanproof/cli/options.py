"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer


def _writable(file: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before anything is checked."""
    if file is not None:
        if not file.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {file.parent} to write {file.name} into.")
        if file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
            raise typer.BadParameter(f"{file} cannot be written; name a file in a folder of yours.")
    return file


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, and no more text than the outcome.")]
Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=_writable,
        help="Write the report to this file too, as one page of HTML.",
    ),
]
