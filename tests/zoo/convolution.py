"""Convolution: which side is padded, by how much, and what is cut off again."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, conv1d, interpolate, pad

from scanproof import Alignment

from .specimen import (
    ROUNDING,
    D,
    Fault,
    Model,
    T,
    ahead,
    every,
    exactly,
    same_block,
    seeded,
    wrapped,
)

KERNEL = seeded(8, 64, D)
DEPTHWISE = seeded(9, D, 1, 3)
FULL = seeded(10, D, D, 3)


def conv(
    x: Tensor, left: int, right: int = 0, weight: Tensor = FULL, stride: int = 1, dilation: int = 1
) -> Tensor:
    """Convolve along T after padding both sides with zeros."""
    groups = x.shape[2] // weight.shape[1]
    return conv1d(
        pad(x.mT, (left, right)), weight.to(x.dtype), groups=groups, stride=stride, dilation=dilation
    ).mT


def causal_conv(x: Tensor, weight: Tensor) -> Tensor:
    return conv(x, weight.shape[-1] - 1, weight=weight)


def fft_conv(x: Tensor, kernel: Tensor, padded: bool = True) -> Tensor:
    """Convolve along T with a kernel (≥ T, D); without zero padding the convolution is circular and leaks."""
    return spectral_conv(x, kernel[: x.shape[1]], 2 * x.shape[1] if padded else x.shape[1])


def spectral_conv(x: Tensor, kernel: Tensor, n: int) -> Tensor:
    spectrum = torch.fft.rfft(x, n, dim=1) * torch.fft.rfft(kernel.to(x.dtype), n, dim=0)
    return torch.fft.irfft(spectrum, n, dim=1)[:, : x.shape[1]]


def spectral_gate(x: Tensor) -> Tensor:
    """Weigh frequencies, as if time had no direction."""
    spectrum = torch.fft.rfft(x, dim=1)
    return torch.fft.irfft(spectrum * KERNEL[: spectrum.shape[1]].to(x.dtype), x.shape[1], dim=1)


def circularly_padded(x: Tensor) -> Tensor:
    positions = torch.arange(-2, x.shape[1], device=x.device) % x.shape[1]
    return conv1d(x[:, positions].mT, FULL.to(x.dtype)).mT


def tcn(x: Tensor, last: int = 0) -> Tensor:
    """Stack three dilated convolutions with residual connections; the last may look ahead."""
    for dilation in (1, 2, 4):
        after = last if dilation == 4 else 0
        x = x + conv(x, 2 * dilation - after, after, dilation=dilation).tanh()
    return x


def shared_by_pairs(x: Tensor, of_the_pair_before: bool = False) -> Tensor:
    """Pool pairs of positions and give both of them the mean, or that of the pair before."""
    pooled = avg_pool1d(pad(x.mT, (0, x.shape[1] % 2)), 2)
    if of_the_pair_before:
        pooled = pad(pooled, (1, 0))[..., :-1]
    return x + interpolate(pooled, scale_factor=2.0, mode="nearest")[..., : x.shape[1]].mT


class Patches(nn.Module):
    """Embed patches of three positions, T' = T // 3."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Conv1d(D, D, 3, stride=3)

    def forward(self, x: Tensor) -> Tensor:
        return self.embedding(x.mT).mT


def build() -> tuple[list[Model], list[Fault]]:
    with torch.random.fork_rng():
        torch.manual_seed(12)
        patches = Patches()
    even = seeded(11, D, D, 4)
    models = [
        Model(name="depthwise causal convolution", fn=lambda x: causal_conv(x, DEPTHWISE)),
        Model(name="causal convolution", fn=lambda x: causal_conv(x, FULL)),
        Model(name="padded on both sides, cut on the right", fn=lambda x: conv(x, 2, 2)[:, :-2]),
        Model(name="dilated causal convolution", fn=lambda x: conv(x, 4, dilation=2)),
        Model(name="TCN of three layers", fn=tcn),
        Model(name="mean of the pair before", fn=lambda x: shared_by_pairs(x, of_the_pair_before=True)),
        Model(
            name="FFT convolution",
            fn=lambda x: fft_conv(x, KERNEL),
            certificate=ROUNDING,
            perturbation=ROUNDING,
            prefix=ROUNDING,
        ),
        Model(
            name="FFT convolution in float32 inside",
            fn=lambda x: fft_conv(x.float(), KERNEL).to(x.dtype),
            certificate=ROUNDING,
            perturbation=ROUNDING,
            prefix=ROUNDING,
        ),
        Model(
            name="patches",
            fn=patches,
            T=12,
            alignment=Alignment.patches(3),
        ),
        Model(
            name="stride 2",
            fn=lambda x: conv(x, 2, stride=2),
            alignment=Alignment.stride(2),
        ),
        Model(
            name="depthwise causal convolution of 2,048",
            fn=lambda x: causal_conv(x, DEPTHWISE),
            T=2048,
            examples=1,
            modes=frozenset({"coded"}),
        ),
    ]
    faults = [
        Fault(name="padded on both sides", fn=lambda x: conv(x, 1, 1), reads=ahead(1)),
        Fault(name="cut on the wrong side", fn=lambda x: conv(x, 2, 2)[:, 2:], reads=ahead(2)),
        Fault(
            name="kernel the wrong way round",
            fn=lambda x: causal_conv(x.flip(1), DEPTHWISE).flip(1),
            reads=ahead(2),
        ),
        Fault(
            name="dilation counted on both sides",
            fn=lambda x: conv(x, 2, 2, dilation=2),
            reads=exactly(2),
        ),
        Fault(
            name="even kernel, centred",
            fn=lambda x: conv(x, 1, 2, weight=even),
            reads=ahead(2),
        ),
        Fault(
            name="last layer of a TCN centred", fn=lambda x: tcn(x, last=4), reads=lambda t, s: s <= t + 4 < T
        ),
        Fault(name="circular padding", fn=circularly_padded, reads=wrapped(T - 2)),
        Fault(name="mean of the pair", fn=shared_by_pairs, reads=same_block(2)),
        Fault(name="circular FFT convolution", fn=lambda x: fft_conv(x, KERNEL, padded=False), reads=every),
        Fault(
            name="circular FFT convolution, short kernel",
            fn=lambda x: spectral_conv(x, KERNEL[:4], x.shape[1]),
            reads=wrapped(T - 3),
        ),
        Fault(
            name="FFT convolution padded too little",
            fn=lambda x: spectral_conv(x, KERNEL[: x.shape[1]], x.shape[1] + 3),
            reads=wrapped(4),
        ),
        Fault(name="spectral gate", fn=spectral_gate, reads=every),
        Fault(
            name="patches that overlap the next",
            fn=lambda x: conv(x, 0, 1, even, stride=3),
            T=12,
            alignment=Alignment.patches(3),
            reads=lambda t, s: s == 3 * t + 3,
        ),
        Fault(
            name="stride 2, centred",
            fn=lambda x: conv(x, 1, 1, stride=2),
            alignment=Alignment.stride(2),
            reads=lambda t, s: s == 2 * t + 1,
        ),
    ]
    return models, faults


MODELS, FAULTS = build()
