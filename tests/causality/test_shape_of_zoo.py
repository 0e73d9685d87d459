"""What reports say of the shape of the zoo's faults agrees with the pairs that are known."""

import pytest
import torch

from scanproof import certify, check_perturbation
from scanproof.causality.look import Shape
from zoo.faults import FAULTS
from zoo.specimen import Fault
from zoo.truth import by_gradient

EXACT = [fault for fault in FAULTS if "exact" in fault.seen_by and fault.temporal and fault.T < 100]
FORWARD = [fault for fault in FAULTS if "perturbation" in fault.seen_by and fault.T < 100]
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


@pytest.mark.parametrize("fault", LONG, ids=lambda fault: fault.name)
def test_of_thousands_of_positions(fault: Fault) -> None:
    report = certify(fault.at(torch.float32), fault.x(), cuts="coded")
    assert report.shape is not None
    (pair,) = named(report.shape, fault)
    assert fault.reads(*pair)
