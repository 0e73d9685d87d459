"""Forward perturbation: replace the future, keep the length, and compare the past bit for bit.

The check tests the property of ``Runner.take_outputs_congr`` in numbers. Every run has the same shapes, so
the same kernels compute the past, and a causal function returns the same bits. The check sees dependences
without a gradient: ``detach``, ``round``, ``argmax``, top-k routing, integer paths, operations without a
backward. Over all inputs, replacing the future at every cut is complete (``readsBelow_iff_cuts``). The check
does not see a dependence on the length alone (Lean theorem ``exists_readsBelow_not_causal``);
``check_prefix`` does.

Several futures go through ``fn`` together as copies along the batch axis, if copies of ``x`` return the same
bits whatever the other copies hold. Otherwise futures go one by one. Operations that round across positions
(FFT convolution) change the past by rounding. ``scanproof.foundation.judgement`` tells such rounding from
information, relative to the greatest output of each run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from math import inf, isinf
from typing import Any, Literal

import torch
from torch import Tensor

from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.origin_by_outputs import compare, precisions
from scanproof.causality.diagnosis.past import Past
from scanproof.causality.diagnosis.pattern import LeakPattern
from scanproof.causality.diagnosis.pattern_search import pattern_by_changes
from scanproof.causality.outputs.perturbation_report import Change, PerturbationReport
from scanproof.causality.outputs.replacement import KINDS, Kind, Replacement, check_kinds
from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME, Alignment, Order
from scanproof.foundation.contract import Axes, SequenceMap, proves_nothing
from scanproof.foundation.determinism import unsteady
from scanproof.foundation.drawing import CASES, Draw, some_of, try_cases
from scanproof.foundation.judgement import (
    CAUSALITY,
    Exactly,
    Judgement,
    Measured,
    Rerun,
    coarser,
    dtype_name,
    half_the_digits,
    judge,
    rerun_at,
    same_function,
)
from scanproof.foundation.memory import MEMORY_BUDGET, check_memory_budget
from scanproof.foundation.packing import Inputs
from scanproof.foundation.precision import AtPrecision
from scanproof.foundation.request import Request
from scanproof.foundation.rows import Rows
from scanproof.foundation.selection import Selector
from scanproof.foundation.subject import Subject
from scanproof.report.verdict import Verdict
from scanproof.same.pairs import EXPECTED, GOT, all_decided, listed, shown

COPY_BYTES = 4
"""Bytes that a future needs in ``fn``, as a multiple of the bytes of its input and output."""


def check_perturbation(
    fn: Callable[..., Any],
    x: Inputs,
    *,
    cuts: Literal["all"] | Iterable[int] = "all",
    kinds: Iterable[Kind] = KINDS,
    cases: int = CASES,
    vocab_size: int | None = None,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    alignment: Alignment = SAME,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    memory_budget: int = MEMORY_BUDGET,
    seed: int = 0,
) -> PerturbationReport:
    """Replace ``x[:, k:]`` and compare ``fn(x)[:, :k]`` bit for bit.

    Args:
        fn: function or module from a floating or integer tensor to one tensor with the same number of
            positions along ``seq_dim`` (for other numbers pass ``alignment``); a module must be in eval mode.
            ``fn`` is called on several copies of ``x`` along ``batch_dim`` if that changes nothing, else once
            per cut and kind.
        x: floating tensor, or integer tensor of token ids, on any device, by default of shape (batch, T, …)
            with T >= 2. Choose T beyond the chunk size of the model, and not a multiple of it. To check
            several floating tensors with the same positions and examples, pass a tuple of positional or a
            mapping of keyword arguments.
        cuts: the cuts k, each with 1 <= k < T, or ``"all"``. With an alignment, ``"all"`` means the cuts at
            which an output becomes complete.
        kinds: what replaces the future, from ``"noise"``, ``"large"``, ``"permutation"``, ``"zeros"``.
        cases: number of inputs to try in all. Inputs after ``x`` are drawn from ``x``
            (``scanproof.draw_input``). The first of ``kinds`` replaces their futures at one cut in eight, but
            at least at four cuts; each drawn input has other cuts.
        vocab_size: token ids are drawn from 0 … vocab_size - 1; by default from the ids in ``x``.
        seq_dim: axis of positions in ``x`` and in the output.
        batch_dim: axis of examples in both; None for an input without a batch axis.
        alignment: which inputs each output may read, if that is not ``s <= t``. The check at cut k compares
            the outputs that may read no input from k on (``scanproof.Alignment``).
        output: which of several outputs is checked: an index, a key, an attribute, or a callable from the
            result of ``fn`` to one tensor.
        kwargs: keyword arguments that ``fn`` receives unchanged.
        memory_budget: bytes for the futures of one call, counted as four times their inputs and outputs; one
            future always runs.
        seed: seed of the futures and the drawn inputs.

    Returns:
        The report. ``verdict`` is one of four. CAUSAL: bit for bit (the sign of a zero does not count).
        CAUSAL_TO_ROUNDING. LEAK: the report names the pair t <- s. INCONCLUSIVE: outputs hold NaN or infinity
        or are zero throughout an example, outputs never change, ``fn`` returns something else when it runs
        again, or a change may be rounding.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    Source: the property is ``Runner.take_outputs_congr``.

    Example:
        >>> import torch
        >>> from scanproof import check_perturbation
        >>> centred = lambda x: x - x.mean(1, keepdim=True).detach()
        >>> check_perturbation(centred, torch.randn(2, 16, 3)).verdict.name
        'LEAK'
    """
    arguments = locals()
    subject = Subject.of(
        "check_perturbation",
        fn,
        x,
        Axes(seq_dim, batch_dim),
        alignment=alignment,
        output=output,
        kwargs=kwargs,
        token_ids=True,
    )
    chosen_kinds = check_kinds("check_perturbation", kinds)
    check_memory_budget("check_perturbation", memory_budget)
    request = Request(check_perturbation, arguments)
    compared = partial(_FutureRuns, vocab_size=vocab_size, seed=seed, memory_budget=memory_budget)
    comparison = compared(subject, cuts, chosen_kinds)
    chosen = cuts if isinstance(cuts, str) else comparison.cuts

    def at_drawn(draw: Draw[Subject]) -> PerturbationReport:
        few, kind = some_of(comparison.cuts, draw.number), chosen_kinds[:1]
        call = request.at(draw.source, cuts=few, kinds=kind)
        return _report(compared(draw.subject, few, kind), call)

    def part(draw: Draw[Subject]) -> str:
        few = len(some_of(comparison.cuts, draw.number))
        return f"{few} of {len(comparison.cuts)} cuts, {chosen_kinds[0]}"

    given = _report(comparison, request.text(cuts=chosen, kinds=chosen_kinds))
    return try_cases(given, request.draws(subject, vocab_size), at_drawn, part)


def _report(comparison: "_FutureRuns", call: str) -> PerturbationReport:
    judgement, worst = comparison.judge(), comparison.worst()
    x = comparison.subject.x
    return PerturbationReport(
        T=x.shape[comparison.subject.axes.seq],
        cuts=comparison.cuts,
        kinds=comparison.kinds,
        verdict=judgement.verdict,
        reason=judgement.reason,
        fields_theorem=judgement.theorem,
        worst=worst,
        pattern=comparison.pattern(judgement, worst),
        origin=comparison.origin(judgement),
        probes=len(comparison.probes),
        differing=len(comparison.changes),
        evidence=judgement.evidence,
        copies=comparison.copies,
        calls=comparison.calls,
        vocab_size=comparison.vocab_size,
        seed=comparison.seed,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call,
    )


@dataclass(frozen=True)
class _Probe:
    cut: int
    kind: Kind


class _FutureRuns:
    """The outputs of ``x`` and of ``x`` with other futures, at the precision given and at others."""

    def __init__(
        self,
        subject: Subject,
        cuts: Literal["all"] | Iterable[int],
        kinds: tuple[Kind, ...],
        vocab_size: int | None,
        seed: int,
        memory_budget: int,
    ) -> None:
        self.subject, self._x, self._axes = subject, subject.x, subject.axes
        self.kinds, self.vocab_size, self.seed = kinds, vocab_size, seed
        self._budget = memory_budget
        numbers = torch.Generator(device="cpu").manual_seed(seed)
        self._futures = Replacement(subject.check, self._x, self._axes, vocab_size, numbers)
        self.calls, self.copies = 0, 1
        self.changes: dict[_Probe, Change] = {}
        self._moved = False
        self._y = self._run(self._x)
        self._order = subject.order(self._y)
        self.cuts = _check_cuts(cuts, self._order, subject)
        probes = [_Probe(cut, kind) for kind in kinds for cut in self.cuts]
        self.probes = [p for p in probes if not torch.equal(self._futures.future(p.kind, p.cut), self._x)]
        self._problem = proves_nothing(self._y, self._axes) or self._unsteady()
        if self._problem is None:
            self._look()
            self._problem = self._problem or (None if self.changes else self._untested())

    def judge(self) -> Judgement:
        """Judge the greatest change, relative to the greatest output of its run."""
        greatest = self._greatest() if self.changes else None
        residue = 0.0 if greatest is None else inf if isinf(greatest.size) else greatest.share
        return judge(
            Measured(
                outcomes=CAUSALITY,
                problem=self._problem,
                residue=residue,
                dtype=self._dtype,
                rerun=self._rerun,
                exact="no replaced future changed a bit of the past",
                not_finite="an earlier output became NaN or infinite when the future was replaced",
                exactly=self._exactly,
            )
        )

    def _exactly(self) -> Exactly:
        """Decide over finite fields whether the replaced futures leave the past as it was."""
        probes = [*self.changes]

        def run(probes: Sequence[_Probe], x: Tensor) -> dict[str, dict[str, Tensor]]:
            before = self.subject(x.clone())
            sides: dict[str, dict[str, Tensor]] = {GOT: {}, EXPECTED: {}}
            for probe in probes:
                axis = self._axes.find("seq", x)
                later = self._futures.future(probe.kind, probe.cut)
                later = later.narrow(axis, probe.cut, x.shape[axis] - probe.cut)
                after = self.subject(torch.cat([x.narrow(axis, 0, probe.cut), later], axis))
                complete = self._order.complete(probe.cut)
                for side, y in ((GOT, after), (EXPECTED, before)):
                    sides[side][f"{probe.kind} from {probe.cut}"] = y.index_select(
                        self._axes.find("seq", y), complete.to(y.device)
                    )
            return sides

        answer = all_decided(partial(partial, run), probes, self.subject.given, [self._x], self.seed, "fn")
        cuts = listed(list(dict.fromkeys(probe.cut for probe in probes)))
        return shown(f"outputs before and after a replaced future from {cuts} on", answer)

    def worst(self) -> Change | None:
        """Return the greatest change, with the input positions that cause it."""
        return self._trace(self._greatest()) if self.changes else None

    @property
    def _dtype(self) -> torch.dtype:
        floating = (tensor.dtype for tensor in (self._x, self._y) if tensor.is_floating_point())
        return next(floating, torch.get_default_dtype())

    def _greatest(self) -> Change:
        return max(self.changes.values(), key=lambda change: change.share)

    def _unsteady(self) -> str | None:
        return unsteady(lambda: self._run(self._x), self._y)

    def _look(self) -> None:
        """Run every probe; several as copies along the batch axis if copies do not read each other."""
        self.copies = self._independent_copies()
        self.changes = self._compare(self.probes)
        if self.copies > 1 and self.changes:
            suspect = self._greatest()
            self.copies, copies = 1, self.copies
            if self._compare([_Probe(suspect.cut, suspect.kind)]):
                self.copies = copies
            else:  # the copies do read each other
                self.changes = self._compare(self.probes)
        if self.changes and not torch.equal(self._y, self._run(self._x)):
            self._problem = (
                self._unsteady() or "fn returned something else in one of several runs on the same x"
            )

    def _untested(self) -> str | None:
        if missing := set(self.cuts) - {probe.cut for probe in self.probes}:
            return f"no kind changes x from position {min(missing)} on; add the kind 'noise'"
        if not self._moved:
            return (
                "no output changed, whatever replaced the future, so nothing could have leaked; pass an x or "
                "parameters for which outputs vary"
            )
        return None

    def _independent_copies(self) -> int:
        """Return the number of copies of ``x`` that ``fn`` can take at once."""
        size = sum(tensor.numel() * tensor.element_size() for tensor in (self._x, self._y))
        copies = min(len(self.probes), self._budget // (COPY_BYTES * size))
        if self._axes.batch is None or copies < 2:
            return 1
        other = self._futures.future(self.probes[0].kind, 0)
        try:
            plain = self._stacked([self._x] * copies)
            first = self._stacked([self._x] + [other] * (copies - 1))[0]
            last = self._stacked([other] * (copies - 1) + [self._x])[-1]
        except Exception:  # fn may take only one batch size; other errors were raised before
            return 1
        alike = all(torch.equal(plain[0], y) for y in plain)
        same = alike and same_function(self._y, plain[0], self._dtype)
        return copies if same and torch.equal(plain[0], first) and torch.equal(plain[-1], last) else 1

    def _compare(self, probes: Sequence[_Probe], mode: AtPrecision | None = None) -> dict[_Probe, Change]:
        """Return the probes that change an earlier output."""
        changes: dict[_Probe, Change] = {}
        x = self._at(self._x, mode)
        plain = self._stacked([x] * self.copies, mode)
        for first in range(0, len(probes), self.copies):
            group = probes[first : first + self.copies]
            inputs = [self._at(self._futures.future(p.kind, p.cut), mode) for p in group]
            outputs = self._stacked(inputs + [x] * (self.copies - len(group)), mode)
            for probe, before, after in zip(group, plain, outputs, strict=False):
                self._moved = self._moved or not torch.equal(before, after)
                if change := self._change(probe, before, after):
                    changes[probe] = change
        return changes

    def _change(self, probe: _Probe, before: Tensor, after: Tensor) -> Change | None:
        complete = self._order.complete(probe.cut)
        past, now = (
            y.index_select(self._axes.find("seq", y), complete.to(y.device)) for y in (before, after)
        )
        if torch.equal(past, now):
            return None
        difference = (
            (past.cpu().double() - now.cpu().double()).abs().nan_to_num(nan=torch.inf, posinf=torch.inf)
        )
        index, size = self._axes.greatest(difference, complete)
        example, t, channel = self._axes.place(index)
        outputs = torch.stack([before.double(), after.double()]).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        scale = outputs.abs().max().item()
        return Change(
            cut=probe.cut,
            kind=probe.kind,
            index=index,
            example=example,
            t=t,
            channel=channel,
            sources=(probe.cut, self._x.shape[self._axes.seq] - 1),
            size=size,
            share=size / scale,
            count=int(difference.count_nonzero()),
            entries=difference.numel(),
        )

    def _trace(self, change: Change) -> Change:
        """Narrow the replaced positions by halving, and then narrow the inputs, while a part is enough.

        The search follows the part that changes the entry most. The change has to be more than rounding: an
        operation that rounds across positions changes the entry whatever is replaced.
        """

        def effect(x: Tensor) -> float:
            moved = (self._run(x)[change.index].double() - self._y[change.index].double()).abs()
            size = moved.nan_to_num(nan=torch.inf, posinf=torch.inf).item()
            return size if isinf(size) or size > half_the_digits(self._dtype) * change.size else 0.0

        other = self._futures.future(change.kind, change.cut)
        first, end = change.cut, self._x.shape[self._axes.seq]
        while end - first > 1:
            middle = (first + end) // 2
            halves = ((first, middle), (middle, end))
            sizes = [effect(self._replaced(other, *half)) for half in halves]
            if not any(sizes):
                break
            first, end = halves[sizes.index(max(sizes))]
        alone = self.subject.swaps(self._x, self._replaced(other, first, end))
        name = next((name for name, x in alone if effect(x)), "x")
        return replace(change, sources=(first, end - 1), input_name=name)

    def pattern(self, judgement: Judgement, worst: Change | None) -> LeakPattern | None:
        """Return the pattern of a LEAK, from the outputs that change when one position is replaced."""
        if worst is None or judgement.verdict is not Verdict.LEAK:
            return None
        return pattern_by_changes(
            self._order.reaches - 1,
            self._x.shape[self._axes.seq],
            worst.sources[0],
            {probe.cut for probe in self.changes},
            self.subject.alignment == SAME,
            [partial(self._changed_alone, mode=mode) for mode in precisions(judgement, self._dtype)],
        )

    def _changed_alone(self, inputs: Sequence[int], mode: AtPrecision | None) -> Tensor:
        """Return how much outputs change when each input alone is replaced, by any kind.

        Shape (inputs, reaches): the greatest change of the outputs with that reach.
        """
        probes = [(s, kind) for s in inputs for kind in dict.fromkeys(probe.kind for probe in self.probes)]
        size = max(1, self.copies - 1)
        changes = torch.zeros(len(inputs), len(self._order.reaches), dtype=torch.float64, device="cpu")
        for first in range(0, len(probes), size):
            group = probes[first : first + size]
            alone = [self._replaced(self._futures.future(kind, 0), s, s + 1) for s, kind in group]
            given = [self._at(x, mode) for x in (self._x, *alone)]
            together = self._stacked(given, mode) if self.copies > 1 else [self._run(x, mode) for x in given]
            before, *others = together
            for (s, _), after in zip(group, others, strict=True):
                moved = (after.cpu().double() - before.cpu().double()).abs().nan_to_num(nan=inf, posinf=inf)
                sizes = moved.movedim(self._axes.seq, 0).flatten(1).amax(1)
                changes[inputs.index(s)].scatter_reduce_(0, self._order.outputs, sizes, "amax")
        return changes

    def origin(self, judgement: Judgement) -> Origin | None:
        """Return the module where the greatest change enters; ``fn`` runs again; None without a LEAK."""
        if judgement.verdict is not Verdict.LEAK:
            return None
        change = self._greatest()
        future = self._futures.future(change.kind, change.cut)
        allowed = torch.arange(self._x.shape[self._axes.seq], device="cpu") < change.cut
        kept = torch.zeros(self._y.shape[self._axes.seq], dtype=torch.bool, device="cpu")
        kept[self._order.complete(change.cut)] = True
        past = Past(Rows(kept, allowed), "seq", self._axes, self._x.shape)

        runs = [
            (
                partial(self._run, self._at(self._x, mode), mode),
                partial(self._run, self._at(future, mode), mode),
            )
            for mode in precisions(judgement, self._dtype)
        ]
        return compare(self.subject, self.subject.given, runs, (past, past))

    def _replaced(self, other: Tensor, first: int, end: int) -> Tensor:
        """Return ``x`` with the positions ``first`` … ``end - 1`` of another input."""
        x, axis = self._x.clone(), self._axes.find("seq", self._x)
        x.movedim(axis, 0)[first:end] = other.movedim(axis, 0)[first:end]
        return x

    def _rerun(self, dtype: torch.dtype) -> Rerun | str:
        return rerun_at(dtype, self._repeat)

    def _repeat(self, mode: AtPrecision) -> Rerun | str:
        """Compare the probes that differ at another precision, or say why that says nothing about ``fn``."""
        dtype = mode.dtype
        try:
            y = self._run(self._at(self._x, mode), mode)
            if not same_function(self._y, y, coarser(self._dtype, mode.coarsest)):
                return f"run in {dtype_name(dtype)}, fn returns other outputs, beyond rounding"
            changes = self._compare(list(self.changes), mode)
        except Exception as error:  # whatever fn raises at a precision it was not written for
            return f"run in {dtype_name(dtype)}, fn raised {type(error).__name__}: {error}"
        share = max((change.share for change in changes.values()), default=0.0)
        return Rerun(share, mode.coarsest, frozenset(mode.unreached))

    def _at(self, x: Tensor, mode: AtPrecision | None) -> Tensor:
        return mode.input(x) if mode else x

    def _stacked(self, inputs: Sequence[Tensor], mode: AtPrecision | None = None) -> Sequence[Tensor]:
        """Return the output of each input, all from one call."""
        if len(inputs) == 1:
            return [self._run(inputs[0], mode)]
        y = self._run(torch.cat(list(inputs), self._axes.find("batch", self._x)), mode)
        return y.chunk(len(inputs), self._axes.find("batch", y))

    def _run(self, x: Tensor, mode: AtPrecision | None = None, fn: SequenceMap | None = None) -> Tensor:
        self.calls += 1
        with torch.no_grad(), mode or nullcontext():
            y = (fn or self.subject)(x.clone())  # a copy, because fn may write into its argument
        return self.subject.checked(y, x)


def _check_cuts(cuts: Literal["all"] | Iterable[int], order: Order, subject: Subject) -> tuple[int, ...]:
    T = subject.x.shape[subject.axes.seq]
    if isinstance(cuts, str) and cuts == "all":
        return tuple(cut for cut in order.reaches.tolist() if cut < T)
    chosen = () if isinstance(cuts, str) else tuple(cuts)
    least = int(order.reaches[0])
    if not chosen or not all(isinstance(k, int) and least <= k < T for k in chosen):
        raise InvalidArgument(
            f"check_perturbation: cuts must be 'all' or whole numbers k with {least} <= k < T = {T}, got "
            f"{cuts!r}."
        )
    return chosen
