"""Rows of random cotangents, each on a part of one axis, and the inputs that their gradients reach.

A cut keeps the outputs before it and forbids gradient at the inputs from it on, both in the order of
``scanproof.foundation.alignment``. An example keeps its own outputs and forbids gradient at every other
example.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scanproof.causality.gradients.pullback import Pullback
from scanproof.foundation.contract import Axes, AxisName
from scanproof.foundation.rows import Rows, along


@dataclass(frozen=True)
class Sweep:
    """The gradients of each row, reduced to a few numbers.

    Attributes, tensors on the CPU:
        rows: the probes.
        largest: greatest absolute gradient entry at each index of the axis, shape (rows, inputs).
        energy: sums of squares of the forbidden gradient entries and of all, shape (rows, 2), float64.
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
        return self.peaks > 0

    @cached_property
    def peaks(self) -> Tensor:
        """Greatest entry of each row, forbidden or not, shape (rows,)."""
        return self.largest.amax(1).double()

    @cached_property
    def forbidden(self) -> Tensor:
        """Greatest forbidden entry of each row, shape (rows,)."""
        return self.largest.masked_fill(self.rows.allowed, 0.0).amax(1).double()

    @property
    def residue(self) -> float:
        """Greatest forbidden entry of all rows."""
        return self.forbidden.max().item()

    @property
    def scale(self) -> float:
        """Greatest entry of all rows, forbidden or not."""
        return self.peaks.max().item()

    @property
    def fraction(self) -> float:
        """Greatest ratio, over rows, of the greatest forbidden entry to the greatest entry; in [0, 1]."""
        return (self.forbidden / self.peaks.masked_fill(self.peaks == 0, 1.0)).max().item()

    @property
    def leak(self) -> float:
        """Forbidden gradient energy, summed over rows."""
        return self.energy[:, 0].sum().item()

    @property
    def total(self) -> float:
        """Gradient energy, summed over rows."""
        return self.energy[:, 1].sum().item()

    def worst(self, count: int) -> Rows:
        """Return at most ``count`` rows, those with the greatest forbidden entries first."""
        return self.rows[self.forbidden.argsort(descending=True)[:count]]


def sweep(pullback: Pullback, rows: Rows, axes: Axes, axis: AxisName, cotangent: Tensor) -> Sweep:
    """Pull back, for each row, the part of ``cotangent`` that the row keeps.

    One random ``cotangent`` of shape ``pullback.y.shape`` serves all rows. Each row sees its leaks with
    probability one, so independent cotangents would see no more.
    """
    y_axis, x_axis = axes.find(axis, pullback.y), axes.find(axis, pullback.x)
    x = pullback.x
    # filled in place: results kept between the large gradients would keep the allocator from reusing those
    largest = x.detach().new_empty(rows.allowed.shape, dtype=torch.promote_types(x.dtype, torch.float32))
    energy = x.detach().new_zeros((len(rows), 2), dtype=torch.float64)
    size = pullback.held
    for start in range(0, len(rows), size):
        block = slice(start, start + size)
        part = rows[block]
        gradients = pullback.pull(cotangent * along(part.kept, cotangent[None], y_axis)).to(largest.dtype)
        others = [axis for axis in range(1, gradients.dim()) if axis != x_axis + 1]
        largest[block] = gradients.abs().amax(others) if others else gradients.abs()
        energy[block, 1] = _energy(gradients)
        allowed = part.allowed.to(x.device)
        if largest[block].masked_fill(allowed, 0.0).any():
            energy[block, 0] = _energy(gradients.masked_fill(along(allowed, gradients, x_axis), 0.0))
    return Sweep(rows, largest.cpu(), energy.cpu())


def _energy(gradients: Tensor) -> Tensor:
    """Return the sum of squares of each row, float64."""
    norms: Tensor = torch.linalg.vector_norm(gradients.flatten(1), dim=1)
    return norms.double().square()
