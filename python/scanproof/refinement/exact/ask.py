"""Run an implementation and its reference over finite fields, and decide whether they are one function.

The recorded program of the implementation and the twin of the Lean runner get the same drawn residues.
Nothing rounds there. Equal residues mean the same function, wrong with a probability that is computed; one
entry that differs means that the formulas differ.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.programs.compare import compared
from scanproof.programs.field import pairs
from scanproof.programs.field.decide import Both, Decision, decide
from scanproof.programs.field.draw import Point
from scanproof.programs.field.interpret import run_floats, run_residues
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.primes import draw_primes
from scanproof.programs.garbage import without_gc
from scanproof.programs.program import Value
from scanproof.programs.record import record
from scanproof.programs.wide import run_wide
from scanproof.refinement.bounded import Floats
from scanproof.refinement.exact.answer import Differing, ExactAnswer, attempted
from scanproof.refinement.exact.constants import holds_rounded_constants
from scanproof.refinement.exact.fitting import Fitting
from scanproof.refinement.exact.in_float64 import InFloat64
from scanproof.refinement.exact.lean import by_lean
from scanproof.refinement.exact.links import linked
from scanproof.refinement.exact.variants import variants
from scanproof.refinement.gradients import COTANGENTS
from scanproof.refinement.residues import ResidueArithmetic, Residues, exactly
from scanproof.refinement.rounding import Rounding
from scanproof.report.verdict import Verdict

if TYPE_CHECKING:
    from scanproof.refinement.problem import Inputs, Problem

NEAR, GREATEST_NEAR = 256, 2.0**-4
"""Unit roundoffs, and a greatest relative difference, within which a comparison may go either way."""

CONSTANT = 2.0**-20
"""Relative differences below this may come from constants that are rounded to float32."""

NOT_WHOLE = "the operations that PyTorch shows are not the whole function"
"""Why a kernel is opaque."""


def ask(problem: "Problem", inputs: "Inputs", *, seed: int = 0) -> ExactAnswer:
    """Decide whether an implementation is the function of its reference.

    Other inputs are looked at, too, for branches of the reference that ``inputs`` do not take.

    Args:
        problem: the implementation and its reference.
        inputs: tensors by name, with cotangents if gradients are compared.
        seed: the seed of the points.
    """
    return attempted(lambda: _asked(problem, inputs, seed), "fn")


def _asked(problem: "Problem", inputs: "Inputs", seed: int) -> ExactAnswer:
    question = Question(problem, inputs, seed)
    answer = question.answer()
    if answer.verdict is not Verdict.EQUAL:
        return answer
    taken = dict(question.branches)
    for other in variants(problem, inputs):
        if all(len(both) == 2 for both in taken.values()):
            break
        new = branches(problem, other)
        if all(both <= taken.get(name, frozenset()) for name, both in new.items()):
            continue
        elsewhere = _elsewhere(problem, other, seed)
        if elsewhere is not None and elsewhere.verdict is Verdict.DIFFERENT:
            return elsewhere
        if elsewhere is not None and elsewhere.verdict is Verdict.EQUAL:
            taken.update({name: taken.get(name, frozenset()) | both for name, both in new.items()})
    return replace(answer, branches=_noted(taken))


def _elsewhere(problem: "Problem", inputs: "Inputs", seed: int) -> ExactAnswer | None:
    """Decide at another input; None where the implementation does not return finite numbers."""
    try:
        question = Question(problem, inputs, seed)
    except (InvalidArgument, NothingEstablished):
        return None
    return question.answer() if question.finite else None


def branches(problem: "Problem", inputs: "Inputs") -> dict[str, frozenset[bool]]:
    """Return the comparisons of the reference, and which of their branches an input takes."""
    arithmetic = ResidueArithmetic(draw_primes(0))
    with np.errstate(all="ignore"):
        problem.over(arithmetic, {name: arithmetic.lift(_floats(x)) for name, x in inputs.items()}, {})
    return arithmetic.branches


class Question:
    """An implementation, recorded at an input, and its reference there.

    Attributes:
        branches: the comparisons of the reference, and which of their branches were taken.

    Raises:
        InvalidArgument: the implementation cannot be recorded.
        NothingEstablished: the implementation raised.
    """

    def __init__(self, problem: "Problem", inputs: "Inputs", seed: int) -> None:
        self._problem, self._inputs, self._seed = problem, dict(inputs), seed
        call = problem.recordable()
        self._program = record(call, **self._inputs)
        self._executed = compared(self._program, call, (), self._inputs)
        self._given = [self._inputs[value.name].detach() for value in self._program.inputs]
        self._run = run_floats(self._program, self._given)
        outputs = self._program.outputs.values()
        values = [*outputs, *(value for node in self._program.used for value in node.reads)]
        self._read = {value.name for value in values if value.source == "input"}
        self.branches: dict[str, frozenset[bool]] = {}
        self._close: set[str] = set()
        self._expected: dict[str, Floats] = {}
        self._by_lean: tuple[str, ...] = ()
        names = {id(tensor): name for name, tensor in problem.parameters.items()}
        read = {
            names.get(id(value.tensor), f"parameter {value.index}"): value.tensor
            for node in self._program.used
            for value in node.reads
            if value.source == "parameter" and value.tensor is not None and value not in self._program.gaps
        }
        links = linked(problem.stored_parameters, read)
        self._links = {id(read[name]): field for name, field in links.items()}

    @property
    def finite(self) -> bool:
        """Whether the implementation returned finite numbers."""
        return all(bool(y.isfinite().all()) for y in self._program.results.values())

    def answer(self) -> ExactAnswer:
        """Decide at this input."""
        if not self._executed.same:
            reason = f"rounding alone decides: {NOT_WHOLE} ({self._executed.reason})"
            return ExactAnswer(verdict=Verdict.INCONCLUSIVE, reason=reason)
        decision = decide(self._at_point, self._confirmed)
        verdict, reason = decision.verdict, decision.reason
        if verdict is not Verdict.EQUAL and self._problem.doubt:
            verdict, reason = Verdict.INCONCLUSIVE, f"entries differ, but {self._problem.doubt}"
        elif verdict is Verdict.DIFFERENT and self._close:
            verdict = Verdict.INCONCLUSIVE
            reason = (
                f"entries differ, but numbers lie so close to {' and '.join(sorted(self._close))} that fn may"
                " decide otherwise there; use another input"
            )
        elif verdict is Verdict.INCONCLUSIVE:
            reason = f"rounding alone decides: {reason}"
        differing = self._worst(decision) if verdict is Verdict.DIFFERENT else None
        links = sorted(self._links.values())
        return ExactAnswer.of(
            decision,
            verdict=verdict,
            reason=reason,
            branches=_noted(self.branches),
            drawn=tuple(links),
            exact=tuple(
                name
                for name in (*self._problem.stored_parameters, *self._inputs)
                if name not in links and name not in self._read
            ),
            by_lean=self._by_lean,
            constants=differing is not None and self._by_constants(decision),
            differing=differing,
        )

    def _at_point(self, number: int, fitting: "Fitting | None" = None) -> tuple[Both, int, int]:
        point = Point(self._seed, number)
        drawn = {
            name: self._input(point, name, tensor)
            for name, tensor in self._inputs.items()
            if tensor.is_floating_point() and name in self._read
        }

        def given(value: Value) -> Pair:
            if value.source == "input":
                return drawn[value.name]
            if isinstance(value.tensor, nn.Parameter):
                field = self._links.get(id(value.tensor))
                if field is not None:
                    return point.pair(f"parameter {field}", value.shape)
                return exactly(value.tensor, point.primes)
            return point.pair(f"memory {value.index}", value.shape)

        near = min(GREATEST_NEAR, NEAR * self._problem.rounding.unit_roundoff)
        arithmetic = ResidueArithmetic(point.primes, near)
        residues = {
            name: Residues(_floats(x), drawn[name]) if name in drawn else arithmetic.lift(_floats(x))
            for name, x in self._inputs.items()
        }
        residues.update({name: residues[name].as_values() for name in COTANGENTS if name in residues})
        fields = self._problem.stored_parameters
        parameters = {
            field: Residues(fields[field], point.pair(f"parameter {field}", fields[field].shape))
            for field in self._links.values()
        }
        with np.errstate(all="ignore"), without_gc():
            ran = self._problem.over(arithmetic, residues, parameters)
            lean = by_lean(self._problem, residues, parameters, ran.results, point.primes)
        expected = {**ran.results, **lean}
        self.branches, self._close = dict(arithmetic.branches), arithmetic.close
        if fitting is not None:
            fitting.take([*residues.values(), *parameters.values(), *ran.values])
        with without_gc():
            found = run_residues(
                self._program, self._run, given, point.primes, fitting.note if fitting else None
            )
        self._expected = {name: result.floats for name, result in expected.items()}
        found = {name[2:-2]: pair for name, pair in found.items()}  # paths such as "['y']"
        self._by_lean = tuple(name for name in lean if name in found)
        both = found, {name: result.pair for name, result in expected.items()}
        return both, point.primes.p, point.primes.q

    def _input(self, point: Point, name: str, tensor: Tensor) -> Pair:
        """Draw an input; an input that is the same at every example and token has one number for all."""
        axes = self._problem.input_axes.get(name, ())
        first = tensor
        if "time" in axes and len(axes) == tensor.dim():
            for place, axis in enumerate(axes):
                first = first.narrow(place, 0, 1) if axis in ("batch", "time") else first
        places = self._program.shared.get(name)
        if places is not None:
            return point.pair(f"input {name}", tuple(tensor.shape), places)
        if first is tensor or not torch.equal(first.expand_as(tensor), tensor):
            return point.pair(f"input {name}", tuple(tensor.shape))
        drawn = point.pair(f"input {name}", tuple(first.shape))
        return pairs.moved(drawn, lambda values: values.broadcast_to(tensor.shape))

    def _confirmed(self, suspected: Mapping[str, Tensor]) -> str:
        """Say how float64 shows that entries differ: here, or at other inputs and parameters nearby.

        Zeros and ones among the inputs and parameters may hide a difference; the numbers nearby do not.
        """
        for where, found in (("", self._here), (" at numbers nearby", self._nearby)):
            if (shown := found.beyond(suspected)) is not None:
                return f"float64 shows it{where}: {shown}"
        return ""

    @cached_property
    def _here(self) -> InFloat64:
        return self._in_float64(self._inputs, {})

    @cached_property
    def _nearby(self) -> InFloat64:
        generator = torch.Generator().manual_seed(self._seed)
        near = {name: _near(x, generator) for name, x in self._inputs.items()}
        near.update({name: self._inputs[name] for name in self._problem.constant if name in near})
        parameters = {
            index: _near(value.tensor, generator)
            for index, value in self._linked_values().items()
            if value.tensor is not None
        }
        return self._in_float64(self._problem.within(near), parameters)

    def _linked_values(self) -> dict[int, Value]:
        """Return the parameters that the spec has, too, by the numbers of their values."""
        values = (value for node in self._program.used for value in node.reads)
        return {value.index: value for value in values if id(value.tensor) in self._links}

    def _in_float64(self, inputs: Mapping[str, Tensor], parameters: Mapping[int, Tensor]) -> InFloat64:
        """Run the implementation and the reference in float64, where no cast of the implementation counts."""
        values, shapes = self._linked_values(), self._problem.stored_parameters
        fields = {
            (name := self._links[id(values[index].tensor)]): _floats(tensor).reshape(shapes[name].shape)
            for index, tensor in parameters.items()
        }
        given = [inputs[value.name] for value in self._program.inputs]
        try:
            wide = run_wide(self._program, given, parameters=parameters)
        except (InvalidArgument, NothingEstablished):
            return InFloat64({}, None)
        got = {name[2:-2]: _floats(y) for name, y in wide.items()}
        exact = self._problem.with_parameters(fields)
        exact.rounding = Rounding.of(torch.float64)
        doubled = {name: x.double() if x.is_floating_point() else x for name, x in inputs.items()}
        return InFloat64(got, exact.expected(doubled, dict.fromkeys(got, torch.float64)))

    def _by_constants(self, decision: Decision) -> bool:
        """Whether constants that a float rounded may explain so small a difference, here and nearby."""
        if not holds_rounded_constants(self._program):
            return False
        sizes = [found.relative(decision.differing) for found in (self._here, self._nearby)]
        return all(size <= CONSTANT for size in sizes)

    def _worst(self, decision: Decision) -> Differing:
        name, index, difference = self._here.worst(decision.differing)
        return Differing(
            output=name,
            index=index,
            count=sum(int(mask.sum()) for mask in decision.differing.values()),
            got=float(self._program.results[f"[{name!r}]"][index]),
            expected=float(self._expected[name][index]),
            difference=difference,
            operation=self._misfit(decision),
        )

    def _misfit(self, decision: Decision) -> str:
        """Return the operation from which on no value occurs in the reference; empty if there is none."""
        fitting = Fitting()
        self._at_point(0, fitting)
        wrong = {self._program.outputs[f"[{name!r}]"] for name in decision.differing}
        node = fitting.first_misfit(self._program, wrong)
        return "" if node is None else f"{node.name}, {node.place}"


def _near(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return other numbers near those of a floating tensor, in its dtype."""
    if not x.is_floating_point():
        return x
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    return (x.detach() + noise / 8).to(x.dtype)


def _floats(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().double().numpy()
    return array


def _noted(branches: Mapping[str, frozenset[bool]]) -> tuple[str, ...]:
    sides = {frozenset({True}): "first side only", frozenset({False}): "second side only"}
    return tuple(f"{name}, {sides.get(both, 'both sides')}" for name, both in branches.items() if both)
