from collections.abc import Iterable
from typing import TypeVar

import pytest
import torch

from scanproof import CausalCertificate, PerturbationReport, PrefixReport, Verdict, certify
from verdicts import assert_verdict
from zoo.faults import FAULTS
from zoo.models import MODELS
from zoo.modes import AnyReport, crossed_share, examined
from zoo.specimen import BATCH, MODES, PREFIX, Fault, Mode, Model, Specimen
from zoo.truth import Pairs, by_gradient, by_replacement

Kept = TypeVar("Kept", bound=Specimen)


def named(kept: object) -> str:
    return kept.name if isinstance(kept, Specimen) else str(kept)


def each(kept: Iterable[Kept], modes: Iterable[Mode] = MODES) -> list[tuple[Kept, Mode]]:
    return [(one, mode) for one in kept for mode in modes if mode in one.modes]


def test_there_are_enough_and_each_has_its_name() -> None:
    assert len(FAULTS) >= 40
    assert len(MODELS) >= 30
    names = [kept.name for kept in (*FAULTS, *MODELS)]
    assert len(set(names)) == len(names)


class TestTruth:
    """What is declared of the faults is so, without asking the engine."""

    @pytest.mark.parametrize("fault", [f for f in FAULTS if "exact" in f.seen_by & f.modes], ids=named)
    def test_pairs_that_have_a_gradient(self, fault: Fault) -> None:
        pairs, examples = Pairs(), Pairs()
        for seed in range(30):  # a greatest or a sorted entry shows other pairs at every x
            more_pairs, more_examples = by_gradient(fault, seed)
            pairs, examples = pairs | more_pairs, examples | more_examples
            assert pairs <= fault.pairs
            assert examples <= fault.example_pairs
            if (pairs, examples) == (fault.pairs, fault.example_pairs):
                return
        pytest.fail(f"not seen: {fault.pairs - pairs}, examples {fault.example_pairs - examples}")

    @pytest.mark.parametrize(
        "fault", [f for f in FAULTS if "exact" not in f.seen_by and not f.ids], ids=named
    )
    def test_pairs_that_have_none(self, fault: Fault) -> None:
        pairs = Pairs().union(*(by_replacement(fault, seed) for seed in range(3)))
        assert pairs <= fault.pairs
        assert bool(pairs) == ("perturbation" in fault.seen_by)


@pytest.mark.parametrize(("model", "mode"), each(MODELS), ids=named)
def test_causal_models_pass(model: Model, mode: Mode) -> None:
    report = examined(model, mode)
    assert_verdict(report, *allowed(model, mode))
    if isinstance(report, CausalCertificate) and report.batch:
        assert report.batch.verdict is Verdict.INDEPENDENT, report.summary()


@pytest.mark.parametrize(("model", "mode"), each(MODELS, ("exact", "prefix")), ids=named)
def test_causal_models_pass_in_float64(model: Model, mode: Mode) -> None:
    report = examined(model, mode, torch.float64)
    assert_verdict(report, *allowed(model, mode))


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_reading_calls_no_causal_model_a_leak(model: Model) -> None:
    report = examined(model, "read")
    assert isinstance(report, CausalCertificate)
    assert report.verdict is not Verdict.LEAK, report.summary()


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_reading_establishes_no_fault_but_those_of_the_size_alone(fault: Fault) -> None:
    """What depends only on the length, or on the number of examples, reads no other position or example."""
    report = examined(fault, "read")
    assert isinstance(report, CausalCertificate)
    assert report.reading is not None
    by_size = fault.seen_by in (PREFIX, BATCH) and not fault.example_pairs
    assert report.reading.established is by_size
    assert by_size or report.verdict in (Verdict.LEAK, Verdict.INCONCLUSIVE), report.summary()


def allowed(model: Model, mode: Mode) -> tuple[Verdict, ...]:
    match mode:
        case "prefix":
            return model.prefix
        case "perturbation":
            return model.perturbation
        case "batch":
            return (Verdict.INDEPENDENT, Verdict.INDEPENDENT_TO_ROUNDING)
    return model.certificate


