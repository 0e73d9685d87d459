"""Pooled read-outs that find their way back to every position."""

import torch
from torch import Tensor

from .specimen import CHUNK, FORWARD, Fault, Model, T, every, same_block


def block_mean(x: Tensor, size: int = CHUNK) -> Tensor:
    return torch.cat([part + part.mean(1, keepdim=True) for part in x.split(size, dim=1)], 1)


def excited(x: Tensor) -> Tensor:
    """Gate channels by their mean over time."""
    return x * x.mean(1, keepdim=True).sigmoid()


MODELS = [
    Model(name="first token added", fn=lambda x: x.tanh() + x[:, :1]),
    Model(name="gated by the running mean", fn=lambda x: x * x.cumsum(1).tanh()),
]

FAULTS = [
    Fault(name="mean over time added", fn=lambda x: x.cumsum(1) + x.mean(1, keepdim=True), reads=every),
    Fault(name="greatest over time added", fn=lambda x: x.cumsum(1) + x.amax(1, keepdim=True), reads=every),
    Fault(name="last token added", fn=lambda x: x.cumsum(1) + x[:, -1:], reads=lambda t, s: s == T - 1),
    Fault(name="squeeze and excitation", fn=excited, reads=every),
    Fault(
        name="mean of all others",
        fn=lambda x: x.cumsum(1) + (x.sum(1, keepdim=True) - x) / (x.shape[1] - 1 or 1),
        reads=every,
    ),
    Fault(name="block mean added", fn=block_mean, reads=same_block()),
    Fault(
        name="sign of the sum",
        fn=lambda x: x.cumsum(1) + x.sum(1, keepdim=True).sign(),
        reads=every,
        seen_by=FORWARD,
    ),
]
