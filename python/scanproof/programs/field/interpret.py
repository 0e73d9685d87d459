"""Run a recorded program at a drawn point, with residues in place of floats."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor

from scanproof.foundation.seeds import seed_torch
from scanproof.programs.execute import Calls, given_tensors, run
from scanproof.programs.field import (
    activations,
    arithmetic,
    attention,
    branches,
    choices,
    complexes,
    convolution,
    elementary,
    functions,
    logs,
    moves,
    norms,
    pairs,
    scatters,
    solves,
    spectra,
)
from scanproof.programs.field.calls import Call, ComplexCall, PairCall, bound, draws, packet
from scanproof.programs.field.degree import Degree
from scanproof.programs.field.pair import (
    Before,
    Complex,
    Found,
    Lost,
    Pair,
    Spectrum,
    joined,
    parts,
    parts_of,
    without_factor,
)
from scanproof.programs.field.pairs import moved
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, Undecided, constant
from scanproof.programs.field.table import (
    BRANCHES,
    COMPLEX,
    FUNCTIONS,
    MOVES,
    RINGS,
    SPECTRA,
    STEPS,
    exponentiates,
)
from scanproof.programs.program import Node, Program, Value, inexact, last_reads

RULES = (
    *(activations, arithmetic, attention, branches, choices, complexes, convolution, elementary),
    *(functions, logs, moves, norms, scatters, solves, spectra),
)
"""The modules whose rules the tables hold."""


RuledT = TypeVar("RuledT", Pair | Complex, Pair | Spectrum)


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
    values = given_tensors(program, inputs)
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
            branch = BRANCHES.get(packet(node)) if _branches(node) else None
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


def _branches(node: Node) -> bool:
    return _floats(node) and not any(value.dtype.is_complex for value in node.reads)


def _floats(node: Node) -> bool:
    return any(value is not None and inexact(value.dtype) for value in node.outputs)


def _steps(node: Node) -> bool:
    return packet(node) in STEPS and not any(value.dtype.is_complex for value in node.reads)


def _decides(node: Node) -> bool:
    whole = any(value is not None and not inexact(value.dtype) for value in node.outputs)
    return whole and any(inexact(value.dtype) and not value.known for value in node.reads)


Seen: TypeAlias = Callable[[Node, Sequence[Pair | Complex]], None]
"""Takes an operation and its results."""


def run_residues(
    program: Program,
    floats: FloatRun,
    drawn: Callable[[Value], Pair | Complex],
    primes: Primes,
    seen: Seen | None = None,
    *,
    exponents: bool = False,
    renewed: bool = False,
) -> dict[str, Pair | Complex]:
    """Run a program at a drawn point.

    Args:
        program: the program.
        floats: what floats decide.
        drawn: returns the residues of an input, of a parameter, or of memory that nothing was written into.
        primes: the primes of the point.
        seen: is called after each operation with a result of floating dtype.
        exponents: also compute the exponents that only a caller reads.
        renewed: give tensors new exponents before a product with parameters, and scores of attention, the
            same for equal values. A law of ``exp`` or of angles that made the values equal is then not needed
            in the exponents, too.

    Returns:
        The outputs of floating dtype, by their paths.
    """
    return _Run(floats, drawn, primes, renewed).outputs(program, seen, exponents)


class _Run:
    def __init__(
        self, floats: FloatRun, drawn: Callable[[Value], Pair | Complex], primes: Primes, renewed: bool
    ) -> None:
        self._floats, self._drawn, self._primes, self._renewed = floats, drawn, primes, renewed
        self._pairs: dict[int, Pair | Complex | Spectrum] = {}
        self._exponents: set[int] = set()
        self._random: dict[int, Lost] = {}
        self._vanished = 0

    def outputs(self, program: Program, seen: Seen | None, exponents: bool) -> dict[str, Pair | Complex]:
        nodes = program.used
        wanted = program.values if exponents else ()
        self._exponents = {value.index for value in wanted} | _exponents(nodes)
        kept = {value.index for value in program.outputs.values()}
        for at, (node, gone) in enumerate(zip(nodes, last_reads(nodes, kept), strict=True)):
            self._follow_draws(node)
            if _floats(node):
                before = self._renew(node) if self._renewed else {}
                self._step(at, node)
                self._pairs.update(before)
                if seen is not None:
                    seen(node, [_plain(self._pairs[each.index]) for each in node.outputs if each is not None])
            for index in gone:
                self._pairs.pop(index, None)
        return {
            path: _later(_plain(self._found(value)), self._vanished)
            for path, value in program.outputs.items()
            if inexact(value.dtype)
        }

    def _follow_draws(self, node: Node) -> None:
        """Note values that hold or depend on random numbers: masks and indices would be those of one run."""
        drawn = next((self._random[value.index] for value in node.reads if value.index in self._random), None)
        if draws(node):
            drawn = Lost(f"{node.name} draws random numbers, {node.place}")
        if drawn is not None:
            self._random.update((value.index, drawn) for value in node.outputs if value is not None)

    def _renew(self, node: Node) -> dict[int, Pair | Complex | Spectrum]:
        """Give what a product with parameters reads new exponents; return the pairs before."""
        varying = [value for value in node.reads if value.varies]
        if packet(node) not in ("mm", "addmm", "bmm") or len(varying) != 1:
            return {}
        [value] = varying
        found = self._found(value)
        if not isinstance(found, Pair) or pairs.NESTED not in found.within:
            return {}
        self._pairs[value.index] = self._kept(value, pairs.renewed(found, self._primes))
        return {value.index: found}

    def _found(self, value: Value) -> Pair | Complex | Spectrum:
        found = self._pairs.get(value.index)
        if found is None:
            found = self._pairs[value.index] = self._kept(value, self._given(value))
        return found

    def _kept(self, value: Value, found: Pair | Complex | Spectrum) -> Pair | Complex | Spectrum:
        """Return residues without exponents that no operation reads."""
        if not isinstance(found, Pair) or value.index in self._exponents:
            return found
        return replace(found, exponent=UNREAD, power=None)

    def _pair(self, value: Value) -> Pair:
        found = self._found(value)
        if isinstance(found, Pair):
            return found
        lost = Lost("takes complex numbers")
        return Pair(lost, lost)

    def _given(self, value: Value) -> Pair | Complex:
        if value.source in ("input", "parameter") and inexact(value.dtype):
            return self._drawn(value)
        if not value.known:
            why = Lost("a tensor with numbers that Python saw")
            return Pair(why, why)
        return self._constant(value)

    def _constant(self, value: Value) -> Pair | Complex:
        held = self._floats.held[value.index]
        try:
            if held.is_complex():
                return Complex(self._numbers(held.real), self._numbers(held.imag))
            return self._numbers(held)
        except Undecided as error:
            return Pair(Lost(f"a constant: {error}"), Lost(f"a constant: {error}"))

    def _numbers(self, held: Tensor) -> Pair:
        return Pair(constant(held, self._primes.p), constant(held, self._primes.q))

    def _step(self, at: int, node: Node) -> None:
        outputs = [value for value in node.outputs if value is not None]
        name = packet(node)
        if name == "empty":
            self._store(outputs, [self._drawn(value) for value in outputs])
            return
        transformed = name in ("_fft_r2c", "_fft_c2r") or any(
            isinstance(self._pairs.get(value.index), Spectrum) for value in node.reads
        )
        imaginary = any(value.dtype.is_complex for value in (*node.reads, *outputs))
        if transformed:
            ruled = name in SPECTRA
        else:
            ruled = name in COMPLEX or name in MOVES if imaginary else name in RINGS or name in FUNCTIONS
        made: Sequence[Pair | Complex | Spectrum]
        drawn = next((found for value in outputs if (found := self._random.get(value.index))), None)
        if drawn is not None:
            made = [Pair(drawn, drawn) for _ in outputs]
        elif _steps(node) or (node.known and (not ruled or not node.reads)):
            made = [
                self._constant(value) if inexact(value.dtype) else Pair(_NONE, _NONE) for value in outputs
            ]
        elif not ruled or node.writes or node.takes_numbers:
            why = Lost(_why(node, ruled))
            made = [Pair(why, why) for _ in outputs]
        else:
            branch = self._floats.taken.get(at)
            if transformed:
                made = self._ruled(node, SPECTRA)
            elif imaginary:
                made = self._complex(node)
            else:
                made = self._function(node, branch) if name in FUNCTIONS else self._ring(node, branch)
            made = [self._placed(node, found) for found in made]
            if node.known:
                made = [self._known(value, pair) for value, pair in zip(outputs, made, strict=True)]
        self._store(outputs, made)

    def _store(self, outputs: list[Value], made: Sequence[Pair | Complex | Spectrum]) -> None:
        for value, pair in zip(outputs, made, strict=False):
            self._pairs[value.index] = self._shallow(self._kept(value, pair))

    def _shallow(self, found: Pair | Complex | Spectrum) -> Pair | Complex | Spectrum:
        """Return a tensor whose sides have degree 0 if they are zero, as in padding.

        A side that is not zero everywhere vanishes at a point with a probability that its degree bounds. Such
        degrees are added to those of all outputs.
        """
        if not isinstance(found, Pair) or found.power is not None:
            return found
        return replace(found, value=self._side(found.value), exponent=self._side(found.exponent))

    def _side(self, side: Found) -> Found:
        if not isinstance(side, Side) or not side.degree.numerator or side.values.any():
            return side
        self._vanished += side.degree.numerator
        return replace(side, degree=Degree(behind=side.degree.behind))

    def _ruled(self, node: Node, rules: Mapping[str, Callable[[ComplexCall], RuledT]]) -> list[RuledT | Pair]:
        try:
            return [rules[packet(node)](ComplexCall(node, self._primes, self._found, self._floats.held))]
        except Before as error:
            return [Pair(error.lost, error.lost)]
        except Undecided as error:
            return [Pair(Lost(str(error)), Lost(str(error)))]

    def _complex(self, node: Node) -> Sequence[Pair | Complex]:
        """Run an operation that takes or returns complex tensors; one that moves entries moves both parts."""
        if packet(node) in COMPLEX:
            return self._ruled(node, COMPLEX)

        def real(value: Value) -> Pair:
            found = _plain(self._found(value))
            return found.real if isinstance(found, Complex) else found

        def imag(value: Value) -> Pair:
            found = _plain(self._found(value))
            return found.imag if isinstance(found, Complex) else moved(found, torch.zeros_like)

        both = zip(self._ring(node, None, real), self._ring(node, None, imag, imaginary=True), strict=True)
        return [Complex(*each) for each in both]

    def _ring(
        self,
        node: Node,
        branch: Tensor | None,
        found: Callable[[Value], Pair] | None = None,
        imaginary: bool = False,
    ) -> list[Pair]:
        found = found or self._pair
        floats = [found(value) for value in node.reads if inexact(value.dtype)]
        opaque: frozenset[str] = frozenset().union(*(pair.opaque for pair in floats))
        within: frozenset[str] = frozenset().union(*(pair.within for pair in floats))

        def sides(prime: int, chosen: Callable[[Pair], Found], zeros: bool = False) -> Sequence[Found]:
            def side(value: Value) -> Side:
                each = chosen(found(value))
                if isinstance(each, Lost):
                    raise Before(each)
                return each

            try:
                made = RINGS[packet(node)](
                    Call(node, prime, side, self._floats.held, branch, zeros or imaginary)
                )
            except Before as error:
                return [error.lost] * count
            except Undecided as error:
                return [Lost(str(error))] * count
            return [made] if isinstance(made, Side) else made

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
        carried = zip(
            made,
            sides(q, lambda pair: parts(pair)[0]),
            sides(p, lambda pair: parts(pair)[1], zeros=True),
            sides(q, lambda pair: parts(pair)[2], zeros=True),
            strict=True,
        )
        behind = frozenset().union(
            *(pair.within if pair.power is None else pair.power.opaque for pair in floats)
        )
        return [joined(*each, behind) for each in carried]

    def _function(self, node: Node, branch: Tensor | None) -> list[Pair]:
        call = PairCall(node, self._primes, self._pair, self._floats.held, branch, self._renewed)
        try:
            made = FUNCTIONS[packet(node)](call)
        except Undecided as error:
            lost = Lost(str(error))
            made = [Pair(lost, lost) for value in node.outputs if value is not None]
        return made if isinstance(made, list) else [made]

    def _known(self, value: Value, found: Pair | Complex | Spectrum) -> Pair | Complex | Spectrum:
        """Return the numbers that the float run had, if a rule cannot compute them."""
        sides = [side for pair in parts_of(found) for side in (pair.value, pair.exponent)]
        lost = any(isinstance(side, Lost) and side is not UNREAD for side in sides)
        return self._constant(value) if lost and inexact(value.dtype) else found

    def _placed(self, node: Node, found: Pair | Complex | Spectrum) -> Pair | Complex | Spectrum:
        """Add the operation and the place to what an operation says of the residues that it lost."""
        if not any(
            isinstance(side, Lost) for pair in parts_of(found) for side in (pair.value, pair.exponent)
        ):
            return found
        before = {
            side.why
            for value in node.reads
            if inexact(value.dtype)
            for pair in parts_of(self._found(value))
            for side in (pair.value, pair.exponent)
            if isinstance(side, Lost)
        }

        def side(found: Found) -> Found:
            if not isinstance(found, Lost) or found.why in before:
                return found
            return Lost(f"{node.name} {found.why}, {node.place}")

        def placed(pair: Pair) -> Pair:
            return replace(pair, value=side(pair.value), exponent=side(pair.exponent))

        if isinstance(found, Spectrum):
            return replace(found, signal=placed(found.signal))
        if isinstance(found, Complex):
            return Complex(placed(found.real), placed(found.imag))
        return placed(found)


def _plain(found: Pair | Complex | Spectrum) -> Pair | Complex:
    if isinstance(found, Spectrum):
        lost = Lost("a Fourier transform that is not transformed back")
        return Pair(lost, lost)
    return found


def _later(found: Pair | Complex, vanished: int) -> Pair | Complex:
    """Return an output with the degrees of what vanished behind it."""
    if isinstance(found, Complex):
        return Complex(_behind(found.real, vanished), _behind(found.imag, vanished))
    return _behind(found, vanished)


def _behind(pair: Pair, vanished: int) -> Pair:
    if isinstance(pair.value, Lost):
        return pair
    degree = pair.value.degree
    return replace(pair, value=replace(pair.value, degree=replace(degree, behind=degree.behind + vanished)))


_NONE = Lost("no floats")
UNREAD = Lost("no operation reads the exponents")


def _exponents(nodes: Sequence[Node]) -> set[int]:
    """Return the values whose exponents are read: those of exponentials, and all before them."""
    found: set[int] = set()
    for node in reversed(nodes):
        outputs = [value for value in node.outputs if value is not None]
        imaginary = any(value.dtype.is_complex for value in (*node.reads, *outputs))
        if imaginary or exponentiates(node) or any(value.index in found for value in outputs):
            found.update(value.index for value in node.reads)
    return found


def _why(node: Node, ruled: bool) -> str:
    if node.takes_numbers:
        said = "takes a number that Python saw"
    elif not ruled:
        said = "has no rule over a field"
        if any(value.dtype.is_complex for value in node.reads):
            said += " for complex numbers"
    else:
        said = "writes into an argument"
    return f"{node.name} {said}, {node.place}"
