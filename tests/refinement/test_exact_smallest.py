"""A difference that only fields see is shown at a small input, with a program that repeats it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from scanproof import CheckFailed, MinGru, SelectiveScan, Verdict, check_refinement
from scanproof.refinement.exact import smallest
from scanproof.refinement.exact.ask import Question
from scanproof.refinement.report import RefinementReport

from .test_exact import Block, gates, gru, scan, scanned

TINY = 2.0**-40


def wrong(at: Callable[[Tensor], Tensor], least: int = 1) -> Callable[..., Tensor]:
    """Return a minimal GRU that is wrong by a little where ``at`` takes its output; it takes long inputs."""

    def run(gate: Tensor, candidate: Tensor) -> Tensor:
        if gate.shape[1] < least:
            raise ValueError("too short")
        y = gru()(gate, candidate).clone()
        at(y).add_(TINY * at(y))
        return y

    return run


def found(fn: Callable[..., Any], spec: Any, x: Any, **options: Any) -> RefinementReport:
    report = check_refinement(fn, spec, x, **options)
    assert report.verdict is Verdict.DIFFERENT, report.summary()
    assert report.worst.ratio < 1
    assert report.smallest is not None
    assert report.smallest.differing is not None
    assert report.smallest.runs <= smallest.QUESTIONS
    assert f"smallest failing case, of {report.smallest.runs} tried: " in report.summary()
    assert str(report.smallest.differing) in report.summary()
    return report


@pytest.mark.parametrize(
    ("at", "least", "shape"),
    [
        (lambda y: y, 1, (1, 1, 1)),
        (lambda y: y[:, 4:], 1, (1, 5, 1)),
        (lambda y: y[1:, 2:], 1, (2, 3, 1)),
        (lambda y: y, 4, (1, 4, 1)),
    ],
    ids=["anywhere", "from the fifth token on", "in the second example", "of inputs of four tokens"],
)
@pytest.mark.parametrize("gradients", [False, True], ids=["outputs", "gradients"])
def test_no_smaller_size_differs(
    at: Callable[[Tensor], Tensor], least: int, shape: tuple[int, ...], gradients: bool
) -> None:
    fn = wrong(at, least)
    report = found(fn, MinGru(), gates(), gradients=gradients)
    case = report.smallest
    assert case is not None
    assert case.inputs["gate"].shape == case.inputs["candidate"].shape == shape
    assert case.differing is not None
    assert 0 < case.differing.difference < 1e-11
    with pytest.raises(CheckFailed, match="another function"):
        exec(case.code, {"fn": fn})


def test_a_branch_that_the_input_does_not_take() -> None:
    fn, spec = scan(10.0), SelectiveScan(delta_softplus=True)
    case = found(fn, spec, scanned()).smallest
    assert case is not None
    assert {tuple(x.shape) for name, x in case.inputs.items() if name in "u delta"} == {(1, 1, 1)}
    assert 10 < case.inputs["delta"].item() < 20
    with pytest.raises(CheckFailed, match="another function"):
        exec(case.code, {"fn": fn})


def test_a_block_whose_parameters_are_drawn() -> None:
    block = Block(torch.float32, wrong=lambda D: D * D)  # D is 1
    x = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(2))
    case = found(block, block.checkpoint, x).smallest
    assert case is not None
    assert case.inputs["x"].shape == (1, 1, 3)


def test_cost_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Counted(Question):
        def __init__(self, problem: Any, inputs: Any, seed: int) -> None:
            asked.append(inputs["gate"].numel())
            super().__init__(problem, inputs, seed)

    monkeypatch.setattr(smallest, "Question", Counted)
    monkeypatch.setattr(smallest, "QUESTIONS", 5)
    report = check_refinement(wrong(lambda y: y[:, 6:]), MinGru(), gates())
    assert report.smallest is not None
    assert report.smallest.runs == 5
    assert len(asked) <= 5 + 1
    assert max(asked) == asked[0]


def test_there_is_no_smallest_input_without_a_finding() -> None:
    assert check_refinement(wrong(lambda y: y), MinGru(), gates(), shrink=False).smallest is None
    nearly = check_refinement(lambda **x: gru()(**x) * (1 + 1e-12), MinGru(), gates())
    assert nearly.exact.verdict is Verdict.DIFFERENT
    assert nearly.smallest is None  # 1 + 1e-12 may be a rounded constant
