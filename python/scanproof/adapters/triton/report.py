"""What the check of a Triton kernel reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from scanproof.adapters.triton.findings import Fault
from scanproof.causality.outputs.prefix_report import PrefixReport
from scanproof.refinement.report import RefinementReport
from scanproof.report.report import CheckReport, Report
from scanproof.report.row import Row
from scanproof.report.verdict import Verdict, gravest

SOURCE = "the kernel's source under Triton's interpreter, not the compiled code"
"""What a check on the CPU ran."""


@dataclass(frozen=True, kw_only=True)
class KernelAnswer(Report):
    """One question about the kernels that a function launches.

    Attributes:
        check: the question, one of ``findings.QUESTIONS``.
        verdict: CLEAN, FAULTY, INCONCLUSIVE or NOT_APPLICABLE.
        reason: what led to the verdict.
        faults: the places in the source.
    """

    check: str
    verdict: Verdict
    reason: str
    faults: tuple[Fault, ...] = ()

    def summary(self) -> str:
        """Return the verdict in a line, and a line for each fault."""
        lines = [f"kernel, {self.check}: {self.verdict.name}: {self.reason}", *map(str, self.faults)]
        return "\n  ".join(lines)

    def row(self, subject: str = "") -> Row:
        """Return a row of ``scanproof.table``; ``subject`` says what was checked."""
        evidence = "; ".join(map(str, self.faults)) or self.reason
        return Row(
            subject=subject,
            check=f"kernel: {self.check}",
            verdict=self.verdict,
            evidence=evidence,
            theorem="",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelReport(CheckReport):
    """What ``check_kernel`` found.

    Attributes:
        subject: the function that launches the kernels.
        ran: what ran: the source under the interpreter, or the compiled kernel and its GPU.
        answers: what was seen of the kernels: an answer for each question.
        refinement: whether the outputs, and the gradients if they were asked for, are those of the spec.
        prefix: whether a prefix alone has the same outputs as in the whole sequence; None without an input
            that has an axis of time, or if the outputs are not those of the spec.
        launches: number of launches of each kernel in one run.
        configurations: the configurations of each autotuned kernel that its source sees as different.
        triton: version of Triton.
        note: what else the reader must know, such as a version that was not tested; may be empty.
        shape: shape of the first input.
        dtype: dtype of the first input.
        device: device of the inputs.
        seed: repeats the check.
        call: the call that repeats the check.
    """

    check: ClassVar = "kernel"

    subject: str
    ran: str
    answers: tuple[KernelAnswer, ...]
    refinement: RefinementReport
    prefix: PrefixReport | None
    launches: Mapping[str, int]
    configurations: Mapping[str, tuple[str, ...]]
    triton: str
    note: str
    shape: tuple[int, ...]
    dtype: str
    device: str
    seed: int
    call: str

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict of the answers, the refinement and the prefixes."""
        return gravest(verdict for _, verdict, _ in self._said())

    @property
    def reason(self) -> str:
        """The reasons of the parts with the gravest verdict."""
        gravest_verdict = self.verdict
        return "; ".join(
            f"{name}: {why}" for name, verdict, why in self._said() if verdict is gravest_verdict
        )

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults of all answers."""
        return tuple(fault for answer in self.answers for fault in answer.faults)

    @property
    def parts(self) -> tuple[Report, ...]:
        """The whole, and each part."""
        return (self, *self.answers, self.refinement, *([self.prefix] if self.prefix else []))

    def _cited(self) -> tuple[str, ...]:
        return (*self.refinement.theorems, *(self.prefix.theorems if self.prefix else ()))

    def _said(self) -> list[tuple[str, Verdict, str]]:
        said = [(answer.check, answer.verdict, answer.reason) for answer in self.answers]
        said.append(("refinement", self.refinement.verdict, self.refinement.reason))
        if self.prefix is not None:
            said.append(("prefix", self.prefix.verdict, self.prefix.reason))
        return said

    def rows(self, subject: str = "") -> tuple[Row, ...]:
        """Return a row of ``scanproof.table`` for each part; ``subject`` says what was checked."""
        found = [answer.row(subject) for answer in self.answers]
        found += self.refinement.rows(subject)
        return (*found, *(self.prefix.rows(subject) if self.prefix else ()))

    def failure_lines(self) -> list[str]:
        """Return what ran, and the places of the parts with the gravest verdict."""
        lines = [f"Ran    : {self.ran}"]
        for answer in self.answers:
            if answer.verdict is self.verdict:
                lines += [f"{answer.check}: {text}" for text in answer.faults or (answer.reason,)]
        parts: list[CheckReport] = [self.refinement, *([self.prefix] if self.prefix else [])]
        for part in parts:
            if part.verdict is self.verdict:
                lines += part.failure_lines()
        return lines

    def summary(self) -> str:
        """Return what ran, a line for each question, and the summaries of refinement and prefixes."""
        launched = ", ".join(
            f"{name} ({count})" if count > 1 else name for name, count in self.launches.items()
        )
        lines = [
            f"Kernel({self.subject}, input {self.shape} {self.dtype} on {self.device}, seed {self.seed})",
            f"  ran            : {self.ran}; Triton {self.triton}",
            f"  kernels        : {launched or 'none'}",
        ]
        if self.note:
            lines.append(f"  note           : {self.note}")
        for answer in self.answers:
            lines.append(f"  {answer.check:<15}: {answer.verdict.name}: {answer.reason}")
            lines += [f"  {'':<15}  {fault}" for fault in answer.faults]
        parts: list[CheckReport] = [self.refinement, *([self.prefix] if self.prefix else [])]
        for part in parts:
            lines += [f"  {line}" for line in part.summary().splitlines()]
        return "\n".join(lines)
