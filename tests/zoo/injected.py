"""One leaky pair, or all of them, of a chosen size; and causal functions with dead, tiny or huge parts."""

from typing import Any

import torch
from torch import Tensor

from .attention import causal_attention
from .specimen import CAUSAL, GRADIENT, PERTURBATION, Fault, Function, Model, every, only

Index = tuple[int | slice, int, int]


def with_pair_leak(fn: Function, amplitude: float, output: Index, source: Index) -> Function:
    """Add ``amplitude * x[source]`` to the entry ``output`` of ``fn(x)``, where both exist."""

    def leaky(x: Tensor) -> Tensor:
        y = fn(x).clone()
        if source[1] < x.shape[1]:
            y[output] = y[output] + amplitude * x[source]
        return y

    return leaky


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


def zero_block(x: Tensor) -> Tensor:
    """Ignore positions 4 … 7, and return nothing there."""
    dead = torch.zeros(x.shape[1], 1, dtype=x.dtype, device=x.device)
    dead[:4], dead[8:] = 1.0, 1.0
    return (x * dead).cumsum(1) * dead


def uniform(amplitude: float) -> Function:
    return lambda x: x.cumsum(1) + amplitude * x.sum(1, keepdim=True)


def pair(t: int, s: int, amplitude: float, fn: Function = cumsum, **known: Any) -> Fault:
    return Fault(
        name=f"one pair, {t} <- {s}, {amplitude:.0e}",
        fn=with_pair_leak(fn, amplitude, (slice(None), t, 1), (slice(None), s, 2)),
        reads=only((t, s)),
        **known,
    )


LONG: dict[str, Any] = {"examples": 1, "modes": frozenset({"coded"})}

MODELS = [
    Model(name="a block of zeros", fn=zero_block, prefix=CAUSAL),
    Model(name="zero at first", fn=lambda x: x.cumsum(1) * (torch.arange(x.shape[1]) > 4)[:, None]),
    Model(name="saturated", fn=lambda x: (5 * x.cumsum(1)).tanh(), perturbation=CAUSAL),
    Model(name="dead units", fn=lambda x: (x.cumsum(1) - 1).relu()),
    Model(name="outputs of 1e-30", fn=lambda x: 1e-30 * x.cumsum(1)),
    Model(name="outputs of 1e+30", fn=lambda x: 1e30 * x.cumsum(1)),
    Model(
        name="outputs that decay to 1e-38",
        fn=lambda x: x.cumsum(1) * 10.0 ** -(3 * torch.arange(x.shape[1])[:, None]),
    ),
]

FAULTS = [
    pair(3, 9, 1.0),
    pair(3, 9, 1e-2),
    pair(0, 11, 1e-4),
    pair(0, 11, 1e-6),
    pair(9, 10, 1e-8, seen_by=GRADIENT | PERTURBATION),
    pair(9, 10, 1e-10, seen_by=GRADIENT | PERTURBATION),
    Fault(name="every pair, 1e-4", fn=uniform(1e-4), reads=every),
    Fault(name="every pair, 1e-10", fn=uniform(1e-10), reads=every, seen_by=GRADIENT | PERTURBATION),
    pair(97, 98, 1e-1, T=200, fn=causal_attention, **LONG),
    pair(700, 1300, 1e-2, T=2048, seen_by=GRADIENT, **LONG),
    pair(1022, 1023, 1e-9, T=2048, seen_by=GRADIENT, **LONG),
    pair(5, 2047, 1e-10, T=2048, seen_by=GRADIENT, **LONG),
]
