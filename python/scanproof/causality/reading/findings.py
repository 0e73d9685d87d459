"""What a reading says, as findings of ``certify``."""

from dataclasses import replace

from scanproof.causality.gradients.certificate_report import Finding
from scanproof.causality.reading.program_reading import ProgramReading
from scanproof.programs.reading import Answer, Question
from scanproof.report.report import CheckReport
from scanproof.report.verdict import Verdict

_ESTABLISHED = {
    "positions": (Verdict.CAUSAL, "no output reads a later position, for every input of this shape"),
    "examples": (Verdict.INDEPENDENT, "no example reads another one, for every input of this shape"),
}


def read_finding(reading: ProgramReading, question: Question) -> Finding | None:
    """Return what the program shows, without any probe; None where the question was not asked.

    A question that is not answered with yes is INCONCLUSIVE.
    """
    answer = reading.given.answer(question)
    if answer is None:
        return None
    if not answer.established:
        return Finding(verdict=Verdict.INCONCLUSIVE, reason=f"the program reads it: {answer}")
    verdict, reason = _ESTABLISHED[question]
    if reading.given.steered:
        reason += " that takes the path recorded: values decide what is run"
    if question == "positions" and reading.given.lean is not None:
        confirmed = "confirms it" if reading.given.lean.established else "does not confirm it"
        reason = f"{reason}; Lean's checker {confirmed}"
    return Finding(verdict=verdict, reason=reason, residue=0.0, leak=0.0, total=0.0, read=True)


def undecided(finding: Finding, answer: Answer | None, aimed: CheckReport | None) -> Finding:
    """Return what follows where the program reads what it must not, and no probe found an effect.

    Replaced inputs may show an effect that is rounding. Without any effect the finding is INCONCLUSIVE.

    An operation without a row is taken to read everything, and a Fourier transform reads everything of which
    most cancels. The answer then gives this as its reason. The program is not known to read the future, and
    the finding stays.

    Args:
        finding: what probes found.
        answer: what the program says.
        aimed: the check that replaced the inputs in question.
    """
    nothing = finding.verdict in (Verdict.CAUSAL, Verdict.INDEPENDENT) and not finding.read
    if not nothing or answer is None or answer.established or answer.reason:
        return finding
    looked = "" if aimed is None else f"; {aimed.check}: {aimed.reason}"
    if aimed is not None and aimed.verdict in (Verdict.CAUSAL_TO_ROUNDING, Verdict.INDEPENDENT_TO_ROUNDING):
        return replace(finding, verdict=aimed.verdict, reason=f"the program reads it{looked}")
    reason = (
        f"the program reads it, and no effect was found: {answer}; {finding.probes} probes were zero{looked}"
    )
    return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=reason)
