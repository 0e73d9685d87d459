"""A recording keeps the memory layout of its inputs, so code that reads memory is recorded as called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from scanproof import LinearRecurrence, Verdict, check_refinement, check_same, save_recording
from scanproof.errors import InvalidArgument
from scanproof.programs import read, record
from scanproof.programs.execute import execute
from scanproof.programs.memory import copied, entries_at, fills_memory, places, shared_places

NUMBERS = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
LAYOUTS = {
    "contiguous": NUMBERS,
    "last axis outermost": NUMBERS.permute(2, 0, 1).contiguous().permute(1, 2, 0),
    "every second": torch.randn(2, 6, 8)[:, :, ::2],
    "a slice": torch.randn(3, 8, 6)[1:, 1:7, 1:5],
    "from an offset on": torch.randn(3, 6, 4)[1:],
    "batch expanded": NUMBERS[:1].expand(2, 6, 4),
    "time expanded": NUMBERS[:, :1].contiguous().expand(2, 6, 4),
    "windows": torch.randn(24).as_strided((2, 6, 4), (7, 2, 1), 1),
}
layouts = pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
WITH_GAPS = ("every second", "a slice")
IN_ORDER = ("contiguous", "from an offset on", "batch expanded")
"""The entries lie in memory in the order of the axes."""
SHARED = ("batch expanded", "time expanded", "windows")


def as_if_contiguous(x: Tensor) -> Tensor:
    """Read the memory of a tensor in the order of its axes, whatever its strides."""
    span = 1 + sum((size - 1) * stride for size, stride in zip(x.shape, x.stride(), strict=True))
    memory = x.as_strided((span,), (1,))
    return memory.repeat(-(-x.numel() // span))[: x.numel()].reshape(x.shape)


def by_strides(x: Tensor) -> Tensor:
    """Read every entry at its place."""
    return x.as_strided(x.shape, x.stride(), x.storage_offset())


@layouts
def test_a_copy_has_the_strides_and_the_offset(x: Tensor) -> None:
    copy = copied(x)
    assert torch.equal(copy, x)
    assert (copy.stride(), copy.storage_offset()) == (x.stride(), x.storage_offset())
    assert copy.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    assert copied(x[:0]).shape == x[:0].shape


@pytest.mark.parametrize("name", LAYOUTS)
def test_places(name: str) -> None:
    x = LAYOUTS[name]
    memory = torch.tensor(x.untyped_storage().tolist(), dtype=torch.uint8).view(torch.float32)
    assert torch.equal(memory[places(x)], x)
    numbers = shared_places(x)
    assert (numbers is not None) == (name in SHARED)
    if numbers is not None:
        assert torch.equal(numbers.unique(), torch.arange(len(places(x).unique())))
    assert fills_memory(x) == (name in ("contiguous", "last axis outermost"))
    entries, inside = entries_at(x, places(x))
    assert inside.all()
    assert torch.equal(x.flatten()[entries], x)


@layouts
def test_the_function_is_recorded_as_it_is_called(x: Tensor) -> None:
    def strides(x: Tensor) -> Any:
        return x * x.stride(0) + x.stride(1) + x.storage_offset() + 2 * x.is_contiguous()

    assert torch.equal(execute(record(strides, x), [x])[""], strides(x))
    assert torch.equal(record(strides, x).results[""], strides(x))


@layouts
@pytest.mark.parametrize("fn", [as_if_contiguous, by_strides])
def test_what_lies_in_memory_is_recorded(fn: Callable[[Tensor], Tensor], x: Tensor) -> None:
    program = record(fn, x)
    assert torch.equal(execute(program, [x])[""], fn(x))
    other = copied(x)
    if shared_places(x) is None:
        other.mul_(-2)
        if not program.gaps:
            assert torch.equal(execute(program, [other.contiguous()])[""], fn(other))


@layouts
def test_entries_at_their_places_are_the_entries(x: Tensor) -> None:
    same = check_same(lambda x: by_strides(x) * 2, lambda x: x + x, x)
    assert same.verdict is Verdict.EQUAL, same.summary()


@pytest.mark.parametrize("name", LAYOUTS)
def test_memory_read_in_another_order_is_another_function(name: str) -> None:
    report = check_same(as_if_contiguous, lambda x: x * 1, LAYOUTS[name])
    if name in IN_ORDER:
        assert report.verdict is Verdict.EQUAL, report.summary()
    elif name in WITH_GAPS:
        assert report.verdict is Verdict.INCONCLUSIVE
        assert "it reads memory around the entries of a tensor" in report.reason
    else:
        assert report.verdict is Verdict.DIFFERENT, report.summary()


def run(a: Tensor, x: Tensor) -> Tensor:
    h, states = torch.zeros_like(x[:, 0]), []
    for t in range(x.shape[1]):
        h = a[:, t] * h + x[:, t]
        states.append(h)
    return torch.stack(states, 1)


CASES = [
    (name, gradients) for name in LAYOUTS for gradients in (False, True) if not (gradients and name in SHARED)
]
"""PyTorch spreads the gradient of memory that entries share over these entries."""


@pytest.mark.parametrize(("name", "gradients"), CASES)
def test_a_kernel_that_ignores_strides_is_another_function(name: str, gradients: bool) -> None:
    kernel, x = LinearRecurrence(), LAYOUTS[name]

    def ignoring(x: Tensor, g: Tensor) -> Tensor:
        return run(as_if_contiguous(g), x)

    def heeding(x: Tensor, g: Tensor) -> Tensor:
        return run(by_strides(g), x)

    inputs = {"x": NUMBERS, "g": x}
    right = check_refinement(heeding, kernel, inputs, gradients=gradients, shrink=False).exact
    assert right.verdict is Verdict.EQUAL, right
    wrong = check_refinement(ignoring, kernel, inputs, gradients=gradients, shrink=False).exact
    assert wrong.verdict is (Verdict.EQUAL if name in IN_ORDER else Verdict.DIFFERENT), wrong
    assert name in IN_ORDER or len(wrong.fields) == 1


def test_entries_that_share_memory_are_drawn_apart_if_memory_is_not_read() -> None:
    """The function is that of entries then, for inputs of any layout."""
    x = LAYOUTS["batch expanded"]
    assert check_same(lambda x: x[:1].expand(2, 6, 4) * 1, lambda x: x * 1, x).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize("name", [*WITH_GAPS, "time expanded"])
def test_a_reading_by_entries_refuses_what_is_read_by_places(name: str) -> None:
    x = LAYOUTS[name]
    with pytest.raises(InvalidArgument, match="memory"):
        read(lambda x: x.as_strided((2, 6, 4), (1, 0, 1)), x)


def test_a_write_into_a_view_of_shared_memory_is_refused() -> None:
    def writes(x: Tensor) -> Tensor:
        y = x.clone()[:, :3]
        y.as_strided((2,), (6,)).zero_()
        return y

    with pytest.raises(InvalidArgument, match="a write into a view"):
        record(writes, torch.randn(2, 6))


def test_a_file_does_not_keep_a_recording_that_reads_by_places(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="memory around the entries"):
        save_recording(lambda x: x.as_strided((2, 6, 4), (1, 0, 1)), LAYOUTS["every second"], tmp_path / "it")
