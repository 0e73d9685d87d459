"""The input at other sizes: a difference may exist only beside a block, or with more examples."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from torch import Tensor

from scanproof.causality.reading.sizes import BATCH_SIZES, default_lengths
from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes
from scanproof.foundation.packing import Packing
from scanproof.foundation.sizes import resize_input, size_call
from scanproof.programs.program import Program
from scanproof.programs.trees import leaves


@dataclass(frozen=True, order=True)
class Size:
    """A size of an input.

    Attributes:
        positions: the number of positions.
        examples: the number of examples; None without an axis of examples.
    """

    positions: int
    examples: int | None

    @property
    def rows(self) -> int:
        """The number of positions of all examples."""
        return self.positions * (self.examples or 1)


class Sizes:
    """An input at other sizes.

    Args:
        x: a tensor, or tensors with the same positions and examples.
        axes: the axes of positions and of examples.

    Attributes:
        own: the size of ``x``.

    Raises:
        InvalidArgument: ``x`` has no such axes, or several inputs do not fit together.
    """

    def __init__(self, x: Any, axes: Axes) -> None:
        self._x, self._axes = x, axes
        tensors = [tensor for _, tensor in leaves(x)]
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
        for name, axis in (("seq_dim", axes.seq), ("batch_dim", axes.batch)):
            if axis is None:
                continue
            sizes = {x.shape[axis] for x in tensors if -x.dim() <= axis < x.dim()}
            if len(sizes) != 1 or any(not -x.dim() <= axis < x.dim() for x in tensors):
                raise InvalidArgument(
                    f"check_same: cases draws sizes of x along {name}={axis}, and x has {shapes}; give "
                    "tensors of one size along this axis (a function may close over the others), or "
                    "Cases(inputs=...)."
                )
        packed = x if isinstance(x, Tensor) else Packing.of("check_same", x, axes).pack(x)
        examples = None if axes.batch is None else packed.shape[axes.find("batch", packed)]
        self.own = Size(packed.shape[axes.find("seq", packed)], examples)

    def at(self, size: Size) -> tuple[str, Any]:
        """Return the call that makes the input of a size, and this input."""
        axes = self._axes
        x = resize_input(self._x, size.positions, size.examples, seq_dim=axes.seq, batch_dim=axes.batch)
        return size_call(axes, size.positions, size.examples), x

    def drawn(self, number: int, program: Program, seed: int) -> list[Size]:
        """Return other sizes, small ones first.

        The lengths are those at which blocks begin and end in a program, then random ones up to 2 T.
        """
        found: dict[Size, None] = {}
        for size in self._wanted(program, Random(seed)):
            if len(found) == number:
                break
            if size != self.own:
                found[size] = None
        return sorted(found, key=lambda size: size.rows)

    def _wanted(self, program: Program, random: Random) -> Iterator[Size]:
        T, B = self.own.positions, self.own.examples
        batches = (None,) if B is None else (B, *BATCH_SIZES)
        chosen = default_lengths(T, program)
        longer_first = sorted(chosen, key=lambda length: length <= T)
        for at, length in enumerate(longer_first):
            yield Size(length, batches[at % len(batches)])
        for _ in range(64 * T):  # a short sequence has few sizes
            yield Size(random.randint(1, 2 * T), random.choice(batches))


def smaller(size: Size) -> Iterator[Size]:
    """Yield smaller sizes, much smaller ones first."""
    if size.examples is not None and size.examples > 1:
        yield Size(size.positions, 1)
        yield Size(size.positions, size.examples - 1)
    step = size.positions // 2
    while step:
        yield Size(size.positions - step, size.examples)
        step //= 2
