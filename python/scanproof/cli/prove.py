"""``scanproof prove``."""

from pathlib import Path
from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, PASSED
from scanproof.cli.options import Json, Quiet, output_file


def prove(
    project: Annotated[
        Path | None, typer.Option(help="Folder of the Lean project. Default: the current folder.")
    ] = None,
    toolchain: Annotated[str, typer.Option(help="auto, lake or wasm (Lean as WebAssembly).")] = "auto",
    list_: Annotated[bool, typer.Option("--list", help="List every theorem, with its meaning.")] = False,
    catalogue: Annotated[
        Path | None,
        typer.Option(callback=output_file, help="Write the catalogue of declarations to this file, as JSON."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check every Lean proof that changed, and report what was proved."""
    from scanproof.lean.command import run_prove

    return PASSED if run_prove(project, toolchain, list_, catalogue, json, quiet) else FINDING
