"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from scanproof.outputs import file_problem, folder_problem


def output_file(file: Path | None) -> Path | None:
    """Refuse a file that cannot be written, or whose folder is not there, before anything is checked."""
    if file is not None:
        if problem := file_problem(file):
            raise typer.BadParameter(problem)
        if not file.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {file.parent} to write {file.name} into.")
    return file


def output_folder(folder: Path | None) -> Path | None:
    """Refuse a folder that is not there and cannot be made, or that cannot be written into."""
    if folder is not None and (problem := folder_problem(folder)):
        raise typer.BadParameter(problem)
    return folder


def seed_of(what: str) -> Any:
    """Return the option ``--seed``, in the range that NumPy, PyTorch and Hypothesis take."""
    return typer.Option(min=0, max=2**32 - 1, help=f"Seed of {what}.")


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, and no more text than the outcome.")]
Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=output_file,
        help="Write the report to this file too, as one page of HTML.",
    ),
]
