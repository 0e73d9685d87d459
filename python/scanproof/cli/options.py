"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from scanproof.outputs import file_problem, folder_problem


def output_file(file: Path | None) -> Path | None:
    """Refuse a file that cannot be written, or whose folder does not exist, before any check begins."""
    if file is not None:
        if problem := file_problem(file):
            raise typer.BadParameter(problem)
        if not file.parent.is_dir():
            raise typer.BadParameter(
                f"{file.name} cannot be written: the folder {file.parent} does not exist."
            )
    return file


def output_folder(folder: Path | None) -> Path | None:
    """Refuse a folder that cannot be written into, or that does not exist and cannot be created."""
    if folder is not None and (problem := folder_problem(folder)):
        raise typer.BadParameter(problem)
    return folder


def seed_of(what: str) -> Any:
    """Return the option ``--seed``, in the range that NumPy, PyTorch and Hypothesis take."""
    return typer.Option(min=0, max=2**32 - 1, help=f"Seed of {what}.")


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the outcome only, and no progress.")]
Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=output_file,
        help="Also write the report to this file, as one page of HTML.",
    ),
]
