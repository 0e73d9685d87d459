"""Fused operations, and their gradients, are equal to what they are made of."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scanproof import SameReport, Verdict, check_same

GENERATOR = torch.Generator().manual_seed(0)
X, COTANGENT = (torch.randn(4, 6, generator=GENERATOR) for _ in range(2))
CAUSAL = torch.ones(4, 4).tril().bool()
ROWS = torch.tensor([False, True, False, True])[:, None]
ROOT = math.sqrt(0.5)
BETA = math.sqrt(2) * (2 / math.sqrt(math.pi)) * 0.5

Formula = Callable[[Tensor], Any]


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + (-x).exp())


def tanh(x: Tensor) -> Tensor:
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


def softmax(x: Tensor) -> Tensor:
    return x.exp() / x.exp().sum(-1, keepdim=True)


def centred(x: Tensor, axis: Any = -1) -> Tensor:
    return x - x.mean(axis, keepdim=True)


def normal(x: Tensor, eps: float, axis: Any = -1) -> Tensor:
    return x * (x.square().mean(axis, keepdim=True) + eps).rsqrt()


def attended(x: Tensor, seen: Tensor | None = None) -> Tensor:
    scores = (x @ x.flip(1).T * (1 / math.sqrt(6))).exp()
    scores = scores if seen is None else scores * seen
    return scores / scores.sum(1, keepdim=True) @ (x + 1)


def fused(x: Tensor, **options: Any) -> Tensor:
    one, other, third = (each[None, None] for each in (x, x.flip(1), x + 1))
    return functional.scaled_dot_product_attention(one, other, third, **options)[0, 0]


def substituted(x: Tensor) -> Tensor:
    """Solve (1 - L) y = x, where L is a lower triangle, row after row."""
    rows: list[Tensor] = []
    for row in range(4):
        rows.append(x[row] + sum((x[row, at] * rows[at] for at in range(row)), torch.zeros(6)))
    return torch.stack(rows)


def solved(x: Tensor) -> Tensor:
    lower = torch.eye(4) - x[:, :4].tril(-1)
    return torch.linalg.solve_triangular(lower, x, upper=False, unitriangular=True)


def solve(x: Tensor) -> Tensor:
    return torch.linalg.solve(x[:, :4], x[:, 4:])


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    return torch.where(x > 0, x, alpha * (torch.where(x > 0, 0.0, x).exp() - 1))


SPELT: dict[str, tuple[Formula, Formula]] = {
    "sigmoid": (torch.sigmoid, sigmoid),
    "tanh": (torch.tanh, tanh),
    "silu": (functional.silu, lambda x: x * sigmoid(x)),
    "softplus": (lambda x: functional.softplus(x).exp(), lambda x: 1 + x.exp()),
    "softplus, scaled": (lambda x: functional.softplus(x, 2.0), lambda x: (1 + (2 * x).exp()).log() / 2),
    "softplus, linear": (lambda x: functional.softplus(x, threshold=-50.0), lambda x: x),
    "logsigmoid": (functional.logsigmoid, lambda x: -(1 + (-x).exp()).log()),
    "mish": (functional.mish, lambda x: x * tanh((1 + x.exp()).log())),
    "elu": (functional.elu, elu),
    "selu": (torch.selu, lambda x: 1.0507009873554804934 * elu(x, 1.6732632423543772848)),
    "celu": (lambda x: functional.celu(x, 2.0), lambda x: 2 * elu(x / 2)),
    "gelu": (functional.gelu, lambda x: 0.5 * x * (1 + torch.erf(x * ROOT))),
    "gelu, by tanh": (
        lambda x: functional.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + tanh(BETA * (x + 0.044715 * x**3))),
    ),
    "logit": (lambda x: x.sigmoid().logit(), lambda x: (x.sigmoid() / (1 - x.sigmoid())).log()),
    "softsign": (functional.softsign, lambda x: x / (1 + torch.where(x > 0, x, -x))),
    "softmax": (lambda x: x.softmax(-1), softmax),
    "log_softmax": (lambda x: x.log_softmax(-1).exp(), softmax),
    "log_softmax outside": (lambda x: x.log_softmax(-1), lambda x: x - x.exp().sum(-1, keepdim=True).log()),
    "logsumexp": (lambda x: x.logsumexp(1).exp(), lambda x: x.exp().sum(1)),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, 1).exp(), lambda x: x.exp().cumsum(1)),
    "logaddexp": (lambda x: torch.logaddexp(x, x.flip(1)).exp(), lambda x: x.exp() + x.flip(1).exp()),
    "cumprod": (lambda x: x.cumprod(1), lambda x: torch.stack([x[:, : t + 1].prod(1) for t in range(6)], 1)),
    "glu": (functional.glu, lambda x: x[:, :3] * sigmoid(x[:, 3:])),
    "sinh and cosh": (lambda x: x.sinh() + x.cosh(), torch.exp),
    "a power of two": (lambda x: torch.exp2(x) * torch.exp2(1 - x), lambda x: torch.exp2(0 * x + 1)),
    "a power": (lambda x: (x * x) ** x[:1] * (x * x) ** (-x[:1]), lambda x: 0 * x + 1),
    "half a power": (lambda x: (x * x + 1) ** -1.5, lambda x: (x * x + 1).rsqrt() / (x * x + 1)),
    "logarithms to other bases": (
        lambda x: (x * x + 1).log2() * torch.tensor(2.0).log(),
        lambda x: (x * x + 1).log10() * torch.tensor(10.0).log(),
    ),
    "variance": (lambda x: x.var(1, correction=2), lambda x: centred(x).square().sum(1) / 4),
    "variance of all": (lambda x: x.var(correction=8), lambda x: centred(x, (0, 1)).square().sum() / 16),
    "variance and mean": (lambda x: torch.var_mean(x, 0), lambda x: (x.var(0), x.mean(0))),
    "standard deviation": (lambda x: x.std(1, keepdim=True), lambda x: x.var(1, keepdim=True).sqrt()),
    "a length": (lambda x: x.norm(dim=1), lambda x: (x * x).sum(1).sqrt()),
    "layer norm": (
        lambda x: functional.layer_norm(x, (6,), x[0], x[1], 0.125),
        lambda x: normal(centred(x), 0.125) * x[0] + x[1],
    ),
    "layer norm of two axes": (
        lambda x: functional.layer_norm(x.view(2, 2, 6), (2, 6), eps=0.125),
        lambda x: normal(centred(x.view(2, 2, 6), (1, 2)), 0.125, (1, 2)),
    ),
    "RMS norm": (
        lambda x: functional.rms_norm(x, (6,), x[0], 0.125), lambda x: normal(x, 0.125) * x[0]
    ),
    "group norm": (
        lambda x: functional.group_norm(x.view(2, 4, 3), 2, x[0, :4], x[1, :4], 0.125),
        lambda x: normal(centred(x.view(2, 2, 6)), 0.125).view(2, 4, 3) * x[0, :4, None] + x[1, :4, None],
    ),
    "attention": (fused, attended),
    "causal attention": (lambda x: fused(x, is_causal=True), lambda x: attended(x, CAUSAL)),
    "attention with a mask": (lambda x: fused(x, attn_mask=CAUSAL), lambda x: attended(x, CAUSAL)),
    "attention with the least float": (
        lambda x: fused(x, attn_mask=(1 - CAUSAL.float()) * torch.finfo(torch.float32).min),
        lambda x: attended(x, CAUSAL),
    ),
    "attention with a bias": (
        lambda x: fused(x, attn_mask=torch.eye(4)), lambda x: attended(x, torch.eye(4).exp())
    ),
    "a triangular system": (solved, substituted),
    "an inverse": (
        lambda x: torch.linalg.inv(x[:, :4]) @ x, lambda x: torch.cat([torch.eye(4), solve(x)], 1)
    ),
    "a system": (lambda x: x[:, :4] @ torch.linalg.solve(x[:, :4], x), lambda x: 1 * x),
    "safe softmax": (
        lambda x: torch.ops.aten._safe_softmax(x.masked_fill(ROWS, -torch.inf), -1),
        lambda x: softmax(x) * ~ROWS,
    ),
    "hypot": (lambda x: torch.hypot(x, x[0]), lambda x: (x * x + x[0] * x[0]).sqrt()),
    "convolution": (
        lambda x: functional.conv1d(x[None], x[:, None, :3], x[0, :4], padding=2, groups=4)[..., :6],
        lambda x: functional.pad(x, (2, 0)).unfold(1, 3, 1).mul(x[:, None, :3]).sum(2)[None] + x[0, :4, None],
    ),
    "embedding": (
        lambda x: functional.embedding(torch.tensor([2, 0, 2]), x), lambda x: torch.stack([x[2], x[0], x[2]])
    ),
    "greatest": (lambda x: x.amax(1), lambda x: x.sort(1).values[:, -1]),
    "greatest with its index": (lambda x: x.max(1).values, lambda x: x.topk(1).values[:, 0]),
    "running maximum": (
        lambda x: x.cummax(1).values, lambda x: torch.stack([x[:, : t + 1].amax(1) for t in range(6)], 1)
    ),
    "scattered sums": (
        lambda x: x.new_zeros(4, 2).scatter_add(1, torch.tensor([[0, 1, 0, 1, 1, 0]] * 4), x),
        lambda x: torch.stack([x[:, [0, 2, 5]].sum(1), x[:, [1, 3, 4]].sum(1)], 1),
    ),
}  # fmt: skip

OUTSIDE = {"logsigmoid", "softplus, scaled", "log_softmax outside", "logarithms to other bases"}
"""Formulas whose value is a logarithm, so that a difference has to show in float64."""


APART = {"gelu", "logarithms to other bases", "half a power", "an inverse", "a system"}
"""Operations whose gradient has rounded constants, a law of sqrt, or an operation without a rule."""


def gradient(fn: Formula) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what pulls a cotangent back through a function."""

    def pull(x: Tensor, cotangent: Tensor) -> Tensor:
        with torch.enable_grad():
            own = x.detach().requires_grad_()
            result = fn(own)
            results = result if isinstance(result, tuple) else (result,)
            given = [cotangent.flatten()[: each.numel()].view(each.shape) for each in results]
            return torch.autograd.grad(results, own, given)[0]

    return pull


