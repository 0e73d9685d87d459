"""check_same(gradients=True): outputs equal, gradients not; and parameters that two modules share."""

import pytest
import torch
from torch import Tensor, nn

from scaled_gradient import scaled_gradient
from scanproof import Verdict, check_same

X = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("factor", [1.0, 1 + 1e-12])
def test_a_backward_pass_is_compared(factor: float) -> None:
    def by_hand(x: Tensor) -> Tensor:
        return scaled_gradient(factor)(2 * x)

    assert check_same(lambda x: x + x, by_hand, X).verdict is Verdict.EQUAL
    report = check_same(lambda x: x + x, by_hand, X, gradients=True)
    assert report.verdict is (Verdict.EQUAL if factor == 1.0 else Verdict.DIFFERENT)
    assert report.summary().startswith("Same(outputs and gradients, ")
    if report.worst is not None:
        assert report.worst.path == "['gradient of x']"


class Plain(nn.Module):
    def __init__(self, lost: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(9.0).reshape(3, 3))
        self.bias = nn.Parameter(torch.ones(3))
        self.lost = lost

    def forward(self, x: Tensor) -> Tensor:
        bias = self.bias if not self.lost else self.bias.detach() * self.lost + self.bias * (1 - self.lost)
        return x @ self.weight.T + bias


def test_gradients_of_parameters_are_compared() -> None:
    layer = nn.Linear(3, 3)
    with torch.no_grad():
        layer.weight.copy_(Plain().weight)
        layer.bias.copy_(Plain().bias)
    report = check_same(layer, Plain(), X, gradients=True)
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert report.parameters == 2
    wrong = check_same(layer, Plain(lost=2.0**-40), X, gradients=True)
    assert wrong.verdict is Verdict.DIFFERENT
    assert wrong.worst is not None
    assert wrong.worst.path == "['gradient of bias']"
    assert check_same(layer, Plain(lost=2.0**-40), X).verdict is Verdict.EQUAL


def test_modules_behind_functions_share_parameters() -> None:
    one, other = Plain(), Plain()
    report = check_same(lambda x: 2 * one(x), lambda x: other(x) + other(x), X, gradients=True)
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert report.parameters == 2
    with torch.no_grad():
        other.weight[0, 0] += 1
    report = check_same(lambda x: 2 * one(x), lambda x: other(x) + other(x), X)
    assert report.verdict is Verdict.DIFFERENT


def test_an_output_without_a_gradient() -> None:
    report = check_same(lambda x: x.detach(), lambda x: x.detach() * 1, X, gradients=True)
    assert report.verdict is Verdict.EQUAL
    different = check_same(lambda x: x * 1, lambda x: x.detach() * 1, X, gradients=True)
    assert different.verdict is Verdict.DIFFERENT
