"""The commands, put together."""

from collections.abc import Callable
from inspect import getdoc
from typing import Annotated

import typer

from scanproof.cli.audit import audit
from scanproof.cli.bench import causality, prove_, refinement, ulps
from scanproof.cli.census import census
from scanproof.cli.certify import certify
from scanproof.cli.cite import cite
from scanproof.cli.demo import demo
from scanproof.cli.doctor import doctor
from scanproof.cli.exits import LEGEND, explained
from scanproof.cli.fuzz import fuzz
from scanproof.cli.gate import gate
from scanproof.cli.kernel import kernel
from scanproof.cli.prove import prove
from scanproof.cli.refine import refine
from scanproof.cli.same import same
from scanproof.cli.theorems import theorems

IMPLEMENTATIONS, THEOREMS, MACHINE = "Check an implementation", "Lean theorems", "This machine"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Check Lean proofs about state-space scans, and check PyTorch code against them.",
    epilog=f"Example: scanproof doctor\n\n{LEGEND}",
)
bench = typer.Typer(
    no_args_is_help=True,
    help="Measure what checks cost, and which faults they find.",
    epilog=f"Example: scanproof bench causality --help\n\n{LEGEND}",
)
app.add_typer(bench, name="bench", rich_help_panel=MACHINE)


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


def add(command: Callable[..., int], panel: str | None, example: str, to: typer.Typer = app) -> None:
    """Add a command: the name of the function, with its docstring, an example and the exit codes as help."""
    name = command.__name__.removesuffix("_")
    paragraphs = (getdoc(command) or "").split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    epilog = f"Example: {example}\n\n{LEGEND}"
    to.command(name, help=text, epilog=epilog, rich_help_panel=panel)(explained(command))


add(audit, IMPLEMENTATIONS, "scanproof audit scanproof.demo.factories:block --shape 2,37,8")
add(certify, IMPLEMENTATIONS, "scanproof certify scanproof.demo.factories:block --shape 2,37,8")
add(gate, IMPLEMENTATIONS, "scanproof gate scanproof.demo.factories:block --shape 2,37,8")
add(refine, IMPLEMENTATIONS, "scanproof refine scanproof.demo.factories:block --shape 2,37,8")
add(same, IMPLEMENTATIONS, "scanproof same scanproof.demo.factories:scans")
add(
    kernel,
    IMPLEMENTATIONS,
    "scanproof kernel scanproof.demo.attention_kernel:attention --spec GatedLinearAttention",
)
add(fuzz, IMPLEMENTATIONS, "scanproof fuzz --cases 20")
add(census, IMPLEMENTATIONS, "scanproof census --only 'transformers: MambaMixer'")
add(prove, THEOREMS, "scanproof prove --list")
add(theorems, THEOREMS, "scanproof theorems append prefix")
add(cite, THEOREMS, "scanproof cite Runner.take_outputs_append --format bibtex")
add(doctor, MACHINE, "scanproof doctor")
add(demo, MACHINE, "scanproof demo")
add(causality, None, "scanproof bench causality --quick --part monitor", to=bench)
add(prove_, None, "scanproof bench prove --modules 1", to=bench)
add(refinement, None, "scanproof bench refinement --repeats 1 --length 64", to=bench)
add(ulps, None, "scanproof bench ulps --dtype float32 --samples 2000", to=bench)
