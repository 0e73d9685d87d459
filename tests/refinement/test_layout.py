"""Copies, imitations and source text keep a tensor's numbers and strides."""

import pytest
import torch
from torch import Tensor

from scanproof.programs.memory import copied
from scanproof.refinement.layout import laid_out_like, literal

NUMBERS = torch.arange(24.0).reshape(2, 3, 4)
LAYOUTS = {
    "contiguous": NUMBERS,
    "transposed": NUMBERS.permute(2, 0, 1),
    "strided": NUMBERS[:, :, ::2],
    "sliced": NUMBERS[1:, :2, 1:3],
    "expanded": NUMBERS[:, :1].expand(2, 5, 4),
    "one number": NUMBERS[0, 0, 1].expand(2, 2),
    "a number": NUMBERS[0, 0, 1],
}
layouts = pytest.mark.parametrize("tensor", LAYOUTS.values(), ids=LAYOUTS)


@layouts
def test_a_copy_has_the_strides_and_its_own_memory(tensor: Tensor) -> None:
    copy = copied(tensor)
    assert torch.equal(copy, tensor)
    assert copy.stride() == tensor.stride()
    assert copy.data_ptr() != tensor.data_ptr()


@layouts
def test_a_literal_makes_the_tensor(tensor: Tensor) -> None:
    made = eval(literal(tensor), {"torch": torch})
    assert torch.equal(made, tensor)
    assert made.stride() == tensor.stride()


@pytest.mark.parametrize("name", ["contiguous", "transposed", "strided", "sliced", "expanded"])
def test_other_numbers_in_the_layout(name: str) -> None:
    model = LAYOUTS[name]
    values = torch.randn(model.shape, generator=torch.Generator().manual_seed(0))
    placed = laid_out_like(values, model)
    order = sorted(range(3), key=lambda axis: model.stride(axis))
    assert sorted(range(3), key=lambda axis: placed.stride(axis)) == order
    assert [stride == 0 for stride in placed.stride()] == [stride == 0 for stride in model.stride()]
    assert min(filter(None, placed.stride())) == min(filter(None, model.stride()))
    assert torch.equal(placed, values[:, :1].expand(2, 5, 4) if name == "expanded" else values)
    shorter = laid_out_like(values[:1, :, :1], model)
    assert torch.equal(shorter, placed[:1, :, :1])
