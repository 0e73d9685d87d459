"""Labels: which inputs each entry of each tensor of a program reads.

A label is an element of a lattice. The label of an entry is the join over everything that the entry reads:
the latest position (``max``), or a set of examples (``or`` on bits). For each operation, a row of the table
says how the labels of its arguments reach its results (``scanproof.programs.reads``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from scanproof.programs.compact import Array, ranked
from scanproof.programs.execute import Calls, run
from scanproof.programs.facts import EXACT, fact_of, facts_of
from scanproof.programs.garbage import without_gc
from scanproof.programs.program import Departure, Node, Program, Value, last_reads
from scanproof.programs.table import row_of


@dataclass(frozen=True)
class Lattice:
    """How labels are joined.

    Attributes:
        join: joins two arrays of labels; its ``reduce`` and ``accumulate`` join along axes.
        bottom: the label of an entry that reads nothing.
        top: the label of an entry that may read everything.
        dtype: dtype of labels.
    """

    join: np.ufunc
    bottom: int
    top: int
    dtype: type[np.signedinteger[Any]]

    @staticmethod
    def latest(length: int) -> "Lattice":
        """Return the lattice of latest positions."""
        return Lattice(np.maximum, -1, length - 1, np.int32)

    @staticmethod
    def sets(size: int) -> "Lattice":
        """Return the lattice of sets of up to 63 elements, one bit for each."""
        return Lattice(np.bitwise_or, 0, 2**size - 1, np.int64)


Parts: TypeAlias = tuple[Array, ...]
"""Compact arrays of labels, one for each lattice."""


class State:
    """The labels of a tensor, and facts about its entries.

    Attributes:
        parts: labels; None if nothing is read. The label of an entry with an exact fact has no meaning.
        fact: facts, a compact array; None if nothing is known.
    """

    __slots__ = ("fact", "parts")

    def __init__(self, parts: Parts | None, fact: Array | None = None) -> None:
        self.parts, self.fact = parts, fact


NOTHING = State(None)


@dataclass
class Assumed:
    """The assumptions of a reading beyond the program.

    Attributes:
        finite: masked numbers are finite.
        low: scores are small against the large negative numbers of masks, and some scores are not masked.
        unknown: operations without a row, and how often they occurred.
        whole: operations that always read whole axes, although later steps may cancel these reads (Fourier
            transforms).
    """

    finite: bool = False
    low: bool = False
    unknown: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)


class Reader:
    """Labels the values of a program, one operation after another.

    Args:
        program: the program.
        lattices: the lattices of the labels.
        marks: labels of input values, by the numbers of the values; other inputs read nothing.
        keep: whether states are kept after their last use.

    Attributes:
        states: the states by the numbers of their values, until their last use.
        assumed: the assumptions of the labels.
        left: for each departure, the labels of its value, joined over all entries.
    """

    def __init__(
        self, program: Program, lattices: Sequence[Lattice], marks: Mapping[int, Parts], keep: bool = False
    ) -> None:
        self.program, self.lattices = program, tuple(lattices)
        self.joins = tuple(lattice.join for lattice in lattices)
        self.assumed = Assumed()
        self.left: list[Parts | None] = []
        self.states: list[State | None] = [None] * len(program.values)
        self._known: dict[int, Tensor] = {}
        self._facts: dict[int, Array | None] = {}
        self._keep = keep
        self._gone: Parts | None = None
        for value in program.values:
            if value.tensor is not None and value.known:
                self._known[value.index] = value.tensor
        for index, parts in marks.items():
            self.states[index] = State(parts)

    def run(self, after: Callable[[Node], bool] | None = None) -> None:
        """Label all values that outputs depend on; stop when ``after(node)`` returns true."""
        with without_gc():
            self._run(after)

    def _run(self, after: Callable[[Node], bool] | None) -> None:
        nodes = self.program.used
        places = (
            {id(node): number for number, node in enumerate(self.program.nodes)} if self._departures else {}
        )
        kept = {value.index for value in self.program.outputs.values()}
        kept |= {departure.value.index for departure in self._departures}
        last = last_reads(nodes, kept)
        states, rules, calls = self.states, dict[int, Callable[..., Any]](), Calls()
        orders = self._follows_orders(nodes)
        pending = list(reversed(self._departures))
        for node, gone in zip(nodes, last, strict=True):
            while pending and pending[-1].after <= places[id(node)]:
                self._depart(pending.pop())
            if node.known:
                run(node, self._known, calls)
            else:
                rule = rules.get(id(node.op))  # an operation hashes slowly
                if rule is None:
                    rule = rules[id(node.op)] = row_of(node.op) or unknown
                found = rule(self, node)
                if found.__class__ is State:
                    output = node.outputs[0]
                    if output is not None:
                        states[output.index] = found
                else:
                    for value, state in zip(node.outputs, found, strict=False):
                        if value is not None:
                            states[value.index] = state
                if orders is not None:
                    orders.follow(node, rule)
                if node.takes_numbers and self._gone is not None:
                    self._spread(node)
            if after is not None and after(node):
                return
            if not self._keep:
                for index in gone:
                    states[index] = None
                    self._known.pop(index, None)
                    self._facts.pop(index, None)
        while pending:
            self._depart(pending.pop())

    def _follows_orders(self, nodes: Sequence[Node]) -> Any:
        """Return the object that follows orders that values decide; None if there are none."""
        if any(node.op.overloadpacket.__name__ in ("sort", "argsort", "nonzero") for node in nodes):
            from scanproof.programs.arranged import Arrangements  # that module imports this one

            return Arrangements(self)
        return None

    @property
    def _departures(self) -> list[Departure]:
        return self.program.departures

    def _depart(self, departure: Departure) -> None:
        parts = self.parts(departure.value)
        whole = None if parts is None else tuple(part.reshape(()) for part in self.reduced(parts, None))
        self.left.append(whole)
        if not departure.steers:
            self._gone = self.joined(self._gone, whole)

    def _spread(self, node: Node) -> None:
        """Let the results of a node read the values that left the program before."""
        for value in node.outputs:
            if value is not None:
                self.states[value.index] = State(self.joined(self.parts(value), self._gone))

    def state(self, value: Value) -> State:
        """Return the state of a value; that of a constant has no facts."""
        found = self.states[value.index]
        if found is not None:
            return found
        if value.source == "constant" and not value.known:
            return State(self._gone)
        return NOTHING

    def tensor(self, value: Any) -> Tensor | None:
        """Return the tensor of a known value; None for other values."""
        return self._known.get(value.index)

    def fact(self, value: Any) -> Array | None:
        """Return the facts about the entries of a value, or about a number; None if there are none."""
        if not isinstance(value, Value):
            known = fact_of(value)
            return np.array(known, np.uint8) if known else None
        found = self.states[value.index]
        if found is not None:
            return found.fact
        tensor = self._known.get(value.index)
        if tensor is None:
            return None
        if value.index not in self._facts:
            self._facts[value.index] = facts_of(tensor)
        return self._facts[value.index]

    def parts(self, value: Any) -> Parts | None:
        """Return the labels of a value; known entries read nothing."""
        if not isinstance(value, Value):
            return None
        found = self.states[value.index] or self.state(value)
        if found.fact is None or found.parts is None:
            return found.parts
        return self.without(found.parts, EXACT[found.fact])

    def without(self, parts: Parts, hidden: Array) -> Parts:
        """Return labels with the bottom label at ``hidden`` entries."""
        if not hidden.any():
            return parts
        return tuple(
            np.where(hidden, lattice.dtype(lattice.bottom), part)
            for lattice, part in zip(self.lattices, parts, strict=True)
        )

    def joined(self, one: Parts | None, other: Parts | None) -> Parts | None:
        """Return the join of two labels, broadcast."""
        if one is None:
            return other
        if other is None:
            return one
        return tuple(map(_join, self.joins, one, other))

    def all_of(self, values: Iterable[Any]) -> Parts | None:
        """Return the join of the labels of values, broadcast."""
        parts: Parts | None = None
        for value in values:
            parts = self.joined(parts, self.parts(value))
        return parts

    def reduced(self, parts: Parts, dims: Sequence[int] | None) -> Parts:
        """Return labels joined along axes (None: all axes), which are kept with length 1."""
        return tuple(
            lattice.join.reduce(part, axis=tuple(dims) if dims is not None else None, keepdims=True)
            for lattice, part in zip(self.lattices, parts, strict=True)
        )

    def ranked(self, parts: Parts, value: Value) -> Parts:
        """Return labels with all axes of their value."""
        rank = len(value.shape)
        return tuple(ranked(part, rank) for part in parts)

    def bottoms(self) -> Parts:
        """Return the bottom label of each lattice."""
        return tuple(np.array(lattice.bottom, lattice.dtype) for lattice in self.lattices)


def _join(join: np.ufunc, one: Array, other: Array) -> Array:
    joined: Array = join(one, other)
    return joined


def unknown(reader: Reader, node: Node) -> list[State]:
    """Let every entry of every result read everything that any argument reads."""
    reader.assumed.unknown[node.name] += 1
    return conservative(reader, node)


def conservative(reader: Reader, node: Node) -> list[State]:
    """Let every entry of every result read everything that any argument reads."""
    whole: Parts | None = None
    for value in node.reads:
        parts = reader.parts(value)
        if parts is not None:
            whole = reader.joined(whole, tuple(part.reshape(()) for part in reader.reduced(parts, None)))
    return [State(whole)] * len(node.outputs)


def known(tensor: Tensor) -> Array:
    """Return a constant as an array."""
    array: Array = (
        tensor.detach().cpu().numpy() if tensor.dtype != torch.bfloat16 else tensor.float().cpu().numpy()
    )
    return array
