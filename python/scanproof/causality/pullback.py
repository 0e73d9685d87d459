"""Vector-Jacobian products of one recorded forward pass."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

BATCH_BYTES = 2**24
"""Stacked cotangents and gradients of one backward pass take at most about this much memory."""


class Pullback:
    """``fn`` recorded at ``x``; pulls cotangents of the output back to the input.

    Attributes:
        x: the leaf that gradients are taken at, a copy of the input.
        y: what ``fn`` returned.
        vjps: how many vector-Jacobian products have been computed.
    """

    def __init__(
        self,
        fn: Callable[[Tensor], Any],
        x: Tensor,
        check: Callable[[Any], Tensor],
        context: AbstractContextManager[Any] | None = None,
    ) -> None:
        """Run ``fn`` within ``context``; ``check`` turns what it returns into a tensor or raises."""
        with torch.inference_mode(mode=False):  # which turns gradients on, too
            self.x = x.detach().clone().requires_grad_()
            with context or nullcontext():
                y = fn(self.x.clone())  # a copy, because fn may write into its argument
        self.y = check(y)
        self.vjps = 0
        self._stackable = True

    @property
    def rows(self) -> int:
        """How many cotangents to stack in one backward pass."""
        row_bytes = self.y.numel() * self.y.element_size() + self.x.numel() * self.x.element_size()
        return max(1, BATCH_BYTES // row_bytes)

    def draw(self, rows: int, generator: torch.Generator) -> Tensor:
        """Draw standard normal cotangents, shape (rows, *y.shape), on the device and in the dtype of ``y``.

        The numbers come from a CPU generator, in float32 and row by row, so that every device, every
        precision and every number of stacked rows gets the same ones.
        """
        numbers = torch.empty((rows, *self.y.shape), device="cpu", dtype=torch.float32)
        for row in numbers:
            row.normal_(generator=generator)
        return numbers.to(self.y.device, self.y.dtype)

    def pull(self, cotangents: Tensor) -> Tensor:
        """Return the gradients at ``x``, shape (rows, *x.shape), of cotangents of shape (rows, *y.shape).

        All rows go through one vectorised backward pass where every operation of ``fn`` allows it, else one
        by one.
        """
        self.vjps += len(cotangents)
        if self._stackable and len(cotangents) > 1:
            try:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", message="There is a performance drop")
                    return self._gradient(cotangents, stacked=True)
            except Exception:  # no batching rule, or out of memory; a fault of fn itself is raised below
                self._stackable = False
        return torch.stack([self._gradient(cotangent, stacked=False) for cotangent in cotangents])

    def _gradient(self, cotangent: Tensor, *, stacked: bool) -> Tensor:
        (gradient,) = torch.autograd.grad(
            self.y, self.x, cotangent, retain_graph=True, allow_unused=True, is_grads_batched=stacked
        )
        rows = cotangent.shape[:1] if stacked else ()
        return self.x.new_zeros((*rows, *self.x.shape)) if gradient is None else gradient
