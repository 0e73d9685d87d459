"""An implementation and its reference in float64, where no cast of the implementation counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from scanproof.refinement.bounded import Floats

if TYPE_CHECKING:
    from scanproof.refinement.problem import Expected

Masks = Mapping[str, Tensor]
"""For each output by its name, the entries to look at."""


@dataclass(frozen=True)
class InFloat64:
    """What both return.

    Attributes:
        got: the outputs of the implementation by name; empty if it does not run in float64.
        expected: the reference with bounds of rounding in float64; None if the implementation does not run.
    """

    got: Mapping[str, Floats]
    expected: "Expected | None"

    def beyond(self, masks: Masks) -> str | None:
        """Say which entry differs by more than rounding explains; None if there is none.

        An entry that is no number shows nothing: the implementation may take a logarithm of the input, and
        numbers nearby may be negative.
        """
        for name, error, bound, _ in self._errors(masks):
            beyond = np.isfinite(error) & (error > bound)
            if np.isfinite(bound).all() and beyond.any():
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = np.where(beyond, error / bound, 0.0)
                at = np.unravel_index(np.argmax(ratio), error.shape)
                return (
                    f"{name}{[int(i) for i in at]} differs by {error[at]:.3g}, and rounding explains"
                    f" {bound[at]:.3g}"
                )
        return None

    def relative(self, masks: Masks) -> float:
        """Return the greatest difference relative to the greatest entry; infinite if nothing is known."""
        return max((float(error.max() / scale) for _, error, _, scale in self._errors(masks)), default=inf)

    def worst(self, masks: Masks) -> tuple[str, tuple[int, ...], float]:
        """Return the output, the index and the size of the greatest difference; NaN if nothing is known."""
        found = [
            (float(error.max() / scale), name, np.unravel_index(np.argmax(error), error.shape), error)
            for name, error, _, scale in self._errors(masks)
        ]
        if not found:
            name, mask = next(iter(masks.items()))
            return name, tuple(mask.nonzero()[0].tolist()), nan
        _, name, at, error = max(found, key=lambda each: each[0])
        return name, tuple(int(i) for i in at), float(error[at])

    def _errors(self, masks: Masks) -> Iterator[tuple[str, Floats, Floats, float]]:
        """Yield the name, the differences at the entries to look at, their bounds, and the greatest entry."""
        if self.expected is None:
            return
        for name, mask in masks.items():
            value = self.expected.value[name]
            taken: NDArray[np.bool_] = np.broadcast_to(mask.numpy(), value.shape)
            difference = np.abs((self.got[name] - value) - self.expected.rest[name])
            error = np.where(taken, np.nan_to_num(difference, nan=inf), 0.0)
            yield name, error, self.expected.bound[name], max(float(np.abs(value).max()), 1e-300)
