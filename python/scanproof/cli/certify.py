"""``scanproof certify``."""

from typing import Annotated

import typer

from scanproof.cli.inputs import Device, Dtype, Seed, Shape, Target
from scanproof.cli.options import Html, Json, Quiet


def certify(
    target: Target,
    shape: Shape = None,
    dtype: Dtype = "float32",
    device: Device = "cpu",
    cuts: Annotated[
        str,
        typer.Option(
            help="read: read the program, and probe only what that leaves open. Without reading: all; coded "
            "(two backward passes per 96 positions); rand (a few random cuts)."
        ),
    ] = "read",
    random_cuts: Annotated[int, typer.Option("--K", min=1, help="Number of random cuts.")] = 8,
    cases: Annotated[
        int | None,
        typer.Option(min=1, help="Number of inputs to try in all. Default: 4, or 1 with random cuts."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Tolerate gradients up to this share of the greatest gradient; 0 is exact.")
    ] = 0.0,
    seq_dim: Annotated[int, typer.Option(help="Axis of positions.")] = 1,
    batch_dim: Annotated[int, typer.Option(help="Axis of examples.")] = 0,
    seed: Seed = 0,
    html: Html = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Certify that no output depends on a later input, or on another example of the batch.

    The command reads the program that PyTorch runs. What the program shows holds for every input of the
    shape. Where the program leaves a question open, gradients and replaced inputs look for an effect.

    The factory returns fn, or (fn, spec), or a mapping with 'fn' and other arguments of scanproof.certify. fn
    is a function or module; its output has as many positions as its input. This command does not use spec.
    """
    from inspect import signature

    from scanproof.causality.gradients.certificate import Cuts
    from scanproof.causality.gradients.certificate import certify as check
    from scanproof.cli import factory
    from scanproof.cli.inputs import with_input
    from scanproof.cli.show import show, step
    from scanproof.named import running

    chosen: Cuts = cuts  # type: ignore[assignment]  # certify says what is wrong with others
    known = {*signature(check).parameters, "spec"}
    with step(f"Certifying {target}", quiet), running("certify", target):
        made = with_input("certify", factory.make("certify", target, seed, known), shape, dtype, device, seed)
        made.pop("spec", None)
        report = check(
            **{
                "cuts": chosen,
                "K": random_cuts,
                "cases": cases,
                "threshold": threshold,
                "seq_dim": seq_dim,
                "batch_dim": batch_dim,
                "seed": seed,
                **made,
            }
        )
    return show(target, report, as_json=json, html=html, quiet=quiet)
