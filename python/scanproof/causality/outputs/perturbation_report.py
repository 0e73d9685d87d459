"""What forward perturbation reports."""

from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.causality.outputs.comparison_report import SequenceReport
from scanproof.causality.outputs.replacement import Kind


@dataclass(frozen=True, kw_only=True)
class Change:
    """An output before the cut that changed when the inputs from the cut on were replaced.

    Attributes:
        cut: the first position replaced.
        kind: what replaced the inputs.
        index: index into ``fn(x)`` of the greatest change.
        example: its example; None without a batch axis.
        t: its position.
        channel: its indices on the remaining axes.
        sources: first and last position of the range of inputs that changes this entry when only this range
            is replaced, found by halving; equal for a single position.
        size: absolute change, in the units of the output; infinite if the output became NaN or infinite.
        share: ``size`` relative to the greatest finite output of the same run.
        count: number of entries before the cut that changed.
        entries: number of entries before the cut.
        input_name: name of the input, among several, that has to be replaced; ``"x"`` for a single input, or
            if several inputs have to be replaced together.
    """

    cut: int
    kind: Kind
    index: tuple[int, ...]
    example: int | None
    t: int
    channel: tuple[int, ...]
    sources: tuple[int, int]
    size: float
    share: float
    count: int
    entries: int
    input_name: str = "x"

    def __str__(self) -> str:
        first, last = self.sources
        source = f"s={first}" if first == last else f"s={first}…{last}"
        index = ", ".join(map(str, self.index))
        return (
            f"t={self.t} <- {source}: fn(x)[{index}] changes by {self.size:.3e} when "
            f"{self.input_name}[{self.cut}:] becomes {self.kind} "
            f"({self.count} of {self.entries} earlier entries change)"
        )


@dataclass(frozen=True, kw_only=True)
class PerturbationReport(SequenceReport):
    """What ``check_perturbation`` found.

    The verdict is CAUSAL (no earlier output changed), CAUSAL_TO_ROUNDING, LEAK or INCONCLUSIVE. ``worst`` is
    the change with the greatest share, and ``evidence`` holds the greatest shares. ``differing`` counts
    replaced futures.

    Attributes:
        cuts: the cuts k: inputs from k on were replaced, outputs before k compared.
        kinds: what replaced the future.
        probes: number of pairs of a cut and a kind that changed the input.
        copies: number of futures in one call, along the batch axis.
        calls: number of calls of ``fn``.
        vocab_size: the argument of the call.
    """

    check: ClassVar = "perturbation"

    worst: Change | None
    cuts: tuple[int, ...]
    kinds: tuple[Kind, ...]
    probes: int
    copies: int
    calls: int
    vocab_size: int | None
    theorem: str = theorems.RUNNER_AGREE

    def _title(self) -> str:
        return f"Perturbation(T={self.T}, {len(self.cuts)} cuts, {', '.join(self.kinds)})"

    def _compared(self) -> str:
        return f"{self.probes} replaced futures, {self.differing} changed the past"

    def _counts(self) -> list[str]:
        count = f"{self.differing} of {self.probes} replaced futures changed an earlier output"
        return [count] if self.differing else []

    def _calls(self) -> str:
        copies = f" of {self.copies} copies" if self.copies > 1 else ""
        return f" in {self.calls} calls{copies}"
