"""``scanproof census``."""

from pathlib import Path
from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, INCONCLUSIVE, PASSED
from scanproof.cli.options import Json, Quiet, output_folder, seed_of


def census(
    folder: Annotated[
        Path,
        typer.Option(callback=output_folder, help="Folder of the results. Results that are in it are kept."),
    ] = Path("census"),
    only: Annotated[
        str, typer.Option(help="Check only implementations that match this, such as 'transformers: mamba*'.")
    ] = "*",
    jobs: Annotated[int, typer.Option(help="Number of processes at a time.")] = 2,
    seed: Annotated[int, seed_of("models, inputs and checks")] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Discard the results that are in the folder.")
    ] = False,
    overlays: Annotated[
        bool,
        typer.Option(
            "--overlays",
            help="Also check mamba-ssm, fla-core, mambapy and others, installed into folders of their own.",
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run every check on every implementation that the adapters know, and write one table."""
    from scanproof.census.command import run_census

    made = run_census(
        folder, only=only, jobs=jobs, seed=seed, fresh=fresh, overlays=overlays, as_json=json, quiet=quiet
    )
    if made.findings:
        return FINDING
    return INCONCLUSIVE if any(entry.problem for entry in made.entries) else PASSED
