"""The command ``scanproof prove``."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from scanproof.lean import catalogue as catalogues
from scanproof.lean.find import find_toolchain
from scanproof.lean.progress import on_console
from scanproof.lean.project import Project
from scanproof.lean.prove import ProofReport, prove


def run_prove(
    folder: Path | None, choice: str, listing: bool, file: Path | None, as_json: bool, quiet: bool
) -> bool:
    """Check the proofs, print the result, and return whether everything is proved.

    Args:
        folder: a folder of the Lean project; None: the working folder.
        choice: the toolchain, as in :func:`find_toolchain`.
        listing: name every theorem.
        file: the file of the catalogue.
        as_json: print one JSON document instead.
        quiet: print no progress, only faults and one line.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
    notes = Console(stderr=True, soft_wrap=True, highlight=False, quiet=quiet)
    project = Project.find(folder)
    toolchain = find_toolchain(project, choice, note=lambda text: notes.print(text, markup=False))
    report = prove(project, toolchain, on_console(notes))
    if report.catalogue is not None and file is not None:
        catalogues.write(report.catalogue, file.resolve())
    if as_json:
        print(json.dumps(as_dict(report, listing), ensure_ascii=False, indent=2))
        return report.catalogue is not None
    for finding in report.findings:
        console.print(str(finding))
    if report.catalogue is not None and listing:
        for theorem in report.catalogue.theorems:
            console.print(f"{theorem.name}\n    {theorem.summary}")
        console.print()
    console.print(report.summary().partition("\n")[0] if quiet else report.summary())
    return report.catalogue is not None


def as_dict(report: ProofReport, listing: bool) -> dict[str, object]:
    """Return a report as plain data; with a listing, every theorem by name and summary."""
    found = report.catalogue
    document: dict[str, object] = {
        "command": "prove",
        "proved": found is not None,
        "theorems": len(found.theorems) if found else None,
        "modules": report.modules,
        "checked": report.checked,
        "skipped": list(report.skipped),
        "findings": [asdict(finding) for finding in report.findings],
        "axioms": list(found.axioms) if found else None,
        "lean": found.lean if found else None,
        "toolchain": report.toolchain,
        "seconds": report.seconds,
    }
    if found and listing:
        document["list"] = [{"name": one.name, "summary": one.summary} for one in found.theorems]
    return document
