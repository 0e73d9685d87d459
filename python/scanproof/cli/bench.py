"""``scanproof bench``."""

from typing import Annotated

import typer

from scanproof.cli.exits import FINDING, PASSED
from scanproof.cli.options import Json, Quiet, seed_of


def ulps(
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    samples: Annotated[
        int, typer.Option(help="Number of arguments to draw in float64 and in float32.")
    ] = 20_000,
    seed: Annotated[int, seed_of("the arguments")] = 0,
    dtypes: Annotated[
        list[str] | None,
        typer.Option(
            "--dtype",
            help="Test only this dtype; give the option again for another: float64, float32, bfloat16 or "
            "float16. bfloat16 and float16 are tested at every number.",
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
    repeats: Annotated[
        int, typer.Option(help="Number of measurements of each run; the shortest counts.")
    ] = 3,
    lengths: Annotated[
        list[int] | None,
        typer.Option(
            "--length",
            help="Number of tokens at which both answers are measured; give the option again for another. "
            "Default: 256 and 2048.",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure what the bound of a scan costs, and what both answers of check_refinement cost.

    The cost of a bound is relative to the reference in float64. The cost of the answers is relative to one
    run of the implementation.
    """
    from scanproof.bench.refinement import run_bench
    from scanproof.cli.show import step

    with step("Measuring", quiet):
        run_bench(as_json=json, repeats=repeats, lengths=lengths or (256, 2048))
    return PASSED


def causality(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave T = 2048 out, and measure each cell once.")
    ] = False,
    max_seconds: Annotated[float, typer.Option(help="Stop a measurement after this many seconds.")] = 120.0,
    repeats: Annotated[
        int, typer.Option(help="Number of measurements of each cell; 1 where one takes over 20 s.")
    ] = 3,
    dtype: Annotated[str, typer.Option(help="dtype of models and inputs: float64 or float32.")] = "float64",
    threads: Annotated[int, typer.Option(help="Number of threads of PyTorch.")] = 1,
    whole: Annotated[bool, typer.Option("--whole", help="Also run all cuts at T = 2048.")] = False,
    parts: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help="Measure only this part; give the option again for another: attention, scan, conv, leaks, "
            "long or monitor.",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare the causality checks with causal-certificate 0.1.0: time, memory, and leaks found."""
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
