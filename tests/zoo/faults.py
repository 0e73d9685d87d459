"""Leaky models: functions of x with shape (B, T, D), D = 4, and which pairs t <- s they leak."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zoo.models import D, Recurrent, fft_conv

Reads = Callable[[int, int], bool]


@dataclass(frozen=True)
class Fault:
    """A leaky function.

    ``reads(t, s)`` says whether output t reads the later input s; ``gradient`` and ``forward`` whether
    autograd and whether prefixes in float32 can see it.
    """

    name: str
    fn: Callable[[Tensor], Tensor]
    reads: Reads
    gradient: bool = True
    forward: bool = True


def every(t: int, s: int) -> bool:
    return True


def only(pair: tuple[int, int]) -> Reads:
    return lambda t, s: (t, s) == pair


def ahead(by: int) -> Reads:
    return lambda t, s: s <= t + by


def same_block(size: int) -> Reads:
    return lambda t, s: t // size == s // size


def with_pair_leak(
    fn: Callable[[Tensor], Tensor], amplitude: float, output: tuple[int, ...], source: tuple[int, ...]
) -> Callable[[Tensor], Tensor]:
    """Add ``amplitude * x[source]`` to the entry ``output`` of ``fn(x)``, where both exist."""

    def leaky(x: Tensor) -> Tensor:
        y = fn(x).clone()
        if source[1] < x.shape[1]:
            y[output] = y[output] + amplitude * x[source]
        return y

    return leaky


def masked_attention(x: Tensor, diagonal: int) -> Tensor:
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril(diagonal)
    return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)


def walsh_hadamard_blocks(x: Tensor, size: int = 4) -> Tensor:
    """Mix positions within blocks by a Walsh-Hadamard matrix; a ragged last block stays as it is."""
    hadamard = x.new_ones(1, 1)
    while len(hadamard) < size:
        hadamard = torch.cat([torch.cat([hadamard, hadamard], 1), torch.cat([hadamard, -hadamard], 1)], 0)
    whole = x.shape[1] // size * size
    blocks = x[:, :whole].unflatten(1, (-1, size))
    mixed = torch.einsum("ij,bnjd->bnid", hadamard, blocks).flatten(1, 2)
    return torch.cat([mixed, x[:, whole:]], 1)


def block_mean(x: Tensor, size: int = 4) -> Tensor:
    return torch.cat([part + part.mean(1, keepdim=True) for part in x.split(size, dim=1)], 1)


def decay_summed_over_destination(x: Tensor, chunk: int = 4) -> Tensor:
    """Scale what a chunk inherits by decays summed over all of the chunk, not up to the token."""
    out, state = [], torch.zeros_like(x[:, :1])
    for part in x.split(chunk, dim=1):
        out.append(part.cumsum(1) + state * torch.sigmoid(part).sum(1, keepdim=True))
        state = state + part.sum(1, keepdim=True)
    return torch.cat(out, 1)


def read_neighbour_example(x: Tensor) -> Tensor:
    """Let every example but the first read the example before it, at the same position."""
    return x.cumsum(1) + torch.cat([torch.zeros_like(x[:1]), x[:-1]], 0)


def build() -> list[Fault]:
    with torch.random.fork_rng():
        torch.manual_seed(8)
        kernel, weight = torch.randn(64, D), torch.randn(D, D, 3)
        both_ways = Recurrent(nn.GRU, bidirectional=True)
    cumsum: Callable[[Tensor], Tensor] = lambda x: x.cumsum(1)  # noqa: E731
    return [
        Fault(
            "bidirectional attention", lambda x: nn.functional.scaled_dot_product_attention(x, x, x), every
        ),
        Fault("attention mask off by one", lambda x: masked_attention(x, 1), ahead(1)),
        Fault(
            "convolution padded on both sides",
            lambda x: nn.functional.conv1d(x.mT, weight.to(x.dtype), padding=1).mT,
            ahead(1),
        ),
        Fault("circular FFT convolution", lambda x: fft_conv(x, kernel, padded=False), every),
        Fault("cumsum from the end", lambda x: x.flip(1).cumsum(1).flip(1), every),
        Fault("bidirectional GRU", both_ways, every),
        Fault("normalised over time", lambda x: x * x.square().mean(1, keepdim=True).rsqrt(), every),
        Fault("Walsh-Hadamard within blocks", walsh_hadamard_blocks, same_block(4)),
        Fault("block mean broadcast", block_mean, same_block(4)),
        Fault("decay summed over the destination", decay_summed_over_destination, same_block(4)),
        Fault("reads the next token only", lambda x: x.roll(-1, 1), lambda t, s: s == t + 1),
        Fault("one pair, 1e-1", with_pair_leak(cumsum, 1e-1, (0, 3, 1), (0, 9, 2)), only((3, 9))),
        Fault("one pair, 1e-4", with_pair_leak(cumsum, 1e-4, (1, 0, 1), (1, 11, 2)), only((0, 11))),
        Fault(
            "one pair, 1e-10",
            with_pair_leak(cumsum, 1e-10, (0, 9, 0), (0, 10, 0)),
            only((9, 10)),
            forward=False,
        ),
        Fault("uniform, 1e-4", lambda x: x.cumsum(1) + 1e-4 * x.sum(1, keepdim=True), every),
        Fault("detached mean", lambda x: x - x.mean(1, keepdim=True).detach(), every, gradient=False),
        Fault("quantised by the sequence's greatest", quantised, every, gradient=False),
        Fault("divided by the length", lambda x: x.cumsum(1) / x.shape[1], every, gradient=False),
        Fault("positions counted from the end", counted_from_the_end, every, gradient=False),
    ]


def quantised(x: Tensor) -> Tensor:
    scale = x.detach().abs().amax(1, keepdim=True) / 7
    return x + ((x / scale).round() * scale - x).detach()


def counted_from_the_end(x: Tensor) -> Tensor:
    return x + torch.arange(x.shape[1], 0, -1, dtype=x.dtype, device=x.device)[:, None]


FAULTS = build()
