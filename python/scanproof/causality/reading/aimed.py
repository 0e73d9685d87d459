"""Look for an effect of what a program reads and must not: gradients first, then replaced inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from scanproof.causality.gradients.certificate_report import Finding
from scanproof.causality.outputs.batch import check_batch
from scanproof.causality.outputs.batch_report import PROBES, BatchReport
from scanproof.causality.outputs.perturbation import check_perturbation
from scanproof.causality.outputs.perturbation_report import PerturbationReport
from scanproof.causality.reading.findings import read_finding
from scanproof.causality.reading.program_reading import ProgramReading
from scanproof.foundation.alignment import Order
from scanproof.foundation.contract import Axes
from scanproof.foundation.subject import Subject
from scanproof.programs.reading import Answer, Question

REPLACED = 64
"""Cuts at which futures are replaced at most: the first of those in question, the last, and some between."""


@dataclass(frozen=True)
class Aim:
    """What a reading leaves open, at the size that it is about.

    Attributes:
        reading: the reading.
        source: the text that makes the input of that size from ``x``.
    """

    reading: ProgramReading
    source: str = "x"

    def answer(self, question: Question) -> Answer | None:
        """Return the answer to a question; None where it was not asked."""
        return self.reading.given.answer(question)

    def open(self, question: Question) -> bool:
        """Whether a question was asked and is not answered with yes."""
        answer = self.answer(question)
        return answer is not None and not answer.established

    def finding(self, question: Question) -> Finding | None:
        """Return what the program shows, without any probe; None where the question was not asked."""
        return read_finding(self.reading, question)

    def cuts(self, order: Order) -> tuple[int, ...]:
        """Return the ranks to cut at, which together separate every output in question from what it reads."""
        answer = self.answer("positions")
        excess = answer.excess if answer is not None else ()
        ranks = {int(order.outputs[each.at]) + 1 for each in excess}
        return tuple(sorted(ranks & set(order.cuts.tolist())))

    def lengths(self, order: Order) -> tuple[int, ...]:
        """Return the same cuts as numbers of inputs, at most ``REPLACED`` of them."""
        T = len(order.inputs)
        reaches = [int(order.reaches[rank - 1]) for rank in self.cuts(order)]
        return _spread([reach for reach in reaches if 1 <= reach < T], REPLACED)


def replaced(
    subject: Subject, aim: Aim, cases: int, seed: int
) -> tuple[PerturbationReport | BatchReport, ...]:
    """Replace the inputs in question, and compare outputs.

    Args:
        subject: the function and the input.
        aim: what is in question.
        cases: number of inputs to try in all.
        seed: seed of what replaces inputs.
    """
    axes, x = subject.axes, subject.restore(subject.x)
    reports: list[PerturbationReport | BatchReport] = []
    with torch.no_grad():
        cuts = aim.lengths(subject.order(subject(subject.x)))
    if cuts:
        reports.append(
            check_perturbation(
                subject.given,
                x,
                cuts=cuts,
                cases=cases,
                seq_dim=axes.seq,
                batch_dim=axes.batch,
                alignment=subject.alignment,
                output=subject.output,
                kwargs=subject.kwargs,
                seed=seed,
            )
        )
    if aim.open("examples") and axes.batch is not None:
        reports.append(
            check_batch(
                subject.given,
                x,
                probes=("replace",) if subject.documents else PROBES,
                cases=cases,
                batch_dim=axes.batch,
                output=subject.output,
                kwargs=subject.kwargs,
                seed=seed,
            )
        )
    whose = _split(axes) if subject.documents else f"fn, {aim.source}"
    return tuple(replace(report, call=report.call.replace("(fn, x,", f"({whose},", 1)) for report in reports)


def _split(axes: Axes) -> str:
    """Return the text of the arguments whose examples are documents."""
    options = "" if axes.seq == 1 else f", seq_dim={axes.seq}"
    options += "" if axes.batch == 0 else f", batch_dim={axes.batch}"
    return f"*split_documents(fn, x, documents{options})"


def _spread(numbers: Sequence[int], most: int) -> tuple[int, ...]:
    if len(numbers) <= most:
        return tuple(numbers)
    return tuple(numbers[i * (len(numbers) - 1) // (most - 1)] for i in range(most))
