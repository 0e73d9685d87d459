"""The command line.

Exit codes: 0 all is well, 1 something was found, 2 the call is wrong, 3 this machine cannot tell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scanproof.errors import InvalidArgument, MissingDependency

FINDING, WRONG_CALL, UNAVAILABLE = 1, 2, 3

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Check proofs of state-space scans in Lean, and that PyTorch implementations refine them.",
)

bench = typer.Typer(no_args_is_help=True, help="Measure what checks cost, and what they see.")
app.add_typer(bench, name="bench")


def main() -> None:
    """Run the command line."""
    app()


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the user can mend into one sentence on the standard error and an exit code."""
    from scanproof.lean.errors import LeanUnavailable

    try:
        yield
    except InvalidArgument as error:
        code, problem = WRONG_CALL, str(error)
    except (LeanUnavailable, MissingDependency) as error:
        code, problem = UNAVAILABLE, str(error)
    except OSError as error:
        code, problem = UNAVAILABLE, f"{error.filename}: {error.strerror}." if error.filename else str(error)
    except KeyboardInterrupt:
        code, problem = 130, "Interrupted; what was finished is kept."
    else:
        return
    Console(stderr=True, soft_wrap=True).print(problem, highlight=False, markup=False)
    raise typer.Exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"scanproof {version('scanproof')}")
        raise typer.Exit


@app.callback()
def _scanproof(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def prove(
    project: Annotated[
        Path | None, typer.Option(help="A folder of the Lean project; by default the working folder.")
    ] = None,
    toolchain: Annotated[str, typer.Option(help="auto, lake, or wasm (Lean as WebAssembly).")] = "auto",
    list_: Annotated[bool, typer.Option("--list", help="Name every theorem, with what it says.")] = False,
    catalogue: Annotated[
        Path | None, typer.Option(help="Write the catalogue of declarations here, as JSON.")
    ] = None,
) -> None:
    """Check every Lean proof that changed, and say what was proved."""
    with explained():
        from scanproof.lean.command import run_prove

        if not run_prove(project, toolchain, list_, catalogue):
            raise typer.Exit(FINDING)


@app.command()
def demo() -> None:
    """Check the proofs, audit PyTorch implementations against the Lean runner, catch two injected faults."""
    with explained():
        from scanproof.demo.tour import run_demo

        if not run_demo():
            raise typer.Exit(FINDING)


@bench.command("causality")
def bench_causality(
    json_: Annotated[bool, typer.Option("--json", help="Print everything measured as JSON.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Without T = 2048, each cell once.")] = False,
    max_seconds: Annotated[float, typer.Option(help="Stop a measurement that takes longer.")] = 120.0,
    repeats: Annotated[int, typer.Option(help="Measurements of a cell, unless one takes over 20 s.")] = 3,
    dtype: Annotated[str, typer.Option(help="float64 or float32, of models and inputs.")] = "float64",
) -> None:
    """Compare the causality engine with causal-certificate 0.1.0: time, memory, and which leaks are found."""
    with explained():
        from scanproof.bench.causality import run_bench

        right = run_bench(as_json=json_, quick=quick, max_seconds=max_seconds, repeats=repeats, dtype=dtype)
        if not right:
            raise typer.Exit(FINDING)
