"""Products of decays within a chunk."""

from dataclasses import dataclass

import numpy as np

from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.kernel import stack


@dataclass(frozen=True)
class Decays:
    """Products of the decays of a chunk of tokens, with the shape of the decays of one token.

    Attributes:
        since: by token t, the decays from the start of the chunk to after t.
        between: by tokens t and s <= t, the decays from after s to after t.
    """

    since: list[Value]
    between: list[list[Value]]


def decays_within(ar: KernelArithmetic, g: Value, *, log_decays: bool, before: bool = False) -> Decays:
    """Return the products of the decays of a chunk ``g`` (batch, time, ...), or the ``exp`` of their sums.

    Args:
        ar: the arithmetic.
        g: the decays, or their logarithms.
        log_decays: whether ``g`` holds logarithms.
        before: return the decays to before each token t, without the decay of t, and s < t.
    """
    return _of_logs(ar, g, before) if log_decays else _of_decays(ar, g, before)


def _of_logs(ar: KernelArithmetic, g: Value, before: bool) -> Decays:
    """Subtract the logarithm of the token from the sum up to it, as chunked forms do, to stop before it."""
    sums: list[Value] = []
    since: list[Value] = []
    between: list[list[Value]] = []
    for t in range(g.shape[1]):
        sums.append(ar.inner(stack(ar, [g[:, s] for s in range(t + 1)], -1), ar.lift(np.ones(t + 1))))
        reached = sums[t] + -g[:, t] if before else sums[t]
        since.append(ar.exp(reached))
        between.append([ar.exp(reached + -earlier) for earlier in sums[:t]])
        if not before:
            between[t].append(ar.lift(np.ones(g[:, t].shape)))
    return Decays(since, between)


def _of_decays(ar: KernelArithmetic, g: Value, before: bool) -> Decays:
    none = ar.lift(np.ones(g[:, 0].shape))
    since, between = [none], [list[Value]()]
    for t in range(g.shape[1]):
        since.append(since[-1] * g[:, t] if t else g[:, t])
        between.append([*(decay * g[:, t] for decay in between[-1]), none])
    return Decays(since[:-1], between[:-1]) if before else Decays(since[1:], between[1:])
