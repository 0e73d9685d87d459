import pytest
import torch

from scanproof import Verdict, certify, check_prefix
from zoo.faults import FAULTS, Fault
from zoo.models import MODELS, D, Model

T = 13  # several chunks of 4, and a ragged one


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["float32", "float64"])
def x(request: pytest.FixtureRequest) -> torch.Tensor:
    return torch.randn(2, T, D, generator=torch.Generator().manual_seed(1)).to(request.param)


def in_dtype(fn: object, x: torch.Tensor) -> object:
    return fn.to(x.dtype) if isinstance(fn, torch.nn.Module) else fn


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_models_are_causal(model: Model, x: torch.Tensor) -> None:
    fn = in_dtype(model.fn, x)
    certificate = certify(fn, x)
    assert certificate.temporal.verdict in model.certificate, certificate.summary()
    assert certificate.batch is not None
    assert certificate.batch.verdict is Verdict.CAUSAL, certificate.summary()
    prefix = check_prefix(fn, x)
    assert prefix.verdict in model.prefix, prefix.summary()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.gradient], ids=lambda fault: fault.name)
def test_certificate_names_a_leaking_pair(fault: Fault, x: torch.Tensor) -> None:
    fn = in_dtype(fault.fn, x)
    report = certify(fn, x)
    assert report.temporal.verdict is Verdict.LEAK, report.summary()
    pair = report.pair
    assert pair is not None
    assert pair.t < pair.s
    assert fault.reads(pair.t, pair.s)
    assert (pair.output_index[:2], pair.input_index[:2]) == (
        (pair.output_example, pair.t),
        (pair.input_example, pair.s),
    )
    jacobian = torch.autograd.functional.jacobian(fn, x)
    expected = jacobian[pair.output_index + pair.input_index].abs().item()
    assert pair.size == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.forward], ids=lambda fault: fault.name)
def test_prefix_names_a_leaking_position(fault: Fault, x: torch.Tensor) -> None:
    report = check_prefix(in_dtype(fault.fn, x), x)
    assert report.verdict is Verdict.LEAK, report.summary()
    assert report.worst is not None
    assert report.worst.t < report.worst.length
    assert any(fault.reads(report.worst.t, s) for s in range(report.worst.length, T))


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if not fault.gradient], ids=lambda fault: fault.name
)
def test_what_has_no_gradient_is_left_to_the_prefix_check(fault: Fault, x: torch.Tensor) -> None:
    assert certify(in_dtype(fault.fn, x), x).verdict is Verdict.CAUSAL
