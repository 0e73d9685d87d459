"""``scanproof audit``."""

from typing import Annotated

import typer

from scanproof.cli.inputs import Device, Dtype, Seed, Shape, Target
from scanproof.cli.options import Html, Json, Quiet


def audit(
    target: Target,
    shape: Shape = None,
    dtype: Dtype = "float32",
    device: Device = "cpu",
    vocab_size: Annotated[
        int | None, typer.Option(min=1, help="Draw token ids below this instead of numbers.")
    ] = None,
    cuts: Annotated[str, typer.Option(help="Of the certificate: all, coded or rand.")] = "all",
    checks: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            help="Run this check alone, or several: certificate, perturbation, prefix, batch, refinement or "
            "streaming.",
        ),
    ] = None,
    seed: Seed = 0,
    html: Html = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run every check that applies: certificate, perturbation, prefixes, batch, and refinement of a spec.

    The factory returns a function or module from the input to an output of as many positions, or (that, its
    spec), or a mapping of arguments of scanproof.audit with 'fn' among them.
    """
    from inspect import signature

    from scanproof.auditing.audit import CHECKS
    from scanproof.auditing.audit import audit as check
    from scanproof.cli import factory
    from scanproof.cli.inputs import with_input
    from scanproof.cli.show import show, step
    from scanproof.named import running

    known = signature(check).parameters
    with step(f"Auditing {target}", quiet), running("audit", target):
        made = with_input(
            "audit", factory.make("audit", target, seed, known), shape, dtype, device, seed, vocab_size
        )
        options = {
            "name": target,
            "checks": checks or CHECKS,
            "cuts": cuts,
            "vocab_size": vocab_size,
            "seed": seed,
        }
        report = check(**{**options, **made})
    return show(target, report, as_json=json, html=html, quiet=quiet)
