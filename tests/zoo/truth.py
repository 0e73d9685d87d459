"""Measure which pairs a function leaks, by means that the engine does not use."""

import torch
from torch import Tensor

from .specimen import Fault, Function

Pairs = frozenset[tuple[int, int]]


def by_gradient(fault: Fault, seed: int) -> tuple[Pairs, Pairs]:
    """Return the leaky pairs of positions and of examples, from one product per output position."""
    fn = fault.at(torch.float64)
    x = fault.x(torch.float64, seed).requires_grad_()
    y = fn(x)
    generator = torch.Generator().manual_seed(seed)
    pairs, examples = set(), set()
    for example in range(y.shape[0]):
        for t in range(y.shape[1]):
            weights = torch.zeros_like(y)
            weights[example, t] = torch.randn(y.shape[2:], generator=generator, dtype=y.dtype)
            (gradient,) = torch.autograd.grad(y, x, weights, retain_graph=True)
            reads = (gradient.abs() > 1e-14 * gradient.abs().max()).any(-1)
            pairs |= {(t, s) for s in reads.any(0).nonzero().flatten().tolist() if fault.forbidden(t, s)}
            examples |= {(example, j) for j in reads.any(1).nonzero().flatten().tolist() if j != example}
    return frozenset(pairs), frozenset(examples)


def by_replacement(fault: Fault, seed: int) -> Pairs:
    """Return the leaky pairs of positions that show when one position is replaced."""
    fn, x = fault.at(torch.float64), fault.x(torch.float64, seed)
    y = output(fn, x)
    pairs = set()
    for s in range(fault.T):
        for value in (0.0, 1000.0, -1000.0, 0.5):
            replaced = x.clone()
            replaced[:, s] = value
            changed = (output(fn, replaced) != y).flatten(2).any(2).any(0)
            pairs |= {(t, s) for t in changed.nonzero().flatten().tolist() if fault.forbidden(t, s)}
    return frozenset(pairs)


def output(fn: Function, x: Tensor) -> Tensor:
    with torch.no_grad():
        return fn(x.clone())
