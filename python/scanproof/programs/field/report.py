"""What ``check_same`` reports."""

from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.report.report import SingleCheckReport
from scanproof.report.verdict import Verdict

LISTED = 5
"""Operations that the text of a report names; the fields hold all."""


def theorem_of(verdict: Verdict) -> str:
    """Return the theorem behind a verdict over finite fields; ``"none: …"`` if nothing was decided."""
    if verdict is Verdict.EQUAL:
        return theorems.RANDOM_POINTS_ALL
    return theorems.SAME_EXPRESSIONS if verdict is Verdict.DIFFERENT else "none: nothing was decided"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry at which two programs differ over a field.

    Attributes:
        path: the output, by its path in the result; empty for a single tensor.
        index: where, in that output.
        count: number of entries that differ, in all outputs.
        f: the entry of ``f(x)`` in floats, as the function returned it.
        g: the entry of ``g(x)`` in floats.
    """

    path: str
    index: tuple[int, ...]
    count: int
    f: float
    g: float

    def __str__(self) -> str:
        seen = "the floats at x are equal" if self.f == self.g else f"by {abs(self.f - self.g):.3g} in floats"
        return (
            f"{self.count} entries differ; {self.path or 'result'}{list(self.index)}: "
            f"f(x) is {self.f:.17g}, g(x) is {self.g:.17g}; {seen}"
        )


@dataclass(frozen=True, kw_only=True)
class SameReport(SingleCheckReport):
    """What ``check_same`` found.

    Attributes:
        verdict: EQUAL, DIFFERENT or INCONCLUSIVE.
        reason: what led to the verdict.
        primes: the number of elements of the field of each point that was drawn.
        degree: the difference of the two programs has at most this degree; None if it was not computed.
        probability: two functions of this degree that differ agree at all points with at most this
            probability; None without EQUAL.
        exponentials: whether the probability also rests on the assumption about exponentials.
        opaque: functions of which no law was used, such as ``log``.
        undecided: the operations without a result over a field, and why; empty with EQUAL.
        branches: operations that compare floats; the answer holds where they decide as they do at ``x``.
        worst: the differing entry with the greatest difference in floats; None without DIFFERENT.
        operations: number of operations of ``f`` and of ``g``.
        parameters: number of parameters that were drawn.
        seed: repeats the check.
        dtype: dtype of the input.
        device: device of the input.
        call: the call that repeats the check.
    """

    check: ClassVar = "same"

    verdict: Verdict
    reason: str
    primes: tuple[int, ...]
    degree: int | None
    probability: float | None
    exponentials: bool
    opaque: tuple[str, ...]
    undecided: tuple[str, ...]
    branches: tuple[str, ...]
    worst: Entry | None
    operations: tuple[int, int]
    parameters: int
    seed: int
    dtype: str
    device: str
    call: str

    @property
    def theorem(self) -> str:
        """The Lean theorem that the verdict rests on."""
        return theorem_of(self.verdict)

    def failure_lines(self) -> list[str]:
        """Return what differs or is undecided, and what would have passed."""
        return [str(self.worst or self.reason), "Allowed: equal at every drawn point, without a tolerance"]

    def summary(self) -> str:
        """Return the verdict, what it rests on and where it holds."""
        lines = [
            f"Same({self.operations[0]} and {self.operations[1]} operations, "
            f"{self.parameters} parameters drawn, {self.dtype} on {self.device}, seed {self.seed})",
            f"  verdict  : {self.verdict.name}: {self.verdict.value}",
            f"  reason   : {self.reason}",
        ]
        if self.worst:
            lines.append(f"  entries  : {self.worst}")
        if self.exponentials and self.probability is not None:
            lines.append("  assumes  : exponentials of different exponents are as good as independent draws")
        if self.opaque:
            lines.append(
                f"  no laws  : {', '.join(self.opaque)} taken as pseudo-random, the same on both sides"
            )
        if self.branches:
            lines.append(f"  branches : as at x: {_listed(self.branches)}")
        lines.append(f"  theorem  : {self.theorem}")
        return "\n".join(lines)

    def _evidence(self) -> str:
        return str(self.worst) if self.worst else self.reason


def _listed(texts: tuple[str, ...]) -> str:
    more = f"; and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return "; ".join(texts[:LISTED]) + more
