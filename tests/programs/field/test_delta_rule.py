"""The gated delta rule by steps and by chunks is one function, and so are its gradients."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from scanproof import Verdict, check_same

GENERATOR = torch.Generator().manual_seed(0)
Q, K, V = (torch.randn(2, 12, 4, generator=GENERATOR) for _ in range(3))
DECAY, BETA = (torch.rand(2, 12, generator=GENERATOR) for _ in range(2))
GIVEN = (Q, K, V, -DECAY, BETA)

Rule = Callable[..., Tensor]


def steps(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor) -> Tensor:
    state, result = torch.zeros(2, 4, 4), torch.zeros_like(v).transpose(0, 1).contiguous().transpose(0, 1)
    for t in range(q.shape[1]):
        state = state * g[:, t, None, None].exp()
        missing = v[:, t] - (k[:, t, None] @ state)[:, 0]
        state = state + k[:, t, :, None] * (beta[:, t, None] * missing)[:, None]
        result[:, t] = (q[:, t, None] @ state)[:, 0]
    return result


def chunks(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, size: int = 4, error: float = 0.0
) -> Tensor:
    """Run chunks by the inverse of a triangular matrix (Yang et al. 2024)."""
    state, parts = torch.zeros(2, 4, 4), []
    lower = torch.ones(size, size).tril().bool()
    given = (each.split(size, 1) for each in (q, k, v, g, beta))
    for q, k, v, g, beta in zip(*given, strict=True):
        sums = g.cumsum(1)
        decays = (sums[:, :, None] - sums[:, None]).masked_fill(~lower, -torch.inf).exp()
        inner = (beta[:, :, None] * (k @ k.mT) * decays).tril(-1) + torch.eye(size)
        seen = v - sums.exp()[..., None] * (k @ state)
        written = torch.linalg.solve_triangular(
            inner, beta[..., None] * seen, upper=False, unitriangular=True
        )
        parts.append(sums.exp()[..., None] * (q @ state) + (q @ k.mT * decays) @ written)
        left = (sums[:, -1:] - sums).exp() * (1 + error)
        state = sums[:, -1].exp()[:, None, None] * state + (left[..., None] * k).mT @ written
    return torch.cat(parts, 1)


def gradient(rule: Rule) -> Callable[..., tuple[Tensor, ...]]:
    def pull(*given: Tensor) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            own = [each.detach().requires_grad_() for each in given]
            return torch.autograd.grad(rule(*own).square().sum(), own)

    return pull


@pytest.mark.parametrize("size", [3, 4, 6])
def test_chunks_are_steps(size: int) -> None:
    report = check_same(steps, partial(chunks, size=size), GIVEN)
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert report.opaque == ()


def test_gradients_of_chunks_are_those_of_steps() -> None:
    report = check_same(gradient(steps), gradient(chunks), GIVEN)
    assert report.verdict is Verdict.EQUAL, report.summary()


def test_a_decay_that_is_off_by_little_is_seen() -> None:
    wrong = partial(chunks, error=1e-12)
    report = check_same(steps, wrong, GIVEN)
    assert report.verdict is Verdict.DIFFERENT
    assert report.worst is not None
    assert report.worst.index[1] >= 4
    assert report.worst.count == 2 * 8 * 4
    assert check_same(gradient(steps), gradient(wrong), GIVEN).verdict is Verdict.DIFFERENT
