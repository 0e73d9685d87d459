"""Run a recorded program at a drawn point, with residues in place of floats."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from scanproof.foundation.seeds import seed_torch
from scanproof.programs.execute import Calls, run
from scanproof.programs.field import (
    activations,
    arithmetic,
    attention,
    branches,
    choices,
    convolution,
    elementary,
    functions,
    logs,
    moves,
    norms,
    scatters,
    solves,
)
from scanproof.programs.field.calls import Call, PairCall, bound, packet
from scanproof.programs.field.pair import Before, Found, Lost, Pair, joined, parts, without_factor
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, Undecided, constant
from scanproof.programs.field.table import BRANCHES, FUNCTIONS, MOVES, RINGS, STEPS
from scanproof.programs.program import Node, Program, Value, last_reads

RULES = (
    *(activations, arithmetic, attention, branches, choices, convolution, elementary, functions, logs),
    *(moves, norms, scatters, solves),
)
"""The modules whose rules the tables hold."""


@dataclass(frozen=True)
class FloatRun:
    """What floats decide.

    Attributes:
        held: whole numbers, truth values, and floats that are the same for every input, by their values.
        taken: for an operation that returns one of two floats, by its index: where it returned the first.
        noted: the operations that compare floats, and the places where Python saw entries.
    """

    held: Mapping[int, Tensor]
    taken: Mapping[int, Tensor]
    noted: tuple[str, ...]


def run_floats(program: Program, inputs: Iterable[Tensor]) -> FloatRun:
    """Run a program with PyTorch, and keep what decides its branches."""
    values: list[Any] = [value.tensor for value in program.values]
    for value, tensor in zip(program.inputs, inputs, strict=True):
        values[value.index] = tensor
    held = {
        value.index: tensor.detach().cpu()
        for value, tensor in zip(program.values, values, strict=True)
        if tensor is not None and (value.known or not value.dtype.is_floating_point)
    }
    taken: dict[int, Tensor] = {}
    noted = dict.fromkeys(f"{each.kind}, {each.place}" for each in program.departures if not each.value.known)
    calls: Calls = {}
    nodes = program.used
    with torch.no_grad(), torch.random.fork_rng():
        seed_torch()
        for at, (node, gone) in enumerate(zip(nodes, last_reads(nodes, set()), strict=True)):
            branch = BRANCHES.get(packet(node)) if _floats(node) else None
            if branch is not None:
                given = {
                    name: values[arg.index] if isinstance(arg, Value) else arg
                    for name, arg in bound(node).items()
                }
                taken[at] = branch(given).cpu()
            run(node, values, calls)
            for made in node.outputs:
                if made is not None and (made.known or not made.dtype.is_floating_point or _steps(node)):
                    held[made.index] = values[made.index].cpu()
            if not node.known and (branch is not None or _steps(node) or _decides(node)):
                noted[f"{node.name}, {node.place}"] = None
            for index in gone:
                values[index] = None
    return FloatRun(held, taken, tuple(noted))


def _floats(node: Node) -> bool:
    return any(value is not None and value.dtype.is_floating_point for value in node.outputs)


def _steps(node: Node) -> bool:
    return packet(node) in STEPS


def _decides(node: Node) -> bool:
    whole = any(value is not None and not value.dtype.is_floating_point for value in node.outputs)
    return whole and any(value.dtype.is_floating_point and not value.known for value in node.reads)


def run_residues(
    program: Program, floats: FloatRun, drawn: Callable[[Value], Pair], primes: Primes
) -> dict[str, Pair]:
    """Run a program at a drawn point.

    Args:
        program: the program.
        floats: what floats decide.
        drawn: returns the residues of an input, of a parameter, or of memory that nothing was written into.
        primes: the primes of the point.

    Returns:
        The outputs of floating dtype, by their paths.
    """
    return _Run(floats, drawn, primes).outputs(program)


class _Run:
    def __init__(self, floats: FloatRun, drawn: Callable[[Value], Pair], primes: Primes) -> None:
        self._floats, self._drawn, self._primes = floats, drawn, primes
        self._pairs: dict[int, Pair] = {}

    def outputs(self, program: Program) -> dict[str, Pair]:
        nodes = program.used
        kept = {value.index for value in program.outputs.values()}
        for at, (node, gone) in enumerate(zip(nodes, last_reads(nodes, kept), strict=True)):
            if _floats(node):
                self._step(at, node)
            for index in gone:
                self._pairs.pop(index, None)
        return {
            path: self._pair(value)
            for path, value in program.outputs.items()
            if value.dtype.is_floating_point or value.dtype.is_complex
        }

    def _pair(self, value: Value) -> Pair:
        found = self._pairs.get(value.index)
        if found is None:
            found = self._pairs[value.index] = self._given(value)
        return found

    def _given(self, value: Value) -> Pair:
        if value.source in ("input", "parameter") and value.dtype.is_floating_point:
            return self._drawn(value)
        if not value.known or value.dtype.is_complex:
            why = "complex numbers" if value.dtype.is_complex else "a tensor with numbers that Python saw"
            return Pair(Lost(why), Lost(why))
        return self._constant(value)

    def _constant(self, value: Value) -> Pair:
        try:
            one, other = (
                constant(self._floats.held[value.index], prime) for prime in (self._primes.p, self._primes.q)
            )
        except Undecided as error:
            return Pair(Lost(f"a constant: {error}"), Lost(f"a constant: {error}"))
        return Pair(one, other)

    def _step(self, at: int, node: Node) -> None:
        outputs = [value for value in node.outputs if value is not None]
        name = packet(node)
        if name == "empty":
            made = [self._drawn(value) for value in outputs]
            self._pairs.update((value.index, pair) for value, pair in zip(outputs, made, strict=True))
            return
        ruled = name in RINGS or name in FUNCTIONS
        if _steps(node) or (node.known and (not ruled or not node.reads)):
            made = [
                self._constant(value) if value.dtype.is_floating_point else Pair(_NONE, _NONE)
                for value in outputs
            ]
        elif not ruled or node.writes or node.takes_numbers:
            why = Lost(_why(node, ruled))
            made = [Pair(why, why) for _ in outputs]
        else:
            branch = self._floats.taken.get(at)
            made = self._function(node, branch) if name in FUNCTIONS else self._ring(node, branch)
            made = [self._placed(node, pair) for pair in made]
            if node.known:
                made = [self._known(value, pair) for value, pair in zip(outputs, made, strict=True)]
        self._pairs.update((value.index, pair) for value, pair in zip(outputs, made, strict=False))

    def _ring(self, node: Node, branch: Tensor | None) -> list[Pair]:
        floats = [self._pair(value) for value in node.reads if value.dtype.is_floating_point]
        opaque: frozenset[str] = frozenset().union(*(pair.opaque for pair in floats))
        within: frozenset[str] = frozenset().union(*(pair.within for pair in floats))

        def sides(prime: int, chosen: Callable[[Pair], Found], zeros: bool = False) -> Sequence[Found]:
            def side(value: Value) -> Side:
                found = chosen(self._pair(value))
                if isinstance(found, Lost):
                    raise Before(found)
                return found

            try:
                made = RINGS[packet(node)](Call(node, prime, side, self._floats.held, branch, zeros))
            except Before as error:
                return [error.lost] * count
            except Undecided as error:
                return [Lost(str(error))] * count
            return made if isinstance(made, list) else [made]

        count = sum(value is not None for value in node.outputs)
        p, q = self._primes.p, self._primes.q
        values, exponents = sides(p, lambda pair: pair.value), sides(q, lambda pair: pair.exponent)
        made = [
            Pair(value, exponent, opaque, within) for value, exponent in zip(values, exponents, strict=True)
        ]
        if all(pair.power is None for pair in floats):
            return made
        if packet(node) not in MOVES or bound(node).get("accumulate"):
            return [without_factor(pair, *floats) for pair in made]
        moved = zip(
            made,
            sides(q, lambda pair: parts(pair)[0]),
            sides(p, lambda pair: parts(pair)[1], zeros=True),
            sides(q, lambda pair: parts(pair)[2], zeros=True),
            strict=True,
        )
        behind = frozenset().union(
            *(pair.within if pair.power is None else pair.power.opaque for pair in floats)
        )
        return [joined(*each, behind) for each in moved]

    def _function(self, node: Node, branch: Tensor | None) -> list[Pair]:
        call = PairCall(node, self._primes, self._pair, self._floats.held, branch)
        try:
            made = FUNCTIONS[packet(node)](call)
        except Undecided as error:
            lost = Lost(str(error))
            made = [Pair(lost, lost) for value in node.outputs if value is not None]
        return made if isinstance(made, list) else [made]

    def _known(self, value: Value, pair: Pair) -> Pair:
        """Return the numbers that the float run had, if a rule cannot compute them."""
        lost = isinstance(pair.value, Lost) or isinstance(pair.exponent, Lost)
        return self._constant(value) if lost and value.dtype.is_floating_point else pair

    def _placed(self, node: Node, pair: Pair) -> Pair:
        """Add the operation and the place to what an operation says of the residues that it lost."""
        before = {
            found.why
            for value in node.reads
            if value.dtype.is_floating_point
            for found in (self._pair(value).value, self._pair(value).exponent)
            if isinstance(found, Lost)
        }

        def placed(found: Found) -> Found:
            if not isinstance(found, Lost) or found.why in before:
                return found
            return Lost(f"{node.name} {found.why}, {node.place}")

        return replace(pair, value=placed(pair.value), exponent=placed(pair.exponent))


_NONE = Lost("no floats")


def _why(node: Node, ruled: bool) -> str:
    if node.random:
        said = "draws random numbers"
    elif not ruled:
        said = "has no rule over a field"
    else:
        said = "writes into an argument" if node.writes else "takes a number that Python saw"
    return f"{node.name} {said}, {node.place}"
