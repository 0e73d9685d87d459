"""A program runs in another dtype than it was recorded in, on the branch of the recording."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scanproof import selective_scan
from scanproof.errors import NothingEstablished
from scanproof.programs import record
from scanproof.programs.wide import differences, run_wide

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
LAYER = nn.Linear(4, 4).bfloat16()


OFFSETS = torch.tensor([1, 3], dtype=torch.int32)
scan: Any = selective_scan


def cast(x: Tensor) -> Tensor:
    return (x.float().exp().to(x.dtype) + torch.arange(4, dtype=x.dtype) / 3).float()


def placed(x: Tensor) -> Tensor:
    result = torch.zeros(3, 5, dtype=torch.float32)
    result[:, 1:] = x.to(torch.float32) ** 2
    return result + torch.full((5,), 0.1, dtype=torch.float32) + torch.arange(5) / 7


def rotated(x: Tensor) -> Tensor:
    turned = torch.polar(x.float(), 3 * x.float())
    return torch.view_as_real(turned * turned)


PROGRAMS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "casts": (cast, lambda x: x.exp() + torch.arange(4) / x.new_tensor(3.0)),
    "writes": (placed, lambda x: functional.pad(x**2, (1, 0)) + 0.1 + torch.arange(5) / x.new_tensor(7.0)),
    "parameters": (LAYER, lambda x: x @ LAYER.weight.double().T + LAYER.bias.double()),
    "complex numbers": (rotated, lambda x: torch.view_as_real(torch.polar(x, 3 * x) ** 2)),
    "signs of complex numbers": (
        lambda x: torch.view_as_real(torch.complex(x.float(), 2 * x.float()).sgn()),
        lambda x: torch.stack([x.sign(), 2 * x.sign()], -1) / x.new_tensor(5.0).sqrt(),
    ),
    "a norm": (lambda x: functional.layer_norm(x, (4,)), lambda x: functional.layer_norm(x, (4,))),
    "lists": (lambda x: torch.cat(x.split(2, 1)[::-1], 1).cumsum(1), lambda x: x.roll(2, 1).cumsum(1)),
    "groups": (
        lambda x: functional.grouped_mm(
            torch.cat([x, x], 1), x.view(4, 3)[None, :, :1].expand(2, 4, 8).repeat(1, 2, 1), offs=OFFSETS
        ),
        lambda x: torch.cat([x, x], 1) @ x.view(4, 3)[:, :1].expand(4, 8).repeat(2, 1),
    ),
    "sums": (lambda x: (x / 3).sum(1, dtype=torch.float32), lambda x: (x / 3).sum(1)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_in_bfloat16_runs_in_float64(name: str) -> None:
    f, exact = PROGRAMS[name]
    [wide] = run_wide(record(f, X), [X]).values()
    expected = exact(X.double())
    assert wide.dtype == torch.float64
    assert (wide - expected).abs().max() <= 1e-14 * expected.abs().max()
    assert not torch.equal(f(X).double(), expected)


def test_a_scan_in_bfloat16_runs_in_float64() -> None:
    generator = torch.Generator().manual_seed(1)
    shapes = ((1, 2, 20), (1, 2, 20), (2, 3), (1, 3, 20), (1, 3, 20))
    x = [torch.randn(shape, generator=generator).bfloat16() for shape in shapes]
    x[1], x[2] = x[1].abs(), -x[2].abs()
    [wide] = run_wide(record(scan, *x), x).values()
    expected = scan(*(each.double() for each in x))
    assert (wide - expected).abs().max() <= 1e-14 * expected.abs().max()


def test_masks_and_indices_are_those_of_the_recording() -> None:
    x = torch.tensor([1.0, 1.0 + 2**-9])  # both are 1 in bfloat16

    def chosen(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        halved = (x / 3).bfloat16() * 3
        return (
            torch.where(x.bfloat16() == 1, halved, 0),
            x[x.bfloat16().argmax()],
            x.bfloat16().round() + 0 * x,
        )

    first, second, third = run_wide(record(chosen, x), [x]).values()
    assert torch.allclose(first, x.double(), rtol=1e-15, atol=0)
    assert second == 1
    assert third.tolist() == [1.0, 1.0]


def test_random_numbers_are_those_of_the_recording() -> None:
    x = torch.ones(50)
    program = record(lambda x: x * torch.rand(50), x)
    assert torch.equal(run_wide(program, [x])[""], program.results[""].double())


def test_a_narrower_dtype_is_possible() -> None:
    program = record(lambda x: x / 3, X)
    assert torch.equal(run_wide(program, [X], torch.float32)[""], X.float() / 3)


def test_the_default_dtype_stays() -> None:
    run_wide(record(lambda x: x + torch.arange(4) / 3, X), [X])
    assert torch.get_default_dtype() == torch.float32


def test_an_operation_that_reads_bits_is_named() -> None:
    program = record(lambda x: (x.view(torch.int16) + 1).view(torch.bfloat16) * 2, X)
    with pytest.raises(
        NothingEstablished, match=r"view\.dtype cannot run in torch.float64, .*bits of a float"
    ):
        run_wide(program, [X])


def test_differences_are_told_from_rounding() -> None:
    x = torch.rand(50, generator=torch.Generator().manual_seed(0)) + 0.5
    f, same, other = (
        record(fn, x)
        for fn in (
            lambda x: (x * x * x).log(),
            lambda x: 3 * x.log(),
            lambda x: 3 * x.log() * (1 + 1e-9),
        )
    )
    difference, rounding = differences((f, same), [x])[""]
    assert 0 < difference.max() < rounding < 1e-12
    difference, rounding = differences((f, other), [x])[""]
    assert difference.max() > 100 * rounding
