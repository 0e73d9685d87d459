"""Append-prefix equivalence: what a prefix alone produces is what the whole sequence produces on that prefix.

The numeric counterpart of ``Runner.take_outputs_append``, and a forward check: it sees what has no gradient
(``detach``, ``round``, routing) and what depends on the length (a 1/T scale, positions counted from the end).

A prefix has another shape than the whole, and a matrix product may choose another kernel for it and return
another last bit. No relative tolerance is set for that. A nonzero difference is settled by
``scanproof.causality.evidence``, where a difference that float64 does not have at all counts as rounding on
one more piece of evidence: with the future replaced and the length kept, so that the shapes are equal, ``fn``
returns the same bits on the prefix.
"""

from collections.abc import Iterable
from contextlib import nullcontext
from math import isfinite
from numbers import Real
from typing import Literal

import torch
from torch import Tensor

from scanproof.causality.evidence import Judgement, Rerun, coarser, dtype_name, judge, same_function
from scanproof.causality.failure import call_text, failure
from scanproof.causality.interface import (
    Axes,
    SequenceMap,
    check_input,
    check_output,
    non_finite,
    proves_nothing,
)
from scanproof.causality.precision import AtPrecision
from scanproof.causality.prefix_report import Mismatch, PrefixReport
from scanproof.causality.steady import unsteady
from scanproof.errors import InvalidArgument
from scanproof.first_calls import settle_first_calls
from scanproof.report.verdict import Verdict


def check_prefix(
    fn: SequenceMap,
    x: Tensor,
    *,
    lengths: Literal["all"] | Iterable[int] = "all",
    atol: float = 0.0,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
) -> PrefixReport:
    """Compare ``fn(x[:, :k])`` with ``fn(x)[:, :k]``.

    Args:
        fn: function or module from a floating tensor to one tensor with as many positions along ``seq_dim``;
            a module in eval mode. Called once per prefix and twice on ``x``, and again in another precision
            when a difference is not zero.
        x: floating tensor on any device, by default of shape (batch, T, …) with T >= 2. Choose T beyond the
            chunk size of the model, and not a multiple of it.
        lengths: the prefixes k, each with 1 <= k < T, or ``"all"`` of them.
        atol: an absolute difference of at most this is TOLERATED. 0 accepts equal bits, and rounding on the
            evidence of two precisions only.
        seq_dim: axis of positions in ``x`` and in the output.
        batch_dim: axis of examples in both; None for an input without one.

    Returns:
        The report. ``verdict`` is CAUSAL (bit for bit), CAUSAL_TO_ROUNDING, TOLERATED, LEAK (with prefix,
        position and size), or INCONCLUSIVE: outputs with NaN or infinity or zero throughout an example, a
        function that returns something else when it runs again, or a difference that cannot be told from
        rounding.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.
        Exception: whatever ``fn`` raises, with a note that names the prefix.

    Source: the property is ``Runner.take_outputs_append``.

    Example:
        >>> import torch
        >>> from scanproof import check_prefix
        >>> check_prefix(lambda x: x.cumsum(1), torch.randn(2, 16, 3)).verdict.name
        'CAUSAL'
    """
    axes = Axes(seq_dim, batch_dim)
    check_input("check_prefix", fn, x, axes)
    settle_first_calls()
    T = x.shape[seq_dim]
    chosen = _check_lengths(lengths, T)
    if not (isinstance(atol, Real) and isfinite(atol) and atol >= 0):
        raise InvalidArgument(f"check_prefix: atol must be a finite number >= 0 (0 is exact), got {atol!r}.")
    options = {
        "lengths": "all" if isinstance(lengths, str) else chosen,
        "atol": atol,
        "seq_dim": seq_dim,
        "batch_dim": batch_dim,
    }
    comparison = _Comparison(fn, x.detach(), axes, chosen)
    judgement = comparison.judge(atol)
    return PrefixReport(
        T=T,
        lengths=chosen,
        verdict=judgement.verdict,
        reason=judgement.reason,
        worst=comparison.worst(judgement),
        differing=len(comparison.mismatches),
        scale=comparison.scale,
        evidence=judgement.evidence,
        atol=atol,
        dtype=dtype_name(x.dtype),
        device=str(x.device),
        call=call_text(check_prefix, fn, x, options),
    )


def assert_prefix_equivalent(
    fn: SequenceMap,
    x: Tensor,
    *,
    lengths: Literal["all"] | Iterable[int] = "all",
    atol: float = 0.0,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
) -> PrefixReport:
    """Raise unless ``check_prefix`` with the same arguments passes; return its report.

    INCONCLUSIVE does not pass.

    Raises:
        CausalityError: an ``AssertionError`` with the report; it names prefix, position, size and the call
            that repeats it.
        InvalidArgument: the call is wrong; nothing was checked.
    """
    report = check_prefix(fn, x, lengths=lengths, atol=atol, seq_dim=seq_dim, batch_dim=batch_dim)
    if not report.ok:
        counts = [f"{report.differing} of {len(report.lengths)} prefixes differ"] if report.differing else []
        allowed = f"absolute difference {atol:g}" if atol else "equal bits"
        raise failure("assert_prefix_equivalent", report, counts, allowed)
    return report


