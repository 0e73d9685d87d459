"""What reports say of the pattern of the zoo's faults agrees with the pairs that are known."""

from itertools import pairwise

import pytest
import torch

from scanproof import Verdict, certify, check_perturbation, check_prefix
from scanproof.causality.diagnosis.pattern import LeakPattern
from scanproof.foundation.alignment import SAME
from verdicts import assert_verdict
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


def named(pattern: LeakPattern, fault: Fault) -> set[tuple[int, int]]:
    """Return the pairs (output, input) that a pattern names."""
    assert pattern.rule is not None
    order = fault.order
    last = order.reaches[order.outputs] - 1
    read = pattern.rule.reads(last[:, None], torch.arange(fault.T))
    return {(t, s) for t, s in read.nonzero().tolist() if fault.forbidden(t, s)}


@pytest.mark.parametrize("fault", EXACT, ids=lambda fault: fault.name)
def test_by_gradients(fault: Fault) -> None:
    report = certify(fault.at(torch.float64), fault.x(torch.float64), alignment=fault.alignment)
    pattern = report.pattern
    assert pattern is not None
    pairs, _ = by_gradient(fault, seed=1)  # of this input: fewer than may be read where there are choices
    if pattern.rule:
        assert named(pattern, fault) == pairs
    assert pattern.rule or pattern.pairs == len(pairs)
    assert report.origin is not None
    assert report.origin.problem is None


@pytest.mark.parametrize("fault", FORWARD, ids=lambda fault: fault.name)
def test_by_replacement(fault: Fault) -> None:
    report = check_perturbation(
        fault.at(torch.float32), fault.x(), vocab_size=fault.ids, alignment=fault.alignment
    )
    pattern = report.pattern
    assert pattern is not None
    if pattern.rule and fault.temporal:
        assert named(pattern, fault) <= fault.pairs
        assert len(named(pattern, fault)) == pattern.pairs
    assert report.origin is not None
    assert report.origin.problem is None


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
    assert_verdict(report, Verdict.LEAK)
    assert report.worst is not None
    assert report.pattern is not None
    pairs = changed_by_appending(fault)
    assert (report.worst.t, report.worst.s) in pairs
    if report.pattern.rule:
        assert named(report.pattern, fault) == pairs
    assert report.pattern.rule or report.pattern.pairs <= len(pairs)


@pytest.mark.parametrize("fault", LONG, ids=lambda fault: fault.name)
def test_of_thousands_of_positions(fault: Fault) -> None:
    report = certify(fault.at(torch.float32), fault.x(), cuts="coded")
    assert report.pattern is not None
    (pair,) = named(report.pattern, fault)
    assert fault.reads(*pair)
