"""With an oracle as the reference, the Lean definition itself decides the exact answer."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from scanproof import InvalidArgument, MinGru, SelectiveScanFn, Verdict, check_refinement, random_inputs
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.words import FieldNumbers

from .kernels.recurrences import RECURRENCES
from .test_exact import TINY, Block, gates, gru

X = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(2))
LEAN = pytest.mark.lean


@LEAN
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_block_is_the_lean_runner(oracle: Oracle, dtype: torch.dtype) -> None:
    block = Block(dtype)
    report = check_refinement(block, block.checkpoint, X.to(dtype), reference=oracle, gradients=True)
    assert report.exact.verdict is Verdict.EQUAL, report.summary()
    assert report.exact.by_lean == ("y",)
    assert "by Lean: y" in report.summary()
    wrong = Block(dtype, lambda D: D * D)
    assert check_refinement(wrong, wrong.checkpoint, X.to(dtype), reference=oracle).exact.wrong


@LEAN
@pytest.mark.parametrize("name", RECURRENCES)
def test_recurrences_are_the_lean_definitions(kernel_oracle: Oracle, name: str) -> None:
    kernel, fn = RECURRENCES[name]
    x = random_inputs(kernel, seed=1, dtype=torch.float32, batch=2, time=4)
    report = check_refinement(fn, kernel, x, reference=kernel_oracle)
    assert report.exact.verdict is Verdict.EQUAL, report.summary()
    assert report.exact.by_lean == tuple(kernel.outputs)


@LEAN
def test_a_small_fault_differs_from_lean(kernel_oracle: Oracle) -> None:
    assert check_refinement(gru(), MinGru(), gates(), reference=kernel_oracle).exact.by_lean == ("y",)
    report = check_refinement(gru(TINY), MinGru(), gates(), reference=kernel_oracle)
    assert report.exact.verdict is Verdict.DIFFERENT


@LEAN
def test_the_numbers_of_lean_decide(kernel_oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(self: Oracle, *given: Any) -> dict[str, FieldNumbers]:
        return {name: replace(y, values=(y.values + 1) % 1_000_003) for name, y in run(self, *given).items()}

    run = Oracle.run_kernel
    monkeypatch.setattr(Oracle, "run_kernel", changed)
    assert check_refinement(gru(), MinGru(), gates()).exact.verdict is Verdict.EQUAL
    assert check_refinement(gru(), MinGru(), gates(), reference=kernel_oracle).exact.wrong


def test_wrong_references() -> None:
    class Other:
        def run(self, spec: Any, x: Any) -> Any:
            return x, None

    with pytest.raises(InvalidArgument, match="for a kernel, give an Oracle"):
        check_refinement(gru(), MinGru(), gates(), reference=Other())
    with pytest.raises(InvalidArgument, match=r"give SelectiveScan\(\)"):
        check_refinement(gru(), SelectiveScanFn(), gates(), reference=Other())
