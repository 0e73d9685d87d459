"""Normalisation: over channels it is causal, over time it is not."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, group_norm, layer_norm

from .specimen import BATCH, CHUNK, FORWARD, TEMPORAL, D, Fault, Model, ahead, every, same_block


class TimeLast(nn.Module):
    """Apply a layer made for (B, D, T)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.mT).mT


def rms(x: Tensor, dim: int) -> Tensor:
    return x * (1e-6 + x.square().mean(dim, keepdim=True)).rsqrt()


def cumulative_norm(x: Tensor) -> Tensor:
    """Normalise by mean and deviation of what has been seen."""
    count = torch.arange(1, x.shape[1] + 1, dtype=x.dtype, device=x.device)[:, None]
    mean = x.cumsum(1) / count
    return (x - mean) * (1e-3 + (x.square().cumsum(1) / count - mean.square()).relu()).rsqrt()


def standardised(x: Tensor) -> Tensor:
    """Give each channel of each example mean 0 and variance 1 over time, as an instance norm does."""
    return (x - x.mean(1, keepdim=True)) * (1e-5 + x.var(1, correction=0, keepdim=True)).rsqrt()


def fitted_scaler(x: Tensor) -> Tensor:
    """Standardise by statistics of the whole series, taken outside the graph."""
    return (x - x.mean(1, keepdim=True).detach()) / (1e-3 + x.std(1, correction=0, keepdim=True).detach())


def counted_mean(x: Tensor) -> Tensor:
    """Divide by how many positions are not padding, that is, not zero."""
    return x.cumsum(1) / (x != 0).any(-1).sum(1)[:, None, None]


def build() -> tuple[list[Model], list[Fault]]:
    with torch.random.fork_rng():
        torch.manual_seed(30)
        fitted = nn.BatchNorm1d(D)
        fitted(torch.randn(64, D))
    models = [
        Model(name="layer norm over channels", fn=lambda x: layer_norm(x, x.shape[-1:])),
        Model(name="RMS norm over channels", fn=lambda x: rms(x, -1)),
        Model(
            name="group norm of each position",
            fn=lambda x: group_norm(x.flatten(0, 1), 2).unflatten(0, x.shape[:2]),
        ),
        Model(name="batch norm in eval mode", fn=TimeLast(fitted).eval()),
        Model(name="normalised by what has been seen", fn=cumulative_norm),
        Model(
            name="running mean, detached",
            fn=lambda x: x - (x.cumsum(1) / torch.arange(1, x.shape[1] + 1)[:, None]).detach(),
        ),
    ]
    faults = [
        Fault(name="RMS norm over time", fn=lambda x: rms(x, 1), reads=every),
        Fault(name="group norm over time", fn=lambda x: group_norm(x.mT, 2).mT, reads=every),
        Fault(name="instance norm over time", fn=standardised, reads=every),
        Fault(name="layer norm over time and channels", fn=lambda x: layer_norm(x, x.shape[1:]), reads=every),
        Fault(
            name="batch norm in train mode",
            fn=TimeLast(nn.BatchNorm1d(D)).train(),
            reads=every,
            reads_example=every,
            seen_by=TEMPORAL | BATCH,
        ),
        Fault(name="softmax over time", fn=lambda x: x.softmax(1), reads=every),
        Fault(name="mean of both sides", fn=lambda x: avg_pool1d(x.mT, 3, 1, 1).mT, reads=ahead(1)),
        Fault(
            name="normalised within blocks",
            fn=lambda x: torch.cat([rms(part, 1) for part in x.split(CHUNK, 1)], 1),
            reads=same_block(),
        ),
        Fault(name="scaled by the greatest", fn=lambda x: x / x.abs().amax(1, keepdim=True), reads=every),
        Fault(
            name="detached mean",
            fn=lambda x: x - x.mean(1, keepdim=True).detach(),
            reads=every,
            seen_by=FORWARD,
        ),
        Fault(name="scaler fitted to the series", fn=fitted_scaler, reads=every, seen_by=FORWARD),
        Fault(name="divided by what is not padding", fn=counted_mean, reads=every, seen_by=FORWARD),
    ]
    return models, faults


MODELS, FAULTS = build()
