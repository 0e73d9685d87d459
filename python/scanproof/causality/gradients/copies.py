"""Many cotangents in one backward pass, through copies of the input along its batch axis.

If examples do not read each other, ``fn`` of repeated copies of ``x`` returns repeated copies of ``fn(x)``.
Then each copy can take its own cotangent, and operations without a batching rule see an ordinary batch.

Two tests establish this first. Copies do not read each other: cotangents on one half of the copies leave
exactly zero at the other half, for a family of halves that separates every ordered pair. And every copy
behaves like ``x``: it has the same output, and the same gradient for the same cotangent, up to rounding.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import comb
from typing import Any

import torch
from torch import Tensor

from scanproof.causality.gradients.recording import pull_one
from scanproof.foundation.judgement import same_function
from scanproof.foundation.precision import unit_roundoff

ALIKE = 2.0**6
"""Unit roundoffs by which copies may differ: at the edge of a block, kernels sum in another order."""


@dataclass(frozen=True)
class Copies:
    """``fn`` recorded at ``count`` copies of an input.

    Attributes:
        x: the leaf, with all copies along the batch axis.
        y: what ``fn`` returned.
        count: number of copies.
        batch_dim: axis of examples in both.
        probes: number of vector-Jacobian products that tested that copies do not read each other.
    """

    x: Tensor
    y: Tensor
    count: int
    batch_dim: int
    probes: int

    def pull(self, cotangents: Tensor) -> Tensor:
        """Return the gradients of at most ``count`` cotangents, (rows, …), each as for a single input."""
        rows = len(cotangents)
        if rows < self.count:
            idle = cotangents.new_zeros((self.count - rows, *cotangents.shape[1:]))
            cotangents = torch.cat([cotangents, idle])
        return _pull(self.y, self.x, cotangents, self.batch_dim)[:rows]


def record_copies(
    x: Tensor, y: Tensor, record: Callable[[Tensor], tuple[Tensor, Any]], batch_dim: int, count: int
) -> Copies | None:
    """Record copies of ``x``; None if copies read each other, or do not behave like ``x``.

    Args:
        x: the leaf at which ``y`` was recorded.
        y: the output there.
        record: runs ``fn`` and returns the leaf and the output.
        batch_dim: axis of examples in both.
        count: number of copies, at least 2.
    """
    try:
        leaf, outputs = record(_side_by_side(x.detach().expand(count, *x.shape), batch_dim))
        if not _alike(_apart(outputs.detach(), count, batch_dim), y.detach()):
            return None
        generator = torch.Generator(device="cpu").manual_seed(0)
        numbers = torch.randn((count, *y.shape), generator=generator, device="cpu").to(y)
        gradients = _pull(outputs, leaf, numbers[:1].expand_as(numbers), batch_dim)
        if not _alike(gradients, pull_one(y, x, numbers[0])):
            return None
        probes = 2
        for half in separating_halves(count):
            kept = half.to(y.device).reshape(-1, *[1] * y.dim())
            probes += 1
            if _pull(outputs, leaf, numbers.masked_fill(~kept, 0.0), batch_dim)[~half].any():
                return None
    except Exception:  # whatever fn raises at another batch size
        return None
    return Copies(leaf, outputs, count, batch_dim, probes)


def _alike(copies: Tensor, single: Tensor) -> bool:
    """Whether copies are equal up to the last digits, and equal to ``single`` up to rounding."""
    slack = ALIKE * unit_roundoff(single.dtype) * single.abs().max()
    same = (copies - copies[0]).abs().max() <= slack
    return bool(same) and same_function(single, copies[0], single.dtype)


def separating_halves(count: int) -> Iterator[Tensor]:
    """Yield sets of copies: for all i != j, some set holds i and not j.

    Each copy belongs to its own selection of half of the sets, and no selection contains another. No smaller
    number of sets is possible (Sperner 1928).
    """
    sets = next(n for n in itertools.count(1) if comb(n, n // 2) >= count)
    choices = list(itertools.islice(itertools.combinations(range(sets), sets // 2), count))
    for number in range(sets):
        yield torch.tensor([number in choice for choice in choices], device="cpu")


def _pull(y: Tensor, x: Tensor, cotangents: Tensor, batch_dim: int) -> Tensor:
    gradient = pull_one(y, x, _side_by_side(cotangents, batch_dim))
    return _apart(gradient, len(cotangents), batch_dim)


def _apart(copies: Tensor, count: int, batch_dim: int) -> Tensor:
    """Return the copies along the batch axis as (copies, …)."""
    axis = batch_dim % copies.dim()
    apart: Tensor = copies.unflatten(axis, (count, -1))
    return apart.movedim(axis, 0)


def _side_by_side(copies: Tensor, batch_dim: int) -> Tensor:
    """Lay out (copies, …) tensors along the batch axis of one."""
    axis = batch_dim % (copies.dim() - 1)
    return copies.movedim(0, axis).flatten(axis, axis + 1)
