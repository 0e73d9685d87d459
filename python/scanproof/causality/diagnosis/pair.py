"""Find the pair of entries that leaks, from a leaking row of a sweep."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scanproof.causality.gradients.pullback import Pullback
from scanproof.foundation.contract import Axes, AxisName
from scanproof.foundation.rows import Rows, along


@dataclass(frozen=True)
class LeakPair:
    """An output entry that reads an input entry it must not read.

    Attributes:
        output_index: index into ``y = fn(x)``.
        input_index: index into the input that ``input_name`` names.
        t: position of the output.
        s: position of the input.
        output_example: example of the output; None without a batch axis.
        input_example: example of the input; None without a batch axis.
        size: absolute value of the derivative ``dy[output_index] / dx[input_index]`` at the checked input.
        input_name: ``"x"``, or the name of one of several inputs.
        reach: the output may read the inputs ``s < reach``; None if these are all ``s <= t``.
    """

    output_index: tuple[int, ...]
    input_index: tuple[int, ...]
    t: int
    s: int
    output_example: int | None
    input_example: int | None
    size: float
    input_name: str = "x"
    reach: int | None = None

    def __str__(self) -> str:
        y, x = ", ".join(map(str, self.output_index)), ", ".join(map(str, self.input_index))
        examples = ""
        if self.output_example != self.input_example:
            examples = f", example {self.output_example} <- example {self.input_example}"
        may_read = "" if self.reach is None else f", which may read s < {self.reach}"
        size = f"|dy[{y}] / d{self.input_name}[{x}]| = {self.size:.3e}"
        return f"t={self.t} <- s={self.s}{may_read}{examples}: {size}"


def locate(pullback: Pullback, row: Rows, axes: Axes, axis: AxisName, generator: torch.Generator) -> LeakPair:
    """Find a pair of entries in a row whose forbidden gradient is not zero.

    The search halves the kept outputs and follows the half with the greater forbidden gradient, down to one
    output entry. The gradient of this entry then names the input. The search takes
    ``2 log2(y.numel()) + 1`` vector-Jacobian products.

    Args:
        pullback: the recorded pass.
        row: one row, without the axis of rows.
        axes: the axes of positions and examples.
        axis: ``"seq"`` for a cut, ``"batch"`` for an example.
        generator: CPU generator of the cotangents.
    """
    y, x = pullback.y, pullback.x
    kept = along(row.kept[None], y[None], axes.find(axis, y))
    outputs = kept.expand(1, *y.shape).flatten().nonzero().flatten()
    allowed = along(row.allowed[None], x[None], axes.find(axis, x))

    numbers = pullback.draw(1, generator).flatten()
    found = _forbidden(pullback, numbers, [outputs], allowed)[0]
    while len(outputs) > 1:
        halves = outputs.chunk(2)
        gradients = _forbidden(pullback, numbers, halves, allowed)
        winner = int(gradients.flatten(1).amax(1).argmax())
        if not gradients[winner].any():
            break  # only the sum of both halves rounds, so no smaller part can be named
        outputs, found = halves[winner], gradients[winner]
    if len(outputs) == 1:
        single = _forbidden(pullback, torch.ones_like(numbers), [outputs], allowed)[0]
        found = single if single.any() else found
    output_index = _unravel(int(outputs[0]), y.shape)
    input_index = _unravel(int(found.argmax()), x.shape)
    output_example, t, _ = axes.place(output_index)
    input_example, s, _ = axes.place(input_index)
    return LeakPair(
        output_index, input_index, t, s, output_example, input_example, size=found[input_index].item()
    )


def _forbidden(
    pullback: Pullback, numbers: Tensor, parts: list[Tensor] | tuple[Tensor, ...], allowed: Tensor
) -> Tensor:
    """Return the absolute forbidden gradient, shape (parts, *x.shape), of each part of the outputs."""
    cotangents = torch.zeros(len(parts), numbers.numel(), device=numbers.device, dtype=numbers.dtype)
    for cotangent, part in zip(cotangents, parts, strict=True):
        cotangent[part] = numbers[part]
    gradients = pullback.pull(cotangents.reshape(-1, *pullback.y.shape))
    return gradients.abs().masked_fill(allowed, 0.0)


def _unravel(index: int, shape: torch.Size) -> tuple[int, ...]:
    return tuple(int(i) for i in torch.unravel_index(torch.tensor(index, device="cpu"), shape))
