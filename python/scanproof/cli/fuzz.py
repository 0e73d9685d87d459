"""``scanproof fuzz``."""

from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, INCONCLUSIVE, PASSED, say
from scanproof.cli.options import Json, Quiet, seed_of


def fuzz(
    scans: Annotated[
        list[str] | None,
        typer.Argument(
            help="package.module:name of functions; by default the selective scans of this package."
        ),
    ] = None,
    spec: Annotated[
        str | None, typer.Option(metavar="KERNEL", help="The kernel to refine, with its options.")
    ] = None,
    cases: Annotated[int, typer.Option(help="Inputs to draw for each function.")] = 1000,
    seconds: Annotated[
        float | None, typer.Option(help="Draw no more inputs for a function after this time.")
    ] = None,
    seed: Annotated[int, seed_of("the inputs")] = 0,
    dtype: Annotated[str, typer.Option(help="float32, float64, bfloat16 or float16.")] = "float32",
    max_groups: Annotated[
        int | None,
        typer.Option(
            help="Most groups of channels that share B and C; 0: no such axis. By default 0, and 2 for the"
            " scans of this package."
        ),
    ] = None,
    gradients: Annotated[bool, typer.Option("--gradients", help="Compare gradients, too.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check functions on drawn inputs, ordinary and extreme, for differences that rounding cannot explain.

    Without --spec, the functions have the signature of mamba_ssm's selective_scan_fn. With --spec, such as
    'SsdScan(dt_softplus=True)', they take the inputs of that kernel by name.
    """
    from scanproof.refinement.fuzz import run_fuzz

    reports, problems = run_fuzz(
        scans or (),
        spec=spec,
        cases=cases,
        seconds=seconds,
        seed=seed,
        dtype=dtype,
        max_groups=max_groups,
        gradients=gradients,
        as_json=json,
        quiet=quiet,
    )
    for problem in problems:
        say(INCONCLUSIVE, problem)
    if any(report.verdict.found for report in reports):
        return FINDING
    return PASSED if not problems and all(report.verdict.passed for report in reports) else INCONCLUSIVE
