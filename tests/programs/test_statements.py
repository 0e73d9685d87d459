"""Statements about custom operators: what they say reaches a reading, and what they do not say is found."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.programs.brute import Unsaid, check_operation
from scanproof.programs.check import read
from scanproof.programs.statements import register_operation
from scanproof.programs.table import REGISTERED


@torch.library.custom_op("scanproof_test::decayed", mutates_args=())
def decayed(x: Tensor, gate: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
    """Sum (batch, T, d) from (batch, d) on, times a gate (d,); return the sums and the last one."""
    sums = x.cumsum(1) + (0.0 if start is None else start[:, None])
    return sums * gate, sums[:, -1].clone()


@torch.library.custom_op("scanproof_test::window", mutates_args=())
def window(x: Tensor) -> Tensor:
    """Sum an entry and the two before it along the last axis, all rows."""
    padded = torch.nn.functional.pad(x, (2, 0))
    return torch.stack([padded[:, i : i + x.shape[1]] for i in range(3)]).sum((0, 1))


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    before = dict(REGISTERED)
    yield
    REGISTERED.clear()
    REGISTERED.update(before)


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def scan(x: Tensor) -> Tensor:
    return decayed(x, x.new_ones(x.shape[2]), None)[0]


def test_an_operator_that_nothing_is_known_of_reads_everything() -> None:
    reading = read(scan, numbers(2, 5, 3))
    assert not reading.established
    assert reading.unknown == (("scanproof_test.decayed.default", 1),)
    assert "has no row" in reading.answers[0].reason


def test_a_statement_establishes() -> None:
    register_operation("scanproof_test::decayed", "b <=t d, d, b d -> b t d; b d")
    assert read(scan, numbers(2, 5, 3)).established
    assert not read(lambda x: decayed(x.flip(1), x[0, 0], None)[0], numbers(2, 5, 3)).established


@pytest.mark.parametrize(
    ("statement", "unsaid"),
    [
        ("b <=t d, d, b d -> b t d; b d", None),
        ("b t d, d, b d -> b t d; b d", Unsaid("[0]", (0, 1, 0), 0, (0, 0, 0))),
        ("b <t d, d, b d -> b t d; b d", Unsaid("[0]", (0, 0, 0), 0, (0, 0, 0))),
        ("b >=t d, d, b d -> b t d; b d", Unsaid("[0]", (0, 1, 0), 0, (0, 0, 0))),
        ("b t[-3:0] d, d, b d -> b t d; b d", Unsaid("[0]", (0, 4, 0), 0, (0, 0, 0))),
    ],
)
def test_what_a_statement_does_not_say_is_found(statement: str, unsaid: Unsaid | None) -> None:
    register_operation("scanproof_test::decayed", statement)
    found = check_operation(decayed, numbers(2, 5, 3), numbers(3), numbers(2, 3))
    assert found[:1] == (() if unsaid is None else (unsaid,))


@pytest.mark.parametrize(
    ("statement", "holds"), [("b t[-2:0] -> t", True), ("b t[-1:0] -> t", False), ("b t[-2:-1] -> t", False)]
)
def test_windows(statement: str, holds: bool) -> None:
    register_operation("scanproof_test::window", statement)
    assert (check_operation(window, numbers(2, 6)) == ()) == holds


@pytest.mark.parametrize(
    ("name", "statement", "says"),
    [
        ("mylib::scan", "b t d", "no '->'"),
        ("mylib::scan", "b =t -> b t", "'=t' is not an axis"),
        ("mylib::scan", "b t -> b <=t", "plain names"),
        ("aten::cumsum", "b <=t -> b t", "an operator of PyTorch"),
    ],
)
def test_statements_that_cannot_be_read(name: str, statement: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        register_operation(name, statement)


def test_a_statement_of_other_arguments_is_refused() -> None:
    register_operation("scanproof_test::decayed", "b <=t d -> b t d; b d")
    with pytest.raises(InvalidArgument, match="has 1 arguments"):
        read(scan, numbers(2, 5, 3))
