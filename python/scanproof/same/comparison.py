"""Two functions at one input, recorded and run over finite fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.programs.compare import compared
from scanproof.programs.field.decide import Both, Decision, decide
from scanproof.programs.field.draw import Parameters, Point
from scanproof.programs.field.interpret import FloatRun, run_floats, run_residues
from scanproof.programs.field.table import exponentiates
from scanproof.programs.places import held_parameters
from scanproof.programs.program import Program
from scanproof.programs.record import record
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
    """

    program: Program
    parameters: Mapping[str, Tensor]
    broken: str = ""

    @classmethod
    def of(cls, fn: Callable[..., Any] | Recording, given: Given, at: Mapping[str, Tensor]) -> "Side":
        """Record a function.

        Args:
            fn: the function, or its recording.
            given: the input.
            at: the parameters at which gradients are compared.

        Raises:
            InvalidArgument: the function cannot be recorded.
            NothingEstablished: the function raised.
        """
        if isinstance(fn, Recording):
            return cls(fn.program, fn.parameters)
        run, (args, kwargs) = given.function(fn, at), given.recorded()
        program = record(run, *args, **kwargs)
        executed = compared(program, run, args, kwargs)
        return cls(program, held_parameters(fn), "" if executed.same else executed.reason)


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
        own = [_parameters(each) for each in (f, g)]
        self.parameters = Parameters(*own)
        shared = [
            name for name in own[0] if name in own[1] and self.parameters.same(own[0][name], own[1][name])
        ]
        at = [{name: each[name] for name in shared if each[name].requires_grad} for each in own]
        self._sides = [Side.of(fn, given, each) for fn, each in zip((f, g), at, strict=True)]
        self.programs = self._sides[0].program, self._sides[1].program
        _check_results(*self.programs)

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
        reasons += _wholes_apart(*self.programs)
        return Decision.left(reasons) if reasons else decide(self._at_point, self._confirmed)

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
    if one != other or not one:
        raise InvalidArgument(
            f"check_same: f returns tensors of shapes {one}, g returns {other}; "
            "give functions that return tensors of the same shapes."
        )


def _wholes_apart(f: Program, g: Program) -> list[str]:
    """Return why results that are no floats leave the question open."""
    reasons = []
    for path, one in f.results.items():
        other = g.results[path]
        if one.is_complex() != other.is_complex():
            reasons.append("one function returns complex numbers where the other returns real ones")
        elif not (_inexact(one) and _inexact(other)) and not torch.equal(one, other):
            reasons.append("whole numbers or truth values of the results differ at x")
    return reasons


def _inexact(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
