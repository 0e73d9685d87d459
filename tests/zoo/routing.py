"""Choices: routing, quantisation, sorting. Most have no gradient, so that only forward checks see them."""

import torch
from torch import Tensor

from .specimen import CAUSAL, FORWARD, PERTURBATION, Fault, Function, Model, T, every, seeded

ROUTER = seeded(40, 4, 3)
EXPERTS = seeded(41, 3, 4, 4)


def experts(x: Tensor) -> Tensor:
    """Return what each of three experts makes of each token, shape (B, T, 3, D)."""
    return torch.einsum("btd,edf->btef", x, EXPERTS.to(x.dtype)).tanh()


def token_choice(x: Tensor) -> Tensor:
    """Let every token choose its expert."""
    scores = (x @ ROUTER.to(x.dtype)).softmax(-1)
    best = scores.argmax(-1)[..., None]
    return x + scores.gather(-1, best) * experts(x).take_along_dim(best[..., None], 2).squeeze(2)


def expert_choice(x: Tensor) -> Tensor:
    """Let an expert choose the three tokens that it scores highest in the whole sequence."""
    chosen = x[..., 0].topk(min(3, x.shape[1]), dim=1).indices
    return x + torch.zeros_like(x).scatter(1, chosen[..., None].expand(-1, -1, x.shape[-1]), 1.0)


def limited_capacity(x: Tensor) -> Tensor:
    """Let tokens choose, and drop those with the lowest scores where an expert has no room for them."""
    scores = (x @ ROUTER.to(x.dtype)).softmax(-1)
    best, expert = scores.max(-1)
    rivals = (expert[:, :, None] == expert[:, None]) & (best[:, None] > best[:, :, None])
    kept = (rivals.sum(-1) < 2)[..., None]
    return x + kept * experts(x).take_along_dim(expert[..., None, None], 2).squeeze(2)


def half_the_depth(x: Tensor) -> Tensor:
    """Process the tokens whose score is above the median of the sequence, as in mixture of depths."""
    scores = x.sum(-1, keepdim=True)
    return x + (scores > scores.median(1, keepdim=True).values) * x.tanh()


def quantised(x: Tensor, dim: int) -> Tensor:
    """Round to 15 levels of the greatest along ``dim``, with a straight-through gradient."""
    scale = x.detach().abs().amax(dim, keepdim=True) / 7
    return x + ((x / scale).round() * scale - x).detach()


class Centred(torch.autograd.Function):
    """Subtracts the mean over time; its backward says that it is the identity."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x - x.mean(1, keepdim=True)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def plus(read: Function) -> Function:
    """Add what ``read`` takes from x to a sum over the past."""
    return lambda x: x.cumsum(1) + read(x)


MODELS = [
    Model(name="token-choice experts", fn=token_choice),
    Model(name="quantised by token", fn=lambda x: quantised(x, -1), prefix=CAUSAL),
    Model(name="rounded", fn=lambda x: x.cumsum(1) + x.cumsum(1).round(), prefix=CAUSAL),
    Model(name="gated by a running maximum", fn=lambda x: x + (x >= x.cummax(1).values).to(x.dtype)),
]

FAULTS = [
    Fault(name="expert choice", fn=expert_choice, reads=every, seen_by=FORWARD),
    Fault(name="experts of limited capacity", fn=limited_capacity, reads=every, seen_by=FORWARD),
    Fault(name="mixture of depths", fn=half_the_depth, reads=every, seen_by=FORWARD),
    Fault(name="quantised by sequence", fn=lambda x: quantised(x, 1), reads=every, seen_by=FORWARD),
    Fault(
        name="rounded mean",
        fn=plus(lambda x: (8 * x.mean(1, keepdim=True)).round()),
        reads=every,
        seen_by=FORWARD,
    ),
    Fault(
        name="position of the greatest",
        fn=plus(lambda x: x.argmax(1, keepdim=True)),
        reads=every,
        seen_by=FORWARD,
    ),
    Fault(name="ranks", fn=plus(lambda x: x.argsort(1).argsort(1)), reads=every, seen_by=FORWARD),
    Fault(
        name="a backward that hides it",
        fn=plus(Centred.apply),
        reads=every,
        seen_by=FORWARD,
    ),
    Fault(
        name="reversed without gradient",
        fn=plus(lambda x: torch.no_grad()(torch.flip)(x, (1,))),
        reads=lambda t, s: t + s == T - 1,
        by_length=True,
        seen_by=FORWARD,
    ),
    Fault(
        name="an event that is rare",
        fn=plus(lambda x: (x.abs().amax(1, keepdim=True) > 100).to(x.dtype)),
        reads=every,
        seen_by=PERTURBATION,
    ),
    Fault(name="sorted over time", fn=lambda x: x.sort(1).values, reads=every),
]
