"""A reference that was asked for computes what is compared, or the check says that it did not."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from block_case import block_case
from scanproof import InvalidArgument, Mamba2BlockSpec, Oracle, audit, check_refinement
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.process import LeanProcess
from scanproof.refinement.runners import Spec

TWIN = "the Python twin of the Lean runner, float64"


class Counting:
    """The twin, which counts how often it runs and holds nothing, so that it is false."""

    runs = 0

    def __len__(self) -> int:
        return 0

    def run(self, spec: Spec, x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        self.runs += 1
        y, state = spec.run(x)
        return np.asarray(y), state


@pytest.fixture
def closed() -> Oracle:
    program = [sys.executable, "-c", "print('ready', flush=True); input()"]
    oracle = Oracle(
        LeanProcess(subprocess.Popen(program, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    )
    oracle.close()
    return oracle


def test_a_reference_that_is_false_computes_the_outputs() -> None:
    impl, spec, x = block_case()
    reference = Counting()
    report = check_refinement(impl, spec, x, reference=reference)
    assert report.reference == "Counting, float64"
    assert reference.runs


def test_the_twin_is_named_where_gradients_are_its() -> None:
    impl, spec, x = block_case()
    report = check_refinement(impl, spec, x, reference=Counting(), gradients=True)
    assert f"reference : Counting, float64; gradients: {TWIN}" in report.summary()
    assert check_refinement(impl, spec, x, gradients=True).reference == TWIN


def test_an_oracle_that_is_closed_stops_the_check(closed: Oracle) -> None:
    impl, spec, x = block_case()
    with pytest.raises(LeanUnavailable, match="was closed"):
        check_refinement(impl, spec, x, reference=closed)
    with pytest.raises(LeanUnavailable, match="was closed"):
        check_refinement(impl, spec, cases=3, reference=closed)
    with pytest.raises(LeanUnavailable, match="was closed"):
        audit(impl, x, spec=spec, reference=closed, checks=["refinement"])


def test_an_audit_compares_with_the_reference() -> None:
    impl, spec, x = block_case()
    reference = Counting()
    (found,) = [
        entry.report
        for entry in audit(impl, x, spec=spec, reference=reference).checks
        if entry.check == "refinement"
    ]
    assert found.reference == "Counting, float64"
    assert reference.runs


def test_a_spec_that_the_oracle_has_no_runner_for_is_a_wrong_call(closed: Oracle) -> None:
    spec = Mamba2BlockSpec.__new__(Mamba2BlockSpec)
    with pytest.raises(InvalidArgument, match="has no runner for Mamba2BlockSpec"):
        closed.run(spec, np.zeros((1, 4, 3)))


def test_outputs_of_another_shape_are_a_wrong_call() -> None:
    class Last(Counting):
        def run(self, spec: Spec, x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
            y, state = super().run(spec, x)
            return y[:, -1:], state

    impl, spec, x = block_case()
    with pytest.raises(InvalidArgument, match=r"y of shape \(2, 1, 2\); return shape \(2, 20, 2\)"):
        check_refinement(impl, spec, x, reference=Last())
