"""Batch independence: the output of an example is what it would be with any other examples, or with none.

Forward runs, compared three ways. They see what the cross-batch probes of ``certify`` cannot, because it has
no gradient: detached statistics, ``argmax``, expert-choice routing, drops at a capacity.

1. ``replace``: other examples get other contents. Shapes and places stay, so the same kernels compute the
   example, and it must keep every bit. Each example is replaced alone, which names every ordered pair, and
   all but one together.
2. ``permute``: the examples change places, and the outputs must follow.
3. ``alone``: the example in a batch of one.

Another place and another shape may have another last bit; ``scanproof.causality.evidence`` tells that from
information, relative to the greatest output of each run. A difference that float64 does not have at all
counts as rounding when ``replace`` found none.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from math import isinf

import torch
from torch import Tensor

from scanproof.causality.batch_report import PROBES, BatchChange, BatchFinding, BatchProbe, BatchReport
from scanproof.causality.evidence import Judgement, Rerun, coarser, dtype_name, judge, rerun_at, same_function
from scanproof.causality.failure import call_text, failure
from scanproof.causality.interface import Axes, SequenceMap, check_tensor, module_of, proves_nothing
from scanproof.causality.precision import AtPrecision
from scanproof.causality.replacement import KINDS, Kind, Replacement, check_kinds
from scanproof.causality.seed import seed_of
from scanproof.causality.steady import unsteady
from scanproof.errors import InvalidArgument
from scanproof.first_calls import settle_first_calls
from scanproof.report.verdict import Verdict, gravest


def check_batch_independence(
    fn: SequenceMap,
    x: Tensor,
    *,
    probes: Iterable[BatchProbe] = PROBES,
    kinds: Iterable[Kind] = KINDS,
    vocab_size: int | None = None,
    batch_dim: int = 0,
    generator: torch.Generator | None = None,
) -> BatchReport:
    """Compare what ``fn`` returns for each example with what it returns for it in other batches.

    Args:
        fn: function or module from a floating or integer tensor to one tensor with as many examples along
            ``batch_dim``; no axis of positions is needed. A module in train mode is accepted where it does
            not drop out, so that its batch norms can be checked; its buffers are put back. Called about
            ``2 B * len(kinds) + B`` times for B examples.
        x: floating tensor, or integer tensor of token ids, on any device, with at least two examples, each
            different. A few examples are enough.
        probes: which comparisons to make, of ``"replace"``, ``"permute"``, ``"alone"``. Leave out ``"alone"``
            for a function that is made for one batch size.
        kinds: what other examples are replaced with, of ``"noise"``, ``"large"``, ``"permutation"`` (the
            next example), ``"zeros"``.
        vocab_size: token ids are drawn from 0 … vocab_size - 1; by default from those present in ``x``.
        batch_dim: axis of examples in ``x`` and in the output.
        generator: source of the contents; advanced by the call. Default: seed 0.

    Returns:
        The report. ``verdict`` is CAUSAL (no example changed a bit; the sign of a zero is not compared),
        CAUSAL_TO_ROUNDING, LEAK (with the ordered pairs i <- j of examples, or what else changed an output),
        or INCONCLUSIVE: outputs with NaN or infinity or zero throughout an example, a function that returns
        something else when it runs again, outputs that never change, a batch of one that ``fn`` does not
        take, or a change that cannot be told from rounding.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    Source: the batch-independence test of Krokotsch, "How to unit test deep learning", 2020, made forward.

    Example:
        >>> import torch
        >>> from scanproof import check_batch_independence
        >>> centred = lambda x: x - x.mean(0, keepdim=True).detach()
        >>> check_batch_independence(centred, torch.randn(3, 16, 4)).verdict.name
        'LEAK'
    """
    check = "check_batch_independence"
    check_tensor(check, fn, x, token_ids=True)
    _check_examples(check, x, batch_dim)
    chosen, chosen_kinds = _check_probes(check, probes), check_kinds(check, kinds)
    settle_first_calls()
    seed = seed_of(check, generator)
    x = x.detach()
    numbers = torch.Generator(device="cpu").manual_seed(seed)
    replacement = Replacement(check, x, Axes(batch_dim, None), vocab_size, numbers)
    contents = {
        kind: x.roll(-1, batch_dim) if kind == "permutation" else replacement.future(kind, 0)
        for kind in chosen_kinds
    }
    options = {"probes": chosen, "kinds": chosen_kinds, "vocab_size": vocab_size, "batch_dim": batch_dim}
    with _buffers_kept(fn):
        comparison = _Comparison(fn, x, batch_dim, contents, chosen)
        findings = comparison.findings()
    verdict = gravest(finding.verdict for finding in findings)
    decisive = [finding for finding in findings if finding.verdict is verdict]
    return BatchReport(
        examples=x.shape[batch_dim],
        findings=findings,
        pairs=comparison.pairs(),
        kinds=chosen_kinds,
        verdict=verdict,
        reason=_reason(decisive),
        worst=next((finding.worst for finding in decisive if finding.worst), None),
        calls=comparison.calls,
        vocab_size=vocab_size,
        seed=seed,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call_text(check_batch_independence, fn, x, options, seed),
    )


def assert_batch_independent(
    fn: SequenceMap,
    x: Tensor,
    *,
    probes: Iterable[BatchProbe] = PROBES,
    kinds: Iterable[Kind] = KINDS,
    vocab_size: int | None = None,
    batch_dim: int = 0,
    generator: torch.Generator | None = None,
) -> BatchReport:
    """Raise unless ``check_batch_independence`` with the same arguments passes; return its report.

    INCONCLUSIVE does not pass.

    Raises:
        CausalityError: an ``AssertionError`` with the report; it names the ordered pairs of examples, and the
            call that repeats it.
        InvalidArgument: the call is wrong; nothing was checked.
    """
    report = check_batch_independence(
        fn,
        x,
        probes=probes,
        kinds=kinds,
        vocab_size=vocab_size,
        batch_dim=batch_dim,
        generator=generator,
    )
    if not report.ok:
        counts = [f"{finding.probe}: {finding}" for finding in report.findings if finding.differing]
        raise failure("assert_batch_independent", report, counts, "equal bits")
    return report


@dataclass(frozen=True)
class _Case:
    """One run to compare with that of ``x``.

    ``order`` says which example of ``x`` stands at each place, ``replaced`` which have other contents.
    """

    probe: BatchProbe
    order: tuple[int, ...]
    replaced: tuple[int, ...] = ()
    kind: Kind | None = None

    def __str__(self) -> str:
        if self.probe == "replace":
            return f"{_examples(self.replaced)} {'become' if self.replaced[1:] else 'becomes'} {self.kind}"
        if self.probe == "permute":
            return f"the examples stand in the order {', '.join(map(str, self.order))}"
        return "it is alone in its batch"


class _Comparison:
    """The outputs of the batch and of other batches, at the precision given and at others."""

    def __init__(
        self,
        fn: SequenceMap,
        x: Tensor,
        batch_dim: int,
        contents: dict[Kind, Tensor],
        probes: Sequence[BatchProbe],
    ) -> None:
        self._fn, self._x, self._dim, self._contents = fn, x, batch_dim, contents
        self.calls = 0
        self._moved = False
        self._changes: dict[_Case, list[BatchChange]] = {}
        self._cases = {probe: self._cases_of(probe) for probe in probes}
        try:
            self._y = self._run(x, "fn(x)")
        except _NotTaken as error:
            raise InvalidArgument(f"check_batch_independence: {error}.") from error
        self._problem = proves_nothing(self._y, Axes(batch_dim, batch_dim)) or self._unsteady()

    def findings(self) -> tuple[BatchFinding, ...]:
        """Make every comparison and judge it."""
        return tuple(self._finding(probe) for probe in self._cases)

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the ordered pairs (i, j): example i changed when j alone was replaced."""
        return tuple(
            sorted(
                {
                    (change.example, case.replaced[0])
                    for case, changes in self._changes.items()
                    if len(case.replaced) == 1
                    for change in changes
                }
            )
        )

    def _cases_of(self, probe: BatchProbe) -> list[_Case]:
        places = tuple(range(self._x.shape[self._dim]))
        if probe == "alone":
            return [_Case(probe, (place,)) for place in places]
        if probe == "permute":
            return [_Case(probe, order) for order in sorted({places[::-1], places[1:] + places[:1]})]
        groups = {(place,) for place in places} | {tuple(p for p in places if p != kept) for kept in places}
        cases = [_Case(probe, places, group, kind) for kind in self._contents for group in sorted(groups)]
        return [case for case in cases if not torch.equal(self._input(case), self._x)]

    def _finding(self, probe: BatchProbe) -> BatchFinding:
        cases = self._cases[probe]
        judgement = self._judge(probe, cases)
        changes = [change for case in cases for change in self._changes.get(case, ())]
        return BatchFinding(
            probe=probe,
            verdict=judgement.verdict,
            reason=judgement.reason,
            cases=len(cases),
            differing=sum(bool(self._changes.get(case)) for case in cases),
            worst=max(changes, key=lambda change: change.share, default=None),
            evidence=judgement.evidence,
        )

    def _judge(self, probe: BatchProbe, cases: Sequence[_Case]) -> Judgement:
        if self._problem is not None:
            return Judgement(Verdict.INCONCLUSIVE, self._problem)
        try:
            for case in cases:
                self._changes[case] = self._compare(case)
        except _NotTaken as error:
            return Judgement(Verdict.INCONCLUSIVE, str(error))
        changes = [change for case in cases for change in self._changes[case]]
        if not changes and probe == "replace" and not self._moved:
            return Judgement(
                Verdict.INCONCLUSIVE,
                "no output changed, whatever the examples were replaced with, so nothing could have leaked; "
                "pass an x or parameters that let outputs vary",
            )
        if not changes:
            return Judgement(Verdict.CAUSAL, "every example kept every bit")
        if problem := self._unsteady():
            return Judgement(Verdict.INCONCLUSIVE, problem)
        if any(isinf(change.size) for change in changes):
            return Judgement(Verdict.LEAK, f"an output became NaN or infinite {_WHEN[probe]}")
        residue = max(change.share for change in changes)
        dtype = next(
            (t.dtype for t in (self._x, self._y) if t.is_floating_point()), torch.get_default_dtype()
        )
        differing = [case for case in cases if self._changes[case]]
        return judge(
            residue,
            1.0,
            dtype,
            lambda other: rerun_at(other, lambda mode: self._repeat(mode, dtype, differing)),
            lambda: probe != "replace" and self._kept_every_bit(),
        )

    def _unsteady(self) -> str | None:
        return unsteady(lambda: self._run(self._x, "fn(x)"), self._y)

    def _kept_every_bit(self) -> bool:
        """Whether every example keeps its bits when the others are replaced."""
        cases = self._cases.get("replace", [])
        return bool(cases) and not any(self._changes[case] for case in cases)

    def _repeat(self, mode: AtPrecision, given: torch.dtype, cases: Sequence[_Case]) -> Rerun | str:
        """Make the cases at another precision, or say why that says nothing about ``fn``."""
        dtype = mode.dtype
        try:
            y = self._run(self._at(self._x, mode), "fn(x)", mode)
            if not same_function(self._y, y, coarser(given, mode.coarsest)):
                return f"run in {dtype_name(dtype)}, fn returns other outputs, beyond rounding"
            shares = [change.share for case in cases for change in self._changes_of(case, y, mode)]
        except Exception as error:  # whatever fn raises at a precision it was not written for
            return f"run in {dtype_name(dtype)}, fn raised {type(error).__name__}: {error}"
        return Rerun(max(shares, default=0.0), mode.coarsest, frozenset(mode.unreached))

    def _compare(self, case: _Case) -> list[BatchChange]:
        return self._changes_of(case, self._y, None)

    def _changes_of(self, case: _Case, y: Tensor, mode: AtPrecision | None) -> list[BatchChange]:
        """Return the greatest change of each example that keeps its contents."""
        now = self._run(self._input(case, mode), f"fn(x) when {case}", mode)
        outputs, others = _by_example(y, self._dim), _by_example(now, self._dim)
        if others.shape[1:] != outputs.shape[1:]:
            raise _NotTaken(
                f"fn(x) when {case} has another shape, {tuple(now.shape)} instead of {tuple(y.shape)}; keep "
                "every axis but batch_dim independent of the batch"
            )
        scale = torch.cat([outputs, others]).double().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).abs().max()
        changes = []
        for place, example in enumerate(case.order):
            equal = torch.equal(outputs[example], others[place])
            if example in case.replaced:
                self._moved = self._moved or not equal
            elif not equal:
                difference = (outputs[example].cpu().double() - others[place].cpu().double()).abs()
                changes.append(self._change(case, example, difference, scale.item(), y.dim()))
        return changes

    def _change(self, case: _Case, example: int, difference: Tensor, scale: float, rank: int) -> BatchChange:
        difference = difference.nan_to_num(nan=torch.inf, posinf=torch.inf)
        rest = [int(i) for i in torch.unravel_index(difference.argmax(), difference.shape)]
        size = difference.max().item()
        rest.insert(self._dim % rank, example)
        return BatchChange(
            example=example,
            sources=case.replaced,
            when=str(case),
            index=tuple(rest),
            size=size,
            share=size / scale,
            count=int(difference.count_nonzero()),
            entries=difference.numel(),
        )

    def _input(self, case: _Case, mode: AtPrecision | None = None) -> Tensor:
        order = torch.tensor(case.order, device=self._x.device)
        x = self._at(self._x, mode).clone()
        for example in case.replaced:
            assert case.kind is not None
            x.select(self._dim, example).copy_(self._contents[case.kind].select(self._dim, example))
        return x.index_select(self._dim, order)

    def _at(self, x: Tensor, mode: AtPrecision | None) -> Tensor:
        return mode.input(x) if mode else x

    def _run(self, x: Tensor, call: str, mode: AtPrecision | None = None) -> Tensor:
        self.calls += 1
        try:
            with torch.no_grad(), mode or nullcontext():
                y: object = self._fn(x.clone())  # a copy, because fn may write into its argument
        except Exception as error:
            if x.shape[self._dim] == 1:
                raise _NotTaken(
                    f"fn raised {type(error).__name__} on a batch of one: {error}; leave 'alone' out of "
                    "probes if that is as intended"
                ) from error
            error.add_note(f"raised by {call}")
            raise
        if wrong := _wrong_output(y, x, self._dim, call):
            raise _NotTaken(wrong)
        assert isinstance(y, Tensor)
        return y


