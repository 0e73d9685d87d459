"""Layers to compose, each with the boolean matrix of which position reads which; and leaks to inject.

The matrix of a composition is the product of the matrices, and is exact for weights in general position. So
the ground truth of any stack is known without differentiating it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from .attention import causal_attention, chunked_linear_attention, windowed
from .convolution import KERNEL, causal_conv, conv, fft_conv
from .mixing import mixed_by, shifted
from .normalisation import cumulative_norm
from .scans import chunked_decay, ema, hillis_steele, selective
from .specimen import CHUNK, D, Function, seeded

Support = Callable[[int], Tensor]
"""From a length T to a boolean matrix: entry [t, s] says whether output t reads input s."""


@dataclass(frozen=True)
class Layer:
    """A function of x with shape (B, T, D).

    Attributes:
        name: what it is.
        fn: the function.
        support: which output reads which input.
        blind: whether autograd sees none of what ``support`` has beyond the diagonal.
        rounds: whether it rounds across positions.
    """

    name: str
    fn: Function
    support: Support
    blind: bool = False
    rounds: bool = False

    def __repr__(self) -> str:
        return self.name

    def read(self, T: int, *, by_gradient: bool) -> Tensor:
        """Return which output reads which input, as numbers 0 and 1."""
        return (own(T) if by_gradient and self.blind else self.support(T)).double()


def own(T: int) -> Tensor:
    return torch.eye(T, dtype=torch.bool)


def past(T: int) -> Tensor:
    return torch.ones(T, T, dtype=torch.bool).tril()


def past_but_the_first(T: int) -> Tensor:
    """All of the past; but the first output is constant."""
    reads = past(T)
    reads[0, 0] = False
    return reads


def lags(*distances: int) -> Support:
    """Positions at those distances behind; negative ones are ahead."""
    return lambda T: torch.stack([torch.ones(T, T).tril(-k).triu(-k).bool() for k in distances]).any(0)


def whole(T: int) -> Tensor:
    return torch.ones(T, T, dtype=torch.bool)


def wrapped(T: int) -> Tensor:
    return own(T) | own(T).roll(1, 0)


def within_blocks(T: int) -> Tensor:
    block = torch.arange(T) // CHUNK
    return block[:, None] == block


def residual(layer: Layer) -> Layer:
    def support(T: int) -> Tensor:
        return own(T) | layer.support(T)

    return Layer(f"x + {layer.name}", lambda x: x + layer.fn(x), support, rounds=layer.rounds)


def linear(seed: int) -> Layer:
    weight = seeded(seed, D, D) / 2
    return Layer(f"linear {seed}", lambda x: x @ weight.to(x.dtype), own)


def convolution(seed: int) -> Layer:
    weight = seeded(seed, D, D, 3) / 3
    return Layer(f"convolution {seed}", lambda x: causal_conv(x, weight), lags(0, 1, 2))


def dilated(seed: int) -> Layer:
    weight = seeded(seed, D, 1, 3)
    return Layer(
        f"dilated convolution {seed}", lambda x: conv(x, 4, weight=weight, dilation=2), lags(0, 2, 4)
    )


def gate(seed: int) -> Layer:
    weight = seeded(seed, D, D)
    return Layer(f"gate {seed}", lambda x: x * (x @ weight.to(x.dtype)).sigmoid(), own)


PLAIN = [
    Layer("layer norm", lambda x: layer_norm(x, x.shape[-1:], eps=1e-2), own),
    Layer("tanh", torch.tanh, own),
    Layer("scan", ema, past),
    Layer("selective scan", selective, past),
    Layer("chunked scan", chunked_decay, past),
    Layer("scan by doubling", hillis_steele, past),
    Layer("attention", causal_attention, past),
    Layer("sliding window", windowed, lags(0, 1, 2, 3)),
    Layer("linear attention", chunked_linear_attention, past),
    Layer("triangular mixing", lambda x: mixed_by(x, 0), past),
    Layer("running norm", cumulative_norm, past_but_the_first),
    Layer("shift", shifted, lags(1)),
    Layer("token shift", lambda x: x + 0.5 * shifted(x), lags(0, 1)),
]
ROUNDING = Layer("FFT convolution", lambda x: fft_conv(x, KERNEL) / 8, past, rounds=True)
SEEDED = [linear, convolution, dilated, gate]


def pair(t: int, s: int, size: float) -> Layer:
    """Let output t read input s."""

    def fn(x: Tensor) -> Tensor:
        y = x.clone()
        y[:, t, 1] = y[:, t, 1] + size * x[:, s, 2]
        return y

    def support(T: int) -> Tensor:
        reads = own(T)
        reads[t, s] = True
        return reads

    return Layer(f"leak {t} <- {s} of {size:g}", fn, support)


def next_token(size: float) -> Layer:
    return Layer(
        f"next token, {size:g}",
        lambda x: x + size * torch.cat([x[:, 1:], torch.zeros_like(x[:, :1])], 1),
        lags(0, -1),
    )


def wrap_around(size: float) -> Layer:
    return Layer(f"wrap-around, {size:g}", lambda x: x + size * x.roll(1, 1), wrapped)


def sequence_mean(size: float) -> Layer:
    return Layer(f"mean, {size:g}", lambda x: x + size * x.mean(1, keepdim=True), whole)


def block_mean(size: float) -> Layer:
    return Layer(
        f"mean of blocks, {size:g}",
        lambda x: torch.cat([part + size * part.mean(1, keepdim=True) for part in x.split(CHUNK, 1)], 1),
        within_blocks,
    )


def detached_mean(size: float) -> Layer:
    return Layer(
        f"detached mean, {size:g}",
        lambda x: x + size * x.mean(1, keepdim=True).detach(),
        whole,
        blind=True,
    )


def bounded(x: Tensor) -> Tensor:
    return x * (1 + x.square().mean(-1, keepdim=True)).rsqrt()


LEAKS = [next_token, wrap_around, sequence_mean, block_mean, detached_mean]


@dataclass(frozen=True)
class Stack:
    """Layers one after another, each bounded, so that none explodes or saturates the next."""

    layers: tuple[Layer, ...]

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = bounded(layer.fn(x))
        return x

    def reads(self, T: int, *, by_gradient: bool) -> Tensor:
        """Return which output reads which input; a shift may have turned a leak into the past."""
        return _product([layer.read(T, by_gradient=by_gradient) for layer in self.layers])


def _product(matrices: Sequence[Tensor]) -> Tensor:
    read = matrices[0]
    for matrix in matrices[1:]:
        read = ((matrix @ read) > 0).double()
    return read > 0
