"""``scanproof same``."""

from pathlib import Path
from typing import Annotated

import typer

from scanproof.cli.exits import PASSED
from scanproof.cli.inputs import Device, Dtype, Seed, Shape, Target
from scanproof.cli.options import Html, Json, Quiet


def same(
    target: Target,
    shape: Shape = None,
    dtype: Dtype = "float32",
    device: Device = "cpu",
    cases: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of inputs in all: the input, and the same at drawn sizes. Default: 1."
        ),
    ] = None,
    gradients: Annotated[bool, typer.Option("--gradients", help="Also compare gradients.")] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Record f into a file, such as before an update of a library; compare nothing.",
        ),
    ] = None,
    recorded: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare f with the function in a file that --record has written."),
    ] = None,
    seq_dim: Annotated[int, typer.Option(help="Axis of positions, to draw sizes.")] = 1,
    batch_dim: Annotated[int, typer.Option(help="Axis of examples, to draw sizes.")] = 0,
    seed: Seed = 0,
    html: Html = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Decide whether two functions are the same function, without a tolerance.

    Both are recorded, and the recorded programs run over finite fields, where nothing rounds.

    The factory returns (f, g), or a mapping with 'f', 'g' and optionally 'x'. With --record and --recorded, g
    is not used, so the factory may return f alone.
    """
    from scanproof.cli import factory
    from scanproof.cli.inputs import with_input
    from scanproof.cli.show import show, step
    from scanproof.errors import InvalidArgument
    from scanproof.named import running
    from scanproof.report.console import output
    from scanproof.same.check import check_same
    from scanproof.same.recording import load_recording, save_recording

    if record and recorded:
        raise InvalidArgument("same: give --record or --recorded, not both.")
    unused = {"--cases": cases is not None}
    if record:
        unused |= {"--json": json, "--html": html is not None}
    if recorded:
        unused |= {"--gradients": gradients, "--shape": shape is not None}
    if (record or recorded) and (names := [name for name, given in unused.items() if given]):
        why = "compares nothing" if record else "compares what the recording holds, at its input"
        raise InvalidArgument(
            f"same: {'--record' if record else '--recorded'} {why}; leave {', '.join(names)} out."
        )
    with step(f"Comparing {target}", quiet), running("same", target):
        made = factory.make("same", target, seed, ("f", "g", "x"), ("f", "g"))
        if recorded:
            other = load_recording(recorded)
            f = with_input("same", {"f": made["f"], "x": other.x}, shape, dtype, device, seed)["f"]
            report = check_same(f, other, seed=seed)
            return show(target, report, as_json=json, html=html, quiet=quiet)
        if record is None and "g" not in made:
            raise InvalidArgument(f"same: {target} returned no g; return (f, g), or give --recorded FILE.")
        if record:
            made.pop("g", None)
        made = with_input("same", made, shape, dtype, device, seed)
        if record is None:
            report = check_same(
                **made, cases=cases, gradients=gradients, seq_dim=seq_dim, batch_dim=batch_dim, seed=seed
            )
            return show(target, report, as_json=json, html=html, quiet=quiet)
        recording = save_recording(made["f"], made["x"], record, gradients=gradients, seed=seed)
    if not quiet:
        operations, parameters = len(recording.program.used), len(recording.parameters)
        output().print(
            f"{record}: {operations} operations, {parameters} parameters, {recording}\n"
            f"Compare with: scanproof same {target} --recorded {record}",
            soft_wrap=True,
            highlight=False,
        )
    return PASSED
