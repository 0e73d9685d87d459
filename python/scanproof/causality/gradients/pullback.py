"""Vector-Jacobian products of one recorded forward pass, several at a time if that is faster and fits.

Several cotangents go through one backward pass in one of two ways. *Stacked*: a vectorised pass
(``is_grads_batched``). *Copies*: if an operation has no batching rule, ``fn`` is recorded again at copies of
``x`` along the batch axis, and each copy takes a cotangent (module ``copies``). If neither works, cotangents
go one by one.

A pass over many rows saves only the overhead of each operation. On a CPU, an operation whose gradients fill
a cache takes the same time per row in a stack as alone. The number of rows therefore follows from the sizes
in the recorded graph, not from timings, so the same call always does the same.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from scanproof.causality.gradients.backward_cost import Traffic, traffic
from scanproof.causality.gradients.copies import Copies, record_copies
from scanproof.causality.gradients.recording import pull_one, pull_stacked, record
from scanproof.foundation.memory import MEMORY_BUDGET

PASS_BYTES = 2**18
"""On a CPU, rows are added until an operation passes on this many bytes, an eighth of a level-2 cache."""

HELD_BYTES = 2**20
"""Bytes of cotangents and gradients that are held and measured together when rows go one by one."""

FEWEST = 8
"""Least number of rows for which a stack is faster on a CPU, and for which copies are on any device."""


@dataclass(frozen=True)
class Batching:
    """The greatest number of cotangents in one backward pass, and whether they went through copies."""

    rows: int = 1
    copies: bool = False

    def __str__(self) -> str:
        if self.rows == 1:
            return "one at a time"
        return f"up to {self.rows} at once" + (" on copies of the batch" if self.copies else "")


class Pullback:
    """``fn`` recorded at ``x``; pulls cotangents of the output back to the input.

    Attributes:
        x: the leaf at which gradients are taken, a copy of the input.
        y: the output of ``fn``.
        vjps: number of vector-Jacobian products computed so far.
        batching: how many of them went through one backward pass together, and how.
    """

    def __init__(
        self,
        fn: Callable[[Tensor], Any],
        x: Tensor,
        check: Callable[[Any], Tensor],
        context: AbstractContextManager[Any] | None = None,
        *,
        batch_dim: int | None = None,
        memory_budget: int = MEMORY_BUDGET,
    ) -> None:
        """Run and record ``fn`` within ``context``.

        Args:
            fn: the function.
            x: the input at which it is recorded.
            check: turns the result of ``fn`` into a tensor, or raises.
            context: entered around every call of ``fn``.
            batch_dim: axis of examples in ``x`` and ``y``, along which copies go; None without one.
            memory_budget: bytes that the rows of one backward pass may take together. One row is always
                tried.
        """
        self._record = partial(record, fn, context or nullcontext())
        self._batch_dim, self._budget = batch_dim, memory_budget
        self.x, y = self._record(x)
        self.y = check(y)
        self.vjps = 0
        self.batching = Batching()
        self._stackable = True
        self._copies: Copies | None = None

    @property
    def rows(self) -> int:
        """Number of cotangents to pull at once."""
        if self._stackable:
            return self._stacked_rows
        return self._copies.count if self._copies else 1

    @property
    def held(self) -> int:
        """Number of cotangents to hold at once with their gradients: a few, even if pulled one by one."""
        return max(self.rows, min(FEWEST, min(HELD_BYTES, self._budget) // self._ends))

    def draw(self, rows: int, generator: torch.Generator) -> Tensor:
        """Draw standard normal cotangents, shape (rows, *y.shape), on the device and in the dtype of ``y``.

        The numbers come from a CPU generator, row by row, so they are the same on every device, in every
        precision and for every number of rows. They are drawn in float64 and rounded to lower precisions.
        Sums of numbers with fewer digits would be exact in float64, and float64 would have no rounding to
        compare with.
        """
        numbers = torch.empty((rows, *self.y.shape), device="cpu", dtype=torch.float64)
        for row in numbers:
            row.normal_(generator=generator)
        return numbers.to(self.y.device, self.y.dtype)

    def pull(self, cotangents: Tensor) -> Tensor:
        """Return the gradients at ``x``, shape (rows, *x.shape), of cotangents of shape (rows, *y.shape)."""
        gradients = self._pull(cotangents)
        self.vjps += len(cotangents)
        return gradients

    def _pull(self, cotangents: Tensor) -> Tensor:
        if self.rows == 1 or len(cotangents) == 1:
            return self._pull_alone(cotangents)
        parts = []
        while len(cotangents):
            part, cotangents = cotangents[: self.rows], cotangents[self.rows :]
            parts.append(self._pull_together(part))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _pull_alone(self, cotangents: Tensor) -> Tensor:
        return torch.stack([pull_one(self.y, self.x, cotangent) for cotangent in cotangents])

    def _pull_together(self, cotangents: Tensor) -> Tensor:
        if self._copies:
            if len(cotangents) < FEWEST:
                return self._pull_alone(cotangents)
            gradients = self._copies.pull(cotangents)
        else:
            try:
                gradients = pull_stacked(self.y, self.x, cotangents)
            except Exception as problem:  # a single product raises again if fn itself is at fault
                self._stackable = False
                if not isinstance(problem, torch.OutOfMemoryError):
                    self._copy(len(cotangents))
                return self._pull(cotangents)
        self.batching = Batching(max(len(cotangents), self.batching.rows), self._copies is not None)
        return gradients

    def _copy(self, wanted: int) -> None:
        count = min(wanted, self._affordable(self._row_bytes + self._traffic.total))
        if self._batch_dim is not None and count >= FEWEST:
            self._copies = record_copies(self.x, self.y, self._record, self._batch_dim, count)
        if self._copies:
            self.vjps += self._copies.probes

    def _affordable(self, row_bytes: int) -> int:
        rows = max(1, self._budget // row_bytes)
        if self.y.device.type != "cpu" or self._traffic.opaque:
            return rows
        paying = int(PASS_BYTES / max(self._traffic.typical, 1.0))
        return min(rows, paying) if paying >= FEWEST else 1

    @cached_property
    def _stacked_rows(self) -> int:
        return self._affordable(self._row_bytes)

    @cached_property
    def _traffic(self) -> Traffic:
        return traffic(self.y, self.x)

    @cached_property
    def _row_bytes(self) -> int:
        """Bytes that a row takes: its cotangent and gradient twice, and six gradients in between."""
        return 2 * self._ends + 6 * self._traffic.largest

    @property
    def _ends(self) -> int:
        return self.y.numel() * self.y.element_size() + self.x.numel() * self.x.element_size()
