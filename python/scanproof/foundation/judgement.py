"""When a difference that is not zero may be called rounding.

No relative tolerance decides. A residue is `rounding` only on the evidence of the same probe at two
precisions: the dtype that was given, or float32 in place of float64, and float64 throughout
(``scanproof.foundation.precision``).

1. It shrinks: the step from float32 (or less) to float64, 29 bits, takes at least 20 bits off it. Rounding
   errors are proportional to the unit roundoff, information is not. 9 bits are left for kernels of different
   accuracy: of FFT convolutions with up to 401 positions, those of prime length lost only 23.
2. It is still there in float64: what vanishes altogether may come from other code that is chosen by dtype.
   Sums of short numbers are exact there, so where nothing is left ``x`` is given random digits to its end.
3. It is small: at most half the digits of the lowest precision met, ``sqrt(u) * scale``.
4. Both precisions ran the same function: the outputs agree to half the digits of the lowest precision met.

Without 1 it is a leak, unless it is small and an operation was seen to return less than the float64 it was
given, or only float64 has it and no more than its own rounding, or each precision has less than a few ulps of
the greatest entry, and not of one size: the two then rounded at different entries, of which some are tiny.
Information has one size in both. Without 2 or 4, or where another precision
cannot be run, it is a leak when it takes more than half the digits of bfloat16. In all other cases nothing is
established.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, sqrt

import torch
from torch import Tensor

from scanproof.foundation.precision import AtPrecision, unit_roundoff
from scanproof.report.verdict import Verdict

SHRINKAGE = 2.0**-20
"""What raising the precision to float64 must leave of a residue for it to count as rounding."""


FLOAT64_ROUNDING = 2.0**9 * unit_roundoff(torch.float64)
"""A share that float64 may leave where float32 happens to round nothing: other shapes, other kernels."""

FEW_ULPS = 4
ONE_SIZE = 16
"""Information has one size in both precisions, to this many times half the digits of the lower one."""


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
        """Whether the residue fell by at least ``SHRINKAGE``, as rounding does."""
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
    """A verdict with what led to it."""

    verdict: Verdict
    reason: str
    evidence: TwoPrecisions | None = None

    @property
    def seen_in_float64(self) -> bool:
        """Whether float64 was run and has the residue: there, rounding hides least of it."""
        return self.evidence is not None and self.evidence.high > 0


def dtype_name(dtype: torch.dtype) -> str:
    """Return the name without its module, ``float32``."""
    return str(dtype).removeprefix("torch.")


@dataclass(frozen=True)
class Rerun:
    """The same probe at another precision.

    Attributes:
        residue: greatest forbidden entry.
        coarsest: lowest precision met on the way.
        unreached: operations that returned less than the precision they were given.
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
    """Make the same probe at another precision by ``repeat``; once more where float64 finds nothing."""
    found = repeat(AtPrecision(dtype))
    if isinstance(found, Rerun) and not isfinite(found.residue):
        return f"run in {dtype_name(dtype)}, outputs are not finite"
    if dtype != torch.float64 or isinstance(found, str) or found.residue:
        return found
    longer = repeat(AtPrecision(dtype, all_digits=True))
    return found if isinstance(longer, str) else longer


def judge(
    residue: float,
    scale: float,
    dtype: torch.dtype,
    rerun: Callable[[torch.dtype], Rerun | str],
    confirms_vanished: Callable[[], bool] = lambda: False,
) -> Judgement:
    """Decide what a residue is.

    Args:
        residue: greatest forbidden entry at ``dtype``, greater than zero.
        scale: greatest entry of the same quantity, forbidden or not.
        dtype: what the check ran in.
        rerun: makes the same probe at the precision named, or says why there is none.
        confirms_vanished: asked when one precision has no residue at all; true when other evidence shows that
            the residue of the other is rounding.
    """
    unexplained = Verdict.LEAK if residue > half_the_digits(torch.bfloat16) * scale else Verdict.INCONCLUSIVE
    size = f"{residue:.2e} of {scale:.2e} in {dtype_name(dtype)}"

    high = rerun(torch.float64)
    if isinstance(high, str):
        return Judgement(unexplained, f"{size}, and no second precision to tell it from rounding: {high}")
    low_dtype = torch.float32 if dtype == torch.float64 else dtype
    low = rerun(low_dtype) if dtype == torch.float64 else Rerun(residue, dtype, frozenset())
    if isinstance(low, str):
        return Judgement(unexplained, f"{size}, and no second precision to tell it from rounding: {low}")

    evidence = TwoPrecisions(dtype_name(low_dtype), low.residue, high.residue)
    coarsest = coarser(low.coarsest, high.coarsest)
    small = residue <= half_the_digits(coarsest) * scale
    if not evidence.shrinks and small and high.unreached:
        return Judgement(
            Verdict.INCONCLUSIVE,
            f"{evidence}: it does not shrink, but {', '.join(sorted(high.unreached))} returns less than the "
            "float64 it is given; check fn without that operation",
            evidence,
        )
    if evidence.low == 0 and evidence.high <= FLOAT64_ROUNDING * scale:
        if confirms_vanished():
            return Judgement(
                Verdict.CAUSAL_TO_ROUNDING, f"{evidence}: within the rounding of float64", evidence
            )
        return Judgement(
            Verdict.INCONCLUSIVE,
            f"{evidence}: within the rounding of float64, which float32 would have, too; pass another x",
            evidence,
        )
    if not evidence.shrinks and evidence.is_noise(scale):
        return Judgement(
            Verdict.CAUSAL_TO_ROUNDING,
            f"{evidence}: a few ulps of the greatest entry at most, and not of one size as information is",
            evidence,
        )
    if not evidence.shrinks:
        return Judgement(
            Verdict.LEAK,
            f"{evidence}: it does not shrink with the unit roundoff, so it is information, not rounding",
            evidence,
        )
    if evidence.high == 0 and not confirms_vanished():
        return Judgement(
            unexplained,
            f"{evidence}: rounding would leave a residue in both, so the two may run different code; "
            f"check the path that {evidence.low_dtype} takes, or pass more positions",
            evidence,
        )
    if not small:
        return Judgement(
            Verdict.INCONCLUSIVE,
            f"{evidence}, of {scale:.2e}: it shrinks with the unit roundoff but takes more than half the "
            f"digits of {dtype_name(coarsest)}, so fn is unstable at this x; check it in float64",
            evidence,
        )
    return Judgement(Verdict.CAUSAL_TO_ROUNDING, f"{evidence}: it shrinks with the unit roundoff", evidence)
