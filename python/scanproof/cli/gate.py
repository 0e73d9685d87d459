"""``scanproof gate``."""

from typing import Annotated

import typer

from scanproof.cli.inputs import Device, Dtype, Seed, Shape, Target
from scanproof.cli.options import Json, Quiet


def gate(
    target: Target,
    shape: Shape = None,
    dtype: Dtype = "float32",
    device: Device = "cpu",
    vocab_size: Annotated[
        int | None, typer.Option(min=1, help="Draw token ids below this number, in place of floats.")
    ] = None,
    probes: Annotated[
        bool,
        typer.Option(
            "--probes", help="Also accept a model for which reading leaves a question open and probes pass."
        ),
    ] = False,
    every_length: Annotated[
        bool,
        typer.Option(
            "--every-length", help="Accept only what is established for every length, by torch.export."
        ),
    ] = False,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Accept a model only if no output reads a later position or another example, for every input.

    The command is for programs that accept models automatically: it prints one line, and its exit code is the
    answer. It reads the program that PyTorch runs, at the given shape and at other lengths and batch sizes.
    Gradients and replaced inputs look for a counterexample where the program leaves a question open.

    The factory returns fn, or (fn, spec), or a mapping with 'fn' and other arguments of scanproof.certify.
    """
    from inspect import signature

    from scanproof.causality.gradients.certificate import certify as check
    from scanproof.cli import factory
    from scanproof.cli.exits import FINDING, INCONCLUSIVE, PASSED
    from scanproof.cli.inputs import with_input
    from scanproof.cli.show import show_json
    from scanproof.named import running
    from scanproof.report.verdict import Verdict

    known = {*signature(check).parameters, "spec"}
    with running("gate", target):
        made = factory.make("gate", target, seed, known)
        made = with_input("gate", made, shape, dtype, device, seed, vocab_size)
        made.pop("spec", None)
        report = check(**{"seed": seed, **made, **({"lengths": "all"} if every_length else {})})
    reading = report.reading
    steered = reading is not None and reading.given.steered
    read = reading is not None and reading.established and not steered
    every = reading.every if reading is not None else None
    missed = every_length and not (every is not None and every.established)
    accepted = report.verdict.passed and (read or probes) and not missed
    if report.verdict is Verdict.LEAK:
        word, why = "refused", str(report.worst or report.reason)
    elif report.verdict.passed and missed:
        word, why = "open", "the program could not be read" if every is None else str(every)
    elif read:
        assert reading is not None
        word, why = "accepted", f"established for every input at {reading.count()} sizes"
        why += "" if every is None else f" and at {every.lengths}"
    elif report.verdict.passed:
        word = "accepted" if probes else "open"
        left = "values decide what is run" if steered else "reading leaves a question open"
        why = f"{left}, and no counterexample was found: {report.reason}"
    else:
        word, why = "open", report.reason
    if json:
        answer = {"command": "gate", "target": target, "accepted": accepted, "established": read}
        show_json(answer | {"verdict": report.verdict.name, "why": why, "call": report.call})
    else:
        print(word if quiet else f"{word}  {target}: {why}")
    return FINDING if report.verdict.found else PASSED if accepted else INCONCLUSIVE
