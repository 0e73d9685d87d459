"""Streaming equivalence: a model gives the outputs of one pass, whichever way the sequence is fed to it.

Lean proves this for every runner (``Runner.runList_flatten``, ``Runner.prefill_decode``): pieces of any
lengths, each run from the state that the piece before returned, give the outputs of one run. This check feeds
an implementation in many ways and compares the outputs with one pass of the same implementation. Nothing is
proved about the implementation; a difference that is not rounding is a counterexample.

No tolerance decides. The comparison is made in the precision of ``x`` and again in float64, where the casts
in the model's code are lifted (``scanproof.foundation.precision``). Rounding shrinks with the unit roundoff,
and a difference in the code stays (``scanproof.foundation.judgement``). Casts to half precision that pieces
make and one pass does not are kept, because one pass does not round there.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from traceback import walk_tb
from types import FrameType
from typing import Literal

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.foundation.call import Call
from scanproof.foundation.contract import Axes, check_tensor, proves_nothing
from scanproof.foundation.first_calls import settle_first_calls
from scanproof.foundation.judgement import (
    STREAMING,
    Judgement,
    Measured,
    Pieces,
    Rerun,
    coarser,
    dtype_name,
    judge,
    rerun_at,
    same_function,
)
from scanproof.foundation.precision import AtPrecision, unit_roundoff
from scanproof.foundation.seeds import check_seed
from scanproof.refinement.exact.answer import ExactAnswer
from scanproof.report.verdict import Verdict, gravest
from scanproof.streaming.exact import exact_answer
from scanproof.streaming.feed import Feed, Pair
from scanproof.streaming.model import StreamingModel, Unsupported
from scanproof.streaming.probes import Probe, probes
from scanproof.streaming.report import Difference, StreamingReport, StreamingWay

CONSTANTS = 16
"""Unit roundoffs by which two tables of a model (decays, angles) may differ, as each is rounded."""


def check_streaming(
    fn: StreamingModel,
    x: Tensor,
    *,
    cuts: Literal["all"] | Iterable[int] = "all",
    exact: bool = False,
    seed: int = 0,
) -> StreamingReport:
    """Feed ``x`` to a model in pieces, padded, packed and in batches, and compare with one pass.

    Args:
        fn: model with a state, in eval mode (``scanproof.streaming.model.StreamingModel``).
        x: input (batch, T, …), floating or token ids, T >= 4. Choose at least two rows. Choose T greater than
            the chunk size of the model, and not a multiple of it.
        cuts: the lengths k of the prefills, each with 1 <= k < T, or ``"all"`` of them.
        exact: also decide every way over finite fields, where nothing rounds, with residues in place of the
            input and the parameters. Prefills then have the first, the middle and the last of the lengths in
            ``cuts``. Without ``exact``, only ways are decided so that floats leave open.
        seed: seed of the tokens that are drawn: padding, and drafts to be taken back.

    Returns:
        The report, with an entry for each way of feeding. STREAMS: there is no difference, or the difference
        shrinks with the unit roundoff, or the exact answer is EQUAL. DIVERGES: the exact answer is DIFFERENT,
        and no rounded constant explains it, or the difference stays in float64, or the shape is another
        one, or there are NaNs. INCONCLUSIVE: the model raised, or a difference cannot be told from rounding.
        NOT_APPLICABLE: the model does not offer this way of feeding.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    Example:
        >>> import torch
        >>> from scanproof import check_streaming
        >>> class Sum:
        ...     def __call__(self, x):
        ...         return x.cumsum(1)
        ...     def initial_state(self, x):
        ...         return torch.zeros_like(x[:, :1])
        ...     def step(self, x, state):
        ...         return x + state, x + state
        >>> check_streaming(Sum(), torch.randn(2, 16, 3)).verdict.name
        'STREAMS'
    """
    check = "check_streaming"
    call = Call(check_streaming, locals())
    if not isinstance(fn, StreamingModel):
        raise InvalidArgument(
            f"{check}: fn must be callable and have initial_state(x) and step(x, state), and "
            f"{type(fn).__name__} does not; write a wrapper, as scanproof.StreamingModel describes."
        )
    check_tensor(check, fn, x, token_ids=True)
    if x.dim() < 2 or x.shape[1] < 4:
        raise InvalidArgument(
            f"{check}: x must have shape (batch, T, …) with T >= 4, and its shape is {tuple(x.shape)}."
        )
    chosen = _check_cuts(check, cuts, x.shape[1])
    settle_first_calls()
    check_seed(check, seed)
    runs = _StreamingRuns(fn, x.detach(), seed)
    lengths = sorted({chosen[0], chosen[len(chosen) // 2], chosen[-1]})
    few = {probe.name: probe for probe in probes(tuple(lengths))}
    ways = _state_against_outputs([runs.way(probe, few[probe.name], exact) for probe in probes(chosen)])
    return StreamingReport(
        ways=tuple(ways),
        verdict=gravest(way.verdict for way in ways),
        shape=tuple(x.shape),
        casts=tuple(sorted(runs.lifted)),
        seed=seed,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call.text(cuts="all" if cuts == "all" else chosen),
    )


class _Problem(Exception):
    """Why the comparisons support no verdict."""


@dataclass(frozen=True)
class _Compared:
    comparisons: int
    differences: Sequence[Difference]
    stopped: str | None = None

    @property
    def residue(self) -> float:
        return max((difference.share for difference in self.differences), default=0.0)

    @property
    def worst(self) -> Difference | None:
        return max(self.differences, key=lambda difference: difference.share, default=None)


class _StreamingRuns:
    """Runs of the model in every way of feeding, at the given precision and, if needed, at another."""

    def __init__(self, model: StreamingModel, x: Tensor, seed: int) -> None:
        self._model, self._x, self._seed = model, x, seed
        self._given = Feed(model, x, seed)
        self.lifted: set[str] = set()
        with torch.no_grad():
            self._whole = self._given.whole
        self._feeds: dict[tuple[torch.dtype, bool, frozenset[torch.dtype]], Feed] = {}
        self._in_one_pass: dict[Feed, frozenset[torch.dtype]] = {}
        self._problem = self._wrong(self._whole)

    def way(self, probe: Probe, few: Probe, exact: bool) -> StreamingWay:
        """Make the comparisons of one probe and judge them; ``few`` makes fewer, for the exact answer."""
        way, finite = self._judged(probe)
        undecided = way.verdict is Verdict.INCONCLUSIVE and finite
        if not undecided and not (exact and way.comparisons):
            return way
        return _together(way, exact_answer(few, self._given, self._seed), undecided)

    def _judged(self, probe: Probe) -> tuple[StreamingWay, bool]:
        """Return what floats say, and whether all comparisons were made, of finite numbers."""
        nothing = _Compared(0, ())
        if self._problem:
            return _way(probe, judge(Measured(outcomes=STREAMING, problem=self._problem)), nothing), False
        try:
            found = self._compare(probe, self._given)
        except Unsupported as reason:
            return _way(probe, Judgement(Verdict.NOT_APPLICABLE, str(reason)), nothing), False
        except _Problem as problem:
            return _way(probe, judge(Measured(outcomes=STREAMING, problem=str(problem))), nothing), False
        promoted: dict[torch.dtype, _Compared] = {}
        judgement = self._judge(probe, found, promoted)
        high = promoted.get(torch.float64)
        seen = high if high and judgement.seen_in_float64 and judgement.verdict.found else found
        finite = found.stopped is None and found.residue < torch.inf
        return _way(probe, judgement, found, seen.worst), finite

    def _judge(self, probe: Probe, found: _Compared, promoted: dict[torch.dtype, _Compared]) -> Judgement:
        apart: set[torch.dtype] = set()  # dtypes that pieces meet and one pass does not

        def repeat(mode: AtPrecision) -> Rerun | str:
            run = f"run in {dtype_name(mode.dtype)}"
            try:
                again = self._compare(probe, self._feed(mode))
            except (Unsupported, _Problem) as problem:
                return f"{run}, {problem}"
            promoted[mode.dtype] = again
            feed = self._feed(mode)
            mode = feed.mode or mode
            self.lifted |= mode.lifted if mode.dtype == torch.float64 else set()
            apart.update(mode.met - self._in_one_pass[feed])
            return Rerun(again.residue, mode.coarsest, frozenset(mode.unreached))

        def pieces() -> Pieces | None:
            """Compare once more; keep the casts to half precision that one pass does not make."""
            usual = coarser(self._dtype, torch.float32)
            kept = frozenset(dtype for dtype in apart if coarser(dtype, usual) != usual)
            if not kept:
                return None
            again = repeat(AtPrecision(torch.float64, kept=kept))
            names = " and ".join(sorted(map(dtype_name, kept)))
            return Pieces(names, again if isinstance(again, str) else again.residue)

        return judge(
            Measured(
                outcomes=STREAMING,
                residue=found.residue,
                dtype=self._dtype,
                rerun=lambda dtype: rerun_at(dtype, repeat),
                exact="equal, bit for bit",
                not_finite="another shape, or NaN or infinite entries",
                confirms_vanished=lambda: True,  # equal once casts are lifted: one way of feeding rounded
                tables=CONSTANTS * unit_roundoff(coarser(self._dtype, torch.float32)),
                stopped=found.stopped,
                pieces=pieces,
            )
        )

    def _feed(self, mode: AtPrecision) -> Feed:
        """Return the feed at a precision; all probes share it, so that one pass is made once.

        Raises:
            _Problem: the model computes another function at that precision.
        """
        key = (mode.dtype, mode.all_digits, mode.kept)
        if key not in self._feeds:
            feed = Feed(self._model, self._x, self._seed, mode)
            try:
                with torch.no_grad(), mode:
                    whole = feed.whole
            except Exception as error:  # whatever the model raises at a precision it was not written for
                raise _Problem(_raised(error)) from error
            if not same_function(self._whole, whole, coarser(self._dtype, mode.coarsest)):
                raise _Problem("the model returns other outputs, beyond rounding")
            self._feeds[key], self._in_one_pass[feed] = feed, frozenset(mode.met)
        return self._feeds[key]

    @property
    def _dtype(self) -> torch.dtype:
        return self._x.dtype if self._x.is_floating_point() else self._whole.dtype

    def _wrong(self, y: Tensor) -> str | None:
        if not isinstance(y, Tensor) or y.shape[:2] != self._x.shape[:2]:
            got = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
            raise InvalidArgument(
                f"check_streaming: fn(x) must be a tensor (batch, T, …) = {tuple(self._x.shape[:2])}, "
                f"got {got}."
            )
        return proves_nothing(y, Axes(1, 0))

    def _compare(self, probe: Probe, feed: Feed) -> _Compared:
        """Make the comparisons of a probe.

        Raises:
            Unsupported: there is nothing to compare.
            _Problem: the model raised before the first comparison, or only empty tensors were compared.
        """
        comparisons, differences, stopped = 0, [], None
        scale = float(self._whole.double().abs().max())
        try:
            with torch.no_grad(), feed.mode or nullcontext():
                for pair in probe.pairs(feed):
                    comparisons += bool(pair.got.numel() or pair.expected.numel())
                    if difference := _difference(pair, scale):
                        differences.append(difference)
        except Unsupported:
            if not comparisons:
                raise
        except Exception as error:  # whatever the model raises when it is fed that way
            stopped = _raised(error)
            if not comparisons:
                raise _Problem(stopped) from error
        if not comparisons:
            raise _Problem("nothing was compared: all tensors are empty")
        return _Compared(comparisons, differences, stopped)


def _raised(error: Exception) -> str:
    """Return what a model raised, and the function of the model or of its library that raised it."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    theirs = [frame for frame in frames if _package(frame) not in ("scanproof", "torch")]
    where = f" in {theirs[-1].f_code.co_qualname}" if theirs else ""
    return f"the model raised {type(error).__name__}{where}: {error}"


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _difference(pair: Pair, scale: float) -> Difference | None:
    got, expected = pair.got, pair.expected
    if got.shape != expected.shape:
        case = f"{pair.case}: shape {tuple(got.shape)} in place of {tuple(expected.shape)}"
        return Difference(
            case=case,
            index=(),
            example=pair.row,
            t=pair.start,
            got=torch.nan,
            expected=torch.nan,
            size=torch.inf,
            share=torch.inf,
        )
    if torch.equal(got, expected) or not got.numel():
        return None
    a, b = got.cpu().double(), expected.cpu().double()
    same = (a == b) | (a.isnan() & b.isnan())
    sizes = (a - b).abs().nan_to_num(nan=torch.inf, posinf=torch.inf).masked_fill(same, 0.0)
    size = float(sizes.max())
    if not size:
        return None
    index = tuple(int(i) for i in torch.unravel_index(sizes.argmax(), sizes.shape))
    if pair.start is None:
        scale = max(float(b.nan_to_num(posinf=0.0, neginf=0.0).abs().max()), torch.finfo(torch.float32).tiny)
    return Difference(
        case=pair.case,
        index=index,
        example=pair.row + index[0] if index else pair.row,
        t=None if pair.start is None else pair.start + index[1],
        got=float(a[index]),
        expected=float(b[index]),
        size=size,
        share=size / scale,
    )


