"""``scanproof census``."""

from pathlib import Path
from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, INCONCLUSIVE, PASSED
from scanproof.cli.options import Json, Quiet, output_folder, seed_of
from scanproof.errors import InvalidArgument


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
    causal_lms: Annotated[
        bool,
        typer.Option(
            "--causal-lms",
            help="Ask about every causal language model of the installed transformers instead: which of them "
            "can be shown to read no later token, for every input of a shape.",
        ),
    ] = False,
    kernels: Annotated[
        bool,
        typer.Option(
            "--kernels",
            help="Check the real kernels instead: those of Triton under its interpreter, and those of ggml, "
            "MLX and JAX. Installs Triton, which is 1 GB, and the packages into folders of their own.",
        ),
    ] = False,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N",
            help="With --causal-lms: only the I-th of N parts. Copy the folders of all parts into one, and "
            "run the command once more without this option: it writes the table of all of them.",
        ),
    ] = "1/1",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run every check on every implementation that the adapters know, and write one table."""
    if kernels and (overlays or causal_lms):
        raise InvalidArgument(
            "census: --kernels checks kernels alone, and installs their packages; leave --overlays and "
            "--causal-lms out."
        )
    if causal_lms:
        return _causal_lms(folder, only, shard, jobs, seed, fresh, overlays, json, quiet)
    if shard != "1/1":
        raise InvalidArgument("census: --shard is for --causal-lms.")
    from scanproof.census.command import run_census

    made = run_census(
        folder,
        only=only,
        jobs=jobs,
        seed=seed,
        fresh=fresh,
        overlays=overlays,
        kernels=kernels,
        as_json=json,
        quiet=quiet,
    )
    if made.findings:
        return FINDING
    return INCONCLUSIVE if any(entry.problem for entry in made.entries) else PASSED


def _causal_lms(
    folder: Path,
    only: str,
    shard: str,
    jobs: int,
    seed: int,
    fresh: bool,
    overlays: bool,
    json: bool,
    quiet: bool,
) -> int:
    if overlays:
        raise InvalidArgument(
            "census: --overlays is not for --causal-lms, which asks about transformers alone."
        )
    from scanproof.census.lms.command import run_lm_census

    made = run_lm_census(
        folder, only=only, shard=shard, jobs=jobs, seed=seed, fresh=fresh, as_json=json, quiet=quiet
    )
    if made.leaks:
        return FINDING
    return INCONCLUSIVE if made.undecided else PASSED
