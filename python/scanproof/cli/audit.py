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
        int | None, typer.Option(min=1, help="Draw token ids below this number, in place of floats.")
    ] = None,
    cuts: Annotated[str, typer.Option(help="Cuts of the certificate: read, all, coded or rand.")] = "read",
    checks: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            help="Run only this check; give the option again for another: certificate, perturbation, prefix, "
            "batch, refinement or streaming.",
        ),
    ] = None,
    seed: Seed = 0,
    html: Html = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run every check that applies: certificate, perturbation, prefix, batch, refinement and streaming.

    The factory returns fn, or (fn, spec), or a mapping with 'fn' and other arguments of scanproof.audit. fn
    is a function or module; its output has as many positions as its input.
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