def decided(report: SameReport, expected: Verdict) -> None:
    assert report.verdict is expected, report.summary()


@pytest.mark.parametrize("name", SPELT)
def test_a_fused_operation_is_what_it_is_made_of(name: str) -> None:
    one, other = SPELT[name]

    def wrong(x: Tensor) -> Any:
        result = other(x)
        size = 1e-9 if name in OUTSIDE else 1e-12
        return (result[0] + size, result[1]) if isinstance(result, tuple) else result + size

    decided(check_same(one, other, X), Verdict.EQUAL)
    report = check_same(one, wrong, X)
    if report.opaque and name not in OUTSIDE:
        assert report.verdict is not Verdict.EQUAL
    else:
        decided(report, Verdict.DIFFERENT)


@pytest.mark.parametrize("name", sorted(SPELT.keys() - APART))
def test_the_gradient_of_a_fused_operation_is_that_of_what_it_is_made_of(name: str) -> None:
    one, other = (gradient(fn) for fn in SPELT[name])
    decided(check_same(one, other, (X, COTANGENT)), Verdict.EQUAL)
    report = check_same(one, lambda x, cotangent: other(x, cotangent) + 1e-9, (X, COTANGENT))
    decided(report, Verdict.DIFFERENT)


HAND: dict[str, tuple[Formula, Callable[[Tensor, Tensor], Tensor]]] = {
    "sigmoid": (torch.sigmoid, lambda x, g: g * x.sigmoid() * (-x).sigmoid()),
    "tanh": (torch.tanh, lambda x, g: g * 4 / (x.exp() + (-x).exp()) ** 2),
    "silu": (functional.silu, lambda x, g: g * (x.sigmoid() + x * x.sigmoid() * (-x).sigmoid())),
    "softplus": (functional.softplus, lambda x, g: g * x.sigmoid()),
    "logsigmoid": (functional.logsigmoid, lambda x, g: g * (1 - x.sigmoid())),
    "exp": (torch.exp, lambda x, g: g * x.exp()),
    "relu": (functional.relu, lambda x, g: torch.where(x > 0, g, 0.0)),
    "softmax": (
        lambda x: x.softmax(-1), lambda x, g: (y := softmax(x)) * (g - (g * y).sum(-1, keepdim=True))
    ),
    "log_softmax": (lambda x: x.log_softmax(-1), lambda x, g: g - softmax(x) * g.sum(-1, keepdim=True)),
    "logcumsumexp": (
        lambda x: torch.logcumsumexp(x, 1),
        lambda x, g: x.exp() * (g / x.exp().cumsum(1)).flip(1).cumsum(1).flip(1),
    ),
    "gelu": (
        functional.gelu,
        lambda x, g: g * (0.5 * (1 + torch.erf(x * ROOT)) + x * (-0.5 * x * x).exp() * (BETA / 2)),
    ),
    "RMS norm": (
        lambda x: functional.rms_norm(x, (6,), eps=0.125),
        lambda x, g: (r := (x.square().mean(1, keepdim=True) + 0.125).rsqrt())
        * (g - x * r * (g * x * r).mean(1, keepdim=True)),
    ),
    "cumsum": (lambda x: x.cumsum(1), lambda x, g: g.flip(1).cumsum(1).flip(1)),
    "matmul": (lambda x: x @ x.T[:, :1], lambda x, g: (v := g.flatten()[:4, None]) @ x[:1]
               + torch.eye(4)[:, :1] @ (v.T @ x)),
}  # fmt: skip


@pytest.mark.parametrize("name", HAND)
def test_a_recorded_gradient_is_the_one_written_by_hand(name: str) -> None:
    fn, hand = HAND[name]
    decided(check_same(gradient(fn), hand, (X, COTANGENT)), Verdict.EQUAL)
    report = check_same(gradient(fn), lambda x, g: hand(x, g) * (1 + 1e-12), (X, COTANGENT))
    if report.opaque:
        assert report.verdict is not Verdict.EQUAL
    else:
        decided(report, Verdict.DIFFERENT)
