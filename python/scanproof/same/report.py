"""What ``check_same`` reports."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from scanproof.foundation.drawing import TriedCase
from scanproof.programs.field.decide import LISTED, theorem_of
from scanproof.report.report import SingleCheckReport
from scanproof.report.verdict import Verdict


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
        count = "1 entry differs" if self.count == 1 else f"{self.count} entries differ"
        place = f"{self.path or 'result'}{list(self.index)}"
        return f"{count}; {place}: f(x) is {self.f:.17g}, g(x) is {self.g:.17g}; {seen}"


@dataclass(frozen=True, kw_only=True)
class SameReport(SingleCheckReport):
    """What ``check_same`` found.

    Attributes:
        verdict: EQUAL, DIFFERENT or INCONCLUSIVE.
        reason: what led to the verdict.
        x: the input of the verdict.
        source: what makes this input: ``x``, a call, or a draw; ``report.x`` holds a drawn input.
        shapes: the shapes of its tensors.
        recorded: the versions with which a side was recorded into a file; empty if both ran now.
        gradients: whether gradients were compared as well.
        cases: the inputs that were tried.
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
    x: Any = field(repr=False)
    source: str
    shapes: str
    recorded: str
    gradients: bool
    cases: tuple[TriedCase, ...]
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

    def with_cases(self, cases: tuple[TriedCase, ...]) -> Self:
        """Return the report with the inputs that were tried."""
        return replace(self, cases=cases)

    def failure_lines(self) -> list[str]:
        """Return what differs or is undecided, and what would have passed."""
        return [str(self.worst or self.reason), "Allowed: equal at every drawn point, without a tolerance"]

    def summary(self) -> str:
        """Return the verdict, what it rests on and where it holds."""
        what = "outputs and gradients, " if self.gradients else ""
        lines = [
            f"Same({what}{self.operations[0]} and {self.operations[1]} operations, "
            f"{self.parameters} parameters drawn, {self.dtype} on {self.device}, seed {self.seed})",
            f"  verdict  : {self.verdict.name}: {self.verdict.value}",
            f"  reason   : {self.reason}",
            f"  x        : {self.shapes}{'' if self.source == 'x' else f', {self.source}'}",
        ]
        if len(self.cases) > 1:
            lines.append(f"  cases    : {self._tried()}")
        if self.recorded:
            lines.append(f"  recorded : {self.recorded}")
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

    def _tried(self) -> str:
        """Count the inputs by their verdicts, and say why one is undecided."""
        counts = Counter(case.verdict.name for case in self.cases)
        text = ", ".join(f"{number} {name}" for name, number in counts.items())
        undecided = next((case for case in self.cases if not case.informative), None)
        return f"{text}; {undecided.source}: {undecided.reason}" if undecided else text

    def _evidence(self) -> str:
        return str(self.worst) if self.worst else self.reason


def _listed(texts: tuple[str, ...]) -> str:
    more = f"; and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return "; ".join(texts[:LISTED]) + more
