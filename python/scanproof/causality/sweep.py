"""Families of random cotangents, each confined to a part of one axis, and where their gradients land.

A cut of the sequence keeps the outputs below it and forbids gradient at the inputs from it on, both in the
order of ``scanproof.causality.alignment``. An example keeps its own outputs and forbids gradient at every
other example.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from scanproof.causality.alignment import Order
from scanproof.causality.interface import Axes, AxisName
from scanproof.causality.pullback import Pullback


@dataclass(frozen=True)
class Rows:
    """What each of several cotangents keeps of the outputs, and where its gradient may be.

    Attributes, boolean tensors on the CPU:
        kept: the outputs on the axis that each row keeps, shape (rows, outputs).
        allowed: the inputs on the axis that these may read, shape (rows, inputs).
    """

    kept: Tensor
    allowed: Tensor

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, row: int | slice) -> "Rows":
        """Return some rows; a number gives one row, without the axis of rows."""
        return Rows(self.kept[row], self.allowed[row])


@dataclass(frozen=True)
class Sweep:
    """What the gradients of each row hold at each index of the axis.

    Attributes:
        rows: what was probed.
        largest: greatest absolute gradient entry, shape (rows, inputs), float64 on the CPU.
        energy: sum of squared gradient entries, shape (rows, inputs), float64 on the CPU.
    """

    rows: Rows
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
        return self.largest.masked_fill(self.rows.allowed, 0.0).amax(1)

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
        return self.energy.masked_fill(self.rows.allowed, 0.0).sum().item()

    @property
    def total(self) -> float:
        """Gradient energy, summed over rows."""
        return self.energy.sum().item()

    @property
    def worst(self) -> Rows:
        """The row with the greatest forbidden entry."""
        return self.rows[int(self.forbidden.argmax())]


def cut_rows(cuts: Tensor, order: Order) -> Rows:
    """Return the rows of cuts: row i keeps outputs, and allows inputs, of rank below ``cuts[i]``."""
    return Rows(order.outputs[None, :] < cuts[:, None], order.inputs[None, :] < cuts[:, None])


def example_rows(examples: int) -> Rows:
    """Return the rows of a cross-batch check: row i keeps example i."""
    own = torch.eye(examples, dtype=torch.bool, device="cpu")
    return Rows(own, own)


def sweep(pullback: Pullback, rows: Rows, axes: Axes, axis: AxisName, generator: torch.Generator) -> Sweep:
    """Pull back one random cotangent per row, zero wherever the row does not keep the output."""
    y_axis, x_axis = axes.find(axis, pullback.y), axes.find(axis, pullback.x)
    largest, energy = [], []
    for kept in torch.split(rows.kept, pullback.rows):
        cotangents = pullback.draw(len(kept), generator)
        gradients = pullback.pull(cotangents.masked_fill(~along(kept, cotangents, y_axis), 0.0))
        if gradients.element_size() < 4:
            gradients = gradients.float()
        others = [axis for axis in range(1, gradients.dim()) if axis != x_axis + 1]
        largest.append(gradients.abs().amax(others) if others else gradients.abs())
        energy.append(gradients.square().sum(others) if others else gradients.square())
    return Sweep(rows, torch.cat(largest).cpu().double(), torch.cat(energy).cpu().double())


def along(rows: Tensor, like: Tensor, axis: int) -> Tensor:
    """Reshape (rows, length) to broadcast against ``like`` (rows, …), ``length`` on ``axis`` of the rest."""
    shape = [1] * like.dim()
    shape[0], shape[axis + 1] = rows.shape
    return rows.to(like.device).reshape(shape)
