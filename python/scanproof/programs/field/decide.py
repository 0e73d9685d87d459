"""Whether two computations are equal at drawn points, and how sure this is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import torch
from torch import Tensor

from scanproof import theorems
from scanproof.programs.field.pair import Complex, Lost, Pair, parts_of
from scanproof.programs.field.residues import Side
from scanproof.report.verdict import Verdict

WRONG = Fraction(1, 10**15)
"""Points are drawn until EQUAL is wrong with at most this probability."""

MOST = 16
"""Points that are drawn at most; a degree that needs more is not decided."""

LISTED = 5
"""Operations that the text of a report names; the fields hold all."""

Both: TypeAlias = tuple[Mapping[str, Pair | Complex], Mapping[str, Pair | Complex]]
"""The outputs of both computations at a point, by their names."""


def theorem_of(verdict: Verdict) -> str:
    """Return the theorem behind a verdict over finite fields; ``"none: …"`` if nothing was decided."""
    if verdict is Verdict.EQUAL:
        return theorems.RANDOM_POINTS_ALL
    return theorems.SAME_EXPRESSIONS if verdict is Verdict.DIFFERENT else "none: nothing was decided"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the points show.

    Attributes:
        verdict: EQUAL, DIFFERENT or INCONCLUSIVE.
        reason: what led to the verdict.
        fields: the number of elements of the field of each point.
        degree: the difference has at most this degree; None if it was not computed.
        probability: two functions of this degree that differ agree at all points with at most this
            probability; None without EQUAL.
        opaque: functions of which no law was used, such as ``log``.
        undecided: why outputs have no residues.
        differing: the entries that differ, by the names of the outputs.
    """

    verdict: Verdict
    reason: str
    fields: tuple[int, ...]
    degree: int | None
    probability: float | None
    opaque: frozenset[str]
    undecided: tuple[str, ...]
    differing: Mapping[str, Tensor]

    @classmethod
    def left(cls, reasons: Sequence[str]) -> "Decision":
        """Return INCONCLUSIVE, where no point was drawn."""
        return cls(
            verdict=Verdict.INCONCLUSIVE,
            reason="; ".join(reasons[:LISTED]),
            fields=(),
            degree=None,
            probability=None,
            opaque=frozenset(),
            undecided=tuple(reasons),
            differing={},
        )


def decide(
    at_point: Callable[[int], tuple[Both, int, int]], confirmed: Callable[[Mapping[str, Tensor]], str]
) -> Decision:
    """Draw points until the verdict is clear.

    Args:
        at_point: runs both computations at the point of a number; returns the outputs, and the numbers of
            elements of both fields, the greater one first.
        confirmed: takes entries that differ, but may be equal by a law of a function of which no law is used.
            Returns how floats show that these entries differ; empty if floats do not show it.
    """
    judge, wrong = _Judge(), Fraction(1)
    for number in range(MOST):
        both, field, exponents = at_point(number)
        judge.fields.append(field)
        judge.compare(*both)
        missed = Fraction(judge.degree, exponents)
        if judge.sure or judge.suspected or judge.undecided or missed**MOST >= WRONG:
            break
        wrong *= min(missed, Fraction(1))
        if wrong < WRONG and number:
            return judge.equal(wrong)
    return judge.ended(confirmed)


class _Judge:
    def __init__(self) -> None:
        self.fields: list[int] = []
        self.degree = 0
        self.opaque: frozenset[str] = frozenset()
        self.undecided: dict[str, None] = {}
        self.sure: dict[str, Tensor] = {}
        self.suspected: dict[str, Tensor] = {}
        self._laws: frozenset[str] = frozenset()

    def compare(self, f: Mapping[str, Pair | Complex], g: Mapping[str, Pair | Complex]) -> None:
        """Compare all outputs at a point."""
        for name, one, other in _paired(f, g):
            self.opaque |= one.opaque | other.opaque
            for side in (one.value, other.value):
                if isinstance(side, Lost):
                    self.undecided[side.why] = None
            if not (isinstance(one.value, Side) and isinstance(other.value, Side)):
                continue
            self.degree = max(self.degree, _degree(one.value, other.value))
            unequal = _unequal(one.value, other.value)
            if unequal.any():
                laws = one.opaque | other.opaque
                self._laws |= laws
                (self.suspected if laws else self.sure)[name] = unequal

    def equal(self, wrong: Fraction) -> Decision:
        """Return EQUAL."""
        reason = (
            f"equal at {len(self.fields)} random points of fields with at least {min(self.fields)} elements; "
            f"functions that differ there, by degree {self.degree}, agree at all points with probability at "
            f"most {wrong_text(wrong)}"
        )
        return self._decision(Verdict.EQUAL, reason, probability=float(wrong))

    def ended(self, confirmed: Callable[[Mapping[str, Tensor]], str]) -> Decision:
        """Return DIFFERENT or INCONCLUSIVE."""
        if self.sure:
            reason = "entries differ at a random point of a field, where nothing rounds"
            return self._decision(Verdict.DIFFERENT, reason, differing=self.sure)
        if self.suspected:
            laws = ", ".join(sorted(self._laws))
            if shown := confirmed(self.suspected):
                reason = (
                    "entries differ at a random point of a field, where nothing rounds, but no law of"
                    f" {laws} is used; {shown}"
                )
                return self._decision(Verdict.DIFFERENT, reason, differing=self.suspected)
            self.undecided[f"entries differ unless a law of {laws} makes them equal"] = None
        elif not self.undecided:
            self.undecided[f"the degree is {self.degree}, too great for {MOST} points"] = None
        return self._decision(Verdict.INCONCLUSIVE, "; ".join([*self.undecided][:LISTED]))

    def _decision(
        self,
        verdict: Verdict,
        reason: str,
        probability: float | None = None,
        differing: Mapping[str, Tensor] | None = None,
    ) -> Decision:
        return Decision(
            verdict=verdict,
            reason=reason,
            fields=tuple(self.fields),
            degree=self.degree,
            probability=probability,
            opaque=self.opaque,
            undecided=() if verdict is not Verdict.INCONCLUSIVE else tuple(self.undecided),
            differing=differing or {},
        )


def _paired(
    f: Mapping[str, Pair | Complex], g: Mapping[str, Pair | Complex]
) -> Iterator[tuple[str, Pair, Pair]]:
    """Yield the outputs of both by their names, complex ones as two parts."""
    for name, found in f.items():
        parts = ("",) if isinstance(found, Pair) else (".real", ".imag")
        for part, one, other in zip(parts, parts_of(found), parts_of(g[name]), strict=True):
            yield name + part, one, other


def _degree(one: Side, other: Side) -> int:
    difference = one.degree.plus(other.degree)
    return difference.numerator + difference.behind


def _unequal(one: Side, other: Side) -> Tensor:
    unequal = one.values != other.values
    zero = torch.zeros((), dtype=torch.bool)
    gone, lost = (zero if side.gone is None else side.gone for side in (one, other))
    return (unequal & ~(gone & lost)) | (gone ^ lost)


def wrong_text(probability: Fraction) -> str:
    """Return a probability in two digits, rounded up."""
    if not probability:
        return "0"
    shown = f"{float(probability):.1e}"
    return shown if Fraction(shown) >= probability else f"{float(probability) * 1.1:.1e}"
