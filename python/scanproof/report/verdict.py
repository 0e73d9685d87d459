"""The outcomes a check can have."""

from collections.abc import Iterable
from enum import Enum


class Verdict(Enum):
    """Outcome of one check; the value says what it means and what to do about it."""

    CAUSAL = "no output was seen to depend on a later input"
    CAUSAL_TO_ROUNDING = "earlier outputs change only by rounding when later inputs change"
    INDEPENDENT = "no example was seen to depend on another example of the batch"
    INDEPENDENT_TO_ROUNDING = "an example changes only by rounding when the other examples change"
    TOLERATED = "a dependence was found, and it is within the tolerance that the call allows"
    LEAK = "an output depends on a later input or on another example; the report names the pair to fix"
    REFINES = "every value lies within the rounding bound of the reference"
    REFUTED = "a value lies outside the rounding bound of the reference; the report names the case to fix"
    STREAMS = "pieces that continue from a state give the outputs of one pass, to rounding"
    DIVERGES = "pieces that continue from a state give other outputs than one pass; the report names the case"
    CLEAN = "no fault was seen in the accesses of a kernel, in the order of its programs or in its tiles"
    FAULTY = (
        "a kernel accesses memory wrongly, or a result depends on what must not matter; the report says where"
    )
    EQUAL = "the two functions are equal at random points of finite fields, where nothing rounds"
    DIFFERENT = (
        "the two functions differ at a point of a finite field, where nothing rounds; compare their formulas"
    )
    INCONCLUSIVE = "the check could not decide; the report says what to change"
    NOT_APPLICABLE = "the check does not apply to this model; the report says why"

    @property
    def passed(self) -> bool:
        """Whether the property held on everything that was tried."""
        return self in _PASSED

    @property
    def found(self) -> bool:
        """Whether a counterexample was found."""
        return self in _FOUND

    @property
    def outcome(self) -> str | None:
        """``"passed"``, ``"found"``, ``"open"``, or None if the check does not apply."""
        if self is Verdict.NOT_APPLICABLE:
            return None
        return "passed" if self.passed else "found" if self.found else "open"


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest verdict: a finding is graver than INCONCLUSIVE, which is graver than a pass."""
    return max(verdicts, key=_GRAVITY.index)


_PASSED = (
    Verdict.INDEPENDENT,
    Verdict.CAUSAL,
    Verdict.REFINES,
    Verdict.STREAMS,
    Verdict.CLEAN,
    Verdict.EQUAL,
    Verdict.INDEPENDENT_TO_ROUNDING,
    Verdict.CAUSAL_TO_ROUNDING,
    Verdict.TOLERATED,
)
_FOUND = (
    Verdict.FAULTY,
    Verdict.DIVERGES,
    Verdict.DIFFERENT,
    Verdict.LEAK,
    Verdict.REFUTED,
)
_GRAVITY = (Verdict.NOT_APPLICABLE, *_PASSED, Verdict.INCONCLUSIVE, *_FOUND)