def _way(
    probe: Probe, judgement: Judgement, found: _Compared, worst: Difference | None = None
) -> StreamingWay:
    return StreamingWay(
        check=probe.name,
        verdict=judgement.verdict,
        reason=judgement.reason,
        comparisons=found.comparisons,
        differing=len(found.differences),
        worst=worst,
        evidence=judgement.evidence,
        theorem=probe.theorem,
    )


def _together(way: StreamingWay, answer: ExactAnswer, undecided: bool) -> StreamingWay:
    """Return a way with its exact answer, which decides what floats leave open, and finds what they hide."""
    if answer.verdict is Verdict.EQUAL and undecided:
        reason = f"the same function, {answer.reason}"
        return replace(way, exact=answer, verdict=Verdict.STREAMS, reason=reason)
    if answer.wrong and way.verdict in (Verdict.STREAMS, Verdict.INCONCLUSIVE):
        return replace(way, exact=answer, verdict=Verdict.DIVERGES, reason=answer.reason)
    return replace(way, exact=answer)


def _state_against_outputs(ways: list[StreamingWay]) -> list[StreamingWay]:
    """Call a difference between states INCONCLUSIVE if no output shows it: the states may be equivalent."""
    by_name = {way.check: way for way in ways}
    outputs = [by_name[name] for name in ("steps", "prefill, then steps", "chunked prefill")]
    silent = not any(way.verdict.found for way in outputs) and any(way.verdict.passed for way in outputs)
    state = by_name["state returned"]
    if state.verdict is not Verdict.DIVERGES or not silent:
        return ways
    reason = f"{state.worst}; no output that was compared tells the two states apart"
    changed = replace(state, verdict=Verdict.INCONCLUSIVE, reason=reason)
    return [changed if way is state else way for way in ways]


def _check_cuts(check: str, cuts: Literal["all"] | Iterable[int], T: int) -> tuple[int, ...]:
    if isinstance(cuts, str) and cuts == "all":
        return tuple(range(1, T))
    chosen = tuple(cuts) if isinstance(cuts, Iterable) and not isinstance(cuts, str) else ()
    if not chosen or not all(isinstance(k, int) and 1 <= k < T for k in chosen):
        raise InvalidArgument(
            f"{check}: cuts must be 'all' or whole numbers k with 1 <= k < T = {T}, got {cuts!r}."
        )
    return chosen
