"""One forward pass with gradients on, and products with its Jacobian."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

NO_FORMULA = "no autograd formula was registered"
"""Part of what PyTorch says of a custom operator without a backward."""


def record(
    fn: Callable[[Tensor], Any], context: AbstractContextManager[Any], x: Tensor
) -> tuple[Tensor, Any]:
    """Run ``fn`` within ``context`` at a copy of ``x``; return the leaf of the gradients and the result."""
    with torch.inference_mode(mode=False):  # which turns gradients on, too
        leaf = x.detach().clone().requires_grad_()
        with context:
            return leaf, fn(leaf.clone())  # a copy, because fn may write into its argument


def pull_one(y: Tensor, x: Tensor, cotangent: Tensor) -> Tensor:
    """Return the gradient at ``x``; it is zero if ``y`` does not read ``x``.

    Raises:
        NotImplementedError: an operation has no backward.
    """
    return _pull(y, x, cotangent, stacked=False)


def pull_stacked(y: Tensor, x: Tensor, cotangents: Tensor) -> Tensor:
    """Return the gradients of (rows, *y.shape) cotangents in one vectorised pass, shape (rows, *x.shape).

    Raises:
        RuntimeError: an operation has no batching rule.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")
        return _pull(y, x, cotangents, stacked=True)


def _pull(y: Tensor, x: Tensor, cotangent: Tensor, *, stacked: bool) -> Tensor:
    try:
        (gradient,) = torch.autograd.grad(
            y, x, cotangent, retain_graph=True, allow_unused=True, is_grads_batched=stacked
        )
    except RuntimeError as error:
        if NO_FORMULA in str(error):
            raise NotImplementedError(str(error)) from error
        raise
    rows = cotangent.shape[:1] if stacked else ()
    return x.new_zeros((*rows, *x.shape)) if gradient is None else gradient
