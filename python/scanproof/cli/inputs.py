"""The random input of a check, from ``--shape``, ``--dtype`` and similar options."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanproof.cli.options import seed_of
from scanproof.errors import InvalidArgument

if TYPE_CHECKING:
    from torch import Tensor

Target = Annotated[
    str,
    typer.Argument(
        metavar="PACKAGE.MODULE:FACTORY",
        help="A function without arguments that returns what to check.",
        show_default=False,
    ),
]
Shape = Annotated[
    str | None,
    typer.Option(
        metavar="SIZES",
        help="Shape of the random input, such as 2,64,32: batch, time, channels. Leave it out if the "
        "factory gives x.",
    ),
]
Dtype = Annotated[
    str, typer.Option(help="dtype of input and parameters: float64, float32, bfloat16 or float16.")
]
Device = Annotated[str, typer.Option(help="Device by its name in PyTorch: cpu, cuda, cuda:1, mps.")]
Seed = Annotated[int, seed_of("factory, input and check")]


def with_input(
    command: str,
    made: dict[str, Any],
    shape: str | None,
    dtype: str,
    device: str,
    seed: int,
    vocab_size: int | None = None,
) -> dict[str, Any]:
    """Return the arguments of a check: what a factory made, on its device, with an input.

    Modules are put into eval mode, and their floating parameters into ``dtype``.

    Args:
        command: name of the command, for messages.
        made: the arguments that the factory gave, with ``fn``, or ``f`` and ``g``.
        shape: sizes with commas; None where the factory gave ``x``.
        dtype: dtype of input and parameters.
        device: device of input and parameters.
        seed: seed of the input.
        vocab_size: draw token ids below it instead of normal numbers.

    Raises:
        InvalidArgument: an option is not understood, or a function does not run on the input.
    """
    import torch

    from scanproof.named import dtype_named

    kind, place = dtype_named(command, dtype), device_named(command, device)
    functions: dict[str, Any] = {name: made[name] for name in ("fn", "f", "g") if name in made}
    for name, fn in functions.items():
        if isinstance(fn, torch.nn.Module):
            functions[name] = fn.eval().to(device=place, dtype=kind)
    if "x" in made:
        if shape is not None:
            raise InvalidArgument(f"{command}: the factory gives x; leave --shape out.")
        x = made["x"]
    else:
        x = _draw(command, _sizes(command, shape), kind, place, seed, vocab_size)
    for name, fn in functions.items():
        _try(command, name, fn, x, made.get("kwargs") or {})
    return {**made, **functions, "x": x}


def _sizes(command: str, shape: str | None) -> tuple[int, ...]:
    if shape is None:
        raise InvalidArgument(
            f"{command}: the shape of the input is missing; give --shape, such as 2,64,32 for batch, time, "
            "channels."
        )
    try:
        sizes = tuple(int(size) for size in shape.replace("x", ",").split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise InvalidArgument(
            f"{command}: --shape is {shape!r}; give whole numbers with commas, as in 2,64,32."
        )
    return sizes


def device_named(command: str, name: str) -> Any:
    """Return the device that ``--device`` names.

    Raises:
        InvalidArgument: this machine cannot use it.
    """
    import torch

    try:
        torch.empty(0, device=name)
    except Exception as error:  # PyTorch raises this or that, by device and build
        raise InvalidArgument(
            f"{command}: this machine cannot use --device {name!r}; scanproof doctor lists its devices."
        ) from error
    return torch.device(name)


def _draw(
    command: str, sizes: tuple[int, ...], dtype: Any, place: Any, seed: int, vocab_size: int | None
) -> "Tensor":
    import torch

    generator = torch.Generator().manual_seed(seed)
    try:
        if vocab_size is not None:
            return torch.randint(vocab_size, sizes, generator=generator).to(place)
        return torch.randn(sizes, generator=generator).to(place, dtype)
    except Exception as error:  # PyTorch raises RuntimeError, MemoryError, OverflowError or TypeError
        raise InvalidArgument(
            f"{command}: an input of shape {sizes} does not fit into memory; choose smaller sizes."
        ) from error


def _try(command: str, name: str, fn: Any, x: Any, kwargs: dict[str, Any]) -> None:
    """Run a function once, so that its error is reported before any check begins."""
    import torch

    from scanproof.named import said

    positional, named = (x, {}) if isinstance(x, tuple | list) else ((x,), {})
    if isinstance(x, dict):
        positional, named = (), x
    try:
        with torch.no_grad():
            fn(*positional, **named, **kwargs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        shapes = tuple(x.shape) if isinstance(x, torch.Tensor) else "the factory's x"
        raise InvalidArgument(
            f"{command}: on input {shapes}, {name} of the factory raised {said(error)}."
        ) from error
