"""Two functions at one input, recorded and run over finite fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.programs.compare import compared
from scanproof.programs.field.decide import Both, Decision, decide
from scanproof.programs.field.draw import Parameters, Point
from scanproof.programs.field.interpret import FloatRun, run_floats, run_residues
from scanproof.programs.field.residues import LEAST
from scanproof.programs.field.table import exponentiates
from scanproof.programs.places import held_parameters
from scanproof.programs.program import Program, inexact
from scanproof.programs.record import record
from scanproof.programs.trees import plain_leaves
from scanproof.programs.wide import differences, real_parts
from scanproof.same.given import Given
from scanproof.same.recording import Recording
from scanproof.same.report import Entry


@dataclass(frozen=True)
class Side:
    """One of the functions.

    Attributes:
        program: what it computes at the input.
        parameters: its parameters by name.
        broken: why the program is not the function; empty if a second run gave the same.
        plain: the numbers, texts and truth values among the results, by their paths; None for a recording.
    """

    program: Program
    parameters: Mapping[str, Tensor]
    broken: str = ""
    plain: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls, name: str, fn: Callable[..., Any] | Recording, given: Given, at: Mapping[str, Tensor]
    ) -> "Side":
        """Record a function.

        Args:
            name: ``f`` or ``g``.
            fn: the function, or its recording.
            given: the input.
            at: the parameters at which gradients are compared.

        Raises:
            InvalidArgument: the function cannot be recorded.
            NothingEstablished: the function raised.
        """
        if isinstance(fn, Recording):
            return cls(fn.program, fn.parameters)
        seen: list[dict[str, Any]] = []

        def watched(*args: Any, **kwargs: Any) -> Any:
            results = fn(*args, **kwargs)
            seen.append(dict(plain_leaves(results)))
            return results

        watched.__wrapped__ = fn  # type: ignore[attr-defined]  # names of modules are those of fn
        run, (args, kwargs) = given.function(watched, at), given.recorded()
        try:
            program = record(run, *args, **kwargs)
        except NothingEstablished as error:
            raise NothingEstablished(name + str(error).removeprefix("fn")) from error
        plain = seen[0]
        executed = compared(program, run, args, kwargs)
        return cls(program, held_parameters(fn), "" if executed.same else executed.reason, plain)


class Comparison:
    """Two functions at one input.

    Args:
        f: one function, or its recording.
        g: the other one.
        given: the input.
        seed: the seed of the points.

    Attributes:
        given: the input.
        parameters: the names of the parameters.
        programs: what both functions compute.

    Raises:
        InvalidArgument: a function cannot be recorded, or they return other tensors than each other.
        NothingEstablished: a function raised.
    """

    def __init__(
        self, f: Callable[..., Any] | Recording, g: Callable[..., Any] | Recording, given: Given, seed: int
    ) -> None:
        self._seed, self.given = seed, given
        self._own = [_parameters(each) for each in (f, g)]
        self.parameters = Parameters(*self._own)
        at = self._differentiated(f, g) if given.cotangents is not None else [{}, {}]
        self._sides = [
            Side.of(name, fn, given, each) for name, fn, each in zip("fg", (f, g), at, strict=True)
        ]
        self.programs = self._sides[0].program, self._sides[1].program
        _check_results(*self.programs)

    def _differentiated(
        self, f: Callable[..., Any] | Recording, g: Callable[..., Any] | Recording
    ) -> list[dict[str, Tensor]]:
        """Return the parameters at which the gradients of each function are compared, by name.

        They are those of a recording, or else those that both functions hold.
        """
        recorded = next((fn.gradients for fn in (f, g) if isinstance(fn, Recording)), None)
        if recorded is None:
            one, other = self._own
            names = [name for name in one if name in other and self.parameters.same(one[name], other[name])]
            apart = [name for name in names if one[name].requires_grad != other[name].requires_grad]
            names = [name for name in names if one[name].requires_grad]
        else:
            live = [own for fn, own in zip((f, g), self._own, strict=True) if not isinstance(fn, Recording)]
            names = [name for name in recorded if all(name in own for own in live)]
            apart = [name for name in names if not all(own[name].requires_grad for own in live)]
        if apart:
            raise InvalidArgument(
                f"check_same: only one function has gradients at {', '.join(apart)}; set requires_grad of "
                "these parameters to the same in both functions."
            )
        return [{name: own[name] for name in names if name in own} for own in self._own]

    @cached_property
    def floats(self) -> list[FloatRun]:
        """What floats decide in each program."""
        return [run_floats(program, self.given.tensors) for program in self.programs]

    @property
    def branches(self) -> tuple[str, ...]:
        """The operations that decide as the floats do."""
        return tuple(dict.fromkeys(note for run in self.floats for note in run.noted))

    @property
    def exponentials(self) -> bool:
        """Whether a rule of an operation is made of ``exp``."""
        return any(exponentiates(node) for program in self.programs for node in program.used)

    @cached_property
    def decision(self) -> Decision:
        """What random points show."""
        reasons = [
            f"the recorded program of {name} is not the function: {side.broken}"
            for name, side in zip("fg", self._sides, strict=True)
            if side.broken
        ]
        reasons += [
            f"{name} depends on more than its inputs: it reads memory around the entries of a tensor"
            for name, program in zip("fg", self.programs, strict=True)
            if program.gaps
        ]
        reasons += self._made_inside()
        reasons += _plain_apart(*(side.plain for side in self._sides))
        reasons += _wholes_apart(*self.programs)
        return Decision.left(reasons) if reasons else decide(self._at_point, self._confirmed)

    def _made_inside(self) -> list[str]:
        """Return which function reads a parameter of its own that it does not hold.

        A parameter that is made anew in each run holds what the function computed, so it is not to be drawn.
        """
        read = [
            {
                id(value.tensor)
                for node in program.used
                for value in node.reads
                if value.source == "parameter" and isinstance(value.tensor, nn.Parameter)
            }
            for program in self.programs
        ]
        held = [{id(parameter) for parameter in own.values()} for own in self._own]
        return [
            f"{name} reads a parameter that it does not hold: let it hold a parameter, and make none"
            for name, own, ours, theirs in zip("fg", held, read, reversed(read), strict=True)
            if ours - theirs - own
        ]

    def _at_point(self, number: int) -> tuple[Both, int, int]:
        one, other = self.programs
        point = Point(self._seed, number, self.parameters, {**one.shared, **other.shared})
        f, g = (
            run_residues(program, run, partial(point.drawn, at), point.primes)
            for at, (program, run) in enumerate(zip(self.programs, self.floats, strict=True))
        )
        shared = f.keys() & g.keys()
        both = {path: f[path] for path in f if path in shared}, {path: g[path] for path in shared}
        return both, point.primes.p, point.primes.q

    def _confirmed(self, suspected: Mapping[str, Tensor]) -> str:
        """Say how float64 shows that entries differ: by more than its rounding can be."""
        try:
            apart = differences(self.programs, self.given.tensors)
        except NothingEstablished:
            return ""
        sizes = [
            (float((difference * mask).max()), rounding)
            for (difference, rounding), mask in ((apart[path], mask) for path, mask in suspected.items())
        ]
        size, rounding = max(sizes, key=lambda each: each[0] / each[1] if each[1] else each[0])
        if size <= rounding:
            return ""
        return f"in float64 at x they differ by {size:.2g}, and rounding explains at most {rounding:.2g}"

    @property
    def worst(self) -> Entry | None:
        """The entry that differs most in floats; None if no entry differs."""
        differing = self.decision.differing
        count = sum(int(unequal.sum()) for unequal in differing.values())
        entries = []
        for path, unequal in differing.items():
            one, two = (real_parts(program.results)[path].cpu().double() for program in self.programs)
            sizes = (one - two).abs().nan_to_num(0.0).masked_fill(~unequal, -1.0)
            at = tuple(int(each) for each in torch.unravel_index(sizes.argmax(), sizes.shape))
            entry = Entry(path=path, index=at, count=count, f=float(one[at]), g=float(two[at]))
            entries.append((float(sizes[at]), entry))
        return max(entries, key=lambda each: each[0])[1] if entries else None


def _parameters(fn: Callable[..., Any] | Recording) -> Mapping[str, Tensor]:
    return fn.parameters if isinstance(fn, Recording) else held_parameters(fn)


def _check_results(f: Program, g: Program) -> None:
    one, other = (
        {path or "result": tuple(tensor.shape) for path, tensor in program.results.items()}
        for program in (f, g)
    )
    if not one and not other:
        raise InvalidArgument("check_same: f and g return no tensors; give functions that return tensors.")
    if one != other:
        ours, theirs = (
            {path: shape for path, shape in each.items() if shape != rest.get(path)}
            for each, rest in ((one, other), (other, one))
        )
        raise ShapesDiffer(
            f"check_same: f returns tensors of shapes {ours}, g returns {theirs}; "
            "give functions that return tensors of the same shapes."
        )


class ShapesDiffer(InvalidArgument):
    """Two functions return tensors of different shapes."""


def _plain_apart(f: Mapping[str, Any] | None, g: Mapping[str, Any] | None) -> list[str]:
    """Return why results that are no tensors leave the question open."""
    if f is None or g is None:
        return []
    return [
        f"the results {path or 'of both'} are no tensors and differ at x: {f.get(path)!r} and {g.get(path)!r}"
        for path in {**f, **g}
        if f.get(path) != g.get(path)
    ]


def _wholes_apart(f: Program, g: Program) -> list[str]:
    """Return why results that are no floats leave the question open."""
    reasons = []
    if not any(result.numel() for result in f.results.values()):
        reasons.append("the results have no entries")
    outputs = [*f.outputs.values(), *g.outputs.values()]
    if not any(inexact(value.dtype) for value in outputs) and not all(value.known for value in outputs):
        reasons.append(
            "the results are whole numbers or truth values, which are compared at x alone; return the floats "
            "from which they come as well"
        )
    for path, one in f.results.items():
        other = g.results[path]
        if one.is_complex() != other.is_complex():
            reasons.append("one function returns complex numbers where the other returns real ones")
        elif inexact(one.dtype) != inexact(other.dtype):
            reasons.append("one function returns whole numbers where the other returns floats")
        elif not inexact(one.dtype):
            if not torch.equal(one, other):
                reasons.append("whole numbers or truth values of the results differ at x")
        elif _least_apart(one, other):
            reasons.append(
                f"entries up to {LEAST:g} differ at x; such entries are taken as minus infinity, so finite "
                "fields do not see the difference"
            )
    return reasons


def _least_apart(one: Tensor, other: Tensor) -> bool:
    """Whether entries differ that finite fields take as minus infinity on both sides."""
    if one.is_complex():
        return any(_least_apart(x, y) for x, y in ((one.real, other.real), (one.imag, other.imag)))
    one, other = one.double(), other.double()
    return bool(((one <= LEAST) & (other <= LEAST) & (one != other)).any())
