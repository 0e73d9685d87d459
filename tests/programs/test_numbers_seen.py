"""A number that Python saw may come back through an operation that reads no tensor."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from scanproof.programs.check import read
from scanproof.programs.record import record
from scanproof.report.verdict import Verdict
from scanproof.same.check import check_same

MAKERS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "full_like": lambda x, number: torch.full_like(x, number),
    "new_full": lambda x, number: x.new_full(x.shape, number),
    "full": lambda x, number: torch.full(x.shape, number),
    "fill_": lambda x, number: torch.empty_like(x).fill_(number),
    "scalar_tensor": lambda x, number: torch.scalar_tensor(number),
    "linspace": lambda x, number: torch.linspace(0, number, x.shape[1])[:, None],
    "where": lambda x, number: torch.where(x > 0, x, number),
    "mul_": lambda x, number: torch.ones(x.shape).mul_(number),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_new_tensor_may_hold_a_number_that_python_saw(name: str) -> None:
    make = MAKERS[name]
    x = torch.randn(2, 8, 4)
    number = x.sum().item()

    assert not read(lambda x: x + make(x, x.sum().item()), x).established
    assert read(lambda x: x + make(x, 0.5), x).established
    report = check_same(lambda x: x + make(x, x.sum().item()), lambda x: x + make(x, number), x)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "Python saw" in report.reason


def test_a_new_tensor_of_another_number_is_known() -> None:
    program = record(lambda x: x * int(x.argmax()) + torch.full_like(x, 3), torch.randn(4))
    assert not any(node.takes_numbers for node in program.nodes)
