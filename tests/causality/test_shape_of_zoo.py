"""What reports say of the shape of the zoo's faults agrees with the pairs that are known."""

from itertools import pairwise

import pytest
import torch

from scanproof import Verdict, certify, check_perturbation, check_prefix
from scanproof.causality.diagnosis.pattern import Shape
from scanproof.foundation.alignment import SAME
from zoo.faults import FAULTS
from zoo.specimen import Fault
from zoo.truth import by_gradient

EXACT = [fault for fault in FAULTS if "exact" in fault.seen_by and fault.temporal and fault.T < 100]
FORWARD = [fault for fault in FAULTS if "perturbation" in fault.seen_by and fault.T < 100]
APPENDED = [
    fault
    for fault in FAULTS
    if "prefix" in fault.seen_by and fault.T < 100 and fault.temporal and fault.alignment == SAME
]
LONG = [fault for fault in FAULTS if "exact" in fault.seen_by and fault.T > 1000]


def named(shape: Shape, fault: Fault) -> set[tuple[int, int]]:
    """Return the pairs (output, input) that a pattern names."""
    assert shape.pattern is not None
    order = fault.order
    last = order.reaches[order.outputs] - 1
    read = shape.pattern.reads(last[:, None], torch.arange(fault.T))
    return {(t, s) for t, s in read.nonzero().tolist() if fault.forbidden(t, s)}


@pytest.mark.parametrize("fault", EXACT, ids=lambda fault: fault.name)
def test_by_gradients(fault: Fault) -> None:
    report = certify(fault.at(torch.float64), fault.x(torch.float64), alignment=fault.alignment)
    shape = report.shape
    assert shape is not None
    pairs, _ = by_gradient(fault, seed=1)  # of this input: fewer than may be read where there are choices
    if shape.pattern:
        assert named(shape, fault) == pairs
    assert shape.pattern or shape.pairs == len(pairs)
    assert report.where is not None
    assert report.where.problem is None


@pytest.mark.parametrize("fault", FORWARD, ids=lambda fault: fault.name)
def test_by_replacement(fault: Fault) -> None:
    report = check_perturbation(
        fault.at(torch.float32), fault.x(), vocab_size=fault.ids, alignment=fault.alignment
    )
    shape = report.shape
    assert shape is not None
    if shape.pattern and fault.temporal:
        assert named(shape, fault) <= fault.pairs
        assert len(named(shape, fault)) == shape.pairs
    assert report.where is not None
    assert report.where.problem is None


def changed_by_appending(fault: Fault) -> set[tuple[int, int]]:
    """Return the pairs (output, input) such that the output changes when the input is appended."""
    fn, x = fault.at(torch.float64), fault.x(torch.float64)
    with torch.no_grad():
        runs = [fn(x[:, :k].clone()) for k in range(1, fault.T + 1)]
    pairs = set()
    for s, (before, after) in enumerate(pairwise(runs), 1):
        moved = (before - after[:, : before.shape[1]]).abs().transpose(0, 1).flatten(1).amax(1)
        pairs |= {(t, s) for t in (moved > 1e-9 * runs[-1].abs().max()).nonzero().flatten().tolist()}
    return {(t, s) for t, s in pairs if fault.forbidden(t, s)}


@pytest.mark.parametrize("fault", APPENDED, ids=lambda fault: fault.name)
def test_by_appending(fault: Fault) -> None:
    report = check_prefix(fault.at(torch.float64), fault.x(torch.float64))
    assert report.verdict is Verdict.LEAK
    assert report.worst is not None
    assert report.shape is not None
    pairs = changed_by_appending(fault)
    assert (report.worst.t, report.worst.s) in pairs
    if report.shape.pattern:
        assert named(report.shape, fault) == pairs
    assert report.shape.pattern or report.shape.pairs <= len(pairs)


@pytest.mark.parametrize("fault", LONG, ids=lambda fault: fault.name)
def test_of_thousands_of_positions(fault: Fault) -> None:
    report = certify(fault.at(torch.float32), fault.x(), cuts="coded")
    assert report.shape is not None
    (pair,) = named(report.shape, fault)
    assert fault.reads(*pair)
