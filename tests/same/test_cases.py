"""check_same at several inputs: drawn sizes of one input, and inputs that Hypothesis draws."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis.strategies import integers
from torch import Tensor

from scanproof import Cases, InvalidArgument, Verdict, check_same, resize_input, selective_scan
from scanproof import selective_scan_chunked as chunked
from scanproof.errors import NothingEstablished
from scanproof.refinement.strategies import scan_inputs, scan_shapes

X = torch.randn(2, 24, 3, generator=torch.Generator().manual_seed(0))
BLOCK = 16


def sums(x: Tensor) -> Tensor:
    return x.cumsum(1)


def by_blocks(x: Tensor, factor: float = 1.0) -> Tensor:
    """Return running sums by blocks of 16; the third and later blocks count for more."""
    outputs: list[Tensor] = []
    for number, block in enumerate(x.split(BLOCK, 1)):
        carried = outputs[-1][:, -1:] if outputs else 0
        outputs.append((block.cumsum(1) + carried) * (factor if number > 1 else 1.0))
    return torch.cat(outputs, 1)


def wrong(x: Tensor) -> Tensor:
    return by_blocks(x, 1 + 1e-12)


def test_other_sizes_are_decided_as_well() -> None:
    report = check_same(sums, by_blocks, X, cases=8)
    assert report.verdict is Verdict.EQUAL
    assert [case.verdict for case in report.cases] == [Verdict.EQUAL] * 8
    assert len({case.source for case in report.cases}) == 8
    assert "cases    : 8 EQUAL" in report.summary()


def test_a_difference_beyond_the_length_of_x_is_found_and_made_smaller() -> None:
    assert check_same(sums, wrong, X).verdict is Verdict.EQUAL
    report = check_same(sums, wrong, X, cases=8)
    assert report.verdict is Verdict.DIFFERENT
    assert tuple(report.x.shape) == (1, 2 * BLOCK + 1, 3)
    assert report.source == "resize_input(x, 33, 1)"
    assert torch.equal(report.x, resize_input(X, 33, 1))
    assert report.worst is not None
    assert report.worst.index[:2] == (0, 2 * BLOCK)
    assert report.source in report.summary()


def test_a_difference_at_x_is_made_smaller() -> None:
    report = check_same(sums, lambda x: sums(x) * (1 + 1e-12), X, cases=2)
    assert tuple(report.x.shape) == (1, 1, 3)


@pytest.mark.parametrize("batch_dim", [0, None])
def test_axes_of_sizes(batch_dim: int | None) -> None:
    x = X[0] if batch_dim is None else X.transpose(1, 2)
    axis = 0 if batch_dim is None else 2
    report = check_same(
        lambda x: x.cumsum(axis), lambda x: x.cumsum(axis) * 1, x, cases=5, seq_dim=axis, batch_dim=batch_dim
    )
    assert report.verdict is Verdict.EQUAL
    assert len(report.cases) == 5


def test_a_size_that_a_function_rejects_decides_nothing() -> None:
    def even(x: Tensor) -> Tensor:
        if x.shape[1] % 2:
            raise ValueError("odd lengths are not supported")
        return x.cumsum(1)

    report = check_same(sums, even, X, cases=6)
    assert report.verdict is Verdict.EQUAL
    assert {case.verdict for case in report.cases} == {Verdict.EQUAL, Verdict.INCONCLUSIVE}
    assert "odd lengths are not supported" in report.summary()


def scan_and_more(size: float) -> Any:
    def scan(**given: Any) -> Any:
        y = selective_scan(**given)
        outputs = y if isinstance(y, tuple) else (y,)
        return tuple(torch.cat([out[..., :2], out[..., 2:] * (1 + size)], -1) for out in outputs)

    return scan


def test_inputs_of_a_strategy_are_decided() -> None:
    cases = Cases(12, inputs=scan_inputs(scan_shapes(max_length=9)))
    report = check_same(
        scan_and_more(0.0), lambda **given: _tuple(chunked(**given, chunk_size=4)), cases=cases
    )
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert len(report.cases) == 12


def test_a_difference_at_a_drawn_input_is_made_smaller() -> None:
    cases = Cases(40, inputs=scan_inputs(scan_shapes(max_length=9)))
    report = check_same(scan_and_more(0.0), scan_and_more(1e-12), cases=cases)
    assert report.verdict is Verdict.DIFFERENT
    assert isinstance(report.x, Mapping)
    assert report.x["u"].shape[-1] == 3
    assert report.source.startswith("drawn input")
    again = check_same(scan_and_more(0.0), scan_and_more(1e-12), report.x)
    assert again.verdict is Verdict.DIFFERENT


def test_inputs_that_are_all_rejected_are_an_error() -> None:
    cases = Cases(3, inputs=scan_inputs(scan_shapes(max_length=4)))

    def rejects(**given: Any) -> Any:
        raise ValueError("never")

    with pytest.raises(NothingEstablished, match="never"):
        check_same(rejects, rejects, cases=cases)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "x is missing"),
        ({"x": X, "cases": 0}, "cases must be a whole number >= 1"),
        ({"x": X, "cases": Cases(3, inputs=scan_inputs())}, "leave x out"),
        ({"x": torch.randn(3), "cases": 3}, r"along seq_dim=1, and x has \(3,\); give tensors of one size"),
        ({"x": (X, X[:, :3]), "cases": 3}, r"x has \(2, 24, 3\), \(2, 3, 3\); give"),
    ],
)
def test_wrong_calls(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        check_same(lambda *x: x[0] * 2, lambda *x: x[0] * 2, **arguments)


def _tuple(y: Any) -> tuple[Tensor, ...]:
    return y if isinstance(y, tuple) else (y,)


def test_results_of_other_shapes_at_a_drawn_size_are_not_equal() -> None:
    def padded(x: Tensor) -> Tensor:
        return torch.nn.functional.pad(x, (0, 0, 0, 24 - x.shape[1])) if x.shape[1] < 24 else x

    report = check_same(padded, lambda x: x, X, cases=8)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "f returns tensors of shapes" in report.reason
    assert report.probability is None


def test_equal_needs_a_verdict_at_half_of_the_inputs() -> None:
    def strict(x: Tensor) -> Tensor:
        if x.shape[1] != X.shape[1]:
            raise ValueError("another length")
        return x

    report = check_same(strict, lambda x: x, X, cases=6)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "5 of 6 inputs are undecided; " in report.reason
    assert "f raised ValueError: another length" in report.reason


def test_a_function_with_a_state_at_drawn_inputs() -> None:
    calls: list[int] = []

    def fn(x: Tensor) -> Tensor:
        calls.append(1)
        return x * 2 if len(calls) in (9, 10) else x

    sizes = integers(1, 9).map(lambda size: (torch.ones(size),))
    with pytest.raises(NothingEstablished, match="keep no state"):
        check_same(fn, lambda x: x, cases=Cases(20, inputs=sizes))
    with pytest.raises(InvalidArgument, match="inputs is 5; give a Hypothesis strategy"):
        check_same(fn, fn, cases=Cases(3, inputs=5))  # type: ignore[arg-type]  # what the test is about
