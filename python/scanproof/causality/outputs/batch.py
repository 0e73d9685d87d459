"""Batch independence: the output of an example does not depend on the other examples of its batch.

The check compares outputs in three ways. It sees dependences without a gradient, which the cross-batch probes
of ``certify`` cannot see: detached statistics, ``argmax``, expert-choice routing, drops at a capacity.

1. ``replace``: other examples get other contents. The shape of the batch and the places of examples do not
   change, so the same kernels compute the example, and it must keep every bit. Each example is replaced
   alone, which names every ordered pair, and then all examples but one are replaced together.
2. ``permute``: the examples change places, and the outputs must change places with them.
3. ``alone``: the example is a batch of one.

In another place or another shape, the last bit may differ. ``scanproof.foundation.judgement`` tells such
rounding from information, relative to the greatest output of the example. A difference that float64 does not
have counts as rounding if ``replace`` found no difference.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from math import inf, isinf
from typing import Any

import torch
from torch import Tensor

from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.origin_by_outputs import compare, precisions
from scanproof.causality.diagnosis.past import Past
from scanproof.causality.outputs.batch_inputs import Batch, Case
from scanproof.causality.outputs.batch_report import (
    PROBES,
    BatchChange,
    BatchFinding,
    BatchProbe,
    BatchReport,
)
from scanproof.causality.outputs.replacement import KINDS, Kind, check_kinds
from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes, module_of, proves_nothing
from scanproof.foundation.determinism import unsteady
from scanproof.foundation.drawing import CASES, Draw, try_cases
from scanproof.foundation.judgement import (
    INDEPENDENCE,
    Exactly,
    Judgement,
    Measured,
    Rerun,
    coarser,
    dtype_name,
    judge,
    rerun_at,
    same_function,
)
from scanproof.foundation.packing import Inputs
from scanproof.foundation.precision import AtPrecision
from scanproof.foundation.request import Request
from scanproof.foundation.rows import Rows
from scanproof.foundation.selection import Selector
from scanproof.report.verdict import Verdict, gravest
from scanproof.same.pairs import EXPECTED, GOT, all_decided, shown


def check_batch(
    fn: Callable[..., Any],
    x: Inputs,
    *,
    probes: Iterable[BatchProbe] = PROBES,
    kinds: Iterable[Kind] = KINDS,
    cases: int = CASES,
    vocab_size: int | None = None,
    batch_dim: int = 0,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> BatchReport:
    """Compare the output of each example with its output in other batches.

    Args:
        fn: function or module from a floating or integer tensor to one tensor with the same number of
            examples along ``batch_dim``; an axis of positions is not needed. A module in train mode without
            dropout is accepted, so that its batch norms can be checked; its buffers are restored. ``fn`` is
            called about ``2 B * len(kinds) + B`` times for B examples, and ``3 B`` times at each drawn input.
        x: floating tensor, or integer tensor of token ids, on any device, with at least two different
            examples. A few examples are enough. To check several tensors with the same examples, pass a tuple
            of positional or a mapping of keyword arguments.
        probes: the comparisons to make, from ``"replace"``, ``"permute"``, ``"alone"``. Leave out ``"alone"``
            for a function that takes only one batch size.
        kinds: the contents that replace other examples, from ``"noise"``, ``"large"``, ``"permutation"`` (the
            next example), ``"zeros"``.
        cases: number of inputs to try in all. Inputs after ``x`` are drawn from ``x``
            (``scanproof.draw_input`` with ``seq_dim=None``). Their examples are replaced by the first of
            ``kinds``.
        vocab_size: token ids are drawn from 0 … vocab_size - 1; by default from the ids in ``x``.
        batch_dim: axis of examples in ``x`` and in the output.
        output: which of several outputs is checked: an index, a key, an attribute, or a callable from the
            result of ``fn`` to one tensor.
        kwargs: keyword arguments that ``fn`` receives unchanged with every batch; they have no axis of
            examples.
        seed: seed of the contents and the drawn inputs.

    Returns:
        The report. ``verdict`` is one of four. INDEPENDENT: no example changed a bit (the sign of a zero does
        not count). INDEPENDENT_TO_ROUNDING. LEAK: the report names the ordered pairs i <- j of examples, or
        the change of the batch that changed an output. INCONCLUSIVE: outputs hold NaN or infinity or are zero
        throughout an example, outputs never change, ``fn`` returns something else when it runs again, ``fn``
        does not take a batch of one, or a change may be rounding.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    Source: the batch-independence test of Krokotsch, "How to unit test deep learning", 2020, made forward.

    Example:
        >>> import torch
        >>> from scanproof import check_batch
        >>> centred = lambda x: x - x.mean(0, keepdim=True).detach()
        >>> check_batch(centred, torch.randn(3, 16, 4)).verdict.name
        'LEAK'
    """
    arguments = locals()
    check = "check_batch"
    batch = Batch(check, fn, x, batch_dim, output, kwargs)
    chosen, chosen_kinds = _check_probes(check, probes), check_kinds(check, kinds)
    request = Request(check_batch, arguments)
    report = partial(_report, probes=chosen, vocab_size=vocab_size, seed=seed)

    def at_drawn(draw: Draw[Batch]) -> BatchReport:
        kind = chosen_kinds[:1]
        return report(draw.subject, kinds=kind, call=request.at(draw.source, kinds=kind))

    with _buffers_kept(fn):
        given = report(batch, kinds=chosen_kinds, call=request.text(probes=chosen, kinds=chosen_kinds))
        draws = batch.draws(cases, seed, vocab_size)
        return try_cases(given, draws, at_drawn, lambda _: chosen_kinds[0])


def _report(
    batch: Batch,
    *,
    probes: Iterable[BatchProbe],
    kinds: tuple[Kind, ...],
    vocab_size: int | None,
    seed: int,
    call: str,
) -> BatchReport:
    numbers = torch.Generator(device="cpu").manual_seed(seed)
    cases = {each: batch.cases(each, kinds, vocab_size, numbers) for each in probes}
    comparison = _BatchRuns(batch, cases, seed)
    findings = comparison.findings()
    verdict = gravest(finding.verdict for finding in findings)
    decisive = [finding for finding in findings if finding.verdict is verdict]
    return BatchReport(
        examples=batch.examples,
        findings=findings,
        pairs=comparison.pairs(),
        kinds=kinds,
        verdict=verdict,
        reason=_reason(decisive),
        fields_theorem=next((finding.theorem for finding in decisive if finding.theorem), ""),
        worst=next((finding.worst for finding in decisive if finding.worst), None),
        origin=next((origin for finding in decisive if (origin := comparison.origin(finding))), None),
        calls=comparison.calls,
        vocab_size=vocab_size,
        seed=seed,
        dtype=dtype_name(batch.tensors[0].dtype),
        device=str(batch.tensors[0].device),
        call=call,
    )


class _BatchRuns:
    """The outputs of the batch and of other batches, at the precision given and at others."""

    def __init__(self, batch: Batch, cases: dict[BatchProbe, list[Case]], seed: int) -> None:
        self._batch, self._cases, self._seed = batch, cases, seed
        self.calls = 0
        self._moved = False
        self._changes: dict[Case, list[BatchChange]] = {}
        self._judgements: dict[BatchProbe, Judgement] = {}
        try:
            self._y = self._run(None)
        except _NotTaken as error:
            raise InvalidArgument(f"check_batch: {error}.") from error
        self._problem = proves_nothing(self._y, Axes(batch.dim, batch.dim)) or self._unsteady()

    def findings(self) -> tuple[BatchFinding, ...]:
        """Make every comparison and judge it."""
        return tuple(self._finding(probe, cases) for probe, cases in self._cases.items())

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the ordered pairs (i, j): example i changed when j alone was replaced."""
        alone = {case: changes for case, changes in self._changes.items() if len(case.replaced) == 1}
        pairs = {(change.example, case.replaced[0]) for case in alone for change in alone[case]}
        return tuple(sorted(pairs))

    def origin(self, finding: BatchFinding) -> Origin | None:
        """Return the module where the worst change of a leak enters; ``fn`` runs again."""
        worst = finding.worst
        if worst is None or finding.verdict is not Verdict.LEAK:
            return None
        case = next(case for case in self._cases[finding.probe] if worst in self._changes[case])
        own = torch.eye(self._batch.examples, dtype=torch.bool, device="cpu")
        shape, dim = self._batch.tensors[0].shape, self._batch.dim
        other = next((axis for axis in range(len(shape)) if axis != dim % len(shape)), 0)

        def past(place: int) -> Past:
            return Past(Rows(own[place], own[place]), "batch", Axes(other, dim), shape)

        modes = precisions(self._judgements[finding.probe], self._dtype)
        runs = [(partial(self._run, None, mode), partial(self._run, case, mode)) for mode in modes]
        now = None if finding.probe == "alone" else past(case.order.index(worst.example))
        return compare(self._batch.call, self._batch.fn, runs, (past(worst.example), now))

    def _finding(self, probe: BatchProbe, cases: list[Case]) -> BatchFinding:
        judgement = self._judgements[probe] = self._judge(probe, cases)
        changes = [change for case in cases for change in self._changes.get(case, ())]
        return BatchFinding(
            probe=probe,
            verdict=judgement.verdict,
            reason=judgement.reason,
            cases=len(cases),
            differing=sum(bool(self._changes.get(case)) for case in cases),
            worst=max(changes, key=lambda change: change.share, default=None),
            evidence=judgement.evidence,
            theorem=judgement.theorem,
        )

    def _judge(self, probe: BatchProbe, cases: list[Case]) -> Judgement:
        problem = self._problem or self._compare(cases)
        differing = [case for case in cases if self._changes.get(case)]
        changes = [change for case in differing for change in self._changes[case]]
        if problem is None:
            problem = self._unsteady() if changes else self._untested(probe)
        not_finite = any(isinf(change.size) for change in changes)
        return judge(
            Measured(
                outcomes=INDEPENDENCE,
                problem=problem,
                residue=inf if not_finite else max((change.share for change in changes), default=0.0),
                dtype=self._dtype,
                rerun=lambda dtype: rerun_at(dtype, lambda mode: self._repeat(mode, differing)),
                exact="every example kept every bit",
                not_finite=f"an output became NaN or infinite {_WHEN[probe]}",
                confirms_vanished=lambda: probe != "replace" and self._kept_every_bit(),
                exactly=lambda: self._exactly(differing),
            )
        )

    def _exactly(self, cases: Sequence[Case]) -> Exactly:
        """Decide over finite fields whether examples that kept their contents kept their outputs."""

        def run(cases: Sequence[Case], *tensors: Tensor) -> dict[str, dict[str, Tensor]]:
            batch = self._batch.holding(tensors)
            before = batch.call(batch.inputs()).movedim(batch.dim, 0)
            sides: dict[str, dict[str, Tensor]] = {GOT: {}, EXPECTED: {}}
            for case in cases:
                after = batch.call(batch.inputs(case)).movedim(batch.dim, 0)
                for place, example in enumerate(case.order):
                    if example not in case.replaced:
                        sides[GOT][f"{case}: example {example}"] = after[place]
                        sides[EXPECTED][f"{case}: example {example}"] = before[example]
            return sides

        tensors = list(self._batch.tensors)
        answer = all_decided(partial(partial, run), cases, self._batch.fn, tensors, self._seed, "fn")
        return shown("outputs of an example in both batches", answer)

    def _compare(self, cases: list[Case]) -> str | None:
        """Make the comparisons of one probe; return why they prove nothing, or None."""
        try:
            for case in cases:
                self._changes[case] = self._changes_of(case, self._y)
        except _NotTaken as error:
            return str(error)
        return None

    def _untested(self, probe: BatchProbe) -> str | None:
        """Say why equal outputs prove nothing; None if they prove independence."""
        if probe != "replace" or self._moved:
            return None
        return (
            "no output changed, whatever the examples were replaced with, so nothing could have leaked; pass "
            "an x or parameters for which outputs vary"
        )

    @property
    def _dtype(self) -> torch.dtype:
        output = self._y.dtype if self._y.is_floating_point() else torch.get_default_dtype()
        return self._batch.dtype or output

    def _unsteady(self) -> str | None:
        return unsteady(lambda: self._run(None), self._y)

    def _kept_every_bit(self) -> bool:
        """Whether every example kept its bits when the others were replaced."""
        cases = self._cases.get("replace", [])
        return bool(cases) and not any(self._changes[case] for case in cases)

    def _repeat(self, mode: AtPrecision, cases: Sequence[Case]) -> Rerun | str:
        """Run the cases at another precision, or say why that run is no evidence about ``fn``."""
        run = f"run in {dtype_name(mode.dtype)}"
        try:
            y = self._run(None, mode)
            if not same_function(self._y, y, coarser(self._dtype, mode.coarsest)):
                return f"{run}, fn returns other outputs, beyond rounding"
            shares = [change.share for case in cases for change in self._changes_of(case, y, mode)]
        except Exception as error:  # fn may reject a precision that it was not written for
            return f"{run}, fn raised {type(error).__name__}: {error}"
        return Rerun(max(shares, default=0.0), mode.coarsest, frozenset(mode.unreached))

    def _changes_of(self, case: Case, y: Tensor, mode: AtPrecision | None = None) -> list[BatchChange]:
        """Return the greatest change of each example that keeps its contents."""
        now = self._run(case, mode)
        outputs, others = y.movedim(self._batch.dim, 0), now.movedim(self._batch.dim, 0)
        if others.shape[1:] != outputs.shape[1:]:
            raise _NotTaken(
                f"fn(x) when {case} has another shape, {tuple(now.shape)} instead of {tuple(y.shape)}; keep "
                "every axis but batch_dim independent of the batch"
            )
        changes = []
        for place, example in enumerate(case.order):
            equal = torch.equal(outputs[example], others[place])
            if example in case.replaced:
                self._moved = self._moved or not equal
            elif not equal:
                changes.append(self._change(case, example, outputs[example], others[place]))
        return changes

    def _change(self, case: Case, example: int, before: Tensor, after: Tensor) -> BatchChange:
        """Measure the change of one example relative to its own outputs, not to those of other examples."""
        before, after = before.cpu().double(), after.cpu().double()
        scale = torch.stack([before, after]).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).abs().max().item()
        difference = (before - after).abs().nan_to_num(nan=torch.inf, posinf=torch.inf)
        index = [int(i) for i in torch.unravel_index(difference.argmax(), difference.shape)]
        size = difference.max().item()
        index.insert(self._batch.dim % (len(index) + 1), example)
        return BatchChange(
            example=example,
            sources=case.replaced,
            when=str(case),
            index=tuple(index),
            size=size,
            share=size / scale if scale else torch.inf,
            count=int(difference.count_nonzero()),
            entries=difference.numel(),
        )

    def _run(
        self,
        case: Case | None,
        mode: AtPrecision | None = None,
        fn: Callable[[Sequence[Tensor]], Any] | None = None,
    ) -> Tensor:
        self.calls += 1
        call = f"fn(x) when {case}" if case else "fn(x)"
        examples = len(case.order) if case else self._batch.examples
        try:
            with torch.no_grad(), mode or nullcontext():
                y = (fn or self._batch.call)(self._batch.inputs(case, mode))
        except Exception as error:
            if examples == 1:
                raise _NotTaken(
                    f"fn raised {type(error).__name__} on a batch of one: {error}; if that is intended, "
                    "leave 'alone' out of probes"
                ) from error
            error.add_note(f"raised by {call}")
            raise
        if wrong := self._batch.wrong_output(y, examples, call):
            raise _NotTaken(wrong)
        assert isinstance(y, Tensor)
        return y


class _NotTaken(Exception):
    """``fn`` does not take a batch, or its output cannot be compared."""


_WHEN = {
    "replace": "when other examples were replaced",
    "permute": "when the examples changed places",
    "alone": "when its example was alone",
}


def _reason(findings: Sequence[BatchFinding]) -> str:
    reasons = {finding.reason for finding in findings}
    if len(reasons) == 1:
        return reasons.pop()
    return "; ".join(f"{finding.probe}: {finding.reason}" for finding in findings)


@contextmanager
def _buffers_kept(fn: Callable[..., Any]) -> Iterator[None]:
    """Restore the buffers of a module at the end: a batch norm in train mode writes them."""
    module = module_of(fn)
    before = [(buffer, buffer.clone()) for buffer in module.buffers()] if module else []
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def _check_probes(check: str, probes: Iterable[BatchProbe]) -> tuple[BatchProbe, ...]:
    chosen = () if isinstance(probes, str) else tuple(probes)
    if not chosen or not set(chosen) <= set(PROBES):
        raise InvalidArgument(
            f"{check}: probes must be some of {', '.join(map(repr, PROBES))}, got {probes!r}."
        )
    return tuple(probe for probe in PROBES if probe in chosen)
