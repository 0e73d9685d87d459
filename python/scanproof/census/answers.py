"""Answers from the checks, made small enough for a census: some cuts, some prefixes, one drawn input."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from scanproof.causality.gradients.certificate import certify
from scanproof.causality.outputs.batch import check_batch
from scanproof.causality.outputs.perturbation import check_perturbation
from scanproof.causality.outputs.prefix import check_prefix
from scanproof.census.subject import COLUMNS, Answer
from scanproof.errors import InvalidArgument
from scanproof.foundation.packing import Inputs
from scanproof.programs.field.decide import theorem_of
from scanproof.refinement.exact.answer import LEFT_OUT, ExactAnswer
from scanproof.refinement.exact.ask import NOT_WHOLE
from scanproof.refinement.report import RefinementReport
from scanproof.report.verdict import Verdict
from scanproof.streaming.check import check_streaming
from scanproof.streaming.exact import exact_answer
from scanproof.streaming.feed import Feed
from scanproof.streaming.model import StreamingModel, Unsupported
from scanproof.streaming.probes import probes
from scanproof.streaming.report import StreamingWay

CASES = 2
"""Number of inputs that the causality checks try: the given input, and one drawn from it."""

OPAQUE = "foreign."
"""Begins the names of operations that call a library which is not PyTorch."""

DECIDED = ("steps", "prefill, then steps", "chunked prefill", *COLUMNS["padding"])
"""Ways of feeding that are decided over finite fields, too; others are so where floats find something."""


def causality(
    fn: Callable[..., Any], x: Inputs, T: int, seed: int, *, multiple: int = 1, gradients: bool = True
) -> Iterator[Answer]:
    """Yield the answers of the causality checks for a function at inputs with T positions.

    Args:
        fn: the function.
        x: its inputs.
        T: number of positions of the inputs.
        seed: seed of every check.
        multiple: the function takes only lengths that are multiples of this.
        gradients: whether gradients can be pulled through the function.
    """
    some = some_positions(T)
    if gradients:
        yield answer(
            "certificate",
            lambda: certify(fn, x, cuts="coded", cases=CASES, seed=seed),
        )
    yield answer(
        "perturbation",
        lambda: check_perturbation(fn, x, cuts=some, cases=CASES, seed=seed),
    )
    cuts = some if multiple == 1 else tuple(range(multiple, T, multiple))
    yield answer("prefix", lambda: check_prefix(fn, x, cuts=cuts, cases=CASES, seed=seed))
    yield answer("batch", lambda: check_batch(fn, x, seed=seed))


def streaming(
    model: StreamingModel,
    x: torch.Tensor,
    seed: int,
    how: str = "",
    *,
    short: int,
    decided: Collection[str] = DECIDED,
) -> Iterator[Answer]:
    """Yield the answer of every way of feeding.

    Args:
        model: the model.
        x: its input.
        seed: seed of the checks.
        how: names the setting of the model.
        short: number of positions at which ways are decided over finite fields.
        decided: ways that are decided so in any case; others are decided where floats find something.
    """
    cuts = tuple(k for k in some_positions(x.shape[1]) if k < x.shape[1])
    report = check_streaming(model, x, cuts=cuts, seed=seed)
    feed = Feed(model, x[:, :short], seed)
    few = {probe.name: probe for probe in probes((1, short // 2, short - 1))}
    for way in report.ways:
        asked = way.verdict.found or (way.check in decided and way.comparisons)
        exact = exact_answer(few[way.check], feed, seed) if asked else way.exact
        yield _of_way(way, f"{way.check} ({how})" if how else way.check, exact)


def _of_way(way: StreamingWay, check: str, exact: ExactAnswer) -> Answer:
    """Return the answer of a way; a formula that differs is a finding even if floats do not show it."""
    said = Answer(
        check=check,
        verdict=way.verdict.name,
        evidence=way.row().evidence,
        theorem=way.theorem,
        worst=_worst(way),
    )
    if exact is LEFT_OUT:
        return said
    said = replace(said, exact=exact.verdict.name, exactly=exact.reason, constants=exact.constants)
    if exact.wrong and not way.verdict.found:
        return replace(said, verdict=Verdict.DIVERGES.name, evidence=exact.reason)
    return said


def same_function(exact: ExactAnswer, check: str = "same function") -> Answer:
    """Return the answer whether a function is that of its spec, without a tolerance."""
    verdict, reason = exact.verdict, exact.reason
    if NOT_WHOLE in reason or OPAQUE in reason:
        verdict = Verdict.NOT_APPLICABLE
        reason = "the kernel is opaque: PyTorch does not show its operations"
    elif exact.constants:
        verdict = Verdict.INCONCLUSIVE
        reason = f"{reason}; rounded constants may explain so small a difference"
    elif exact.differing is not None:
        reason = f"{reason}; {exact.differing}"
    return Answer(check=check, verdict=verdict.name, evidence=reason, theorem=theorem_of(exact.verdict))


def refinements(runs: Mapping[str, Callable[[], RefinementReport]]) -> Iterator[Answer]:
    """Yield the answers of refinement checks, by name, and whether each function is that of its spec."""
    for check, run in runs.items():
        reports: list[RefinementReport] = []
        yield answer(check, partial(_kept, run, reports))
        of = check.partition(" of ")[2]
        for report in reports:
            yield same_function(report.exact, f"same function ({of})" if of else "same function")


def _kept(run: Callable[[], RefinementReport], reports: list[RefinementReport]) -> RefinementReport:
    reports.append(run())
    return reports[-1]


def answer(check: str, run: Callable[[], Any]) -> Answer:
    """Return the answer of one check.

    The answer is INCONCLUSIVE if the implementation raises, or if the check refuses what the implementation
    returns. It is NOT_APPLICABLE if the implementation raises ``Unsupported``.
    """
    try:
        report = run()
    except Unsupported as reason:
        return Answer(check=check, verdict=Verdict.NOT_APPLICABLE.name, evidence=str(reason))
    except InvalidArgument as refusal:
        return Answer(check=check, verdict=Verdict.INCONCLUSIVE.name, evidence=str(refusal))
    except Exception as error:  # whatever foreign code raises
        raised = f"the implementation raised {type(error).__name__}: {error}"
        return Answer(check=check, verdict=Verdict.INCONCLUSIVE.name, evidence=raised)
    (row,) = report.rows()
    unsure = row.verdict is Verdict.INCONCLUSIVE and report.reason not in row.evidence
    return Answer(
        check=check,
        verdict=row.verdict.name,
        evidence=f"{row.evidence}; {report.reason}" if unsure else row.evidence,
        theorem=row.theorem,
        worst=_worst(report),
    )


def some_positions(T: int) -> tuple[int, ...]:
    """Return every fifth position, the first and last positions, and positions around 8."""
    chosen = {1, 2, 3, 7, 8, 9, T // 2, T - 2, T - 1, *range(5, T, 5)}
    return tuple(sorted(k for k in chosen if 1 <= k < T))


def _worst(report: Any) -> float | None:
    """Return the worst number of a report, relative; None where nothing differed."""
    worst = getattr(report, "worst", None)
    if isinstance(report, RefinementReport) and report.gradients and report.verdict.passed:
        return max(
            (report.greatest[f"d{name}"] for name in report.gradients if report.greatest), default=None
        )
    if isinstance(report, RefinementReport):
        return report.worst.ratio if report.greatest else None
    if isinstance(report, StreamingWay):
        return worst.share if worst else (report.evidence.low if report.evidence else None)
    share = getattr(worst, "share", None)
    if share is not None:
        return float(share)
    size, scale = getattr(worst, "size", None), getattr(report, "scale", None)
    if size is not None and scale:
        return float(size) / float(scale)
    fraction = float(getattr(report, "temporal_fraction", 0.0))
    return fraction if fraction > 0 else None  # not a number where no cut was probed
