"""What forward perturbation reports."""

from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.causality.comparison_report import ReportOverInputs
from scanproof.causality.evidence import TwoPrecisions
from scanproof.causality.inputs import inputs_lines
from scanproof.causality.look import Shape
from scanproof.causality.replacement import Kind
from scanproof.causality.where import Where
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Change:
    """An output before the cut that changed when the inputs from the cut on were replaced.

    Attributes:
        cut: the first position replaced.
        kind: what it was replaced with.
        index: index into ``fn(x)`` of the greatest change.
        example: its example; None without a batch axis.
        t: its position.
        channel: its indices on the remaining axes.
        sources: the first and the last input position whose replacement alone changes this entry, as narrow
            as halving could make it; equal when it is one position.
        size: absolute change, in the units of the output; infinite when the output became NaN or infinite.
        share: ``size`` relative to the greatest finite output of the same run.
        count: number of entries before the cut that changed.
        entries: number of entries before the cut.
        input_name: which of several inputs has to be replaced; ``"x"`` for one, or for several together.
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
class PerturbationReport(ReportOverInputs):
    """What ``check_perturbation`` found.

    Attributes:
        T: number of positions.
        cuts: the cuts k: inputs from k on were replaced, outputs before k compared.
        kinds: what the future was replaced with.
        verdict: CAUSAL (no earlier output changed), CAUSAL_TO_ROUNDING, LEAK or INCONCLUSIVE.
        reason: what led to it.
        worst: the change with the greatest share; None when nothing changed or nothing was compared.
        shape: the shape of the leakage, from replacing one position at a time; None without a LEAK, and where
            that alone changes nothing.
        where: the module that lets it in; None without a LEAK.
        probes: number of pairs of a cut and a kind that replaced something.
        differing: number of them that changed an earlier output.
        evidence: the greatest share at two precisions; None where one was enough.
        copies: how many futures went through one call along the batch axis.
        calls: how often ``fn`` was called.
        vocab_size: as the call gave it.
        seed: ``torch.Generator().manual_seed(seed)`` repeats the same futures.
        dtype: dtype of ``x``.
        device: device of ``x``.
        call: the call that repeats the check.
        theorem: the Lean theorem of the runners whose numeric counterpart this is.
    """

    check: ClassVar = "future perturbation"

    T: int
    cuts: tuple[int, ...]
    kinds: tuple[Kind, ...]
    verdict: Verdict
    reason: str
    worst: Change | None
    shape: Shape | None
    where: Where | None
    probes: int
    differing: int
    evidence: TwoPrecisions | None
    copies: int
    calls: int
    vocab_size: int | None
    seed: int
    dtype: str
    device: str
    call: str
    theorem: str = theorems.RUNNER_AGREE

    def summary(self) -> str:
        """Return a few lines that say what was compared, what was found and what it rests on."""
        lines = [f"FuturePerturbation(T={self.T}, {len(self.cuts)} cuts, {', '.join(self.kinds)})"]
        lines.append(f"  verdict    : {self.verdict.name}: {self.reason}")
        if self.worst:
            lines.append(f"  worst      : {self.worst}")
        if self.shape:
            lines.append(f"  shape      : {self.shape}")
        if self.where:
            lines.append(f"  enters in  : {self.where}")
        run = f"{self.calls} calls of {self.copies} copies" if self.copies > 1 else f"{self.calls} calls"
        where = f"{self.dtype} on {self.device}, seed {self.seed}"
        lines.extend(inputs_lines(self.inputs))
        lines.append(f"  compared   : {self._compared()} in {run}; {where}")
        lines.append(f"  theorem    : {self.theorem}")
        return "\n".join(lines)

    def _compared(self) -> str:
        return f"{self.probes} replaced futures, {self.differing} changed the past"
