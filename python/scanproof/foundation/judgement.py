"""Where numbers become a verdict: one table for all checks that look for a dependence.

A check measures a *residue*: the greatest gradient, or the greatest change of an output, that should be zero.
``RULES`` is the table. Its first rule that holds gives the verdict.

No relative tolerance decides. A residue is *rounding* only on the evidence of the same probe at two
precisions: the dtype of the call, or float32 in place of float64, and float64 throughout
(``scanproof.foundation.precision``).

1. The residue shrinks. float64 has at least 29 bits more than float32, and the residue must shrink by at
   least 20 bits. Rounding errors are proportional to the unit roundoff; information is not. The other 9 bits
   allow for kernels of different accuracy: in FFT convolutions with up to 401 positions, the residue of prime
   lengths shrank by only 23 bits.
2. The residue is still there in float64. If it vanishes, the function may run different code for each dtype.
   Sums of numbers with few digits are exact in float64. So where float64 has no residue, the check runs again
   with random digits appended to ``x``.
3. The residue is small: at most ``sqrt(u) * scale``, half the digits of the lowest precision met.
4. Both precisions ran the same function: the outputs agree to half the digits of the lowest precision met.

Two more cases are rounding. First: only float64 has a residue, the residue is no greater than the rounding of
float64, and other evidence of the check confirms it. Second: both residues are a few ulps of the greatest
entry, and they differ in size. Information has the same size in both precisions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, isinf, sqrt
from typing import Literal

import torch
from torch import Tensor

from scanproof.foundation.precision import AtPrecision, unit_roundoff
from scanproof.report.verdict import Verdict

SHRINKAGE = 2.0**-20
"""Rounding shrinks to at most this share of its size when the precision is raised to float64."""

FLOAT64_ROUNDING = 2.0**9 * unit_roundoff(torch.float64)
"""The residue that float64 may have where float32 has none: another shape may choose another kernel."""

FEW_ULPS = 4
ONE_SIZE = 16
"""Information has the same size in both precisions, up to this many times ``sqrt(u)`` of the lower one."""

MOSTLY_GONE = 0.25
"""At a drawn input, whose magnitudes differ widely, a leak must keep this share of its size in float64."""


@dataclass(frozen=True)
class TwoPrecisions:
    """The greatest forbidden entry of the same probe at two precisions.

    Attributes:
        low_dtype: the lower precision: that of ``x``, or float32 where that is float64.
        low: the entry in it.
        high: the entry in float64.
    """

    low_dtype: str
    low: float
    high: float

    @property
    def shrinks(self) -> bool:
        """Whether the residue shrinks to ``SHRINKAGE`` of its size or less, as rounding does."""
        return self.high <= SHRINKAGE * self.low

    def is_noise(self, scale: float) -> bool:
        """Whether each residue is a few ulps of the greatest entry at most, and they differ in size."""
        dtype: torch.dtype = getattr(torch, self.low_dtype)
        low, high = (2 * FEW_ULPS * unit_roundoff(one) * scale for one in (dtype, torch.float64))
        apart = abs(self.low - self.high) > ONE_SIZE * half_the_digits(dtype) * max(self.low, self.high)
        return self.low <= low and self.high <= high and apart

    def __str__(self) -> str:
        return f"{self.low:.2e} in {self.low_dtype}, {self.high:.2e} in float64"


@dataclass(frozen=True)
class Judgement:
    """A verdict with what led to it.

    Attributes:
        verdict: the verdict.
        reason: what led to it.
        evidence: the residue in two precisions; None if one was enough.
        theorem: the Lean theorem behind a verdict over finite fields; empty if floats decided.
    """

    verdict: Verdict
    reason: str
    evidence: TwoPrecisions | None = None
    theorem: str = ""

    @property
    def seen_in_float64(self) -> bool:
        """Whether the check ran in float64 and found the residue there, where rounding is smallest."""
        return self.evidence is not None and self.evidence.high > 0


def dtype_name(dtype: torch.dtype) -> str:
    """Return the name without its module, ``float32``."""
    return str(dtype).removeprefix("torch.")


@dataclass(frozen=True)
class Rerun:
    """The same probe at another precision.

    Attributes:
        residue: greatest forbidden entry.
        coarsest: the lowest precision in which anything was computed.
        unreached: operations that returned a lower precision than that of their arguments.
    """

    residue: float
    coarsest: torch.dtype
    unreached: frozenset[str]


def coarser(a: torch.dtype, b: torch.dtype) -> torch.dtype:
    """Return the dtype of lower precision."""
    return max(a, b, key=unit_roundoff)


def half_the_digits(dtype: torch.dtype) -> float:
    """Return the relative error that takes half the significand of ``dtype``, sqrt(u)."""
    return sqrt(unit_roundoff(dtype))


def same_function(given: Tensor, other: Tensor, coarsest: torch.dtype) -> bool:
    """Whether the outputs of two runs agree to half the digits of ``coarsest``."""
    a, b = given.detach().double(), other.detach().double()
    return bool((a - b).abs().max() <= half_the_digits(coarsest) * b.abs().max())


def rerun_at(dtype: torch.dtype, repeat: Callable[[AtPrecision], Rerun | str]) -> Rerun | str:
    """Repeat the probe at another precision; if float64 finds nothing, again with digits appended to x."""
    found = repeat(AtPrecision(dtype))
    if isinstance(found, Rerun) and not isfinite(found.residue):
        return f"run in {dtype_name(dtype)}, outputs are not finite"
    if dtype != torch.float64 or isinstance(found, str) or found.residue:
        return found
    longer = repeat(AtPrecision(dtype, all_digits=True))
    return found if isinstance(longer, str) else longer


@dataclass(frozen=True)
class Outcomes:
    """The verdicts of one property: exactly true, true up to rounding, and refuted."""

    exact: Verdict
    rounding: Verdict
    found: Verdict


CAUSALITY = Outcomes(Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING, Verdict.LEAK)
INDEPENDENCE = Outcomes(Verdict.INDEPENDENT, Verdict.INDEPENDENT_TO_ROUNDING, Verdict.LEAK)
STREAMING = Outcomes(Verdict.STREAMS, Verdict.STREAMS, Verdict.DIVERGES)


def _no() -> bool:
    return False


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What a check measured, and functions that measure more when a rule asks; each runs at most once.

    Attributes:
        outcomes: the verdicts of the property.
        residue: greatest entry that should be zero.
        scale: greatest entry of the same quantity.
        dtype: what the check ran in.
        rerun: makes the same probe at the precision named, or says why that is impossible.
        exact: the reason of the verdict if the residue is zero.
        problem: why the measurement supports no verdict; None if it does.
        share: the number that is compared with ``tolerance``.
        tolerance: the share that the call allows; 0 allows none.
        tolerated: the reason of the verdict if ``share`` is within the tolerance.
        not_finite: the reason of the verdict if the residue is infinite.
        confirms_vanished: called if one precision has no residue; true if other evidence shows that the
            residue of the other precision is rounding.
        length_alone: called for a small residue that does not shrink; true if only the length of the input
            can cause it.
        tables: the error in float64 that comes from tables which the model stores in float32; 0 without such
            tables.
        drawn: whether the input was drawn.
        stopped: what ended the comparison early; None if it is complete.
        exactly: called for a finite residue that no other rule decides; tells what finite fields show, where
            nothing rounds.
        pieces: called for a residue that counts as rounding; tells what is left of it in float64 when the
            casts to half precision that only the run in pieces makes are kept; None without such casts.
    """

    outcomes: Outcomes
    residue: float = 0.0
    scale: float = 1.0
    dtype: torch.dtype = torch.float32
    rerun: Callable[[torch.dtype], "Rerun | str"] = lambda _: "nothing to run again"
    exact: str = ""
    problem: str | None = None
    share: float = inf
    tolerance: float = 0.0
    tolerated: str = ""
    not_finite: str = "an entry is NaN or infinite"
    confirms_vanished: Callable[[], bool] = _no
    length_alone: Callable[["TwoPrecisions"], bool] = lambda _: False
    tables: float = 0.0
    drawn: bool = False
    stopped: str | None = None
    exactly: Callable[[], "Exactly"] = lambda: Exactly(False, False, "", "")
    pieces: Callable[[], "Pieces | None"] = lambda: None

    @cached_property
    def high(self) -> "Rerun | str":
        """The probe in float64."""
        return self.rerun(torch.float64)

    @cached_property
    def low(self) -> "Rerun | str":
        """The probe in the lower precision: that of the call, or float32 where that is float64."""
        if self.dtype == torch.float64:
            return self.rerun(torch.float32)
        return Rerun(self.residue, self.dtype, frozenset())

    @cached_property
    def obstacle(self) -> str | None:
        """Why there are not two precisions to compare; None where there are."""
        if isinstance(self.high, str):
            return self.high
        return self.low if isinstance(self.low, str) else None

    @cached_property
    def evidence(self) -> "TwoPrecisions":
        """The residue in both precisions."""
        low, high = self._runs
        name = dtype_name(torch.float32 if self.dtype == torch.float64 else self.dtype)
        return TwoPrecisions(name, low.residue, high.residue)

    @property
    def _runs(self) -> "tuple[Rerun, Rerun]":
        assert isinstance(self.low, Rerun)
        assert isinstance(self.high, Rerun)
        return self.low, self.high

    @property
    def coarsest(self) -> torch.dtype:
        """The lowest precision in which anything was computed."""
        low, high = self._runs
        return coarser(low.coarsest, high.coarsest)

    @property
    def small(self) -> bool:
        """Whether the residue is at most half the digits of the lowest precision met."""
        return self.residue <= half_the_digits(self.coarsest) * self.scale

    @property
    def unreached(self) -> list[str]:
        """Operations that returned a lower precision than the float64 of their arguments."""
        return sorted(self._runs[1].unreached)

    @property
    def stays_unreached(self) -> bool:
        """Whether the residue is small and does not shrink, and some operation never ran in float64."""
        return bool(not self.evidence.shrinks and self.small and self.unreached)

    @property
    def in_float64_alone(self) -> bool:
        """Whether only float64 has a residue, and the residue is no greater than the rounding of float64."""
        return self.evidence.low == 0 and self.evidence.high <= FLOAT64_ROUNDING * self.scale

    @cached_property
    def confirmed(self) -> bool:
        """What ``confirms_vanished`` answers."""
        return self.confirms_vanished()

    @property
    def vanishes(self) -> bool:
        """Whether float64 has no residue, and no other evidence shows that the residue is rounding."""
        return self.evidence.high == 0 and not self.confirmed

    @cached_property
    def rounding(self) -> str | None:
        """Why the residue is rounding; None where it is not shown to be."""
        if self.stays_unreached:
            return None
        if self.in_float64_alone:
            return "it is within the rounding of float64" if self.confirmed else None
        if not self.evidence.shrinks:
            noise = "both are a few ulps of the greatest entry, and they differ in size"
            return noise if self.evidence.is_noise(self.scale) else None
        return None if self.vanishes or not self.small else "it shrinks with the unit roundoff"

    @cached_property
    def kept(self) -> "Pieces | None":
        """What ``pieces`` answers."""
        return self.pieces()

    @property
    def size(self) -> str:
        """The residue in words."""
        return f"{self.residue:.2e} of {self.scale:.2e} in {dtype_name(self.dtype)}"


