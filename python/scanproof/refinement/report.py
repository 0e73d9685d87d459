"""What a refinement check reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar

from torch import Tensor

from scanproof import theorems
from scanproof.programs.field.decide import theorem_of
from scanproof.refinement.exact.answer import Differing, ExactAnswer
from scanproof.refinement.rounding import Rounding
from scanproof.report.report import SingleCheckReport
from scanproof.report.spread import Spread
from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One entry of an output or of a gradient, and its distance from the reference.

    Attributes:
        output: ``"y"`` or ``"last_state"``, or the gradient at an input, such as ``"du"`` or ``"dx"``.
        example: index into the batch; None without this axis, as in the gradient at a parameter.
        t: position in the sequence; None without this axis.
        channel: channel; None without this axis, as in ``dB``.
        state: state index; None without this axis.
        head: head of the channel; None without this axis.
        group: group of heads; None without this axis, as in an output.
        got: the value of the implementation.
        expected: the value of the reference, rounded to float64.
        error: absolute difference from the reference before that rounding; infinite if ``got`` is not finite.
        bound: greatest absolute difference that rounding can explain.
    """

    output: str
    example: int | None
    t: int | None
    channel: int | None
    state: int | None
    got: float
    expected: float
    error: float
    bound: float
    head: int | None = None
    group: int | None = None

    @property
    def ratio(self) -> float:
        """Error relative to the bound; above 1, rounding cannot explain the error."""
        if self.bound == 0:
            return 0.0 if self.error == 0 else inf
        if self.bound == inf:
            return 0.0
        return self.error / self.bound

    def __str__(self) -> str:
        axes = {
            "example": self.example,
            "t": self.t,
            "group": self.group,
            "head": self.head,
            "channel": self.channel,
            "state": self.state,
        }
        place = ", ".join(f"{axis} {index}" for axis, index in axes.items() if index is not None)
        return (
            f"{self.output} at {place}:"
            f" got {self.got:.9g}, expected {self.expected:.9g};"
            f" error {self.error:.3g} = {self.ratio:.3g} x bound {self.bound:.3g}"
        )


FORMULAS = {
    theorems.SCAN_ERROR: "(w^n g - m) + eta (4 ((n + 1)(M + 1) - 1) p) + d",
    theorems.SEQUENTIAL_SCAN_ERROR: "e' = w^2 A (|h| + e) + w B + (w + 1) eta - (|a| |h| + |b|)",
}
"""The bound of each theorem on the error of a state; ``scanproof.refinement.bounded`` defines the letters."""

NO_BOUND_THEOREM = "none about the bound: the documentation of the kernel argues for it"


@dataclass(frozen=True)
class Quantiles:
    """How numbers are distributed.

    Attributes:
        median: half of them are at most this.
        most: 99 % of them are at most this.
        greatest: all of them are at most this.
    """

    median: float
    most: float
    greatest: float

    def __str__(self) -> str:
        return f"median {self.median:.2g}, 99 % below {self.most:.2g}, greatest {self.greatest:.2g}"


@dataclass(frozen=True, kw_only=True, eq=False)
class FailingCase:
    """The smallest input found on which the implementation leaves the bound, or is another function.

    Attributes:
        inputs: the input tensors by name.
        deviation: the worst entry of its output.
        code: a program that repeats the failure, given the implementation (and the spec).
        runs: how many inputs were tried to find it.
        differing: the entry that differs most, if the formulas differ and the bound holds; else None.
    """

    inputs: Mapping[str, Tensor]
    deviation: Deviation
    code: str
    runs: int
    differing: Differing | None = None


@dataclass(frozen=True)
class Drawn:
    """How far a search over drawn inputs has gone.

    Attributes:
        cases: number of inputs tried.
        inconclusive: number of inputs with an inconclusive result.
        compared: number of output entries compared, over all cases.
        seconds: duration of the search in seconds.
    """

    cases: int
    inconclusive: int
    compared: int
    seconds: float

    @property
    def undecided(self) -> str:
        """Say how many cases were inconclusive; empty if none were."""
        return f", {self.inconclusive} of them inconclusive" if self.inconclusive else ""

    def __str__(self) -> str:
        return f"{self.cases} drawn{self.undecided}, in {self.seconds:.1f} s"


