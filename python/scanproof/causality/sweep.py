"""Families of random cotangents, each confined to a part of one axis, and where their gradients land.

A cut ``tau`` of the sequence keeps the outputs ``t < tau`` and forbids gradient at the inputs ``s >= tau``.
An example keeps its own outputs and forbids gradient at every other example. Both are rows of one boolean
matrix: what a row keeps on the output's axis is what its gradient may touch on the same axis of the input.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from scanproof.causality.interface import Axes, AxisName
from scanproof.causality.pullback import Pullback


@dataclass(frozen=True)
class Sweep:
    """What the gradients of each row hold at each index of the axis.

    Attributes, tensors on the CPU of shape (rows, length):
        kept: what each row keeps.
        largest: greatest absolute gradient entry, float64.
        energy: sum of squared gradient entries, float64.
    """

    kept: Tensor
    largest: Tensor
    energy: Tensor

    @property
    def finite(self) -> bool:
        """Whether no gradient holds NaN or infinity."""
        return bool(self.largest.isfinite().all())

    @property
    def alive(self) -> Tensor:
        """Whether each row has any gradient at all, shape (rows,)."""
        return self.largest.amax(1) > 0

    @property
    def forbidden(self) -> Tensor:
        """Greatest forbidden entry of each row, shape (rows,)."""
        return self.largest.masked_fill(self.kept, 0.0).amax(1)

    @property
    def residue(self) -> float:
        """Greatest forbidden entry of all rows."""
        return self.forbidden.max().item()

    @property
    def scale(self) -> float:
        """Greatest entry of all rows, forbidden or not."""
        return self.largest.max().item()

    @property
    def fraction(self) -> float:
        """Greatest forbidden entry of a row relative to its greatest entry, of all rows; in [0, 1]."""
        peaks = self.largest.amax(1)
        return (self.forbidden / peaks.masked_fill(peaks == 0, 1.0)).max().item()

    @property
    def leak(self) -> float:
        """Forbidden gradient energy, summed over rows."""
        return self.energy.masked_fill(self.kept, 0.0).sum().item()

    @property
    def total(self) -> float:
        """Gradient energy, summed over rows."""
        return self.energy.sum().item()

    @property
    def worst(self) -> Tensor:
        """What the row with the greatest forbidden entry keeps, shape (length,)."""
        return self.kept[self.forbidden.argmax()]


def cut_rows(cuts: Tensor, length: int) -> Tensor:
    """Return the rows of cuts, shape (len(cuts), length): row i keeps positions below ``cuts[i]``."""
    return torch.arange(length, device="cpu")[None, :] < cuts[:, None]


def example_rows(examples: int) -> Tensor:
    """Return the rows of a cross-batch check, shape (examples, examples): row i keeps example i."""
    return torch.eye(examples, dtype=torch.bool, device="cpu")


def sweep(pullback: Pullback, kept: Tensor, axes: Axes, axis: AxisName, generator: torch.Generator) -> Sweep:
    """Pull back one random cotangent per row of ``kept``, zero wherever the row does not keep the output."""
    y_axis, x_axis = axes.find(axis, pullback.y), axes.find(axis, pullback.x)
    largest, energy = [], []
    for rows in torch.split(kept, pullback.rows):
        cotangents = pullback.draw(len(rows), generator)
        gradients = pullback.pull(cotangents.masked_fill(~along(rows, cotangents, y_axis), 0.0))
        if gradients.element_size() < 4:
            gradients = gradients.float()
        others = [axis for axis in range(1, gradients.dim()) if axis != x_axis + 1]
        largest.append(gradients.abs().amax(others) if others else gradients.abs())
        energy.append(gradients.square().sum(others) if others else gradients.square())
    return Sweep(kept, torch.cat(largest).cpu().double(), torch.cat(energy).cpu().double())


def along(rows: Tensor, like: Tensor, axis: int) -> Tensor:
    """Reshape (rows, length) to broadcast against ``like`` (rows, …), ``length`` on ``axis`` of the rest."""
    shape = [1] * like.dim()
    shape[0], shape[axis + 1] = rows.shape
    return rows.to(like.device).reshape(shape)
