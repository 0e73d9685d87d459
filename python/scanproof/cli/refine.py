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
        str | None, typer.Option(help="The dtype that it computes in; by default that of the input.")
    ] = None,
    gradients: Annotated[bool, typer.Option("--gradients", help="Compare gradients too.")] = False,
    oracle: Annotated[
        str, typer.Option(help="python (the Lean runner's twin) or lean (the Lean runner itself).")
    ] = "python",
    seed: Seed = 0,
    html: Html = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check that every output lies within the rounding bound of a Lean runner.

    The factory returns (implementation, spec), where the spec holds the same parameters, or a mapping of them
    as 'fn' and 'spec', with an 'x' if it likes.
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
        made = with_input(
            "refine", factory.make("refine", target, seed, ("fn", "spec", "x")), shape, dtype, device, seed
        )
        if "spec" not in made:
            raise InvalidArgument(f"refine: {target} returned no spec; return (implementation, spec).")
        report = check_refinement(
            made["fn"],
            made["spec"],
            made["x"],
            rounding=dtype_named("refine", rounding, "--rounding") if rounding else None,
            gradients=gradients,
            seed=seed,
            reference=stack.enter_context(Oracle.start()) if oracle == "lean" else None,
        )
    return show(target, report, as_json=json, html=html, quiet=quiet)