class _NotTaken(Exception):
    """A batch that ``fn`` does not take, or returns no comparable tensor for."""


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


def _examples(examples: Sequence[int]) -> str:
    return f"example{'s' if examples[1:] else ''} {', '.join(map(str, examples))}"


def _by_example(y: Tensor, batch_dim: int) -> Tensor:
    return y.movedim(batch_dim, 0)


@contextmanager
def _buffers_kept(fn: SequenceMap) -> Iterator[None]:
    """Put the buffers of a module back, which a batch norm in train mode writes."""
    module = module_of(fn)
    before = [(buffer, buffer.clone()) for buffer in module.buffers()] if module else []
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def _check_examples(check: str, x: Tensor, batch_dim: int) -> None:
    if not isinstance(batch_dim, int) or not -x.dim() <= batch_dim < x.dim():
        raise InvalidArgument(
            f"{check}: batch_dim must be the whole number of an axis of x with shape {tuple(x.shape)}, got "
            f"{batch_dim!r}."
        )
    if x.shape[batch_dim] < 2:
        raise InvalidArgument(
            f"{check}: x has 1 example along batch_dim={batch_dim}, its shape is {tuple(x.shape)}; examples "
            "can read each other only where there are at least 2."
        )


def _check_probes(check: str, probes: Iterable[BatchProbe]) -> tuple[BatchProbe, ...]:
    chosen = () if isinstance(probes, str) else tuple(probes)
    if not chosen or not set(chosen) <= set(PROBES):
        raise InvalidArgument(
            f"{check}: probes must be some of {', '.join(map(repr, PROBES))}, got {probes!r}."
        )
    return tuple(probe for probe in PROBES if probe in chosen)


def _wrong_output(y: object, x: Tensor, batch_dim: int, call: str) -> str | None:
    """Say what is wrong with an output that is not one real tensor with the examples of ``x``."""
    if not isinstance(y, Tensor):
        return (
            f"{call} must return one tensor, got {type(y).__name__}; wrap the model, "
            "for example lambda x: model(x)[0]"
        )
    if y.is_complex():
        return f"{call} must return a real tensor, got {y.dtype}; return torch.view_as_real of it"
    if not -y.dim() <= batch_dim < y.dim() or y.shape[batch_dim] != x.shape[batch_dim]:
        return (
            f"{call} must have as many examples as its input along batch_dim={batch_dim}, "
            f"{x.shape[batch_dim]}, its shape is {tuple(y.shape)}; name the right batch_dim, and keep the "
            "axis in a batch of one"
        )
    return None