@pytest.mark.parametrize(
    ("fault", "mode"), [(f, m) for f, m in each(FAULTS) if m in f.seen_by and m != "random"], ids=named
)
def test_faults_are_seen_and_named(fault: Fault, mode: Mode) -> None:
    report = examined(fault, mode)
    assert_verdict(report, Verdict.LEAK)
    names_a_leak(fault, report)


@pytest.mark.parametrize(
    ("fault", "mode"), [(f, m) for f, m in each(FAULTS) if m not in f.seen_by], ids=named
)
def test_faults_are_not_seen_where_they_cannot_be(fault: Fault, mode: Mode) -> None:
    report = examined(fault, mode)
    assert report.verdict is not Verdict.LEAK, report.summary()


@pytest.mark.parametrize(
    ("fault", "mode"),
    [(f, m) for f, m in each(FAULTS, ("exact", "perturbation")) if m in f.seen_by],
    ids=named,
)
def test_faults_are_seen_in_float64(fault: Fault, mode: Mode) -> None:
    report = examined(fault, mode, torch.float64)
    assert_verdict(report, Verdict.LEAK)
    names_a_leak(fault, report)


@pytest.mark.parametrize("fault", [f for f, m in each(FAULTS, ("batch",)) if m not in f.seen_by], ids=named)
def test_examples_of_other_faults_are_independent_in_float64(fault: Fault) -> None:
    assert examined(fault, "batch", torch.float64).verdict.passed


def names_a_leak(fault: Fault, report: AnyReport) -> None:
    """Check that what a report names is truly leaky."""
    if isinstance(report, CausalCertificate):
        assert (report.temporal.verdict is Verdict.LEAK) == fault.temporal, report.summary()
        assert report.is_batch_independent == (not fault.example_pairs), report.summary()
        if pair := report.temporal.worst:
            assert fault.leaks(pair.t, pair.s)
            assert (pair.output_index[:2], pair.input_index[:2]) == (
                (pair.output_example, pair.t),
                (pair.input_example, pair.s),
            )
        if report.batch and (pair := report.batch.worst):
            assert (pair.output_example, pair.input_example) in fault.example_pairs
    elif isinstance(report, PerturbationReport):
        assert report.worst is not None
        first, last = report.worst.sources
        assert any(fault.leaks(report.worst.t, s) for s in range(first, last + 1))
    elif isinstance(report, PrefixReport):
        assert report.worst is not None
        assert fault.by_length or any(
            fault.leaks(report.worst.t, s) for s in range(report.worst.cut, fault.T)
        )
    else:
        assert set(report.pairs) <= fault.example_pairs
        assert bool(report.pairs) == bool(fault.example_pairs)


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if "exact" in f.seen_by & f.modes and f.temporal], ids=named
)
def test_the_size_of_a_pair_is_its_derivative(fault: Fault) -> None:
    report = examined(fault, "exact", torch.float64)
    assert isinstance(report, CausalCertificate)
    pair = report.temporal.worst
    assert pair is not None
    x = fault.x(torch.float64).requires_grad_()
    (gradient,) = torch.autograd.grad(fault.at(torch.float64)(x)[pair.output_index], x)
    assert pair.size == pytest.approx(gradient[pair.input_index].abs().item(), rel=1e-9)


MONITORED = [fault for fault in FAULTS if "random" in fault.seen_by & fault.modes]


class TestRandomCuts:
    @pytest.mark.parametrize("fault", [f for f in MONITORED if crossed_share(f) in (0, 1)], ids=named)
    def test_a_leak_across_every_cut_is_always_seen(self, fault: Fault) -> None:
        report = examined(fault, "random")
        assert_verdict(report, Verdict.LEAK)
        names_a_leak(fault, report)

    @pytest.mark.parametrize("fault", [f for f in MONITORED if 0 < crossed_share(f) < 1], ids=named)
    def test_others_are_seen_by_the_share_of_cuts_that_they_cross(self, fault: Fault) -> None:
        cuts, share = 400, crossed_share(fault)
        report = certify(fault.at(torch.float32), fault.x(), cuts="rand", K=cuts, alignment=fault.alignment)
        assert abs(report.temporal.leaking - cuts * share) <= 4 * (cuts * share * (1 - share)) ** 0.5
