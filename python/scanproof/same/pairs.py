"""Whether two runs of one model are equal, without a tolerance: equality over finite fields.

One program holds both: what the model returned when it was run in some way, and what that should equal. The
program runs over finite fields, with residues for the inputs and the parameters, and nothing rounds there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.foundation.judgement import Exactly
from scanproof.programs.compare import compared
from scanproof.programs.field.decide import Both, Decision, decide, theorem_of
from scanproof.programs.field.draw import Point
from scanproof.programs.field.interpret import run_floats, run_residues
from scanproof.programs.field.pair import Lost, Pair
from scanproof.programs.garbage import without_gc
from scanproof.programs.program import Value
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

        def given(value: Value) -> Pair:
            if value.source == "parameter" and not isinstance(value.tensor, nn.Parameter):
                why = Lost("a parameter that the model writes into")
                return Pair(why, why)
            return point.pair(f"{value.source} {value.index}", value.shape)

        with without_gc():
            found = run_residues(self._program, self._run, given, point.primes, renewed=renewed)
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


DECIDED = 4
"""Comparisons that are decided for a check that made more of them."""


def some(cases: Sequence[Case]) -> list[Case]:
    """Return a few cases, the first and the last among them."""
    step = max(1, -(-(len(cases) - 1) // (DECIDED - 1)))
    return list(dict.fromkeys([*cases[::step], *cases[-1:]]))


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
