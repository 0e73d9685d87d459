"""Which outputs a probe keeps, and which inputs these may read: for cuts of the sequence, and for examples.

A cut keeps the outputs before it and forbids the inputs from it on, both in the order of
``scanproof.foundation.alignment``. An example keeps its own outputs and forbids every other example.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from scanproof.foundation.alignment import Order


@dataclass(frozen=True)
class Rows:
    """Several probes: the outputs that each keeps, and the inputs where its gradient may be.

    Attributes, boolean tensors on the CPU:
        kept: the outputs that each row keeps, shape (rows, outputs).
        allowed: the inputs that these outputs may read, shape (rows, inputs).
    """

    kept: Tensor
    allowed: Tensor

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, row: int | slice | Tensor) -> "Rows":
        """Return some rows; a number returns one row without the axis of rows."""
        return Rows(self.kept[row], self.allowed[row])


def cut_rows(cuts: Tensor, order: Order) -> Rows:
    """Return the rows of cuts: row i keeps outputs, and allows inputs, of rank below ``cuts[i]``."""
    return Rows(order.outputs[None, :] < cuts[:, None], order.inputs[None, :] < cuts[:, None])


def example_rows(examples: int) -> Rows:
    """Return the rows of a cross-batch check: row i keeps example i."""
    own = torch.eye(examples, dtype=torch.bool, device="cpu")
    return Rows(own, own)


def along(rows: Tensor, like: Tensor, axis: int) -> Tensor:
    """Reshape (rows, length) to broadcast against ``like`` (rows, …), ``length`` on ``axis`` of the rest."""
    shape = [1] * like.dim()
    shape[0], shape[axis + 1] = rows.shape
    return rows.to(like.device).reshape(shape)