class _Comparison:
    """The whole sequence and its prefixes, at the precision given and, where needed, at another."""

    def __init__(self, fn: SequenceMap, x: Tensor, axes: Axes, lengths: tuple[int, ...]) -> None:
        self._fn, self._x, self._axes, self._lengths = fn, x, axes, lengths
        self._whole = self._run(x)
        self._promoted: dict[torch.dtype, tuple[list[Mismatch], AtPrecision] | str] = {}
        found = (
            proves_nothing(self._whole, axes)
            or unsteady(lambda: self._run(x), self._whole)
            or self._compare(x, self._whole)
        )
        self._problem = found if isinstance(found, str) else None
        self.mismatches = [] if isinstance(found, str) else found

    @property
    def scale(self) -> float:
        """Greatest absolute output of the whole sequence."""
        return self._whole.cpu().double().abs().max().item()

    def judge(self, atol: float) -> Judgement:
        """Judge the greatest difference; one of at most ``atol`` is tolerated."""
        if self._problem is not None:
            return Judgement(Verdict.INCONCLUSIVE, self._problem)
        residue = _greatest(self.mismatches)
        if residue == 0:
            return Judgement(Verdict.CAUSAL, "every prefix is reproduced bit for bit")
        if residue <= atol:
            return Judgement(Verdict.TOLERATED, f"{residue:.2e}, within the tolerance {atol:.2e}")
        return judge(residue, self.scale, self._x.dtype, self._rerun, self._equal_bits_at_equal_shapes)

    def worst(self, judgement: Judgement) -> Mismatch | None:
        """Return the greatest mismatch; when the verdict did not pass, of float64 where that has one."""
        decisive = self.mismatches
        if judgement.seen_in_float64 and not judgement.verdict.passed:
            promoted = self._promoted[torch.float64]
            assert not isinstance(promoted, str)
            decisive, _ = promoted
        return max(decisive, key=lambda mismatch: mismatch.size, default=None)

    def _rerun(self, dtype: torch.dtype) -> Rerun | str:
        if dtype not in self._promoted:
            self._promoted[dtype] = self._compare_at(dtype)
        found = self._promoted[dtype]
        if isinstance(found, str):
            return f"run in {dtype_name(dtype)}, {found}"
        mismatches, mode = found
        return Rerun(_greatest(mismatches), mode.coarsest, frozenset(mode.unreached))

    def _compare_at(self, dtype: torch.dtype) -> tuple[list[Mismatch], AtPrecision] | str:
        """Compare at another precision, or say why that says nothing about ``fn`` as it was given."""
        mode = AtPrecision(dtype)
        try:
            x = self._x.to(dtype)
            whole = self._run(x, mode=mode)
            if not same_function(self._whole, whole, coarser(self._x.dtype, mode.coarsest)):
                return "fn returns other outputs, beyond rounding"
            found = self._compare(x, whole, mode)
        except Exception as error:  # whatever fn raises at a precision it was not written for
            return f"fn raised {type(error).__name__}: {error}"
        return found if isinstance(found, str) else (found, mode)

    def _run(self, x: Tensor, call: str = "fn(x)", mode: AtPrecision | None = None) -> Tensor:
        with torch.no_grad(), mode or nullcontext():
            y = self._fn(x.clone())  # a copy, because fn may write into its argument
        return check_output("check_prefix", y, x, self._axes, call)

    def _prefix(self, tensor: Tensor, length: int) -> Tensor:
        return tensor.narrow(self._axes.find("seq", tensor), 0, length)

    def _compare(self, x: Tensor, whole: Tensor, mode: AtPrecision | None = None) -> list[Mismatch] | str:
        """Return the prefixes that differ from ``whole``, or why one of them proves nothing."""
        mismatches = []
        for k in self._lengths:
            call = f"fn(x[:k]) with k={k}"
            try:
                part = self._run(self._prefix(x, k), call, mode)
            except Exception as error:
                error.add_note(f"raised by {call}; choose lengths= that fn accepts")
                raise
            expected = self._prefix(whole, k)
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
        return mismatches

    def _mismatch(self, k: int, part: Tensor, expected: Tensor) -> Mismatch:
        difference = _difference(part, expected)
        index = tuple(int(i) for i in torch.unravel_index(difference.argmax(), difference.shape))
        example, t, channel = self._axes.place(index)
        return Mismatch(
            length=k,
            index=index,
            example=example,
            t=t,
            channel=channel,
            size=difference[index].item(),
            count=int(difference.count_nonzero()),
            entries=difference.numel(),
        )

    def _equal_bits_at_equal_shapes(self) -> bool:
        """Whether no differing prefix changes a bit when the future behind it is replaced."""
        for mismatch in self.mismatches:
            k = mismatch.length
            x = self._x.clone()
            future = x.narrow(self._axes.find("seq", x), k, x.shape[self._axes.seq] - k)
            future.copy_(1 + 2 * x.abs().max() - future)  # differs from the future in every entry
            y = self._run(x, f"fn(x) with the future of k={k} replaced")
            if not torch.equal(self._prefix(y, k), self._prefix(self._whole, k)):
                return False
        return True


def _difference(a: Tensor, b: Tensor) -> Tensor:
    return (a.cpu().double() - b.cpu().double()).abs()


def _greatest(mismatches: list[Mismatch]) -> float:
    return max((mismatch.size for mismatch in mismatches), default=0.0)


def _check_lengths(lengths: Literal["all"] | Iterable[int], T: int) -> tuple[int, ...]:
    if isinstance(lengths, str) and lengths == "all":
        return tuple(range(1, T))
    chosen = tuple(lengths) if isinstance(lengths, Iterable) and not isinstance(lengths, str) else ()
    if not chosen or not all(isinstance(k, int) and 1 <= k < T for k in chosen):
        raise InvalidArgument(
            f"check_prefix: lengths must be 'all' or whole numbers k with 1 <= k < T = {T}, got {lengths!r}."
        )
    return chosen
