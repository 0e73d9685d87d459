"""Where the tensors of a call keep positions and examples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.programs.compact import Array, Shape
from scanproof.programs.program import Program, Value

SeqDim: TypeAlias = int | Callable[[str, Shape], int | None]
"""The axis of positions: one for all tensors, or a function of the path and the shape of a tensor."""


@runtime_checkable
class Alignment(Protocol):
    """The number of inputs that each output may read: output t reads ``s < reaches(outputs, inputs)[t]``."""

    def reaches(self, outputs: int, inputs: int) -> Tensor:
        """Return the number of inputs that each output may read."""


@dataclass(frozen=True)
class Axes:
    """Where tensors keep positions and examples.

    Attributes:
        seq: the axis of positions.
        batch: the axis of examples; None if there is none.
        length: number of positions of the inputs.
        examples: number of examples of the inputs.
    """

    seq: SeqDim
    batch: int | None
    length: int
    examples: int

    @classmethod
    def of(cls, program: Program, seq: SeqDim, batch: int | None) -> "Axes":
        """Read the numbers of positions and examples from the first input that has positions.

        Raises:
            InvalidArgument: no input has positions.
        """
        for value in program.inputs:
            dim = _dim(value.name, value.shape, seq)
            if dim is not None and (batch is None or batch % len(value.shape) != dim):
                examples = 1 if batch is None else value.shape[batch % len(value.shape)]
                return cls(seq, batch, value.shape[dim], examples)
        shapes = ", ".join(str(value.shape) for value in program.inputs) or "no tensor at all"
        raise InvalidArgument(
            f"read: no input has an axis {seq} of positions: {shapes}; give another seq_dim."
        )

    def positions(self, name: str, shape: Shape, length: int) -> int | None:
        """Return the axis of positions of a tensor; None if it has no such axis of this length."""
        dim = _dim(name, shape, self.seq)
        return dim if dim is not None and shape[dim] == length and dim != self.rows(shape) else None

    def rows(self, shape: Shape) -> int | None:
        """Return the axis of examples of a tensor; None if it has none."""
        if self.batch is None or not shape or not -len(shape) <= self.batch < len(shape):
            return None
        dim = self.batch % len(shape)
        return dim if shape[dim] == self.examples else None

    def along(
        self, value: Value, dim: int | None, numbers: Sequence[int] | Array, dtype: type
    ) -> Array | None:
        """Return numbers along an axis of a value, as a compact array."""
        if dim is None:
            return None
        lengths = [1] * len(value.shape)
        lengths[dim] = value.shape[dim]
        return np.asarray(numbers, dtype).reshape(lengths)


def _dim(name: str, shape: Shape, seq: SeqDim) -> int | None:
    dim = seq(name, shape) if callable(seq) else seq
    return dim % len(shape) if dim is not None and shape and -len(shape) <= dim < len(shape) else None
