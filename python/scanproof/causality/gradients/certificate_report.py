"""What the certificate of strict causality reports."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import ClassVar

from scanproof import theorems
from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.pair import LeakPair
from scanproof.causality.diagnosis.pattern import LeakPattern
from scanproof.causality.gradients.coded import CodedSweep
from scanproof.causality.gradients.drop_in import DropInFields
from scanproof.causality.gradients.pullback import Batching
from scanproof.causality.outputs.batch_report import BatchChange, BatchReport
from scanproof.causality.outputs.perturbation_report import Change, PerturbationReport
from scanproof.causality.reading.program_reading import ProgramReading
from scanproof.foundation.documents import Document
from scanproof.foundation.drawing import TriedCase, cases_lines, over_cases
from scanproof.foundation.judgement import TwoPrecisions
from scanproof.report.report import CheckReport, Report, SingleCheckReport
from scanproof.report.verdict import Verdict, gravest

SHOWN_DOCUMENTS = 8
"""Documents of packed rows whose place a summary shows."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one family of probes found: the cuts of the sequence, or the examples of the batch.

    Attributes:
        verdict: the outcome for this family.
        reason: what led to the verdict.
        probes: number of cuts or examples probed; 0 if the outputs proved nothing, or if coded cotangents
            flagged no window.
        leaking: number of probes whose greatest forbidden gradient entry is not zero.
        residue: greatest forbidden gradient entry of any probe; NaN without probes.
        leak: forbidden gradient energy (sum of squares), summed over probes; NaN without probes.
        total: gradient energy, summed over probes; NaN without probes.
        evidence: ``residue`` in two precisions; None if one was enough.
        worst: a pair of entries of the probe with the greatest residue; None without a residue, or if the
            verdict passed.
        pattern: the pattern of the leakage over positions; None without a LEAK, and for examples.
        origin: the module where the leak enters; None without a LEAK.
        read: whether the program shows it, for every input of the shape; then nothing was probed, and
            ``residue``, ``leak`` and ``total`` are 0.
    """

    verdict: Verdict
    reason: str
    probes: int = 0
    leaking: int = 0
    residue: float = nan
    leak: float = nan
    total: float = nan
    evidence: TwoPrecisions | None = None
    worst: LeakPair | None = None
    pattern: LeakPattern | None = None
    origin: Origin | None = None
    read: bool = False

    @property
    def fraction(self) -> float:
        """Forbidden share of the gradient energy; 0 if the program shows it, NaN without a gradient."""
        return 0.0 if self.read else self.leak / self.total if self.total > 0 else nan


@dataclass(frozen=True, kw_only=True)
class CausalCertificate(DropInFields, SingleCheckReport):
    """What ``certify`` found.

    Attributes:
        T: number of positions of the input.
        possible_cuts: number of different cuts, T - 1 unless an alignment says otherwise.
        exhaustive: whether all cuts were probed, but for those that the program shows to be clean.
        coded: the bound from coded cotangents, and the windows that they flagged; None in other modes.
        temporal: the finding of the cuts: do outputs read later inputs?
        batch: the finding of the examples: do examples read each other? None if that was not checked.
        example_leaks: entry ``[i][j]`` is the greatest gradient at example j when example i alone is probed;
            zero off the diagonal if examples are independent. Empty if not checked.
        threshold: the share that the call allowed, of the greatest entry of each probe; 0 is exact.
        vjps: number of vector-Jacobian products computed, with those of a second precision and of the search
            for the pair.
        batching: how many of them went through one backward pass together, and how.
        seed: repeats the same cuts, cotangents and drawn inputs.
        dtype: dtype of ``x``.
        device: device of ``x``.
        call: the call that repeats the check.
        cases: the inputs that were tried, ``x`` first. If a drawn input leaks, it is the last one, and the
            rest of the report is about it; otherwise the rest is about ``x``.
        reading: what reading the program said; None where ``cuts`` did not ask for it.
        aimed: checks that replaced inputs which the program reads and must not, one by one, where no probe
            found an effect.
        documents: the documents of packed rows that count as the examples, with positions within each; empty
            where examples are rows.
        theorem: the Lean theorem about runners that this check tests in numbers.
    """

    check: ClassVar = "certificate"

    T: int
    possible_cuts: int
    exhaustive: bool
    coded: CodedSweep | None
    temporal: Finding
    batch: Finding | None
    example_leaks: tuple[tuple[float, ...], ...]
    threshold: float
    vjps: int
    batching: Batching
    seed: int
    dtype: str
    device: str
    call: str
    cases: tuple[TriedCase, ...] = ()
    reading: ProgramReading | None = None
    aimed: tuple[PerturbationReport | BatchReport, ...] = ()
    documents: tuple[Document, ...] = ()
    theorem: str = theorems.RUNNER_AGREE

    @property
    def verdict(self) -> Verdict:
        """The gravest of the temporal and the cross-batch verdict, and of those at drawn inputs."""
        return self._outcome()[0]

    @property
    def reason(self) -> str:
        """What led to the verdict."""
        return self._outcome()[1]

    def with_cases(self, cases: tuple[TriedCase, ...]) -> "CausalCertificate":
        """Return the report with the inputs that were tried."""
        return replace(self, cases=cases)

    @property
    def parts(self) -> tuple[Report, ...]:
        """The certificate, and the checks that looked for an effect of what the program reads."""
        return (self, *self.aimed)

    @property
    def worst(self) -> LeakPair | Change | BatchChange | None:
        """The pair to fix: that of the worst cut, or else of the worst example; None without a leak."""
        return next((each.worst for each in (*self._findings(), *self._witnesses()) if each.worst), None)

    @property
    def pattern(self) -> LeakPattern | None:
        """The pattern of the leak over the pairs t <- s; None without a LEAK across a cut."""
        by_outputs = (check.pattern for check in self.aimed if isinstance(check, PerturbationReport))
        return next(filter(None, (self.temporal.pattern, *by_outputs)), None)

    @property
    def origin(self) -> Origin | None:
        """The module where the leak of ``worst`` enters; None without a LEAK."""
        return next((each.origin for each in (*self._findings(), *self.aimed) if each.origin), None)

    def _cited(self) -> tuple[str, ...]:
        names = [self.theorem]
        names += [theorems.PROGRAM_CAUSAL] if self.temporal.read else []
        lean = self.reading.given.lean if self.reading else None
        names += [theorems.PROGRAM_CHECKER] if lean and lean.established else []
        names += [theorems.PROGRAM_OWN_ROW] if self.batch and self.batch.read else []
        if self.coded and not self.coded.problem:
            names += [theorems.CODED_CONTRIBUTION, theorems.CODED_PASS]
        if self.cuts_probed:
            names.append(theorems.ALL_CUTS if self.exhaustive or self.coded else theorems.RANDOM_CUTS)
        return (*names, *(check.fields_theorem for check in self.aimed))

    @property
    def mode(self) -> str:
        """Which cuts were probed: ``read`` (none), ``aimed``, ``exhaustive``, ``coded`` or ``random-K=…``."""
        if self.coded:
            return "coded"
        if self.reading and self.reading.given.reading:
            return "aimed" if self.cuts_probed else "read"
        return "exhaustive" if self.exhaustive else f"random-K={self.cuts_probed}"

    @property
    def detection_probability(self) -> float:
        """Probability that a leak between two neighbours crosses one of the cuts.

        It is 1 if all cuts were probed, and for leaks above the detection limit of coded cotangents.
        """
        if self.exhaustive or self.coded or self.mode in ("read", "aimed"):
            return 1.0
        return 1.0 - (1.0 - 1.0 / self.possible_cuts) ** self.temporal.probes

    def summary(self) -> str:
        """Return a few lines: what was probed, what was found, and the theorem behind it."""
        how = "read, no cuts" if self.mode == "read" else f"{self.mode} cuts"
        lines = [f"CausalCertificate(T={self.T}, {how})"]
        if self.coded and self.temporal.verdict is Verdict.CAUSAL and not self.cuts_probed:
            bound = f"residue={self.coded.residue:.3e}  limit={self.coded.limit:.3e}"
            lines.append(f"  temporal   : {bound}  -> CAUSAL ABOVE THE LIMIT")
        else:
            lines.append(_line("temporal   ", self.temporal, _TEMPORAL_WORDS))
        if self.batch:
            lines.append(_line("cross-batch", self.batch, _BATCH_WORDS))
        if self.documents:
            lines.append(f"  documents  : {_documents(self.documents)}")
        if self.coded:
            lines.append(f"  coded      : {self.coded}")
        elif not self.exhaustive and self.mode.startswith("random"):
            lines.append("  (random-K is a monitor; use cuts='all' for a certificate)")
            lines.append(
                f"  detection  : probability {self.detection_probability:.3f} for a leak between neighbours"
            )
        lines.append(f"  verdict    : {self.verdict.name}: {self.reason}")
        for found in (*self._findings(), *self._witnesses()):
            pattern = None if isinstance(found, BatchReport) else found.pattern
            named = {"worst pair": found.worst, "pattern": pattern, "enters in": found.origin}
            lines.extend(f"  {name:<11}: {what}" for name, what in named.items() if what)
        lines.extend(f"  aimed      : {check.check}: {check.reason}" for check in self.aimed)
        lines.extend(self.reading.lines() if self.reading else [])
        lines.extend(cases_lines(self.cases) if self.vjps else [])
        lines.append(f"  probed     : {self._probed()}; {self.dtype} on {self.device}, seed {self.seed}")
        lines.append(f"  theorem    : {', '.join(self.theorems) if self.reading else self.theorem}")
        return "\n".join(lines)

    def failure_lines(self) -> list[str]:
        """Return the number of leaking probes, their greatest entry, and the tolerance."""
        lines = [_count("cuts", "a later input", self.temporal)] if self.temporal.leaking else []
        if self.batch and self.batch.leaking:
            lines.append(_count("examples", "another example", self.batch))
        exact = "exactly 0" if self.threshold == 0 else f"{self.threshold:g} of a probe's greatest entry"
        return [*lines, f"Allowed: {exact}, or rounding on the evidence of two precisions"]

    def _evidence(self) -> str:
        return "; ".join([*self._places(), self._probed()])

    def _places(self) -> list[str]:
        """Return the pair, the pattern and the module of a leak, or the reason of the verdict."""
        if not self.worst:
            return [self.reason]
        pattern = [str(self.pattern.rule)] if self.pattern and self.pattern.rule else []
        return [str(self.worst), *pattern, *([f"enters in {self.origin}"] if self.origin else [])]

    def _outcome(self) -> tuple[Verdict, str]:
        found = [*self._findings(), *self._witnesses()]
        verdict = gravest(map(_of_causality, found))
        decisive = [each for each in found if _of_causality(each) is verdict]
        reasons = dict.fromkeys(finding.reason for finding in decisive)
        return over_cases(verdict, "; cross-batch: ".join(reasons), self.cases)

    def _witnesses(self) -> list[PerturbationReport | BatchReport]:
        """Return the checks that found an effect by replacing inputs."""
        return [check for check in self.aimed if check.verdict is Verdict.LEAK]

    def _findings(self) -> tuple[Finding, ...]:
        return (self.temporal, self.batch) if self.batch else (self.temporal,)

    def _probed(self) -> str:
        if not self.vjps:
            return "no gradient" if self.reading is None or self.aimed else "nothing: reading decided"
        examples = len(self.example_leaks)
        pairs = f", {examples * (examples - 1)} ordered pairs of examples" if examples else ""
        windows = f"{self.coded.windows} coded windows, " if self.coded and not self.coded.problem else ""
        return f"{windows}{self.cuts_probed} cuts{pairs}, {self.vjps} VJPs, {self.batching}"


def _count(probes: str, what: str, finding: Finding) -> str:
    return (
        f"{finding.leaking} of {finding.probes} {probes} have gradient at {what}; "
        f"greatest entry: {finding.residue:.3e}"
    )


def _of_causality(finding: "Finding | CheckReport") -> Verdict:
    """Return the verdict that a finding gives the whole certificate, which covers examples as well."""
    whole = {
        Verdict.INDEPENDENT: Verdict.CAUSAL,
        Verdict.INDEPENDENT_TO_ROUNDING: Verdict.CAUSAL_TO_ROUNDING,
    }
    return whole.get(finding.verdict, finding.verdict)


def _documents(documents: tuple[Document, ...]) -> str:
    places = [f"{number} is {each}" for number, each in enumerate(documents[:SHOWN_DOCUMENTS])]
    places += ["…"] if len(documents) > SHOWN_DOCUMENTS else []
    return f"{len(documents)}, each counts as an example: {', '.join(places)}"


def _line(name: str, finding: Finding, words: Mapping[Verdict, str]) -> str:
    if finding.read:
        return f"  {name}: {words[finding.verdict]}, for every input of this shape"
    return f"  {name}: leak={finding.leak:.3e}  frac={finding.fraction:.3e}  -> {words[finding.verdict]}"


_TEMPORAL_WORDS = {
    Verdict.CAUSAL: "STRICTLY CAUSAL",
    Verdict.CAUSAL_TO_ROUNDING: "CAUSAL TO ROUNDING",
    Verdict.TOLERATED: "WITHIN THE THRESHOLD",
    Verdict.LEAK: "LEAK",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
}
_BATCH_WORDS = {
    Verdict.INDEPENDENT: "BATCH-INDEPENDENT",
    Verdict.INDEPENDENT_TO_ROUNDING: "BATCH-INDEPENDENT TO ROUNDING",
    Verdict.TOLERATED: "WITHIN THE THRESHOLD",
    Verdict.LEAK: "BATCH LEAK",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
}
