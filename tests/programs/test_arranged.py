"""Experts that tokens choose are established, however they are written; capacities and sorting are not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from scanproof.programs import read

EXPERTS, D = 4, 8
ROUTER, UP, BIAS = (
    torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    for shape in ((D, EXPERTS), (EXPERTS, D, D), (EXPERTS, D))
)
X = torch.randn(2, 7, D, generator=torch.Generator().manual_seed(1))


def routed(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return tokens (n, D), the experts (n, 2) that they choose, and their weights."""
    tokens = x.reshape(-1, D)
    weights, chosen = (tokens @ ROUTER).softmax(-1).topk(2, -1)
    return tokens, chosen, weights


def one_by_one(x: Tensor, capacity: int | None = None) -> Tensor:
    """Compute the tokens of each expert in turn, at most so many."""
    tokens, chosen, weights = routed(x)
    out = torch.zeros_like(tokens)
    mask = torch.nn.functional.one_hot(chosen, EXPERTS).permute(2, 1, 0)
    for expert in range(EXPERTS):
        slot, token = torch.where(mask[expert])
        slot, token = slot[:capacity], token[:capacity]
        made = (tokens[token] @ UP[expert] + BIAS[expert]).relu() * weights[token, slot, None]
        out.index_add_(0, token, made)
    return out.view_as(x)


def sorted_pairs(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    tokens, chosen, weights = routed(x)
    experts, order = chosen.reshape(-1).sort()
    return tokens[order // 2], weights.reshape(-1)[order], experts, order


def counted(experts: Tensor) -> Tensor:
    return torch.histc(experts.float(), EXPERTS, 0, EXPERTS - 1).cumsum(0).int()


def grouped(x: Tensor) -> Tensor:
    """Sort by expert, multiply by groups, and undo the order by numbers that are put where they came from."""
    rows, weights, experts, order = sorted_pairs(x)
    made = torch._grouped_mm(rows.bfloat16(), UP.bfloat16(), offs=counted(experts)).float()
    made = (made + BIAS[experts]) * weights[:, None]
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    return made[inverse].view(*x.shape[:2], 2, D).sum(2)


def undone_by_sorting(x: Tensor) -> Tensor:
    rows, weights, experts, order = sorted_pairs(x)
    made = (rows.tanh() + BIAS[experts]) * weights[:, None]
    return made[order.argsort()].view(*x.shape[:2], 2, D).sum(2)


def added_back(x: Tensor) -> Tensor:
    rows, weights, experts, order = sorted_pairs(x)
    made = torch.nn.functional.layer_norm(rows + BIAS[experts], (D,)) * weights.unsqueeze(-1)
    return torch.zeros(14, D).index_add(0, order // 2, made).view_as(x)


def put_back(x: Tensor) -> Tensor:
    rows, weights, _, order = sorted_pairs(x)
    out = torch.zeros(28, D)
    out[order] = rows * weights[:, None]
    return out.view(*x.shape[:2], 2, D).sum(2)


RIGHT: list[Callable[[Tensor], Tensor]] = [one_by_one, grouped, undone_by_sorting, added_back, put_back]


@pytest.mark.parametrize("fn", RIGHT)
def test_tokens_that_choose(fn: Callable[[Tensor], Tensor]) -> None:
    reading = read(lambda x: x.cumsum(1) + fn(x), X)
    assert reading.established, reading.summary()
    assert not reading.unknown


@pytest.mark.parametrize("fn", RIGHT)
def test_what_a_token_is_computed_from_still_counts(fn: Callable[[Tensor], Tensor]) -> None:
    assert not read(lambda x: fn(x + x.roll(-1, 1)), X).established


def neighbours_in_order(x: Tensor) -> Tensor:
    rows, _, _, order = sorted_pairs(x)
    return rows.cumsum(0)[order.argsort()].view(*x.shape[:2], 2, D).sum(2)


def shifted_in_order(x: Tensor) -> Tensor:
    rows, _, _, order = sorted_pairs(x)
    return rows.roll(1, 0)[order.argsort()].view(*x.shape[:2], 2, D).sum(2)


def not_undone(x: Tensor) -> Tensor:
    return sorted_pairs(x)[0].view(*x.shape[:2], 2, D).sum(2)


def weighed_by_place(x: Tensor) -> Tensor:
    rows, _, _, order = sorted_pairs(x)
    return (rows * torch.arange(28.0)[:, None])[order.argsort()].view(*x.shape[:2], 2, D).sum(2)


def undone_by_another_order(x: Tensor) -> Tensor:
    rows, _, _, _ = sorted_pairs(x)
    return rows[sorted_pairs(-x)[3].argsort()].view(*x.shape[:2], 2, D).sum(2)


def groups_of_another_order(x: Tensor) -> Tensor:
    rows, _, _, order = sorted_pairs(x)
    ends = counted(sorted_pairs(-x)[2])
    made = torch._grouped_mm(rows.bfloat16(), UP.bfloat16(), offs=ends).float()
    return made[order.argsort()].view(*x.shape[:2], 2, D).sum(2)


def descending_groups(x: Tensor) -> Tensor:
    tokens, chosen, _ = routed(x)
    experts, order = chosen.reshape(-1).sort(descending=True)
    made = torch._grouped_mm(tokens[order // 2].bfloat16(), UP.bfloat16(), offs=counted(experts)).float()
    return made[order.argsort()].view(*x.shape[:2], 2, D).sum(2)


def some_overwritten(x: Tensor) -> Tensor:
    rows, _, _, order = sorted_pairs(x)
    out = torch.zeros(14, D)
    out[order // 2] = rows * sorted_pairs(x)[1][:, None]  # the last of two wins
    return out.view_as(x)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: one_by_one(x, capacity=3),
        neighbours_in_order,
        shifted_in_order,
        not_undone,
        weighed_by_place,
        undone_by_another_order,
        groups_of_another_order,
        descending_groups,
        some_overwritten,
    ],
)
def test_tokens_that_meet(fn: Callable[[Tensor], Tensor]) -> None:
    found = read(fn, X).answer("positions")
    assert found is not None
    assert not found.established
