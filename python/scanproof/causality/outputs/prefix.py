"""Append-prefix equivalence: a prefix alone has the same outputs as this prefix in the whole sequence.

The check tests the property of ``Runner.take_outputs_append`` in numbers, and it compares outputs. It sees
dependences without a gradient (``detach``, ``round``, routing), and dependences on the length (a 1/T scale,
positions counted from the end).

The shape of a prefix is not that of the whole sequence. A matrix product may choose another kernel for it and
return another last bit. There is no relative tolerance for that: ``scanproof.foundation.judgement`` decides
whether a nonzero difference is rounding. If float64 has no difference at all, one more test is required: with
the future replaced at the same length, and so at the same shapes, ``fn`` must return the same bits on the
prefix.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from math import inf, isfinite
from numbers import Real
from typing import Any, Literal

import torch
from torch import Tensor

from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.origin_by_outputs import Run, compare, precisions
from scanproof.causality.diagnosis.past import Past
from scanproof.causality.diagnosis.pattern import LeakPattern
from scanproof.causality.diagnosis.pattern_search import pattern_by_changes
from scanproof.causality.outputs.prefix_report import Mismatch, PrefixReport
from scanproof.causality.outputs.replacement import Replacement
from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME, Alignment, Order
from scanproof.foundation.contract import Axes, SequenceMap, non_finite, proves_nothing
from scanproof.foundation.determinism import unsteady
from scanproof.foundation.drawing import CASES, Draw, some_of, try_cases
from scanproof.foundation.judgement import (
    CAUSALITY,
    Exactly,
    Judgement,
    Measured,
    Rerun,
    TwoPrecisions,
    coarser,
    dtype_name,
    half_the_digits,
    judge,
    rerun_at,
    same_function,
)
from scanproof.foundation.packing import Inputs
from scanproof.foundation.precision import AtPrecision, unit_roundoff
from scanproof.foundation.request import Request
from scanproof.foundation.rows import Rows
from scanproof.foundation.selection import Selector
from scanproof.foundation.subject import Subject
from scanproof.report.verdict import Verdict
from scanproof.same.pairs import EXPECTED, GOT, all_decided, listed, shown

KERNELS = 2.0**9
"""Unit roundoffs, of the greatest output, by which kernels for different lengths may differ."""


def check_prefix(
    fn: Callable[..., Any],
    x: Inputs,
    *,
    cuts: Literal["all"] | Iterable[int] = "all",
    cases: int = CASES,
    atol: float = 0.0,
    vocab_size: int | None = None,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    alignment: Alignment = SAME,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> PrefixReport:
    """Compare ``fn(x[:, :k])`` with ``fn(x)[:, :k]``.

    Args:
        fn: function or module from one tensor to one tensor with the same number of positions along
            ``seq_dim`` (for other numbers pass ``alignment``); a module must be in eval mode. ``fn`` is
            called once per prefix and twice on ``x``, and again in another precision if a difference is not
            zero.
        x: floating tensor, or integer token ids, on any device, by default of shape (batch, T, …) with
            T >= 2. Choose T beyond the chunk size of the model, and not a multiple of it. To check several
            floating tensors with the same positions and examples, pass a tuple of positional or a mapping of
            keyword arguments.
        cuts: the lengths k of the prefixes, each with 1 <= k < T, or ``"all"``. With an alignment, ``"all"``
            means the lengths at which an output becomes complete.
        cases: number of inputs to try in all. Inputs after ``x`` are drawn from ``x``
            (``scanproof.draw_input``). A drawn input is compared at one prefix in eight, but at least four;
            each drawn input has other prefixes.
        atol: an absolute difference of at most this is TOLERATED. 0 accepts only equal bits, and rounding on
            the evidence of two precisions.
        vocab_size: token ids are drawn from 0 … vocab_size - 1; by default from the ids in ``x``.
        seq_dim: axis of positions in ``x`` and in the output.
        batch_dim: axis of examples in both; None for an input without a batch axis.
        alignment: which inputs each output may read, if that is not ``s <= t``. For the prefix of length k,
            the check compares the outputs of ``fn(x[:, :k])`` that may read no input from k on
            (``scanproof.Alignment``).
        output: which of several outputs is checked: an index, a key, an attribute, or a callable from the
            result of ``fn`` to one tensor.
        kwargs: keyword arguments that ``fn`` receives unchanged with every prefix.
        seed: seed of the drawn inputs.

    Returns:
        The report. ``verdict`` is one of five. CAUSAL: bit for bit. CAUSAL_TO_ROUNDING. TOLERATED. LEAK: the
        report names prefix, position and size. INCONCLUSIVE: outputs hold NaN or infinity or are zero
        throughout an example, ``fn`` returns something else when it runs again, or a difference may be
        rounding.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.
        Exception: an error of ``fn``, with a note that names the prefix.

    Source: the property is ``Runner.take_outputs_append``.

    Example:
        >>> import torch
        >>> from scanproof import check_prefix
        >>> check_prefix(lambda x: x.cumsum(1), torch.randn(2, 16, 3)).verdict.name
        'CAUSAL'
    """
    arguments = locals()
    axes = Axes(seq_dim, batch_dim)
    subject = Subject.of(
        "check_prefix",
        fn,
        x,
        axes,
        alignment=alignment,
        output=output,
        kwargs=kwargs,
        token_ids=True,
    )
    if not (isinstance(atol, Real) and isfinite(atol) and atol >= 0):
        raise InvalidArgument(f"check_prefix: atol must be a finite number >= 0 (0 is exact), got {atol!r}.")
    request = Request(check_prefix, arguments)
    compared = partial(_PrefixRuns, vocab_size=vocab_size, seed=seed)
    comparison = compared(subject, cuts)
    chosen = cuts if isinstance(cuts, str) else comparison.cuts

    def at_drawn(draw: Draw[Subject]) -> PrefixReport:
        few = some_of(comparison.cuts, draw.number)
        call = request.at(draw.source, cuts=few)
        return _report(compared(draw.subject, few, drawn=True), atol, seed, call)

    def part(draw: Draw[Subject]) -> str:
        return f"{len(some_of(comparison.cuts, draw.number))} of {len(comparison.cuts)} prefixes"

    given = _report(comparison, atol, seed, request.text(cuts=chosen))
    return try_cases(given, request.draws(subject, vocab_size), at_drawn, part)


def _report(comparison: "_PrefixRuns", atol: float, seed: int, call: str) -> PrefixReport:
    judgement, x = comparison.judge(atol), comparison.subject.x
    worst = comparison.worst(judgement)
    return PrefixReport(
        T=x.shape[comparison.subject.axes.seq],
        cuts=comparison.cuts,
        verdict=judgement.verdict,
        reason=judgement.reason,
        fields_theorem=judgement.theorem,
        worst=worst,
        pattern=comparison.pattern(judgement, worst),
        origin=comparison.origin(judgement, worst),
        differing=len(comparison.mismatches),
        scale=comparison.scale,
        evidence=judgement.evidence,
        atol=atol,
        seed=seed,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call,
    )


class _PrefixRuns:
    """The outputs of the whole sequence and of its prefixes, in the given precision and in others."""

    def __init__(
        self,
        subject: Subject,
        cuts: Literal["all"] | Iterable[int],
        *,
        vocab_size: int | None,
        seed: int,
        drawn: bool = False,
    ) -> None:
        self._drawn, self._seed = drawn, seed
        self.subject, self._x, self._axes = subject, subject.x, subject.axes
        numbers = torch.Generator().manual_seed(seed)
        self._futures = Replacement(subject.check, self._x, self._axes, vocab_size, numbers)
        self._whole = self._run(subject.x)
        self._order = subject.order(self._whole)
        self.cuts = _check_cuts(cuts, self._order, subject)
        self._promoted: dict[torch.dtype, _Compared] = {}
        found = (
            proves_nothing(self._whole, self._axes)
            or unsteady(lambda: self._run(self._x), self._whole)
            or self._compare(self._x, self._whole)
        )
        self._problem = found if isinstance(found, str) else None
        self.mismatches = [] if isinstance(found, str) else found

    @property
    def _given(self) -> "_Compared":
        return _Compared(self._x, self._whole, self.mismatches)

    @property
    def _dtype(self) -> torch.dtype:
        floating = (tensor.dtype for tensor in (self._x, self._whole) if tensor.is_floating_point())
        return next(floating, torch.get_default_dtype())

    @property
    def scale(self) -> float:
        """Greatest absolute output of the whole sequence."""
        return self._whole.cpu().double().abs().max().item()

    def judge(self, atol: float) -> Judgement:
        """Judge the greatest difference; a difference of at most ``atol`` is tolerated."""
        residue = _greatest(self.mismatches)
        return judge(
            Measured(
                outcomes=CAUSALITY,
                problem=self._problem,
                residue=residue,
                scale=self.scale,
                dtype=self._dtype,
                rerun=self._rerun,
                exact="every prefix is reproduced bit for bit",
                share=residue,
                tolerance=atol,
                tolerated=f"{residue:.2e}, within the tolerance {atol:.2e}",
                confirms_vanished=lambda: self._equal_bits_at_equal_shapes(self._given),
                length_alone=self._length_alone,
                drawn=self._drawn,
                exactly=self._exactly,
            )
        )

    def _exactly(self) -> Exactly:
        """Decide over finite fields whether the differing prefixes are the function of ``x``.

        A difference that stays when the future is replaced comes from the length alone, and is no leak.
        """
        cuts = [mismatch.cut for mismatch in self.mismatches]

        def run(cuts: Sequence[int], x: Tensor) -> dict[str, dict[str, Tensor]]:
            whole = self.subject(x.clone())
            sides: dict[str, dict[str, Tensor]] = {GOT: {}, EXPECTED: {}}
            for k in cuts:
                part = self.subject(x.narrow(self._axes.find("seq", x), 0, k).clone())
                complete = self._order.complete(k)
                complete = complete[complete < part.shape[self._axes.seq]]
                for side, y in ((GOT, part), (EXPECTED, whole)):
                    sides[side][f"k={k}"] = self._select(y, complete)
            return sides

        answer = all_decided(partial(partial, run), cuts, self.subject.given, [self._x], self._seed, "fn")
        found = shown(f"fn(x[:k]) and fn(x) at k = {listed(cuts)}", answer)
        if found.different and self._equal_bits_at_equal_shapes(self._given):
            return replace(found, different=False)
        return found

    def _length_alone(self, evidence: TwoPrecisions) -> bool:
        """Whether a small difference comes from the length alone: replaced futures do not cause it."""
        if _greatest(self.mismatches) > half_the_digits(self._dtype) * self.scale:
            return False
        seen = self._promoted[torch.float64] if evidence.high > 0 else self._given
        return self._equal_bits_at_equal_shapes(seen)

    def worst(self, judgement: Judgement) -> Mismatch | None:
        """Return the greatest mismatch: that in float64 if the verdict did not pass and float64 has one."""
        decisive = self._given
        if judgement.seen_in_float64 and not judgement.verdict.passed:
            decisive = self._promoted[torch.float64]
        worst = max(decisive.mismatches, key=lambda mismatch: mismatch.size, default=None)
        if worst is None or judgement.verdict is not Verdict.LEAK:
            return worst
        return replace(worst, s=self._source(decisive, worst))

    def _source(self, run: "_Compared", mismatch: Mismatch) -> int | None:
        """Return, by halving, an input that changes the entry by more than rounding when it is appended."""
        expected, threshold = (
            run.whole[mismatch.index].double(),
            half_the_digits(self._dtype) * mismatch.size,
        )
        first, end = mismatch.cut, self._x.shape[self._axes.seq]
        while end - first > 1:
            middle = (first + end) // 2
            part = self._prefix(run.x, middle, run.mode)
            if part is None:
                return None
            changed = ~((part[mismatch.index].double() - expected).abs() <= threshold)
            first, end = (middle, end) if changed else (first, middle)
        return first

    def _prefix(self, x: Tensor, k: int, mode: AtPrecision | None) -> Tensor | None:
        """Return the outputs of the first ``k`` positions; None if ``fn`` does not take that length."""
        try:
            return self._run(x.narrow(self._axes.find("seq", x), 0, k), f"fn(x[:k]) with k={k}", mode)
        except Exception:  # fn may reject a length that the call did not ask for
            return None

    def pattern(self, judgement: Judgement, worst: Mismatch | None) -> LeakPattern | None:
        """Return the pattern of a LEAK from the outputs that change when one input is appended."""
        if worst is None or worst.s is None:
            return None
        modes = precisions(judgement, self._dtype)
        seen = self._promoted[torch.float64] if judgement.seen_in_float64 else self._given
        try:
            return pattern_by_changes(
                self._order.reaches[self._order.reaches > 0] - 1,
                self._x.shape[self._axes.seq],
                worst.s,
                {found.cut for found in seen.mismatches if found.size > self._rounding(modes[0])},
                self.subject.alignment == SAME,
                [partial(self._changed_by_appending, mode=mode) for mode in modes],
            )
        except _Length:
            return None

    def _changed_by_appending(self, inputs: Sequence[int], mode: AtPrecision | None) -> Tensor:
        """Return how much outputs change when each input is appended to those before it.

        Shape (inputs, reaches greater than 0): the greatest change of the outputs with that reach; 0 if the
        change is within the rounding of kernels for another length.

        Raises:
            _Length: ``fn`` does not take such lengths.
        """
        x = mode.input(self._x) if mode else self._x
        changes = torch.zeros(len(inputs), len(self._order.reaches), dtype=torch.float64, device="cpu")
        for changed, s in zip(changes, inputs, strict=True):
            before, after = (self._prefix(x, k, mode) for k in (s, s + 1))
            if before is None or after is None:
                raise _Length
            count = before.shape[self._axes.seq]
            moved = _difference(before, after.narrow(self._axes.seq, 0, count)).nan_to_num(
                nan=inf, posinf=inf
            )
            sizes = moved.movedim(self._axes.seq, 0).flatten(1).amax(1)
            changed.scatter_reduce_(0, self._order.outputs[:count], sizes, "amax")
        return changes.masked_fill(changes <= self._rounding(mode), 0.0)[:, self._order.reaches > 0]

    def _rounding(self, mode: AtPrecision | None) -> float:
        return KERNELS * unit_roundoff(mode.dtype if mode else self._dtype) * self.scale

    def origin(self, judgement: Judgement, worst: Mismatch | None) -> Origin | None:
        """Return the module where the worst mismatch enters; ``fn`` runs again; None without a LEAK."""
        if worst is None or judgement.verdict is not Verdict.LEAK:
            return None
        x, k = self._x, worst.cut
        inputs, outputs = (
            torch.arange(tensor.shape[self._axes.seq], device="cpu") for tensor in (x, self._whole)
        )
        complete = torch.isin(outputs, self._order.complete(k))
        past = Past(Rows(complete, inputs < k), "seq", self._axes, x.shape)
        short = x.narrow(self._axes.find("seq", x), 0, k)

        def run(x: Tensor, mode: AtPrecision | None) -> Run:
            return partial(self._run, mode.input(x) if mode else x, "fn(x)", mode)

        modes = precisions(judgement, self._dtype)
        runs = [(run(x, mode), run(short, mode)) for mode in modes]
        return compare(self.subject, self.subject.given, runs, (past, None))

    def _rerun(self, dtype: torch.dtype) -> Rerun | str:
        return rerun_at(dtype, self._repeat)

    def _repeat(self, mode: AtPrecision) -> Rerun | str:
        found = self._compare_at(mode)
        if isinstance(found, str):
            return f"run in {dtype_name(mode.dtype)}, {found}"
        self._promoted[mode.dtype] = found
        return Rerun(_greatest(found.mismatches), mode.coarsest, frozenset(mode.unreached))

    def _compare_at(self, mode: AtPrecision) -> "_Compared | str":
        """Compare at another precision, or say why that run is no evidence about ``fn``."""
        try:
            x = mode.input(self._x)
            whole = self._run(x, mode=mode)
            if not same_function(self._whole, whole, coarser(self._dtype, mode.coarsest)):
                return "fn returns other outputs, beyond rounding"
            found = self._compare(x, whole, mode)
        except Exception as error:  # fn may reject a precision that it was not written for
            return f"fn raised {type(error).__name__}: {error}"
        return found if isinstance(found, str) else _Compared(x, whole, found, mode)

    def _run(
        self,
        x: Tensor,
        call: str = "fn(x)",
        mode: AtPrecision | None = None,
        fn: SequenceMap | None = None,
    ) -> Tensor:
        with torch.no_grad(), mode or nullcontext():
            y = (fn or self.subject)(x.clone())  # a copy, because fn may write into its argument
        return self.subject.checked(y, x, call)

    def _select(self, y: Tensor, positions: Tensor) -> Tensor:
        return y.index_select(self._axes.find("seq", y), positions.to(y.device))

    def _compare(self, x: Tensor, whole: Tensor, mode: AtPrecision | None = None) -> list[Mismatch] | str:
        """Return the prefixes that differ from ``whole``, or why a prefix proves nothing."""
        mismatches, compared = [], 0
        for k in self.cuts:
            call = f"fn(x[:k]) with k={k}"
            try:
                part = self._run(x.narrow(self._axes.find("seq", x), 0, k), call, mode)
            except Exception as error:
                error.add_note(f"raised by {call}; choose cuts= that fn accepts")
                raise
            complete = self._order.complete(k)
            complete = complete[complete < part.shape[self._axes.seq]]
            part, expected = self._select(part, complete), self._select(whole, complete)
            compared += expected.numel()
            if part.shape != expected.shape:
                raise InvalidArgument(
                    f"check_prefix: {call} must have the shape of that prefix of fn(x), "
                    f"{tuple(expected.shape)}, got {tuple(part.shape)}; keep every "
                    "axis but seq_dim independent of the length."
                )
            if reason := non_finite(part, call):
                return reason
            if not torch.equal(part, expected):
                mismatches.append(self._mismatch(k, part, expected))
        return mismatches if compared else "no prefix has an output that may be compared; pass other cuts"

    def _mismatch(self, k: int, part: Tensor, expected: Tensor) -> Mismatch:
        difference = _difference(part, expected)
        index, size = self._axes.greatest(difference, self._order.complete(k))
        example, t, channel = self._axes.place(index)
        return Mismatch(
            cut=k,
            index=index,
            example=example,
            t=t,
            channel=channel,
            size=size,
            count=int(difference.count_nonzero()),
            entries=difference.numel(),
        )

    def _equal_bits_at_equal_shapes(self, run: "_Compared") -> bool:
        """Whether every differing prefix keeps its bits when the future after it is replaced."""
        for mismatch in run.mismatches:
            k = mismatch.cut
            y = self._run(
                self._with_another_future(run.x, k), f"fn(x) with the future of k={k} replaced", run.mode
            )
            complete = self._order.complete(k)
            if not torch.equal(self._select(y, complete), self._select(run.whole, complete)):
                return False
        return True

    def _with_another_future(self, x: Tensor, k: int) -> Tensor:
        """Return ``x`` with every entry from position ``k`` on changed."""
        if not x.is_floating_point():
            return self._futures.future("noise", k)
        x = x.clone()
        future = x.narrow(self._axes.find("seq", x), k, x.shape[self._axes.seq] - k)
        future.copy_(1 + 2 * x.abs().max() - future)
        return x


class _Length(Exception):
    """``fn`` does not take a length."""


@dataclass(frozen=True)
class _Compared:
    """The prefixes of ``x`` compared with the whole at one precision."""

    x: Tensor
    whole: Tensor
    mismatches: list[Mismatch]
    mode: AtPrecision | None = None


def _difference(a: Tensor, b: Tensor) -> Tensor:
    return (a.cpu().double() - b.cpu().double()).abs()


def _greatest(mismatches: list[Mismatch]) -> float:
    return max((mismatch.size for mismatch in mismatches), default=0.0)


def _check_cuts(cuts: Literal["all"] | Iterable[int], order: Order, subject: Subject) -> tuple[int, ...]:
    T = subject.x.shape[subject.axes.seq]
    complete = tuple(k for k in order.reaches.clamp(min=1).unique().tolist() if k < T)
    if isinstance(cuts, str) and cuts == "all":
        return complete
    chosen = tuple(cuts) if isinstance(cuts, Iterable) and not isinstance(cuts, str) else ()
    if not chosen or not all(isinstance(k, int) and complete[0] <= k < T for k in chosen):
        raise InvalidArgument(
            f"check_prefix: cuts must be 'all' or whole numbers k with {complete[0]} <= k < T = {T}, "
            f"got {cuts!r}."
        )
    return chosen