@dataclass(frozen=True, kw_only=True, eq=False)
class RefinementReport(SingleCheckReport):
    """What ``check_refinement`` found.

    Attributes:
        verdict: REFINES (no entry of the output outside the bound, on this input), REFUTED, DIFFERENT (within
            the bound, but another function), EQUAL (the same function, and the bound says nothing), or
            INCONCLUSIVE.
        reason: why the verdict was given.
        spec: the reference, with its dimensions.
        reference: what computed the values of the reference.
        shape: shape of the input.
        dtype: dtype of the input.
        device: device of the input.
        rounding: the assumptions about the arithmetic of the implementation.
        compared: number of entries of outputs and gradients compared, over all drawn cases.
        drawn: how many cases were drawn, and with what result; None if ``x`` was given. If cases were drawn,
            shape, dtype, worst entry and sharpness are those of the case with the worst entry.
        gradients: the inputs at which gradients were compared; empty if only outputs were compared.
        seed: the seed of cases and cotangents; None if nothing was drawn.
        call: the call that repeats the check.
        worst: the entry with the greatest error/bound. An entry that an overflow may explain is named only if
            no other entry is outside its bound. If nothing could be compared, the first entry whose reference
            or bound is not finite.
        sharpness: median over entries of bound / |expected|, for the output or gradient with the greatest
            median; NaN if nothing could be compared.
        loosest: the name of that output or gradient, or of all outputs and gradients together if their common
            median is greater; empty if nothing was compared.
        spread: error/bound over time, and over all entries; None if nothing could be compared.
        greatest: the greatest error/bound of each output and gradient.
        ratios: error/bound of all entries; None if nothing could be compared.
        ulps: errors of all entries in units in the last place of the expected value, in the dtype returned;
            None if nothing could be compared.
        probable: greatest error relative to a bound that counts k roundings as 4 sqrt(k) (Higham & Mary
            2019). This diagnostic decides nothing. None for drawn cases, or if nothing could be compared.
        coarser: dtypes by name of the outputs and gradients that are stored in a coarser dtype than
            ``rounding`` assumes. The bound allows one more rounding for each.
        casts: casts in the code of the implementation, such as ``"to(float32)"``. Without these casts, the
            implementation refines. Empty unless REFUTED.
        option: the option of the check with which the implementation refines, such as ``"log_window=64"``;
            empty unless REFUTED.
        smallest: the smallest failing case found; None unless REFUTED or DIFFERENT, or with ``shrink=False``.
        theorem: the Lean theorem about the reference.
        exact: whether ``fn`` is the function of the spec, without a tolerance.
        bound_theorem: the Lean theorem behind the bound of the scan, evaluated in float64 and rounded
            outward; empty if the bound rests on an argument instead.
    """

    check: ClassVar = "refinement"

    verdict: Verdict
    reason: str
    spec: str
    reference: str
    shape: tuple[int, ...]
    dtype: str
    device: str
    rounding: Rounding
    compared: int
    drawn: Drawn | None
    gradients: tuple[str, ...]
    seed: int | None
    call: str
    worst: Deviation
    sharpness: float
    loosest: str
    spread: Spread | None
    greatest: Mapping[str, float]
    ratios: Quantiles | None
    ulps: Quantiles | None
    probable: float | None
    coarser: Mapping[str, str]
    casts: tuple[str, ...]
    smallest: FailingCase | None
    theorem: str
    exact: ExactAnswer
    bound_theorem: str = theorems.SCAN_ERROR
    option: str = ""

    def _cited(self) -> tuple[str, ...]:
        return (self.theorem, self.bound_theorem, *self._adjoint_theorems, theorem_of(self.exact.verdict))

    @property
    def _adjoint_theorems(self) -> tuple[str, ...]:
        """The theorems about gradients of scans; none if the bound of the state rests on no theorem."""
        if not self.gradients or self.bound_theorem not in FORMULAS:
            return ()
        in_order = self.bound_theorem == theorems.SEQUENTIAL_SCAN_ERROR
        return (theorems.GRADIENT,) if in_order else (theorems.GRADIENT, theorems.GRADIENT_ERROR)

    @property
    def _worst_is_of_the_adjoint(self) -> bool:
        """Whether the worst entry lies in a gradient that the theorem of the adjoint bounds."""
        at_gradient = self.worst.output in {f"d{name}" for name in self.gradients}
        return at_gradient and theorems.GRADIENT_ERROR in self._adjoint_theorems

    @property
    def worst_theorem(self) -> str:
        """The Lean theorem behind the bound of the worst entry; empty if there is none."""
        return theorems.GRADIENT_ERROR if self._worst_is_of_the_adjoint else self.bound_theorem

    @property
    def formula(self) -> str:
        """The bound of the theorem on the error of a state; its documentation defines the letters."""
        return FORMULAS.get(self.bound_theorem, "")

    def summary(self) -> str:
        """Return a few lines: what was compared, what was found, and the theorems behind it."""
        lines = [
            f"Refinement({self.spec}, input {self.shape} {self.dtype} on {self.device})",
            f"  verdict   : {self.verdict.name}: {self.reason}",
        ]
        lines.extend(self.exact.lines())
        if self.drawn is not None:
            lines.append(f"  cases     : {self.drawn}, seed {self.seed}")
        lines.append(f"  {'worst' if self.spread else 'undecided':<10}: {self.worst}")
        if self.spread is not None:
            lines.append(
                f"  bound     : {self.sharpness:.2g} of the value (median of {self.loosest}); {self.rounding}"
            )
            if self.coarser:
                stored = ", ".join(f"{name} in {dtype}" for name, dtype in self.coarser.items())
                lines.append(
                    f"  stored    : {stored}: coarser than assumed; the bound allows one more rounding"
                )
            if self.casts:
                lines.append(
                    f"  casts     : without {', '.join(self.casts)} in its code, fn REFINES;"
                    " if the casts are intended, give their dtype as rounding="
                )
            if self.option:
                lines.append(
                    f"  option    : with {self.option}, fn REFINES; give this option if fn adds logarithms of"
                    " decays, or gradients at such logarithms, in place of multiplying decays"
                )
            lines.append(f"  spread    : error/bound {self.ratios}; in ulps {self.ulps}")
        if self.probable is not None:
            lines.append(
                f"  probable  : {self.probable:.2g} x the error that independent roundings explain with high"
                " probability (decides nothing)"
            )
        if self.gradients:
            source = "given" if self.seed is None else f"drawn with seed {self.seed}"
            lines.append(f"  gradients : at {', '.join(self.gradients)}; cotangents {source}")
        lines.append(f"  reference : {self.reference}")
        lines.append(f"  theorems  : {self.theorem} (about the reference),")
        if self.bound_theorem:
            lines.append(f"              {self.bound_theorem} (the bound of the scan, evaluated in float64):")
            lines.append(f"              {self.formula}")
        else:
            lines.append(f"              {NO_BOUND_THEOREM}")
        if not (exact := theorem_of(self.exact.verdict)).startswith("none"):
            lines.append(f"              {exact} (the exact answer)")
        for theorem in self._adjoint_theorems:
            is_bound = theorem == theorems.GRADIENT_ERROR
            meaning = "its bound" if is_bound else "gradients of the scan are a scan backwards"
            lines.append(f"              {theorem} ({meaning})")
        if self.smallest is not None:
            entry = self.smallest.differing or self.smallest.deviation
            lines.append(f"  smallest failing case, of {self.smallest.runs} tried: {entry}")
            lines.extend("    " + line for line in self.smallest.code.splitlines())
        return "\n".join(lines)

    def _evidence(self) -> str:
        found = (
            "" if self.spread is None else f"error/bound {self.worst.ratio:.3g} over {self.compared} entries"
        )
        if self.drawn is not None and self.verdict.passed:
            found += f"; {self.reason}"
        if self.smallest is not None:
            found += f"; smallest case: {self.smallest.differing or self.smallest.deviation}"
        elif self.verdict is Verdict.REFUTED:
            found += f"; worst: {self.worst}; {self.reason}"
        return found or self.reason

    def _theorem_of_row(self) -> str:
        return theorems.GRADIENT_ERROR if self._worst_is_of_the_adjoint else self.theorem

    def failure_lines(self) -> list[str]:
        """Return how many entries are outside the bound, the worst entry, and the allowed error."""
        if self.verdict is Verdict.DIFFERENT:
            return [f"Exact  : {self.exact.differing}", "Allowed: equal at every drawn point of a field"]
        if self.spread is None or self.worst.ratio <= 1:
            return []
        outside, entries = self.spread.above_bound, self.spread.entries
        basis = f"theorem {self.worst_theorem}" if self.worst_theorem else NO_BOUND_THEOREM
        return [
            f"Outside the bound: {outside} of {entries} entries ({100 * outside / entries:.3g} %)",
            f"Worst  : {self.worst}",
            f"Allowed: an error of {self.worst.bound:.3g} there, by rounding ({basis})",
        ]
