"""Whether two functions compute the same, without a tolerance."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.foundation.call import Call, Source
from scanproof.foundation.contract import Axes
from scanproof.foundation.drawing import TriedCase, check_cases
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.seeds import check_seed
from scanproof.refinement.search import Cases, draw
from scanproof.report.verdict import Verdict
from scanproof.same.comparison import Comparison, ShapesDiffer
from scanproof.same.given import Given
from scanproof.same.recording import Recording
from scanproof.same.report import SameReport
from scanproof.same.sizes import Sizes, smaller


def check_same(
    f: Callable[..., Any] | Recording,
    g: Callable[..., Any] | Recording,
    x: Any = None,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    seed: int = 0,
) -> SameReport:
    """Decide whether ``f`` and ``g`` are the same function, apart from rounding.

    Both are recorded at ``x``. The recorded programs then run over finite fields, with the same random
    residues for their inputs and parameters. Nothing rounds there, so a difference shows that the formulas
    differ, and functions that differ agree at all points only with the probability that the report states
    (Schwartz 1980, Zippel 1979).

    Args:
        f: a function or a module; or a recording, such as that of another release of a library
            (``scanproof.load_recording``).
        g: another one, which takes the same input and returns tensors of the same shapes.
        x: the input: a tensor, a tuple of inputs, or a mapping of inputs by name. Floating-point tensors are
            replaced by residues; tensors of whole numbers and truth values stay as they are. Leave ``x`` out
            if a recording gives it, or if ``cases`` does.
        cases: number of inputs in all, ``x`` included: the others are ``x`` at drawn sizes, beside the blocks
            of the program and up to twice as many positions. Or ``Cases(inputs=strategy)``, with a strategy
            of Hypothesis that draws tuples or mappings as ``x``; then leave ``x`` out. By default, ``x``
            alone.
        gradients: also compare the gradients at floating inputs, and at the parameters that both functions
            hold, of drawn cotangents.
        seq_dim: axis of positions in ``x``, to draw sizes.
        batch_dim: axis of examples in ``x``, to draw sizes; None if there is none.
        seed: repeats the draws.

    Returns:
        The report. EQUAL: every entry is equal at every point. DIFFERENT: an entry differs, with the entries
        in floats; if a law of a function such as ``log`` could make it equal, it also differs in float64 by
        more than rounding explains. With ``cases``, the report is that of the smallest input that was found
        to differ. INCONCLUSIVE: the report names the operations that have no rule, or the functions whose
        laws would decide. An input that a function rejects decides nothing, and the report counts it;
        EQUAL needs a verdict at half of the inputs. Results that are whole numbers alone are INCONCLUSIVE.
        Comparisons of floats decide as they do at ``x``. Constants are the exact numbers that floats hold,
        casts between floating dtypes change nothing, and infinities, NaN and overflow are not seen. EQUAL
        rests on the Lean theorem ``RationalExpr.countP_agree_draws_le``, DIFFERENT on
        ``Natural.eq_of_expression_eq``.

    Raises:
        InvalidArgument: the functions return other tensors than each other at ``x``, or cannot be recorded.
        NothingEstablished: a function raised at ``x``.

    >>> import torch
    >>> check_same(lambda x: (x + 1) ** 2, lambda x: x * x + 2 * x + 1, torch.randn(3)).verdict.name
    'EQUAL'
    """
    check_seed("check_same", seed)
    call = Call(check_same, locals())
    for name, each in (("f", f), ("g", g)):
        if not callable(each) and not isinstance(each, Recording):
            raise InvalidArgument(
                f"check_same: {name} is {each!r:.80}; give a function, a module, or a recording "
                "(scanproof.load_recording)."
            )
    question = _Question(f, g, gradients, seed, call)
    recordings = [each for each in (f, g) if isinstance(each, Recording)]
    if recordings:
        if x is not None or cases is not None or gradients:
            raise InvalidArgument(
                "check_same: a recording has its own input, and its gradients if it was made with them; "
                "leave x, cases and gradients out."
            )
        return question.recorded(recordings)
    if isinstance(cases, Cases) and cases.inputs is not None:
        if x is not None:
            raise InvalidArgument("check_same: cases draws the inputs; leave x out.")
        return question.drawn(cases)
    if x is None:
        raise InvalidArgument("check_same: x is missing; give an input, or Cases(inputs=...) to draw inputs.")
    count = cases.count if isinstance(cases, Cases) else 1 if cases is None else cases
    check_cases("check_same", count)
    return question.at_sizes(x, count, Axes(seq_dim, batch_dim))


class _Different(Exception):  # no error: what Hypothesis makes smaller
    """Two functions differ at a drawn input."""


@dataclass(frozen=True)
class _Question:
    f: Any
    g: Any
    gradients: bool
    seed: int
    call: Call

    def at_sizes(self, x: Any, count: int, axes: Axes) -> SameReport:
        """Decide at an input and at drawn sizes of it; look for the smallest size that differs."""
        comparison = self._compared(x)
        report = self._report(comparison, x)
        if count == 1:
            return report
        sizes, tried, smallest = Sizes(x, axes), [_case("x", report)], None
        if report.verdict is Verdict.DIFFERENT:
            smallest = sizes.own
        else:
            for size in sizes.drawn(count - 1, comparison.programs[0], self.seed):
                case, other = self._tried(*sizes.at(size))
                tried.append(case)
                if case.apart:
                    break
                if other is not None and other.verdict is Verdict.DIFFERENT:
                    smallest, report = size, other
                    break
        while smallest is not None:
            at, smallest = smallest, None
            for size in smaller(at):
                _, other = self._tried(*sizes.at(size))
                if other is not None and other.verdict is Verdict.DIFFERENT:
                    smallest, report = size, other
                    break
        return _over(report, tried)

    def drawn(self, cases: Cases) -> SameReport:
        """Decide at inputs that Hypothesis draws."""
        began = monotonic()
        tried: list[_Tried] = []
        reports: list[SameReport] = []

        def use(x: Any) -> None:
            found = bool(reports) and reports[-1].verdict is Verdict.DIFFERENT
            if not found and tried and cases.seconds is not None and monotonic() - began > cases.seconds:
                return
            case, report = self._tried(f"drawn input {len(tried) + 1}", x)
            if not found:
                tried.append(case)
            if report is None:
                return
            if not found or report.verdict is Verdict.DIFFERENT:
                reports.append(report)
            if report.verdict is Verdict.DIFFERENT:
                raise _Different

        with suppress(_Different):
            draw(cases.inputs, cases.count, self.seed, use, shrink=True)  # type: ignore[arg-type]  # not None here
        if not reports:
            raise NothingEstablished(f"no drawn input can be decided; {tried[0].source}: {tried[0].reason}")
        if reports[-1].verdict is Verdict.DIFFERENT:
            chosen = reports[-1]
        else:
            chosen = max(reports, key=lambda report: report.probability or 0.0)
        return _over(chosen, tried)

    def recorded(self, recordings: list[Recording]) -> SameReport:
        """Decide at the input of a recording."""
        given = recordings[0].given
        for each in recordings[1:]:
            if not each.given.equals(given):
                raise InvalidArgument(
                    "check_same: the recordings have different inputs; record both functions at one input."
                )
        comparison = Comparison(self.f, self.g, given, self.seed)
        return self._report(comparison, given.x, recorded="; ".join(map(str, recordings)))

    def _tried(self, source: str, x: Any) -> tuple["_Tried", SameReport | None]:
        """Decide at an input that a function may reject."""
        try:
            report = self._report(self._compared(x), x, source)
        except (InvalidArgument, NothingEstablished) as error:
            apart, reason = isinstance(error, ShapesDiffer), str(error).removeprefix("check_same: ")
            return _Tried(source, "", Verdict.INCONCLUSIVE, reason, apart=apart), None
        return _case(source, report), report

    def _compared(self, x: Any) -> Comparison:
        given = Given.of(x)
        if self.gradients:
            given = given.with_cotangents(self.f, self.seed)
        return Comparison(self.f, self.g, given, self.seed)

    def _report(self, comparison: Comparison, x: Any, source: str = "x", recorded: str = "") -> SameReport:
        decision, programs, given = comparison.decision, comparison.programs, comparison.given
        tensors = given.tensors
        first = next((tensor for tensor in tensors if tensor.is_floating_point()), tensors[0])
        return SameReport(
            verdict=decision.verdict,
            reason=decision.reason,
            x=x,
            source=source,
            shapes=given.shapes,
            recorded=recorded,
            gradients=given.cotangents is not None,
            cases=(),
            primes=decision.fields,
            degree=decision.degree,
            probability=decision.probability,
            exponentials=comparison.exponentials,
            opaque=tuple(sorted(decision.opaque)),
            undecided=decision.undecided,
            branches=comparison.branches,
            worst=comparison.worst,
            operations=(len(programs[0].used), len(programs[1].used)),
            parameters=len(comparison.parameters),
            seed=self.seed,
            dtype=dtype_name(first.dtype),
            device=str(first.device),
            call=self.call.text(
                **{
                    name: Source(f"load_recording({each.path!r})")
                    for name, each in (("f", self.f), ("g", self.g))
                    if isinstance(each, Recording)
                }
            ),
        )


@dataclass(frozen=True)
class _Tried(TriedCase):
    apart: bool = False  # whether the functions returned tensors of different shapes


def _case(source: str, report: SameReport) -> _Tried:
    return _Tried(source, "", report.verdict, report.reason)


def _over(report: SameReport, tried: Sequence[_Tried]) -> SameReport:
    """Return the report with the verdict over all inputs.

    EQUAL needs a verdict at half of the inputs, and tensors of the same shapes at all of them.
    """
    undecided = [case for case in tried if not case.informative]
    left = [case for case in tried if case.apart] or undecided
    if report.verdict is Verdict.EQUAL and (left is not undecided or 2 * len(undecided) > len(tried)):
        reason = f"{len(undecided)} of {len(tried)} inputs are undecided; {left[0].source}: {left[0].reason}"
        report = replace(
            report, verdict=Verdict.INCONCLUSIVE, reason=reason, probability=None, undecided=(reason,)
        )
    return report.with_cases(tuple(tried))