@dataclass(frozen=True)
class Exactly:
    """What finite fields show of the runs that leave a residue.

    Attributes:
        equal: whether both runs are the same function of the input and the parameters.
        different: whether they are different functions, by more than rounded constants explain.
        reason: how this was shown.
        theorem: the Lean theorem behind it.
    """

    equal: bool
    different: bool
    reason: str
    theorem: str


@dataclass(frozen=True)
class Pieces:
    """The residue in float64 when the casts that only the run in pieces makes are kept.

    Attributes:
        dtypes: the dtypes of these casts, in words.
        residue: the residue; or why it is unknown.
    """

    dtypes: str
    residue: float | str


RuleVerdict = Verdict | Literal["exact", "rounding", "found", "by size"]


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        name: the rule in a few words.
        verdict: the verdict, or one of the verdicts of the property. ``"by size"`` is a finding if the
            residue is more than half the digits of bfloat16, and INCONCLUSIVE otherwise.
        holds: whether the rule applies.
        reason: the reason that the report gives.
        two_precisions: whether the report shows the residue in two precisions.
    """

    name: str
    verdict: RuleVerdict
    holds: Callable[[Measured], bool]
    reason: Callable[[Measured], str]
    two_precisions: bool = True


RULES: tuple[Rule, ...] = (
    Rule(
        "nothing to judge",
        Verdict.INCONCLUSIVE,
        lambda m: m.problem is not None,
        lambda m: str(m.problem),
        False,
    ),
    Rule(
        "ended early, no residue",
        Verdict.INCONCLUSIVE,
        lambda m: m.residue == 0 and m.stopped is not None,
        lambda m: str(m.stopped),
        False,
    ),
    Rule("exactly zero", "exact", lambda m: m.residue == 0, lambda m: m.exact, False),
    Rule(
        "within the tolerance",
        Verdict.TOLERATED,
        lambda m: 0 < m.share <= m.tolerance,
        lambda m: m.tolerated,
        False,
    ),
    Rule("not finite", "found", lambda m: isinf(m.residue), lambda m: m.not_finite, False),
    Rule(
        "one precision only",
        "by size",
        lambda m: m.obstacle is not None,
        lambda m: f"{m.size}, and no second precision to tell rounding from information: {m.obstacle}",
        False,
    ),
    Rule(
        "pieces round to half precision",
        "found",
        lambda m: m.rounding is not None and m.kept is not None and _stays(m, m.kept),
        lambda m: _kept(m),
    ),
    Rule(
        "pieces round to half precision, unknown how far",
        Verdict.INCONCLUSIVE,
        lambda m: m.rounding is not None and m.kept is not None and isinstance(m.kept.residue, str),
        lambda m: _kept(m),
    ),
    Rule(
        "ended early, rounding so far",
        Verdict.INCONCLUSIVE,
        lambda m: m.rounding is not None and m.stopped is not None,
        lambda m: str(m.stopped),
    ),
    Rule("rounding", "rounding", lambda m: m.rounding is not None, lambda m: f"{m.evidence}: {m.rounding}"),
    Rule(
        "an operation never ran in float64",
        Verdict.INCONCLUSIVE,
        lambda m: m.stays_unreached,
        lambda m: (
            f"{m.evidence}: it does not shrink, but {', '.join(m.unreached)} returns a lower precision than "
            "the float64 it is given; check fn without that operation"
        ),
    ),
    Rule(
        "a residue in float64 alone, not confirmed",
        Verdict.INCONCLUSIVE,
        lambda m: m.in_float64_alone,
        lambda m: (
            f"{m.evidence}: it is within the rounding of float64, but float32 should round as well; pass "
            "another x"
        ),
    ),
    Rule(
        "only the length can cause it",
        Verdict.INCONCLUSIVE,
        lambda m: not m.evidence.shrinks and m.length_alone(m.evidence),
        lambda m: (
            f"{m.evidence}: it does not shrink as rounding does, but no bit of the past changes when the "
            "future is replaced at the same length; look for a dependence on the length alone, or pass an x "
            "whose magnitudes differ less"
        ),
    ),
    Rule(
        "as large as rounded tables",
        Verdict.INCONCLUSIVE,
        lambda m: not m.evidence.shrinks and 0 < m.evidence.high <= m.tables,
        lambda m: f"{m.evidence}: tables that the model stores in float32 can cause an error of this size",
    ),
    Rule(
        "mostly gone in float64, at a drawn input",
        Verdict.INCONCLUSIVE,
        lambda m: m.drawn and m.evidence.high < MOSTLY_GONE * m.evidence.low and _would_be_found(m),
        lambda m: f"{m.evidence}: too little is left in float64 to tell it from rounding at this input",
    ),
    Rule(
        "information",
        "found",
        lambda m: not m.evidence.shrinks,
        lambda m: (
            f"{m.evidence}: it does not shrink with the unit roundoff, so it is information, not rounding"
        ),
    ),
    Rule(
        "gone in float64",
        "by size",
        lambda m: m.vanishes,
        lambda m: (
            f"{m.evidence}: rounding would leave a residue in both, so the two may run different code; check "
            f"the code path of {m.evidence.low_dtype}, or pass more positions"
        ),
    ),
    Rule(
        "shrinks, and is large",
        Verdict.INCONCLUSIVE,
        lambda m: True,
        lambda m: (
            f"{m.evidence}, of {m.scale:.2e}: it shrinks with the unit roundoff but is more than half the "
            f"digits of {dtype_name(m.coarsest)}, so fn is unstable at this x; check it in float64"
        ),
    ),
)
"""The table: the first rule that holds gives the verdict."""


def judge(measured: Measured) -> Judgement:
    """Return the verdict of the first rule that holds, and its reason."""
    rule = next(rule for rule in RULES if rule.holds(measured))
    verdict, theorem = _verdict(rule.verdict, measured), ""
    reason = rule.reason(measured)
    if measured.stopped and reason != measured.stopped:
        reason = f"{reason}; after that {measured.stopped}"
    if verdict is Verdict.INCONCLUSIVE and measured.problem is None and measured.residue:
        found = measured.exactly()
        if found.equal and not measured.stopped:
            verdict, theorem = measured.outcomes.rounding, found.theorem
            reason = f"{found.reason}, so the residue is rounding; {reason}"
        elif found.different:
            verdict, theorem = measured.outcomes.found, found.theorem
            reason = f"{found.reason}; {reason}"
    return Judgement(verdict, reason, _evidence(rule, measured), theorem)


def _verdict(named: RuleVerdict, measured: Measured) -> Verdict:
    if isinstance(named, Verdict):
        return named
    if named == "by size":
        large = measured.residue > half_the_digits(torch.bfloat16) * measured.scale
        return measured.outcomes.found if large else Verdict.INCONCLUSIVE
    return {
        "exact": measured.outcomes.exact,
        "rounding": measured.outcomes.rounding,
        "found": measured.outcomes.found,
    }[named]


def _evidence(rule: Rule, measured: Measured) -> TwoPrecisions | None:
    if not rule.two_precisions:
        return None
    kept = measured.kept if rule.verdict == "found" and measured.rounding is not None else None
    if kept is not None and isinstance(kept.residue, float):
        return _with(measured.evidence, kept.residue)
    return measured.evidence


def _with(evidence: TwoPrecisions, high: float) -> TwoPrecisions:
    return TwoPrecisions(evidence.low_dtype, evidence.low, high)


def _stays(measured: Measured, kept: Pieces) -> bool:
    return isinstance(kept.residue, float) and not _with(measured.evidence, kept.residue).shrinks


def _kept(measured: Measured) -> str:
    kept = measured.kept
    assert kept is not None
    if isinstance(kept.residue, str):
        return (
            f"only the run in pieces rounds to {kept.dtypes}, and with that cast kept there is no second "
            f"precision: {kept.residue}"
        )
    return (
        f"{_with(measured.evidence, kept.residue)} with casts to {kept.dtypes} kept: the run in pieces "
        "rounds to that, and the run in one pass does not"
    )


def _would_be_found(measured: Measured) -> bool:
    return not measured.evidence.shrinks or measured.vanishes
