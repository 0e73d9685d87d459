"""``certify`` by reading.

What the program shows needs no probe. The rest is probed where it is open.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

from scanproof import theorems
from scanproof.causality.gradients.certificate_report import CausalCertificate
from scanproof.causality.gradients.pullback import Batching
from scanproof.causality.gradients.recording import record
from scanproof.causality.reading.aimed import Aim, replaced
from scanproof.causality.reading.findings import undecided
from scanproof.causality.reading.program_reading import ProgramReading
from scanproof.causality.reading.sizes import Lengths
from scanproof.causality.reading.subject_read import ProgramChecker, read_subject
from scanproof.errors import InvalidArgument
from scanproof.foundation.call import Source
from scanproof.foundation.contract import check_tensor
from scanproof.foundation.drawing import Draw, TriedCase
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.request import Request
from scanproof.foundation.subject import Subject
from scanproof.report.verdict import Verdict

PROBED_SIZES = 3
"""Other sizes, among those at which a question is open, that are probed at most."""

Probe = Callable[[Subject, Aim | None, str], CausalCertificate]
"""Probes a subject: the cuts and examples of an aim, or all of them. The text is the call that repeats it.

Inputs are drawn as well only from the input that the caller gave.
"""


def by_reading(
    subject: Subject,
    lengths: Lengths,
    batch_sizes: tuple[int, ...] | None,
    draws: Sequence[Draw[Subject]],
    request: Request,
    threshold: float,
    probe: Probe,
    checker: ProgramChecker | None = None,
) -> CausalCertificate:
    """Certify by reading the program, and by probes where reading leaves a question open.

    Args:
        subject: the function and the input.
        lengths: numbers of positions to read as well; "all" for every one at once, None for the default
            ones.
        batch_sizes: numbers of examples to read as well; None for the default ones.
        draws: inputs drawn from the input.
        request: the call.
        threshold: as in ``certify``.
        probe: probes where it is told to.
        checker: Lean's checker, which is asked as well where reading establishes everything.

    Raises:
        InvalidArgument: ``x`` holds token ids, and the program could not be read.
    """
    reading = read_subject(subject, lengths, batch_sizes, draws, checker)
    aim, call = Aim(reading), request.text()
    if reading.given.reading is None:
        _check_gradient(subject, reading.given.problem)
        return replace(probe(subject, None, call), reading=reading)
    if reading.established:
        return _read_alone(subject, aim, threshold, request, call)
    if not reading.given.established:
        return _aimed(subject, aim, threshold, request, call, probe)
    reports = []
    for size in reading.open[:PROBED_SIZES]:
        assert size.x is not None
        there, source = subject.at(size.x), Source(size.source)
        aim = Aim(ProgramReading(size), source)
        report = _aimed(there, aim, threshold, request, request.text(x=source), probe)
        reports.append(replace(report, reading=reading))
        if report.verdict is Verdict.LEAK:
            return reports[-1]
    return reports[0]


def _check_gradient(subject: Subject, problem: str) -> None:
    """Reject token ids for a program that could not be read: they have no gradient."""
    try:
        check_tensor(subject.check, subject.given, subject.x)
    except InvalidArgument as error:
        raise InvalidArgument(
            f"{error} The program, which needs no gradient, was not read: {problem}"
        ) from None


def _read_alone(
    subject: Subject, aim: Aim, threshold: float, request: Request, call: str
) -> CausalCertificate:
    """Return what the program says, without a probe."""
    x, axes = subject.x, subject.axes
    temporal = aim.finding("positions")
    assert temporal is not None
    return CausalCertificate(
        T=x.shape[axes.seq],
        possible_cuts=x.shape[axes.seq] - 1,
        exhaustive=True,
        coded=None,
        temporal=temporal,
        batch=aim.finding("examples"),
        cases=(TriedCase("x", "", temporal.verdict, temporal.reason, "read"),),
        example_leaks=(),
        threshold=threshold,
        vjps=0,
        batching=Batching(),
        seed=request.seed,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call,
        reading=aim.reading,
        documents=subject.documents,
        theorem=theorems.PROGRAM_CAUSAL if temporal.read else theorems.RUNNER_AGREE,
    )


def _aimed(
    subject: Subject, aim: Aim, threshold: float, request: Request, call: str, probe: Probe
) -> CausalCertificate:
    """Probe what is open; where no probe finds an effect, replace inputs."""
    if _takes_gradients(subject):
        report = replace(probe(subject, aim, call), reading=aim.reading)
    else:
        report = _read_alone(subject, aim, threshold, request, call)
    if report.verdict in (Verdict.LEAK, Verdict.TOLERATED):
        return report
    aimed = replaced(subject, aim, request.cases if aim.source == "x" else 1, request.seed)
    by_name = {check.check: check for check in aimed}
    futures, examples = by_name.get("perturbation"), by_name.get("batch")
    return replace(
        report,
        aimed=aimed,
        temporal=undecided(report.temporal, aim.answer("positions"), futures),
        batch=report.batch and undecided(report.batch, aim.answer("examples"), examples),
    )


def _takes_gradients(subject: Subject) -> bool:
    """Whether ``fn`` runs on an input that requires a gradient: ``x.numpy()`` does not, for example."""
    if not subject.x.is_floating_point():
        return False
    try:
        record(subject, nullcontext(), subject.x)
    except RuntimeError:
        return False
    return True
