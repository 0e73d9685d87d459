"""``scanproof fuzz``."""

from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, INCONCLUSIVE, PASSED, say
from scanproof.cli.options import Json, Quiet, seed_of


def fuzz(
    scans: Annotated[
        list[str] | None,
        typer.Argument(
            help="package.module:name of each function. Default: the selective scans of this package."
        ),
    ] = None,
    spec: Annotated[
        str | None, typer.Option(metavar="KERNEL", help="Kernel to compare with, and its options.")
    ] = None,
    cases: Annotated[int, typer.Option(help="Number of inputs to draw for each function.")] = 1000,
    seconds: Annotated[
        float | None, typer.Option(help="Draw no more inputs for a function after this many seconds.")
    ] = None,
    seed: Annotated[int, seed_of("the inputs")] = 0,
    dtype: Annotated[
        str, typer.Option(help="dtype of the inputs: float32, float64, bfloat16 or float16.")
    ] = "float32",
    max_groups: Annotated[
        int | None,
        typer.Option(
            help="Greatest number of groups of channels that share B and C; 0: no axis of groups. Default: 0,"
            " and 2 for the scans of this package."
        ),
    ] = None,
    gradients: Annotated[bool, typer.Option("--gradients", help="Also compare gradients.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Draw ordinary and extreme inputs, and look for differences that rounding cannot explain.

    Without --spec, each function has the signature of mamba_ssm's selective_scan_fn. With --spec, for example
    'SsdScan(dt_softplus=True)', each function takes the inputs of that kernel by name.
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
