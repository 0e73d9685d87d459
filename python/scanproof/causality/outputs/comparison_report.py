"""What reports of a comparison of outputs have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from scanproof.causality.diagnosis.origin import Where
from scanproof.causality.diagnosis.pattern import Shape
from scanproof.foundation.drawing import TriedInput, inputs_lines, over_inputs
from scanproof.foundation.judgement import TwoPrecisions
from scanproof.report.report import Report
from scanproof.report.table import Row
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class ComparisonReport(Report, ABC):
    """A comparison at the given input, and at others drawn from it.

    Attributes:
        verdict: the outcome over all inputs.
        reason: what led to it.
        worst: the greatest difference; None when nothing differed or nothing was compared.
        where: the module that lets it in; None without a LEAK.
        seed: ``torch.Generator().manual_seed(seed)`` repeats the same random numbers.
        dtype: dtype of ``x``.
        device: device of ``x``.
        call: the call that repeats the check.
        inputs: the inputs that were tried, the given one first. Where the last of several leaks, everything
            else in the report is about that one, else about the given one.
        theorem: what the property rests on.
    """

    check: ClassVar[str]

    verdict: Verdict
    reason: str
    worst: object | None
    where: Where | None
    seed: int
    dtype: str
    device: str
    call: str
    inputs: tuple[TriedInput, ...] = ()
    theorem: str

    @property
    def ok(self) -> bool:
        """Whether the verdict passed."""
        return self.verdict.passed

    def with_inputs(self, inputs: tuple[TriedInput, ...]) -> Self:
        """Return the report with the inputs that were tried, and the verdict over all of them."""
        verdict, reason = over_inputs(self.verdict, self.reason, inputs)
        return replace(self, inputs=inputs, verdict=verdict, reason=reason)

    def summary(self) -> str:
        """Return a few lines that say what was compared, what was found and what it rests on."""
        lines = [self._title(), f"  verdict    : {self.verdict.name}: {self.reason}", *self._details()]
        lines.extend(f"  {name:<11}: {found}" for name, found in self._places().items() if found)
        lines.extend(inputs_lines(self.inputs))
        compared = f"{self._compared()}{self._calls()}; {self.dtype} on {self.device}, seed {self.seed}"
        lines.append(f"  compared   : {compared}")
        lines.append(f"  theorem    : {self.theorem}")
        return "\n".join(lines)

    def row(self, subject: str) -> Row:
        """Return the report as a row of ``scanproof.table``."""
        return Row(
            subject=subject,
            check=self.check,
            verdict=self.verdict,
            evidence="; ".join([*self._evidence(), self._compared()]),
            theorem=self.theorem,
        )

    def _evidence(self) -> list[str]:
        if self.worst is None or self.ok:
            return [self.reason]
        return [str(self.worst), *([f"enters in {self.where}"] if self.where else [])]

    def _places(self) -> Mapping[str, object | None]:
        return {"worst": self.worst, "enters in": self.where}

    def _details(self) -> list[str]:
        return []

    def _calls(self) -> str:
        return ""

    @abstractmethod
    def _title(self) -> str:
        """Name the check and what it was made with."""

    @abstractmethod
    def _compared(self) -> str:
        """Say how much was compared."""


@dataclass(frozen=True, kw_only=True)
class SequenceReport(ComparisonReport):
    """A comparison of outputs with what they are when later inputs change.

    Attributes:
        T: number of positions of the whole sequence.
        shape: the shape of the leakage over pairs t <- s, from changing one position at a time; None without
            a LEAK, and where that alone changes nothing.
        differing: number of comparisons in which an earlier output differed.
        evidence: the greatest difference at two precisions; None where one was enough.
    """

    T: int
    shape: Shape | None
    differing: int
    evidence: TwoPrecisions | None

    def _places(self) -> Mapping[str, object | None]:
        return {"worst": self.worst, "shape": self.shape, "enters in": self.where}

    def _evidence(self) -> list[str]:
        pattern = [str(self.shape.pattern)] if self.shape and self.shape.pattern else []
        first, *rest = super()._evidence()
        return [first, *pattern, *rest]
