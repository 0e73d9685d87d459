"""A search over inputs: Hypothesis draws until one refutes the implementation or the budget is spent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.extras import extra
from scanproof.refinement.compare import Comparison, compare
from scanproof.refinement.problem import Inputs, Problem
from scanproof.refinement.report import Drawn
from scanproof.report.verdict import Verdict

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

QUIET_SECONDS = 2.0
"""A search that takes fewer seconds shows no bar."""

Prepare = Callable[[Any, int], tuple[Problem, Inputs]]
"""Makes a problem and its inputs from a drawn input and a seed; the cotangents come from the seed."""


@dataclass(frozen=True)
class Cases:
    """Which inputs a check draws, and how many.

    Attributes:
        count: number of inputs.
        seconds: time after which no further input is drawn; None for no limit.
        inputs: the strategy to draw from, such as ``scan_inputs(dtype=torch.bfloat16)`` of
            ``scanproof.refinement.strategies``; None for ``scan_inputs()``, or for blocks
            ``block_inputs(…)``, in float32.
        bar: whether a search that takes over two seconds shows a bar on the standard error.
    """

    count: int = 200
    seconds: float | None = None
    inputs: "SearchStrategy[Any] | None" = None
    bar: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.count, int) or self.count < 1:
            raise InvalidArgument(f"cases is {self.count!r}; give a whole number of at least 1, or Cases(…).")
        if self.seconds is not None and not self.seconds > 0:
            raise InvalidArgument(f"Cases: seconds is {self.seconds!r}; give a positive number, or None.")


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        problem: the problem of the case that refutes, or else of the case with the greatest error/bound.
        inputs: the inputs of that case.
        comparison: the comparison of that case, with the verdict on all cases.
        drawn: how far the search has gone.
    """

    problem: Problem
    inputs: Inputs
    comparison: Comparison
    drawn: Drawn


class _Stop(BaseException):
    """Ends a search; Hypothesis passes on a ``BaseException`` that is no ``Exception`` at once."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(error)
        self.error = error


def search(strategy: "SearchStrategy[Any]", prepare: Prepare, cases: Cases, seed: int) -> Found:
    """Compare on drawn inputs; stop at the first input that refutes.

    The same seed gives the same inputs with the same versions of this package and of Hypothesis.

    Raises:
        Exception: the exception of the implementation, with the input in a note.
    """
    began = monotonic()
    drawn = Drawn(0, 0, 0, 0.0)
    worst: tuple[Problem, Inputs, Comparison] | None = None

    def try_one(case: Any) -> None:
        nonlocal drawn, worst
        if cases.seconds is not None and drawn.cases and monotonic() - began > cases.seconds:
            raise _Stop
        problem, inputs = prepare(case, seed + drawn.cases)
        try:
            found = compare(problem, inputs)
        except Exception as error:
            error.add_note(f"on case {drawn.cases} of seed {seed}:\n{problem.code(inputs)}")
            raise _Stop(error) from None
        undecided = drawn.inconclusive + (found.verdict is Verdict.INCONCLUSIVE)
        drawn = Drawn(drawn.cases + 1, undecided, drawn.compared + found.compared, monotonic() - began)
        if worst is None or _weight(found) > _weight(worst[2]):
            worst = problem, inputs, found
        bar.advance()
        if found.verdict is Verdict.REFUTED or drawn.cases == cases.count:
            raise _Stop

    with _Bar(cases) as bar:
        try:
            draw(strategy, cases.count, seed, try_one)
        except _Stop as stop:
            if stop.error is not None:
                raise stop.error from None
    assert worst is not None
    problem, inputs, found = worst
    return Found(problem, inputs, _judged(found, drawn), drawn)


def draw(
    strategy: "SearchStrategy[Any]",
    count: int,
    seed: int,
    use: Callable[[Any], None],
    *,
    shrink: bool = False,
) -> None:
    """Draw inputs with Hypothesis, and use each of them.

    Args:
        strategy: what to draw from.
        count: number of inputs.
        seed: the same seed draws the same inputs with the same version of Hypothesis.
        use: takes an input; an exception ends the search.
        shrink: after an exception, look for a simpler input with that exception, and use it last.

    Raises:
        InvalidArgument: the strategy is none, or draws nothing.
        NothingEstablished: ``use`` raised at an input, and did not at the same input again.
    """
    with extra("cases", "Drawn inputs"):
        import hypothesis

    if not isinstance(strategy, hypothesis.strategies.SearchStrategy):
        raise InvalidArgument(f"Cases: inputs is {strategy!r:.80}; give a Hypothesis strategy.")

    def each(drawn: Any) -> None:
        use(drawn)

    run = hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])],
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )(hypothesis.given(strategy)(each))
    try:
        hypothesis.seed(seed)(run)()
    except hypothesis.errors.Unsatisfiable:
        raise InvalidArgument(
            f"Cases: inputs is {strategy!r:.80}, which draws nothing; give a Hypothesis strategy."
        ) from None
    except hypothesis.errors.Flaky:
        raise NothingEstablished(
            "a second run at a drawn input gave another result; give functions that keep no state"
        ) from None


def _weight(found: Comparison) -> tuple[bool, float]:
    ratio = -1.0 if found.spread is None else found.worst.ratio
    refuted = found.verdict is Verdict.REFUTED
    return refuted, ratio if refuted or ratio <= 1 else 0.0  # otherwise an overflow may explain it


def _judged(found: Comparison, drawn: Drawn) -> Comparison:
    """Return the comparison with the verdict on all cases."""
    if found.verdict is Verdict.REFUTED:
        return replace(found, reason=f"{found.reason} of case {drawn.cases}")
    if 2 * drawn.inconclusive > drawn.cases:
        reason = f"{drawn.inconclusive} of {drawn.cases} cases were inconclusive; {found.reason}"
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason)
    reason = f"found no counterexample in {drawn.cases} cases{drawn.undecided}"
    return replace(found, verdict=Verdict.REFINES, reason=reason)


class _Bar:
    """A bar on the standard error, shown only for a long search."""

    def __init__(self, cases: Cases) -> None:
        with extra("cases", "Drawn inputs"):
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        columns = (TextColumn("cases"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=cases.count)
        self._wanted, self._shown, self._began = cases.bar, False, monotonic()

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._progress.stop()

    def advance(self) -> None:
        """Count one case."""
        self._progress.advance(self._task)
        if self._wanted and not self._shown and monotonic() - self._began > QUIET_SECONDS:
            self._shown = True
            self._progress.start()
