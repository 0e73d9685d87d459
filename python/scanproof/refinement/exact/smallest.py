"""Make the input of a difference smaller that only fields show, while the formulas still differ."""

from typing import TYPE_CHECKING

from scanproof.refinement.compare import compare
from scanproof.refinement.exact.answer import ExactAnswer
from scanproof.refinement.exact.ask import Question
from scanproof.refinement.exact.variants import variants
from scanproof.refinement.report import FailingCase
from scanproof.refinement.shrink import Shrinker

if TYPE_CHECKING:
    from scanproof.refinement.problem import Inputs, Problem

QUESTIONS = 32
"""Greatest number of smaller inputs that are tried; each one costs a run over a field."""


def smallest_difference(problem: "Problem", inputs: "Inputs", seed: int) -> FailingCase | None:
    """Return a small input at which the formulas differ.

    Axes are made shorter first, so that all further questions are cheap, and then optional inputs are left
    out. Numbers stay: residues stand for them, and they only decide branches.

    Args:
        problem: the implementation and its reference.
        inputs: the input of the answer; the difference may be at one of its variants.
        seed: the seed of the points.

    Returns:
        The case, with the entry that differs most; None if the difference is at none of these inputs.
    """
    found: ExactAnswer | None = None

    def differs(candidate: "Inputs") -> bool:
        nonlocal found
        answer = _answer(problem, candidate, seed)
        found = answer or found
        return answer is not None

    start = next(filter(differs, (inputs, *variants(problem, inputs))), None)
    if start is None:
        return None
    shrinker = Shrinker(
        start,
        problem.input_axes,
        differs,
        problem.optional,
        QUESTIONS,
        grouped=problem.grouped,
        omissible=problem.omissible,
    )
    smallest = shrinker.run_shapes()
    return FailingCase(
        inputs=smallest,
        deviation=compare(problem, smallest).worst,
        differing=None if found is None else found.differing,
        code=problem.code(smallest),
        runs=shrinker.runs,
    )


def _answer(problem: "Problem", inputs: "Inputs", seed: int) -> ExactAnswer | None:
    """Return the answer at an input if the formulas differ there."""
    if not problem.admits(inputs):
        return None
    try:
        question = Question(problem, inputs, seed)
        answer = question.answer() if question.finite else None
    except Exception:  # the function may reject a size; that is not the difference being made smaller
        return None
    return answer if answer is not None and answer.wrong else None
