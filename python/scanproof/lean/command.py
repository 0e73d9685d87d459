"""The command ``scanproof prove``."""

from pathlib import Path

from rich.console import Console

from scanproof.errors import InvalidArgument
from scanproof.lean import catalogue as catalogues
from scanproof.lean.find import find_toolchain
from scanproof.lean.progress import on_console
from scanproof.lean.project import Project
from scanproof.lean.prove import prove


def run_prove(folder: Path | None, choice: str, listing: bool, file: Path | None) -> bool:
    """Check the proofs, print what was found, and return whether all is proved."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    if file is not None and not file.resolve().parent.is_dir():
        raise InvalidArgument(f"{file} cannot be written: {file.resolve().parent} is not a folder.")
    project = Project.find(folder)
    toolchain = find_toolchain(project, choice, note=lambda text: notes.print(text, markup=False))
    report = prove(project, toolchain, on_console(notes))
    for finding in report.findings:
        console.print(str(finding))
    if report.catalogue is not None:
        if listing:
            for theorem in report.catalogue.theorems:
                console.print(f"{theorem.name}\n    {theorem.summary}")
            console.print()
        if file is not None:
            catalogues.write(report.catalogue, file.resolve())
    console.print(report.summary())
    return report.catalogue is not None
