"""``scanproof audit``."""

from pathlib import Path
from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, INCONCLUSIVE, PASSED
from scanproof.cli.options import Json, Quiet


def audit(
    factory: Annotated[str, typer.Argument(help="package.module:name, a function that makes what to check.")],
    shape: Annotated[str, typer.Option(help="Shape of the input, as in 2,64,32.")],
    dtype: Annotated[str, typer.Option(help="float32, float64, bfloat16 or float16.")] = "float32",
    vocab_size: Annotated[int | None, typer.Option(help="Draw token ids below this instead.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the input, the factory and the checks.")] = 0,
    html: Annotated[Path | None, typer.Option(help="Write the report here, as one page.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run every check that applies to anybody's module, made by a factory without arguments."""
    from scanproof.auditing.command import run_audit

    report = run_audit(
        factory,
        shape=shape,
        dtype=dtype,
        vocab_size=vocab_size,
        seed=seed,
        html=html,
        as_json=json,
        quiet=quiet,
    )
    return PASSED if report.ok else FINDING if report.verdict.found else INCONCLUSIVE
