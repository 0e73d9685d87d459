"""The probes of one input, in the given precision and, if a residue is not zero, in other precisions."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.origin_by_gradients import follow
from scanproof.causality.diagnosis.pair import LeakPair, locate
from scanproof.causality.diagnosis.past import Past
from scanproof.causality.diagnosis.pattern import LeakPattern
from scanproof.causality.diagnosis.pattern_search import pattern_by_gradients, tell_rounding
from scanproof.causality.gradients.certificate_report import Finding
from scanproof.causality.gradients.coded import BOUNDED, CodedSweep, coded_sweep, unswept
from scanproof.causality.gradients.pullback import Batching, Pullback
from scanproof.causality.gradients.sweep import Sweep, sweep
from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME
from scanproof.foundation.contract import Axes, AxisName, SequenceMap, proves_nothing
from scanproof.foundation.judgement import (
    CAUSALITY,
    INDEPENDENCE,
    SHRINKAGE,
    Judgement,
    Measured,
    Outcomes,
    Rerun,
    coarser,
    dtype_name,
    judge,
    same_function,
)
from scanproof.foundation.memory import MEMORY_BUDGET
from scanproof.foundation.precision import AtPrecision
from scanproof.foundation.rows import Rows
from scanproof.foundation.subject import Subject
from scanproof.report.verdict import Verdict

SUSPECTS = 8
"""Number of rows with the greatest residues, which are repeated first in another precision."""


class Probes:
    """Families of probes of ``fn`` at ``x``, judged one by one.

    Args:
        subject: the function and the input.
        generator: CPU generator of the cotangents; every precision starts from its current state.
        memory_budget: bytes that the rows of one backward pass may take together.
    """

    def __init__(
        self, subject: Subject, generator: torch.Generator, memory_budget: int = MEMORY_BUDGET
    ) -> None:
        self._subject, self._x, self._axes = subject, subject.x, subject.axes
        self._generator, self._budget = generator, memory_budget
        self._given = _Run(self._record(subject.x, None))
        self.order = subject.order(self._given.pullback.y)
        self._promoted: dict[torch.dtype, _Run | str] = {}
        self._watched: list[Pullback] = []
        self._problem = _nothing_to_learn(self._given.pullback.y, self._axes)

    def code(self) -> CodedSweep:
        """Bound every pair of positions by coded cotangents in float64."""
        if self._problem is not None:
            return unswept(self.order, self._problem)
        run = self._at(torch.float64)
        if isinstance(run, str):
            return unswept(self.order, f"run in float64, {run}")
        assert run.mode is not None
        if run.mode.unreached:
            return unswept(
                self.order,
                f"{', '.join(sorted(run.mode.unreached))} returns a lower precision than the float64 it is "
                "given",
            )
        try:
            return coded_sweep(run.pullback, self.order, self._axes, self._generator.clone_state())
        except NotImplementedError as error:
            self._problem = _without_backward(error)
            return unswept(self.order, self._problem)

    def probe(self, families: Mapping[AxisName, Rows]) -> None:
        """Pull back the rows of ``scanproof.causality.gradients.sweep`` of each axis."""
        if self._problem is None:
            try:
                for axis, rows in families.items():
                    self._given.sweeps[axis] = self._sweep(self._given, axis, rows)
            except NotImplementedError as error:
                self._problem = _without_backward(error)

    @property
    def vjps(self) -> int:
        """Vector-Jacobian products computed so far."""
        return sum(pullback.vjps for pullback in self._pullbacks())

    @property
    def batching(self) -> Batching:
        """How many vector-Jacobian products went through one backward pass, in the run with the most."""
        return max((pullback.batching for pullback in self._pullbacks()), key=lambda batching: batching.rows)

    def example_leaks(self) -> tuple[tuple[float, ...], ...]:
        """Return the greatest gradient of each probed example at each example; empty if not probed."""
        batch = self._given.sweeps.get("batch")
        return tuple(map(tuple, batch.largest.tolist())) if batch else ()

    def judge(self, axis: AxisName, threshold: float) -> Finding:
        """Judge one family of probes; a forbidden share of at most ``threshold`` is tolerated."""
        if self._problem is not None:
            return _finding(judge(Measured(outcomes=_OUTCOMES[axis], problem=self._problem)))
        found = self._given.sweeps[axis]
        judgement = self._judge(axis, found, threshold)
        suspect = found.finite and found.residue > 0 and not judgement.verdict.passed
        worst = self._locate(axis, judgement) if suspect else None
        leaks = judgement.verdict is Verdict.LEAK
        return Finding(
            verdict=judgement.verdict,
            reason=judgement.reason,
            probes=len(found.rows),
            leaking=int((found.forbidden > 0).sum()),
            residue=found.residue,
            leak=found.leak,
            total=found.total,
            evidence=judgement.evidence,
            worst=worst,
            pattern=self._pattern(worst, judgement) if worst and leaks and axis == "seq" else None,
            origin=self._origin(axis, judgement) if leaks else None,
        )

    def judge_coded(self, coded: CodedSweep, threshold: float) -> Finding:
        """Judge the positions: by exact cuts if windows were flagged, else by the bound."""
        if self._problem is None and coded.flagged:
            return self.judge("seq", threshold)
        problem = self._problem or (None if coded.alive else _silent())
        return _finding(judge(Measured(outcomes=CAUSALITY, problem=problem, exact=BOUNDED)))

    def map(self) -> tuple[Tensor, Tensor]:
        """Return the greatest gradient of each output at each input, and which later gradients are a leak.

        Both have shape (outputs, inputs), on the CPU, in the precision with the least rounding.

        Raises:
            InvalidArgument: there is no gradient, or it is not finite.
        """
        check = self._subject.check
        if self._problem is not None:
            raise InvalidArgument(f"{check}: {self._problem}.")
        numbers = torch.arange(len(self.order.outputs), device="cpu")
        rows = Rows(numbers[:, None] == numbers, self.order.inputs <= self.order.outputs[:, None])
        found = self._sweep(self._given, "seq", rows)
        if not found.finite:
            raise InvalidArgument(f"{check}: gradients hold NaN or infinity although fn(x) is finite.")
        high = self._at(torch.float64)
        low = self._at(torch.float32) if self._x.dtype == torch.float64 else self._given
        if found.residue == 0 or isinstance(high, str) or isinstance(low, str):
            return found.largest, tell_rounding(found.largest, None, rows.allowed)[0]
        coarse = found if low is self._given else self._sweep(low, "seq", rows)
        fine = self._sweep(high, "seq", rows)
        return fine.largest, tell_rounding(fine.largest, coarse.largest, rows.allowed)[0]

    def _judge(self, axis: AxisName, found: Sweep, threshold: float) -> Judgement:
        return judge(
            Measured(
                outcomes=_OUTCOMES[axis],
                problem=_gradient_problem(axis, found),
                residue=found.residue,
                scale=found.scale,
                dtype=self._x.dtype,
                rerun=lambda dtype: self._rerun(dtype, axis),
                exact="every probe was exactly zero",
                share=found.fraction,
                tolerance=threshold,
                tolerated=f"{found.fraction:.2e} of a probe's greatest entry, within the threshold"
                f" {threshold:.2e}",
            )
        )

    def _locate(self, axis: AxisName, judgement: Judgement) -> LeakPair:
        run = self._seen_in(judgement)
        row = run.sweeps[axis].worst(1)[0]
        pair = locate(run.pullback, row, self._axes, axis, self._generator.clone_state())
        name, index = self._subject.place(pair.input_index)
        aligned = axis == "seq" and self._subject.alignment != SAME
        reach = int(self.order.reaches[self.order.outputs[pair.t]]) if aligned else None
        return replace(pair, input_name=name, input_index=index, reach=reach)

    def _pattern(self, pair: LeakPair, judgement: Judgement) -> LeakPattern:
        high = self._seen_in(judgement).pullback
        run = self._promoted.get(torch.float32, self._given)
        low = run.pullback if isinstance(run, _Run) and run.pullback is not high else None
        given = self._given.sweeps["seq"]
        taus = given.rows.allowed.sum(1).tolist()
        crossed = dict(sorted(zip(taus, (given.forbidden > 0).tolist(), strict=True)))
        return pattern_by_gradients(
            high,
            low,
            self.order,
            self._axes,
            self._generator.clone_state(),
            pair.t,
            crossed,
            self._subject.alignment == SAME,
        )

    def _origin(self, axis: AxisName, judgement: Judgement) -> Origin:
        """Return where the leak enters; ``fn`` runs again, and the modules that it calls are recorded."""
        run = self._seen_in(judgement)
        past = Past(run.sweeps[axis].worst(1)[0], axis, self._axes, self._x.shape)

        def record(watched: SequenceMap) -> Pullback:
            mode = AtPrecision(run.mode.dtype) if run.mode else None
            pullback = self._record(run.pullback.x.detach(), mode, watched)
            self._watched.append(pullback)
            if not same_function(run.pullback.y, pullback.y, pullback.y.dtype):
                raise ValueError("fn returns other outputs when its modules get copies of their inputs")
            return pullback

        try:
            return follow(self._subject, self._subject.given, record, past, self._generator.clone_state())
        except Exception as error:  # fn may raise anything while its modules are recorded
            return Origin(problem=f"{type(error).__name__}: {error}")

    def _seen_in(self, judgement: Judgement) -> "_Run":
        """Return the run in the precision with the least rounding, in which the residue was seen."""
        run = self._promoted[torch.float64] if judgement.seen_in_float64 else self._given
        assert isinstance(run, _Run)
        return run

    def _rerun(self, dtype: torch.dtype, axis: AxisName) -> Rerun | str:
        run = self._at(dtype)
        if isinstance(run, str):
            return f"run in {dtype_name(dtype)}, {run}"
        assert run.mode is not None
        if axis not in run.sweeps:
            try:
                run.sweeps[axis] = self._repeat(run, axis, dtype)
            except Exception as error:  # a backward that runs fn again runs outside the precision mode
                self._promoted[dtype] = f"the backward raised {type(error).__name__}: {error}"
                return self._rerun(dtype, axis)
        found = run.sweeps[axis]
        if not found.finite:
            return f"run in {dtype_name(dtype)}, gradients hold NaN or infinity"
        return Rerun(found.residue, run.mode.coarsest, frozenset(run.mode.unreached))

    def _repeat(self, run: "_Run", axis: AxisName, dtype: torch.dtype) -> Sweep:
        """Repeat the worst rows at another precision, and the other rows only if they can change the verdict.

        If the worst rows do not shrink, the residue does not shrink. To count as rounding, all rows have to
        shrink. In a lower precision than the given one, fewer rows can only make it harder to pass.
        """
        given = self._given.sweeps[axis]
        if dtype == self._x.dtype:
            return self._sweep(run, axis, given.rows)
        worst = self._sweep(run, axis, given.worst(SUSPECTS))
        settled = dtype != torch.float64 or worst.residue > SHRINKAGE * given.residue
        return worst if settled or not worst.finite else self._sweep(run, axis, given.rows)

    def _at(self, dtype: torch.dtype) -> "_Run | str":
        if dtype not in self._promoted:
            self._promoted[dtype] = self._run_at(dtype)
        return self._promoted[dtype]

    def _run_at(self, dtype: torch.dtype) -> "_Run | str":
        """Record ``fn`` at another precision, or say why that run is no evidence about ``fn``."""
        mode = AtPrecision(dtype)
        try:
            run = _Run(self._record(self._x.to(dtype), mode), mode)
        except Exception as error:  # fn may reject a precision that it was not written for
            return f"fn raised {type(error).__name__}: {error}"
        if not same_function(self._given.pullback.y, run.pullback.y, coarser(self._x.dtype, mode.coarsest)):
            return "fn returns other outputs, beyond rounding"
        if reason := _nothing_to_learn(run.pullback.y, self._axes):
            return reason
        unchanged = mode.coarsest == self._x.dtype and torch.equal(self._given.pullback.y, run.pullback.y)
        return _Run(self._given.pullback, mode, self._given.sweeps) if unchanged else run

    def _record(self, x: Tensor, mode: AtPrecision | None, fn: SequenceMap | None = None) -> Pullback:
        return Pullback(
            fn or self._subject,
            x,
            lambda y: self._subject.checked(y, x),
            mode,
            batch_dim=self._axes.batch,
            memory_budget=self._budget,
        )

    def _sweep(self, run: "_Run", axis: AxisName, rows: Rows) -> Sweep:
        cotangent = run.pullback.draw(1, self._generator.clone_state())[0]
        return sweep(run.pullback, rows, self._axes, axis, cotangent)

    def _pullbacks(self) -> set[Pullback]:
        promoted = {run.pullback for run in self._promoted.values() if isinstance(run, _Run)}
        return {self._given.pullback, *promoted, *self._watched}


class _Run:
    """``fn`` recorded at one precision, and the sweeps made of that record."""

    def __init__(
        self,
        pullback: Pullback,
        mode: AtPrecision | None = None,
        sweeps: dict[AxisName, Sweep] | None = None,
    ) -> None:
        self.pullback, self.mode = pullback, mode
        self.sweeps: dict[AxisName, Sweep] = {} if sweeps is None else sweeps


_OUTCOMES: Mapping[AxisName, Outcomes] = {"seq": CAUSALITY, "batch": INDEPENDENCE}


def _finding(judgement: Judgement) -> Finding:
    return Finding(verdict=judgement.verdict, reason=judgement.reason)


def _gradient_problem(axis: AxisName, found: Sweep) -> str | None:
    """Say why gradients support no verdict; None if they do."""
    if not found.finite:
        return (
            "gradients hold NaN or infinity although fn(x) is finite; look for 0 * inf in the backward, for "
            "example a masked log or division"
        )
    silent = (~found.alive).nonzero().flatten().tolist()
    if len(silent) == len(found.alive) or (silent and axis == "batch"):
        return _silent(f" of example {silent[0]}" if axis == "batch" else "")
    return None


def _silent(whose: str = "") -> str:
    return (
        f"the outputs{whose} have zero gradient or do not read x, so nothing could have leaked; pass an x or "
        "parameters for which outputs vary"
    )


def _without_backward(error: NotImplementedError) -> str:
    said = f" ({error})" if str(error) else ""
    return f"the backward pass of fn is not implemented{said}, so there is no gradient"


def _nothing_to_learn(y: Tensor, axes: Axes) -> str | None:
    if reason := proves_nothing(y, axes):
        return reason
    if y.requires_grad:
        return None
    return (
        "fn(x) is detached from x, so there is no gradient (no_grad, detach, or an integer result); check "
        "the differentiable part of the model"
    )
