"""Functions that differ where finite fields cannot see it are not EQUAL."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.report.verdict import Verdict
from scanproof.same.check import check_same

X = torch.randn(2, 3)
WHOLE = torch.tensor([0, 1, 1])
UNDECIDED: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any, str]] = {
    "an order that is drawn": (lambda x: x[torch.randperm(2)], lambda x: x, X, "randperm.* draws random"),
    "an index that is drawn": (
        lambda x: x[torch.randint(1, (2,))],
        lambda x: x[[0, 0]],
        X,
        "randint.* draws random numbers",
    ),
    "a mask that is drawn": (
        lambda x: torch.where(torch.rand(2, 3) > 1e-3, x, 0.0),
        lambda x: x,
        X,
        "rand.* draws random numbers",
    ),
    "a number beside the results": (lambda x: (x, 1.0), lambda x: (x, 2.0), X, r"\[1\] .* 1.0 and 2.0"),
    "no entries": (lambda x: x, lambda x: 2 * x, torch.randn(0, 3), "no entries"),
    "whole numbers alone": (lambda x: x * x, lambda x: x, WHOLE, "compared at x alone"),
    "whole numbers and floats": (lambda x: x.long(), lambda x: x, torch.ones(2), "the other returns floats"),
    "numbers taken as minus infinity": (
        lambda x: x.masked_fill(x > 0, -1e30),
        lambda x: x.masked_fill(x > 0, -1e31),
        X.abs(),
        "taken as minus infinity",
    ),
    "a parameter that is made": (
        lambda x: x * nn.Parameter(torch.tensor([2.0])),
        lambda x: x * 2,
        X,
        "f reads a parameter that it does not hold",
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_fields_do_not_see_is_not_decided(name: str) -> None:
    f, g, x, reason = UNDECIDED[name]
    report = check_same(f, g, x)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert re.search(reason, report.reason), report.reason


def test_a_state_is_seen_although_values_decide_what_runs() -> None:
    calls: list[int] = []

    def fn(x: Tensor) -> Tensor:
        calls.append(1)
        return x if x.sum() < 1e9 and len(calls) == 1 else 2 * x

    report = check_same(fn, lambda x: x, X)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "a second run at x returns something else" in report.reason


def test_comparisons_of_complex_numbers_are_branches() -> None:
    z = torch.randn(3, dtype=torch.complex64)
    report = check_same(lambda z: torch.where(z != 0, z, 1), lambda z: z, z)
    assert any(each.startswith("aten.ne.Scalar") for each in report.branches)
    assert not check_same(lambda x: torch.complex(x, x), lambda x: torch.complex(x, x), X).branches


class Product(nn.Module):
    def __init__(self, a: nn.Parameter, b: nn.Parameter, square: bool) -> None:
        super().__init__()
        self.a, self.b, self.square = a, b, square

    def forward(self, x: Tensor) -> Tensor:
        return self.a * (self.a if self.square else self.b) * x


def test_a_parameter_does_not_take_the_name_of_one_beside_it() -> None:
    a, b, c = (nn.Parameter(torch.ones(3)) for _ in range(3))
    assert check_same(Product(a, b, True), Product(c, a, False), X).verdict is Verdict.DIFFERENT


class WrongAtComplex(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.real * 1 if x.is_complex() else torch.complex(x, x)

    @staticmethod
    def backward(context: Any, cotangent: Tensor) -> Tensor:
        return cotangent.real * 7 if cotangent.is_complex() else torch.complex(5 * cotangent, cotangent)


def test_gradients_of_complex_results_and_at_complex_inputs_are_compared() -> None:
    z = torch.randn(3, dtype=torch.complex64)
    for right, x in ((lambda x: torch.complex(x, x), X), (lambda z: z.real * 1, z)):
        assert check_same(right, right, x, gradients=True).verdict is Verdict.EQUAL
        wrong = check_same(WrongAtComplex.apply, right, x, gradients=True)
        assert wrong.verdict is Verdict.DIFFERENT


class NamedAsInput(nn.Module):
    def __init__(self, factor: int) -> None:
        super().__init__()
        self.x, self.factor = nn.Parameter(torch.ones(3)), factor

    def forward(self, y: Tensor) -> Tensor:
        return self.x.detach() * (y * self.factor + (1 - self.factor) * y.detach())


def test_the_gradient_at_an_input_is_compared_beside_a_parameter_of_its_name() -> None:
    model = NamedAsInput(1)
    other = NamedAsInput(2)
    assert check_same(model, other, X).verdict is Verdict.EQUAL
    assert check_same(model, other, X, gradients=True).verdict is Verdict.DIFFERENT


def test_gradients_leave_the_input_and_the_state_as_they_were() -> None:
    x, norm = X.clone(), nn.BatchNorm1d(3)
    check_same(lambda x: norm(x.mul_(2)), lambda x: norm(2 * x), x, gradients=True)
    assert torch.equal(x, X)
    assert norm.num_batches_tracked == 0


def test_whole_numbers_of_the_input_are_named() -> None:
    report = check_same(lambda x, at: x[at], lambda x, at: x.index_select(0, at), (X, WHOLE))
    assert "x[0] (2, 3), x[1] (3,) of these whole numbers" in report.summary()


@pytest.mark.parametrize(
    ("f", "g", "x", "message"),
    [
        (3, torch.sin, X, "f is 3; give a function, a module, or a recording"),
        (torch.sin, "a.scanproof", X, "g is 'a.scanproof'; give"),
        (torch.sin, torch.sin, {1: X}, r"x has the names \[1\]; give texts"),
        (lambda x: None, lambda x: None, X, "f and g return no tensors"),
    ],
)
def test_wrong_calls(f: Any, g: Any, x: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        check_same(f, g, x)


def test_the_function_that_raised_is_named() -> None:
    with pytest.raises(NothingEstablished, match=r"^g raised ZeroDivisionError"):
        check_same(torch.sin, lambda x: x * (1 / 0), X)


def test_a_parameter_without_a_gradient_in_one_function() -> None:
    f, g = nn.Linear(3, 3), nn.Linear(3, 3)
    g.load_state_dict(f.state_dict())
    g.weight.requires_grad_(False)
    with pytest.raises(InvalidArgument, match="only one function has gradients at weight; set requires_grad"):
        check_same(f, g, X, gradients=True)
