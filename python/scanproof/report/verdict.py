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
    STREAMS = "fed in pieces, from a state, the model returns what one pass returns, to rounding"
    DIVERGES = (
        "fed in pieces, from a state, the model returns something else than one pass; fix the case named"
    )
    INCONCLUSIVE = "nothing was established; the report says what to change"
    NOT_APPLICABLE = "the check has nothing to look at in this model; the report says why"

    @property
    def passed(self) -> bool:
        """Whether the property held on everything that was tried."""
        return self in _PASSED

    @property
    def found(self) -> bool:
        """Whether a counterexample was found."""
        return self in (Verdict.LEAK, Verdict.REFUTED, Verdict.DIVERGES)

    @property
    def outcome(self) -> str | None:
        """``"passed"``, ``"found"``, ``"open"``, or None where the check does not apply."""
        if self is Verdict.NOT_APPLICABLE:
            return None
        return "passed" if self.passed else "found" if self.found else "open"


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of several checks together: a finding outweighs the open, that what passed."""
    return max(verdicts, key=_GRAVITY.index)


_PASSED = (
    Verdict.CAUSAL,
    Verdict.REFINES,
    Verdict.STREAMS,
    Verdict.CAUSAL_TO_ROUNDING,
    Verdict.TOLERATED,
)
_GRAVITY = (
    Verdict.NOT_APPLICABLE,
    *_PASSED,
    Verdict.INCONCLUSIVE,
    Verdict.DIVERGES,
    Verdict.LEAK,
    Verdict.REFUTED,
)
