"""``scanproof refine``."""

from contextlib import ExitStack
from typing import Annotated

import typer

from scanproof.cli.inputs import Device, Dtype, Seed, Shape, Target
from scanproof.cli.options import Html, Json, Quiet


def refine(
    target: Target,
    shape: Shape = None,
    dtype: Dtype = "float32",
    device: Device = "cpu",
    rounding: Annotated[
        str | None, typer.Option(help="dtype that fn computes in. Default: the dtype of the input.")
    ] = None,
    cases: Annotated[
        int | None, typer.Option(min=1, help="Number of inputs to draw, in place of one random input.")
    ] = None,
    gradients: Annotated[bool, typer.Option("--gradients", help="Also compare gradients.")] = False,
    oracle: Annotated[
        str,
        typer.Option(
            help="Reference to run: python (the twin of the Lean runner) or lean (the Lean runner itself)."
        ),
    ] = "python",
    seed: Seed = 0,
    html: Html = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check that every output lies within the rounding bound of a reference, such as a Lean runner.

    The factory returns (fn, spec), or a mapping with 'fn', 'spec' and optionally 'x'. If spec is a block, it
    holds the parameters of fn. If spec is a kernel, such as SsdScan(), fn takes the inputs of that kernel by
    name; give the inputs as 'x', or draw them with --cases.
    """
    from scanproof.cli import factory
    from scanproof.cli.inputs import with_input
    from scanproof.cli.show import show, step
    from scanproof.errors import InvalidArgument
    from scanproof.named import dtype_named, running
    from scanproof.refinement.check import check_refinement
    from scanproof.refinement.oracle import Oracle

    if oracle not in ("python", "lean"):
        raise InvalidArgument(f"refine: --oracle is {oracle!r}; choose python or lean.")
    with ExitStack() as stack:
        stack.enter_context(step(f"Refining {target}", quiet))
        stack.enter_context(running("refine", target))
        made = factory.make("refine", target, seed, ("fn", "spec", "x"))
        if "spec" not in made:
            raise InvalidArgument(f"refine: {target} returned no spec; return (fn, spec).")
        if cases is None:
            made = with_input("refine", made, shape, dtype, device, seed)
        elif shape is not None or "x" in made:
            raise InvalidArgument(
                "refine: --cases draws the inputs; leave out --shape and the x of the factory."
            )
        report = check_refinement(
            made["fn"],
            made["spec"],
            made.get("x"),
            cases=cases,
            rounding=dtype_named("refine", rounding, "--rounding") if rounding else None,
            gradients=gradients,
            seed=seed,
            reference=stack.enter_context(Oracle.start()) if oracle == "lean" else None,
        )
    return show(target, report, as_json=json, html=html, quiet=quiet)
