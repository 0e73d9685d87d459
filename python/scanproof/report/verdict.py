"""The outcomes a check can have."""

from collections.abc import Iterable
from enum import Enum


class Verdict(Enum):
    """Outcome of one check; the value says what it means and what to do about it."""

    CAUSAL = "no dependence on the future: every probe was zero, exactly or within its detection limit"
    CAUSAL_TO_ROUNDING = "the dependence found shrinks with the unit roundoff: rounding, not information"
    TOLERATED = "a dependence was found, and it is within the tolerance that the call asked for"
    LEAK = "an output depends on a later input or on another example; fix the pair named in the report"
    REFINES = "every output lies within the rounding bound of the Lean runner"
    REFUTED = "an output lies outside the rounding bound of the Lean runner; fix the case named in the report"
    INCONCLUSIVE = "nothing was established; the report says what to change"

    @property
    def passed(self) -> bool:
        """Whether the property held on everything that was tried."""
        return self in (Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING, Verdict.TOLERATED, Verdict.REFINES)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of several checks together: a leak outweighs what is open, and that what passed."""
    return max(verdicts, key=_GRAVITY.index)


_GRAVITY = (
    Verdict.CAUSAL,
    Verdict.REFINES,
    Verdict.CAUSAL_TO_ROUNDING,
    Verdict.TOLERATED,
    Verdict.INCONCLUSIVE,
    Verdict.LEAK,
    Verdict.REFUTED,
)
