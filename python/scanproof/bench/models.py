"""Causal models to measure on, of shape (batch, T, channels) to the same shape."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class CausalAttention(nn.Module):
    """Multi-head attention with a causal mask: few large operations."""

    channels = 64

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(self.channels, 3 * self.channels)
        self.out = nn.Linear(self.channels, self.channels)

    def forward(self, x: Tensor) -> Tensor:
        """Attend from each position to those up to it."""
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mixed: Tensor = self.out(
            functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        )
        return mixed


class SelectiveScanLoop(nn.Module):
    """The selective scan as it is written in papers, one token after another: many small operations.

    Discretisation, state update and read-out of each token are Python statements (Gu & Dao 2023, Mamba,
    algorithm 2).
    """

    channels = 16

    def __init__(self, states: int = 8) -> None:
        super().__init__()
        self.dt, self.B, self.C = (nn.Linear(self.channels, n) for n in (self.channels, states, states))
        self.A_log = nn.Parameter(torch.randn(self.channels, states))
        self.D = nn.Parameter(torch.randn(self.channels))

    def forward(self, u: Tensor) -> Tensor:
        """Scan from the zero state."""
        A = -self.A_log.exp()
        h = u.new_zeros(len(u), *A.shape)
        y = []
        tokens = (part.unbind(1) for part in (u, functional.softplus(self.dt(u)), self.B(u), self.C(u)))
        for u_t, dt_t, B_t, C_t in zip(*tokens, strict=True):
            h = torch.exp(dt_t[..., None] * A) * h + (dt_t * u_t)[..., None] * B_t[:, None]
            y.append((h @ C_t[..., None])[..., 0])
        return torch.stack(y, 1) + self.D * u


class ConvStack(nn.Module):
    """Residual causal convolutions, padded on the left."""

    channels = 64

    def __init__(self, channels: int = 64, layers: int = 4, width: int = 4) -> None:
        super().__init__()
        self.channels, self.width = channels, width
        self.layers = nn.ModuleList(nn.Conv1d(channels, channels, width) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve along the positions."""
        u = x.mT
        for layer in self.layers:
            u = u + functional.silu(layer(functional.pad(u, (self.width - 1, 0))))
        return u.mT


MODELS: dict[str, Callable[[], Any]] = {
    "attention": CausalAttention,
    "scan": SelectiveScanLoop,
    "conv": ConvStack,
    "small conv": lambda: ConvStack(channels=16),
}
"""Models by name."""


def build(name: str, T: int, dtype: torch.dtype, seed: int, examples: int = 1) -> tuple[nn.Module, Tensor]:
    """Return a model in eval mode and an input."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MODELS[name]().to(dtype).eval()
        return model, torch.randn(examples, T, model.channels, dtype=dtype)


def with_leak(model: nn.Module, amplitude: float) -> Callable[[Tensor], Tensor]:
    """Let output T // 2 also read the next input, through one pair of channels."""

    def leaky(x: Tensor) -> Tensor:
        y: Tensor = model(x).clone()
        t = x.shape[1] // 2
        y[:, t, 0] += amplitude * x[:, t + 1, 0]
        return y

    return leaky if amplitude else model
