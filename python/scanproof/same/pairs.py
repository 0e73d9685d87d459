"""Whether two runs of one model are equal, without a tolerance: equality over finite fields.

One program holds both: what the model returned when it was run in some way, and what that should equal. The
program runs over finite fields, with residues for the inputs and the parameters, and nothing rounds there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.foundation.judgement import Exactly
from scanproof.programs.compare import compared
from scanproof.programs.field.decide import Both, Decision, decide, theorem_of
from scanproof.programs.field.draw import Point
from scanproof.programs.field.interpret import run_floats, run_residues
from scanproof.programs.garbage import without_gc
from scanproof.programs.program import inexact
from scanproof.programs.record import record
from scanproof.programs.wide import apart, run_wide
from scanproof.refinement.exact.answer import ExactAnswer, attempted
from scanproof.refinement.exact.ask import CONSTANT
from scanproof.refinement.exact.constants import holds_rounded_constants
from scanproof.report.verdict import Verdict

GOT, EXPECTED = "got", "expected"

Found = TypeVar("Found")

Case = TypeVar("Case")
Run: TypeAlias = Callable[..., dict[str, dict[str, Tensor]]]


class Pairs:
    """What was got and what was expected, recorded in one program, and decided over finite fields.

    Args:
        run: takes the tensors, and returns what was got and what was expected, by the names of cases, under
            :data:`GOT` and :data:`EXPECTED`.
        model: the function that ``run`` calls; names of modules are those of the model.
        tensors: the inputs.
        seed: the seed of the points.

    Raises:
        InvalidArgument: the model cannot be recorded.
        NothingEstablished: the model raised.
    """

    def __init__(self, run: Run, model: Any, tensors: Sequence[Tensor], seed: int) -> None:
        self._seed = seed

        def recorded(*tensors: Tensor) -> dict[str, dict[str, Tensor]]:
            return run(*tensors)

        recorded.__wrapped__ = model  # type: ignore[attr-defined]  # names of modules are those of the model
        self._program = record(recorded, *tensors)
        self._executed = compared(self._program, recorded, tuple(tensors), {})
        self._given = [tensor.detach() for tensor in tensors]

    @cached_property
    def decision(self) -> Decision:
        """What random points show."""
        if self._program.memory_read:
            return Decision.left([f"the model depends on more than x: {self._program.memory_read}"])
        if not self._executed.same:
            reason = f"the operations that PyTorch shows are not the whole model ({self._executed.reason})"
            return Decision.left([reason])
        if shapes := self._other_shapes:
            left = Decision.left([])
            return replace(left, verdict=Verdict.DIFFERENT, reason=f"other shapes: {shapes}")
        if not all(inexact(value.dtype) for value in self._program.outputs.values()):
            return Decision.left(["the model returns whole numbers or truth values, which fields do not see"])
        self._run = run_floats(self._program, self._given)
        equal = decide(partial(self._at_point, renewed=True), lambda suspected: "")
        return equal if equal.verdict is Verdict.EQUAL else decide(self._at_point, self._confirmed)

    @property
    def _other_shapes(self) -> str:
        """What was got in another shape than expected; empty if nothing was."""
        got, expected = _both(self._program.results)
        pairs = ((name, tuple(got[name].shape), tuple(y.shape)) for name, y in expected.items())
        return "; ".join(f"{name}: {one} in place of {two}" for name, one, two in pairs if one != two)

    @property
    def small(self) -> bool:
        """Whether rounded constants may explain the difference, such as two tables of angles."""
        if self._other_shapes or not holds_rounded_constants(self._program) or self._in_float64 is None:
            return False
        expected = _both(self._program.results)[1]
        scales = {name: float(expected[name].double().abs().nan_to_num().max()) for name in expected}
        return all(size <= CONSTANT * scales[name] for name, size, _ in self._sizes(self.decision.differing))

    def _at_point(self, number: int, *, renewed: bool = False) -> tuple[Both, int, int]:
        point = Point(self._seed, number)
        drawn = partial(point.drawn, 0)
        with without_gc():
            found = run_residues(self._program, self._run, drawn, point.primes, renewed=renewed)
        return _both(found), point.primes.p, point.primes.q

    def _confirmed(self, suspected: Mapping[str, Tensor]) -> str:
        """Say how float64 shows that entries differ: by more than rounding is estimated to explain."""
        for name, size, rounding in self._sizes(suspected):
            if size > rounding:
                return f"float64 shows it: {name} differs by {size:.3g}, and rounding explains {rounding:.1g}"
        return ""

    @cached_property
    def _in_float64(self) -> dict[str, tuple[Tensor, float]] | None:
        """The differences and what rounding explains, by name; None if the model does not run so."""
        try:
            wide, narrow = (
                _both(run_wide(self._program, self._given, dtype)) for dtype in (torch.float64, torch.float32)
            )
        except (InvalidArgument, NothingEstablished):
            return None
        return apart(wide, narrow)

    def _sizes(self, masks: Mapping[str, Tensor]) -> Iterator[tuple[str, float, float]]:
        """Yield the greatest difference in float64 by name, and what rounding explains."""
        if self._in_float64 is None:
            return
        for name, mask in masks.items():
            difference, rounding = self._in_float64[name]
            yield name, float((difference * mask).max()), rounding


def _both(found: Mapping[str, Found]) -> tuple[dict[str, Found], dict[str, Found]]:
    """Return the results by their cases: those that were got, and those that were expected."""
    sides: tuple[dict[str, Found], dict[str, Found]] = {}, {}
    for side, first in zip(sides, (GOT, EXPECTED), strict=True):
        start = f"[{first!r}]["
        side.update({path[len(start) + 1 : -2]: x for path, x in found.items() if path.startswith(start)})
    return sides


GROUP = 4
"""Comparisons that are recorded in one program."""

MOST = 32
"""Comparisons that are decided at most; EQUAL needs all of them."""


def shown(what: str, answer: ExactAnswer) -> Exactly:
    """Return what an exact answer shows of a residue.

    Args:
        what: what is compared, in words.
        answer: the answer.
    """
    equal = answer.verdict is Verdict.EQUAL
    reason = f"{what}{' are' if equal else ':'} {answer.reason}"
    return Exactly(equal, answer.wrong, reason, theorem_of(answer.verdict))


def decided(run: Run, model: Any, tensors: Sequence[Tensor], seed: int, subject: str) -> ExactAnswer:
    """Decide whether what is got is what is expected.

    Args:
        run: as for :class:`Pairs`.
        model: as for :class:`Pairs`.
        tensors: the inputs.
        seed: the seed of the points.
        subject: what is recorded, in words.
    """

    def asked() -> ExactAnswer:
        pairs = Pairs(run, model, tensors, seed)
        constants = pairs.decision.verdict is Verdict.DIFFERENT and pairs.small
        return ExactAnswer.of(pairs.decision, constants=constants)

    return attempted(asked, subject)


def all_decided(
    run_of: Callable[[Sequence[Case]], Run],
    cases: Sequence[Case],
    model: Any,
    tensors: Sequence[Tensor],
    seed: int,
    subject: str,
) -> ExactAnswer:
    """Decide whether what is got is what is expected, in all cases.

    Args:
        run_of: takes some of the cases, and returns what :class:`Pairs` takes as ``run``.
        cases: the comparisons.
        model: as for :class:`Pairs`.
        tensors: the inputs.
        seed: the seed of the points.
        subject: what is recorded, in words.

    Returns:
        EQUAL if it is in every case, DIFFERENT for the first group of cases that differ by more than
        rounded constants explain. Of more than :data:`MOST` cases, some are decided, and EQUAL is out of
        reach.
    """
    step = -(-len(cases) // MOST)
    few, answers = cases[::step], list[ExactAnswer]()
    for first in range(0, len(few), GROUP):
        group = few[first : first + GROUP]
        answers.append(decided(run_of(group), model, tensors, seed, subject))
        if answers[-1].wrong:
            return answers[-1]
    left = next((answer for answer in answers if answer.verdict is not Verdict.EQUAL), None)
    if left is not None:
        return left
    if step > 1:
        reason = f"{len(cases)} comparisons, of which {len(few)} were decided as equal"
        return replace(answers[-1], verdict=Verdict.INCONCLUSIVE, reason=reason, probability=None)
    weakest = max(answers, key=lambda answer: answer.probability or 0.0)
    more = f", in each of {len(answers)} recordings" if len(answers) > 1 else ""
    return replace(weakest, reason=weakest.reason + more)


def listed(numbers: Sequence[int]) -> str:
    """Return numbers with commas; the first and the last of many."""
    texts = [str(number) for number in numbers]
    return ", ".join(texts if len(texts) <= 2 * GROUP else [*texts[:GROUP], "…", texts[-1]])
