"""Find the axis of positions, or of examples, in a tensor inside a model."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scanproof.foundation.contract import Axes, AxisName
from scanproof.foundation.rows import Rows


@dataclass(frozen=True)
class Past:
    """The part of any tensor of a model that is before a cut, or that belongs to one example.

    The shape of a tensor shows the axis. The axis has the length of that axis in the input, or in the output;
    or it joins positions and examples, in the order of the input. Only one axis of the tensor may fit.

    Attributes:
        row: one row: the kept outputs and the allowed inputs, by position or by example.
        axis: the axis of ``row``.
        axes: the axes of positions and examples in the input.
        shape: shape of the input.
    """

    row: Rows
    axis: AxisName
    axes: Axes
    shape: torch.Size

    def of(self, tensor: Tensor) -> "Part | None":
        """Return the part of the tensor that is past; None if its shape does not show it."""
        if tensor.shape not in self._known:
            self._known[tensor.shape] = self._find(tensor.shape)
        return self._known[tensor.shape]

    @cached_property
    def _known(self) -> "dict[torch.Size, Part | None]":
        return {}

    def _find(self, shape: torch.Size) -> "Part | None":
        for past in (self.row.allowed, self.row.kept):
            fitting = [dim for dim, size in enumerate(shape) if size == len(past)]
            if len(fitting) > 1:
                return None
            if fitting:
                return Part(fitting[0], past)
        for past in (self.row.allowed, self.row.kept):
            joined = self._joined(past)
            fitting = [dim for dim, size in enumerate(shape) if size == len(joined)]
            if len(fitting) == 1:
                return Part(fitting[0], joined)
        return None

    def _joined(self, past: Tensor) -> Tensor:
        """Return the past on an axis that joins positions and examples."""
        if self.axes.batch is None:
            return past
        own, other = (axis % len(self.shape) for axis in (self.axes.seq, self.axes.batch))
        if self.axis == "batch":
            own, other = other, own
        times = self.shape[other]
        return past.repeat_interleave(times) if own < other else past.repeat(times)


@dataclass(frozen=True)
class Part:
    """A part of a tensor: some indices on one of its axes.

    Attributes:
        dim: the axis.
        chosen: whether an index belongs to the part, on the CPU.
    """

    dim: int
    chosen: Tensor

    def mask(self, tensor: Tensor) -> Tensor:
        """Return whether entries belong to the part, broadcastable to the tensor."""
        shape = [1] * tensor.dim()
        shape[self.dim] = len(self.chosen)
        return self.chosen.reshape(shape).to(tensor.device)

    def take(self, tensor: Tensor) -> Tensor:
        """Return a copy of the part."""
        return tensor.index_select(self.dim, self.chosen.nonzero().flatten().to(tensor.device))
