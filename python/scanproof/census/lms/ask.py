"""Ask about a model: read its program, and cut where reading does not decide."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from scanproof.causality.gradients.certificate import certify
from scanproof.causality.outputs.batch import check_batch
from scanproof.causality.outputs.perturbation import check_perturbation
from scanproof.census.answers import CASES, some_positions
from scanproof.census.answers import answer as asked
from scanproof.census.lms.build import small_lm
from scanproof.census.lms.program import program_of
from scanproof.census.lms.result import Found, Outcome
from scanproof.census.lms.shrink import FIRST_TOKEN, LAST_TOKEN
from scanproof.census.lms.ways import LENGTH, PIECES, STEPS, WAYS, Way, function
from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.programs import Reading, read
from scanproof.report.verdict import Verdict
from scanproof.streaming.model import Unsupported

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from scanproof.census.subject import Answer

Build = Callable[[str, str], "PreTrainedModel"]
Logits = Callable[[Tensor], Tensor]

ROOM = 300
"""Characters of an error of a library that are kept."""


def ask(model_type: str, seed: int = 0, build: Build = small_lm) -> Iterator[tuple[str, Found]]:
    """Yield the class of the model, and what is found of each way to call it.

    Args:
        model_type: the model type.
        seed: seed of ids and checks.
        build: makes the model from its type and its implementation of attention.

    Raises:
        Exception: what transformers raises where it cannot build the model.
    """
    kind = ""
    for attention in ("eager", "sdpa"):
        ways = [way for way in WAYS if way.attention == attention]
        try:
            model = build(model_type, attention)
        except Exception as error:  # whatever a library raises
            if attention == "eager":
                raise
            reason = _refusal(error)
            yield from ((kind, Found(way=way.name, outcome="not asked", reason=reason)) for way in ways)
            continue
        kind = type(model).__name__
        yield from ((kind, about(model, model_type, way, seed)) for way in ways)


def about(model: "PreTrainedModel", model_type: str, way: Way, seed: int = 0) -> Found:
    """Return what is found of one way to call a model.

    Args:
        model: a causal language model in eval mode.
        model_type: its type, for the program that shows a counterexample.
        way: how to call it.
        seed: seed of ids and checks.
    """
    x = ids(seed)
    note = ""
    try:
        fn: Logits = function(model, way.call)
        reading = read(fn, x)
    except (Unsupported, InvalidArgument, NothingEstablished) as first:
        if way.call != "cached" or isinstance(first.__cause__, Unsupported):
            return Found(way=way.name, outcome="not asked", reason=_shortened(first))
        note = f"one token a call; with {PIECES[0]} tokens that go on from a cache: {_shortened(first)}"
        try:
            fn = function(model, way.call, STEPS)
            reading = read(fn, x)
        except (InvalidArgument, NothingEstablished) as second:
            return Found(way=way.name, outcome="not asked", reason=_shortened(second))
    found = partial(
        Found, way=way.name, note=note, operations=reading.operations, assumes=tuple(_assumes(reading))
    )
    if reading.established:
        return found(outcome="established")
    with experts_one_by_one(model):
        answers = tuple(_cuts(fn, x, embeddings(model, fn, x), way, reading, seed))
    outcome = _outcome(answers)
    return found(
        outcome=outcome,
        reason="; ".join(str(answer) for answer in reading.answers if not answer.established),
        evidence=tuple(f"{answer.check}: {answer.verdict}, {answer.evidence}" for answer in answers),
        program=program_of(fn, x, model_type, way) if outcome == "leak" else "",
    )


def ids(seed: int) -> Tensor:
    """Return ordinary tokens, (2, ``LENGTH``)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(FIRST_TOKEN, LAST_TOKEN, (2, LENGTH), generator=generator)


@contextmanager
def experts_one_by_one(model: "PreTrainedModel") -> Iterator[None]:
    """Run experts one by one within the context: grouped matrix products have no float64."""
    before = model.get_experts_implementation()
    model.set_experts_implementation("eager")
    try:
        yield
    finally:
        model.set_experts_implementation(before)


def embeddings(model: "PreTrainedModel", fn: Logits, x: Tensor) -> Tensor | None:
    """Return the embeddings of ids at which the logits are those of the ids; None if there are none."""
    try:
        with torch.no_grad():
            owner: Any = model.get_input_embeddings()
            embedded: Tensor = owner(x)
            same = torch.allclose(fn(embedded), fn(x), rtol=1e-3, atol=1e-4)
    except Exception:  # whatever a model raises that takes ids only
        return None
    return embedded if same and embedded.shape[:2] == x.shape else None


def _cuts(
    fn: Logits, x: Tensor, embedded: Tensor | None, way: Way, reading: Reading, seed: int
) -> Iterator["Answer"]:
    """Run the numeric checks of the questions that reading does not answer."""
    open_questions = {answer.question for answer in reading.answers if not answer.established}
    if "positions" in open_questions:
        if embedded is not None:
            yield asked(
                "certificate",
                lambda: certify(fn, embedded, cuts="coded", cases=CASES, batch_check=False, seed=seed),
            )
        cuts = some_positions(x.shape[1])
        yield asked("perturbation", lambda: check_perturbation(fn, x, cuts=cuts, cases=CASES, seed=seed))
    if "examples" in open_questions:
        probes: Any = ("replace",) if way.call == "padded" else ("replace", "permute", "alone")
        yield asked("batch", lambda: check_batch(fn, x, probes=probes, cases=CASES, seed=seed))


def _outcome(answers: tuple["Answer", ...]) -> Outcome:
    verdicts = [Verdict[answer.verdict] for answer in answers]
    if any(verdict.found for verdict in verdicts):
        return "leak"
    return "no counterexample" if all(verdict.passed for verdict in verdicts) else "open"


def _assumes(reading: Reading) -> Iterator[str]:
    yield from reading.assumptions
    yield from (f"{seen.kind} in {seen.place}" for seen in reading.seen[:3])
    yield from (f"{name} has no row, {count} times" for name, count in reading.unknown)


def _refusal(error: Exception) -> str:
    if "does not support an attention implementation" in str(error):
        return "transformers has no sdpa for it"
    return _shortened(error)


def _shortened(error: BaseException) -> str:
    text = " ".join(str(error).split())
    kind = (
        "" if isinstance(error, Unsupported | InvalidArgument | NothingEstablished) else type(error).__name__
    )
    text = f"{kind}: {text}" if kind else text.removeprefix("fn raised ").removeprefix("Unsupported: ")
    return text if len(text) <= ROOM else f"{text[:ROOM]} …"
