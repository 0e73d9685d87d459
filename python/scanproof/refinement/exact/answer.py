"""What the exact answer reports."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.programs.field.decide import Decision
from scanproof.report.verdict import Verdict

LISTED = 4
"""Reasons and branches that the text of a report names; the fields hold all."""


@dataclass(frozen=True, kw_only=True)
class Differing:
    """An entry at which the formulas differ.

    Attributes:
        output: the output, or the gradient at an input, such as ``"du"``.
        index: where, in that output.
        count: number of entries that differ, in all outputs.
        got: the entry of the implementation at the input, in floats.
        expected: the entry of the reference at the input, in float64.
        difference: the difference of both in float64, with all casts left out; NaN if the implementation does
            not run in float64.
        operation: the operation from which on no computed value occurs in the reference, and its line; empty
            if it was not found.
    """

    output: str
    index: tuple[int, ...]
    count: int
    got: float
    expected: float
    difference: float
    operation: str = ""

    def __str__(self) -> str:
        size = "" if self.difference != self.difference else f"; by {self.difference:.3g} in float64"
        return (
            f"{self.count} entries differ; {self.output}{list(self.index)}: got {self.got:.9g}, expected"
            f" {self.expected:.9g}{size}"
        )


@dataclass(frozen=True, kw_only=True)
class ExactAnswer:
    """Whether a function is the function of its spec: the first of the two answers of ``check_refinement``.

    Attributes:
        verdict: EQUAL, DIFFERENT or INCONCLUSIVE.
        reason: what led to the verdict.
        fields: the number of elements of the field of each drawn point.
        probability: two functions that differ agree at all points with at most this probability; None without
            EQUAL.
        opaque: functions of which no law was used, such as ``log``.
        branches: comparisons of the reference that were followed, each with the branches that were taken.
        drawn: the parameters of the spec that were drawn, too; the others were taken exactly.
        exact: the parameters of the spec, and the inputs that the implementation does not read, which were
            taken as the exact numbers that floats hold.
        by_lean: the outputs of the reference that the Lean definition itself computed over the fields; its
            Python twin computed the others, and all gradients.
        constants: whether rounded constants may explain the difference: every entry differs by so little.
        differing: the entry that differs most; None without DIFFERENT.
    """

    verdict: Verdict
    reason: str
    fields: tuple[int, ...] = ()
    probability: float | None = None
    opaque: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    by_lean: tuple[str, ...] = ()
    constants: bool = False
    differing: Differing | None = None

    @classmethod
    def of(cls, decision: Decision, **more: Any) -> "ExactAnswer":
        """Return what points decided, with ``more`` attributes."""
        found = {
            "verdict": decision.verdict,
            "reason": decision.reason,
            "fields": decision.fields,
            "probability": decision.probability,
            "opaque": tuple(sorted(decision.opaque)),
        }
        return cls(**{**found, **more})

    @property
    def wrong(self) -> bool:
        """Whether the formulas differ by more than rounded constants explain."""
        return self.verdict is Verdict.DIFFERENT and not self.constants

    def lines(self) -> list[str]:
        """Return a few lines for a report."""
        lines = [f"  exact     : {self.verdict.name}: {self.reason}"]
        if self.differing is not None:
            lines.append(f"              {self.differing}")
            if self.differing.operation:
                lines.append(f"              first at {self.differing.operation}")
        if self.by_lean:
            lines.append(f"              by Lean: {', '.join(self.by_lean)}")
        if self.branches:
            lines.append(f"              branches: {'; '.join(self.branches[:LISTED])}")
        if self.opaque and self.verdict is not Verdict.INCONCLUSIVE:
            lines.append(f"              no law used of {', '.join(self.opaque)}: the same on both sides")
        if self.drawn:
            lines.append(f"              parameters drawn: {', '.join(self.drawn)}")
        if self.exact:
            lines.append(f"              taken exactly: {', '.join(self.exact)}")
        return lines


def attempted(ask: Callable[[], ExactAnswer], subject: str) -> ExactAnswer:
    """Return an answer; INCONCLUSIVE if the subject cannot be recorded, or a rule raises.

    Args:
        ask: returns the answer.
        subject: what is recorded, in words.
    """
    try:
        return ask()
    except (InvalidArgument, NothingEstablished) as error:
        reason = f"{subject} cannot be recorded: {error}"
    except Exception as error:  # a program that a rule did not expect must not end the check
        reason = f"a run over a field raised {type(error).__name__}: {error}"
    return ExactAnswer(verdict=Verdict.INCONCLUSIVE, reason=f"rounding alone decides: {reason}")


LEFT_OUT = ExactAnswer(verdict=Verdict.NOT_APPLICABLE, reason="left out, by exact=False")
