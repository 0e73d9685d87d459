"""Causal models: functions of x with shape (B, T, D), D = 4, with the verdicts that they deserve."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scanproof import Verdict

D = 4
EXACT = (Verdict.CAUSAL,)
TO_ROUNDING = (Verdict.CAUSAL_TO_ROUNDING,)
EITHER = (Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING)


@dataclass(frozen=True)
class Model:
    """A causal function, and what certificate and prefix check may say of it."""

    name: str
    fn: Callable[[Tensor], Tensor]
    certificate: tuple[Verdict, ...] = EXACT
    prefix: tuple[Verdict, ...] = EITHER  # a matrix product may round another shape in another way


def causal_attention(x: Tensor) -> Tensor:
    return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)


def causal_conv(x: Tensor, weight: Tensor) -> Tensor:
    width = weight.shape[-1]
    return nn.functional.conv1d(
        nn.functional.pad(x.mT, (width - 1, 0)), weight.to(x.dtype), groups=D // weight.shape[1]
    ).mT


def fft_conv(x: Tensor, kernel: Tensor, padded: bool = True) -> Tensor:
    """Convolve along T with a kernel (≥ T, D); without zero padding the convolution is circular and leaks."""
    T = x.shape[1]
    n = 2 * T if padded else T
    spectrum = torch.fft.rfft(x, n, dim=1) * torch.fft.rfft(kernel[:T], n, dim=0)
    return torch.fft.irfft(spectrum, n, dim=1)[:, :T]


def ema(x: Tensor) -> Tensor:
    state = torch.zeros_like(x[:, 0])
    out = []
    for token in x.unbind(1):
        state = 0.9 * state + token
        out.append(state)
    return torch.stack(out, 1)


def chunked_linear_attention(x: Tensor, chunk: int = 4) -> Tensor:
    state = x.new_zeros(x.shape[0], x.shape[2], x.shape[2])
    out = []
    for part in x.split(chunk, dim=1):
        scores = (part @ part.mT).tril()
        out.append(part @ state + scores @ part)
        state = state + part.mT @ part
    return torch.cat(out, 1)


def shifted(x: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)


class Block(nn.Module):
    """A pre-norm transformer block with a causal mask."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(D)
        self.attention = nn.MultiheadAttention(D, 2, dropout=0.1, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(D, 8), nn.GELU(), nn.Dropout(0.1), nn.Linear(8, D))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        x = x + self.attention(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.norm(x))


class Recurrent(nn.Module):
    """One of torch's recurrent layers, its outputs only."""

    def __init__(self, kind: type[nn.GRU] | type[nn.LSTM], bidirectional: bool = False) -> None:
        super().__init__()
        self.layer = kind(D, D, batch_first=True, bidirectional=bidirectional)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


def build() -> list[Model]:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        depthwise, full = torch.randn(D, 1, 3), torch.randn(D, D, 3)
        kernel = torch.randn(64, D)
        block, gru, lstm = Block().eval(), Recurrent(nn.GRU), Recurrent(nn.LSTM)
    positions = torch.arange(1, 65)[:, None]
    return [
        Model("cumsum", lambda x: x.cumsum(1), prefix=EXACT),
        Model("cummax", lambda x: x.cummax(1).values, prefix=EXACT),
        Model("logcumsumexp", lambda x: x.logcumsumexp(1)),
        Model("running mean", lambda x: x.cumsum(1) / positions[: x.shape[1]], prefix=EXACT),
        Model("shifted by one", shifted, prefix=EXACT),
        Model("exponential moving average", ema, prefix=EXACT),
        Model("causal attention", causal_attention),
        Model("depthwise causal conv", lambda x: causal_conv(x, depthwise)),
        Model("causal conv", lambda x: causal_conv(x, full)),
        Model("transformer block", block),
        Model("GRU", gru),
        Model("LSTM", lstm),
        Model("chunked linear attention", chunked_linear_attention),
        Model("FFT convolution", lambda x: fft_conv(x, kernel), certificate=TO_ROUNDING, prefix=TO_ROUNDING),
        Model(
            "FFT convolution in float32 inside",
            lambda x: fft_conv(x.float(), kernel).to(x.dtype),
            certificate=TO_ROUNDING,
            prefix=TO_ROUNDING,
        ),
    ]


MODELS = build()
