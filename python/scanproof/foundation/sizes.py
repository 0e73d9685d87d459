"""The same input at another number of positions or of examples."""

from typing import cast

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes
from scanproof.foundation.packing import InputsT, Packing


def resize_input(
    x: InputsT,
    positions: int,
    examples: int | None = None,
    *,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
) -> InputsT:
    """Return ``x`` at another size, to repeat what a check found there: entries are cut off, or repeated.

    Position t of the result is position ``t % T`` of ``x``, and likewise for examples.

    Args:
        x: what the check was given: a tensor, or a tuple or mapping of tensors.
        positions: the number of positions wanted.
        examples: the number of examples wanted; by default that of ``x``.
        seq_dim: as in the check.
        batch_dim: as in the check.

    Returns:
        An input like ``x``; dtypes and device are the same.

    Raises:
        InvalidArgument: a number is not a whole number >= 1, or several inputs do not fit together.

    Example:
        >>> import torch
        >>> resize_input(torch.tensor([[[1.0], [2.0]]]), 3).flatten().tolist()
        [1.0, 2.0, 1.0]
    """
    for name, number in (("positions", positions), ("examples", examples)):
        if not (number is None and name == "examples") and not (isinstance(number, int) and number >= 1):
            raise InvalidArgument(f"resize_input: {name} must be a whole number >= 1, got {number!r}.")
    axes = Axes(seq_dim, batch_dim)
    if isinstance(x, Tensor):
        return cast(InputsT, resized(x, axes, positions, examples))
    packing = Packing.of("resize_input", x, axes)
    return cast(InputsT, packing.restore(resized(packing.pack(x), axes, positions, examples)))


def resized(x: Tensor, axes: Axes, positions: int, examples: int | None = None) -> Tensor:
    """Return a tensor at another number of positions and, unless that is None, of examples."""
    x = _along(x, axes.seq, positions)
    return x if examples is None or axes.batch is None else _along(x, axes.batch, examples)


def _along(x: Tensor, axis: int, number: int) -> Tensor:
    if number == x.shape[axis]:
        return x
    return x.index_select(axis, torch.arange(number, device=x.device) % x.shape[axis])


def size_call(axes: Axes, positions: int, examples: int | None) -> str:
    """Return the text of the call of ``resize_input`` that gives ``x`` another size."""
    sizes = f"{positions}" if examples is None else f"{positions}, {examples}"
    options = "" if axes.seq == 1 else f", seq_dim={axes.seq}"
    options += "" if axes.batch in (0, None) else f", batch_dim={axes.batch}"
    return f"resize_input(x, {sizes}{options})"
