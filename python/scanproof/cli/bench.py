"""``scanproof bench``."""

from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, PASSED
from scanproof.cli.options import Json, Quiet, seed_of


def ulps(
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    samples: Annotated[int, typer.Option(help="Arguments drawn in float64 and float32.")] = 20_000,
    seed: Annotated[int, seed_of("these arguments")] = 0,
    dtypes: Annotated[
        list[str] | None,
        typer.Option(
            "--dtype",
            help="Look at this dtype alone, or several: float64, float32, bfloat16 or float16, of which the "
            "last two are tried at every number.",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare exp, log, log1p, sigmoid, softplus and silu of PyTorch with mpmath, in ulps."""
    from scanproof.bench.ulps import run_bench
    from scanproof.cli.show import step

    with step("Comparing with mpmath", quiet):
        run_bench(as_json=json, device=device, samples=samples, seed=seed, dtypes=dtypes)
    return PASSED


def refinement(
    repeats: Annotated[int, typer.Option(help="Measurements of each run; the shortest counts.")] = 5,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare what the bound of a scan costs with the float64 run of the reference."""
    from scanproof.bench.refinement import run_bench
    from scanproof.cli.show import step

    with step("Measuring", quiet):
        run_bench(as_json=json, repeats=repeats)
    return PASSED


def causality(
    quick: Annotated[bool, typer.Option("--quick", help="Without T = 2048, each cell once.")] = False,
    max_seconds: Annotated[float, typer.Option(help="Stop a measurement that takes longer.")] = 120.0,
    repeats: Annotated[int, typer.Option(help="Measurements of a cell, unless one takes over 20 s.")] = 3,
    dtype: Annotated[str, typer.Option(help="float64 or float32, of models and inputs.")] = "float64",
    threads: Annotated[int, typer.Option(help="Threads of PyTorch.")] = 1,
    whole: Annotated[bool, typer.Option("--whole", help="Run all cuts at T = 2048, too.")] = False,
    parts: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help="Measure this alone, or several: attention, scan, conv, leaks, long or monitor.",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare the causality engine with causal-certificate 0.1.0: time, memory, and which leaks are found."""
    from scanproof.bench.causality import PARTS, run_bench

    right = run_bench(
        as_json=json,
        quiet=quiet,
        quick=quick,
        max_seconds=max_seconds,
        repeats=repeats,
        dtype=dtype,
        threads=threads,
        whole=whole,
        parts=parts or PARTS,
    )
    return PASSED if right else FINDING


def prove_(
    modules: Annotated[int, typer.Option(help="How many modules of the library to check.")] = 12,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare one process of Lean for each module with the threads of one process, as scanproof prove has."""
    from scanproof.bench.prove import run_bench
    from scanproof.cli.show import step

    with step("Measuring", quiet):
        run_bench(modules, as_json=json, quiet=quiet)
    return PASSED
