"""Every mutant is refuted within 200 cases, nothing right is, and the page says so."""

from functools import partial

import pytest
import torch

from scanproof import CheckFailed, SelectiveScanFn, Verdict, check_refinement, selective_scan_chunked
from scanproof.refinement.search import Cases
from scanproof.refinement.strategies import scan_inputs, scan_shapes

from .catalogue import MUTANTS, RIGHT
from .mutant import Mutant
from .practice import ordinary_inputs, passes_ratio, passes_tolerance
from .table import PAGE, bounded, drawn, exactly, page, refinement
from .tiny import TINY, Tiny, scanned


def named(mutant: Mutant | Tiny) -> str:
    return mutant.name


def test_there_are_enough_and_each_has_its_name() -> None:
    assert len(MUTANTS) >= 40
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=named)
def test_mutants_are_refuted(mutant: Mutant) -> None:
    report = refinement(mutant)
    assert report.verdict is Verdict.REFUTED, report.summary()
    assert report.worst is not None
    assert mutant.backward == (report.worst.output not in ("y", "last_state"))


ROUNDED = {
    "softplus by log(1 + exp)",
    "steps in bfloat16",
    "decays in bfloat16",
    "decays in float16",
    "additions in bfloat16",
    "state carried in float16",
    "state carried in bfloat16",
    "state in bfloat16 at chunk boundaries",
    "division by cumulated decays",
    "decays as differences of sums",
    "states summed in bfloat16",
    "output in bfloat16",
    "last state in bfloat16",
    "states before found by undoing steps",
    "B's gradient summed in bfloat16",
    "adjoint carried in float16",
}
"""Mutants with the right formula: a cast or an unstable order."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=named)
def test_the_exact_answer_tells_a_wrong_formula_from_rounding(mutant: Mutant) -> None:
    exact = refinement(mutant).exact
    wanted = Verdict.EQUAL if mutant.name in ROUNDED else Verdict.DIFFERENT
    assert exact.verdict is wanted, exact
    assert wanted is Verdict.EQUAL or len(exact.fields) == 1


@pytest.mark.parametrize("mutant", TINY, ids=named)
def test_the_exact_answer_sees_what_no_bound_sees(mutant: Tiny) -> None:
    report = exactly(mutant)
    assert report.exact.verdict is Verdict.DIFFERENT, report.exact
    assert len(report.exact.fields) == 1
    assert not report.exact.constants or report.verdict is Verdict.REFINES
    assert report.exact.differing is not None
    assert (report.exact.differing.output in ("y", "last_state", "last_re", "last_im")) != mutant.gradients
    for bound in bounded(mutant):
        assert bound.verdict is Verdict.REFINES, bound.summary()


def test_there_are_enough_below_rounding() -> None:
    assert len(TINY) >= 40
    assert len({mutant.name for mutant in TINY}) == len(TINY)


@pytest.mark.parametrize("gradients", [False, True], ids=["outputs", "gradients"])
@pytest.mark.parametrize("name", RIGHT)
def test_right_scans_are_the_function_of_the_runner(name: str, gradients: bool) -> None:
    right = Tiny(name, RIGHT[name], SelectiveScanFn(), scanned, gradients)
    assert right.refinement(0, exact=True).exact.verdict is Verdict.EQUAL


@pytest.mark.parametrize("mutant", [mutant for mutant in MUTANTS if mutant.backward], ids=named)
def test_outputs_of_backward_mutants_are_right(mutant: Mutant) -> None:
    assert check_refinement(mutant.scan, SelectiveScanFn(), cases=5).verdict is Verdict.REFINES


@pytest.mark.parametrize("gradients", [False, True], ids=["outputs", "gradients"])
@pytest.mark.parametrize("name", RIGHT)
def test_right_scans_are_not_refuted(name: str, gradients: bool) -> None:
    report = check_refinement(RIGHT[name], SelectiveScanFn(), cases=drawn(40), gradients=gradients)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.worst is not None
    assert report.worst.ratio > 1e-3


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_right_scans_in_other_dtypes(dtype: torch.dtype) -> None:
    cases = Cases(count=40, inputs=scan_inputs(scan_shapes(max_length=30, max_groups=2), dtype=dtype))
    for name, scan in RIGHT.items():
        report = check_refinement(scan, SelectiveScanFn(), cases=cases)
        assert report.verdict is Verdict.REFINES, f"{name}: {report.summary()}"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_chunks_of_every_length(dtype: torch.dtype) -> None:
    inputs = {name: x[..., :11] if x.ndim == 3 else x for name, x in ordinary_inputs(dtype).items()}
    inputs = {name: x.to(dtype) for name, x in inputs.items()}
    for chunk_size in range(1, 13):
        scan = partial(selective_scan_chunked, chunk_size=chunk_size)
        report = check_refinement(scan, SelectiveScanFn(), {**inputs, "delta_softplus": True}, gradients=True)
        assert report.verdict is Verdict.REFINES, report.summary()
        assert report.worst is not None
        assert report.worst.ratio > 1e-3


@pytest.mark.parametrize("gradients", [False, True], ids=["outputs", "gradients"])
@pytest.mark.parametrize("name", RIGHT)
def test_right_scans_pass_in_practice(name: str, gradients: bool) -> None:
    right = Mutant(name, RIGHT[name], backward=gradients)
    assert passes_tolerance(right, torch.float32)
    assert passes_tolerance(right, torch.bfloat16)
    assert passes_ratio(right)


def test_the_page_says_what_the_checks_say() -> None:
    assert PAGE.read_text() == page(), "run in tests: python -m mutants.table"


def test_a_failure_is_repeated_by_its_code() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "gate by sigmoid")
    report = check_refinement(mutant.scan, SelectiveScanFn(), cases=200)
    assert report.smallest is not None
    with pytest.raises(CheckFailed):
        exec(report.smallest.code, {"fn": mutant.scan})
