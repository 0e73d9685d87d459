"""A recorded program: the operations that a function ran, in order, each on values computed before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from scanproof.programs.places import Place

Source = Literal["input", "parameter", "constant", "computed"]


def inexact(dtype: torch.dtype) -> bool:
    """Whether a dtype holds real or complex numbers, not whole numbers or truth values."""
    return dtype.is_floating_point or dtype.is_complex


class Value:
    """A tensor of the program.

    Attributes:
        index: the number of the value; a value that is computed later has a greater number.
        shape: the shape.
        dtype: the dtype.
        source: an input, a parameter, another tensor that existed before, or computed by a node.
        varies: whether the value may depend on an input.
        known: whether the entries equal the recorded ones for every input and every parameter.
        tensor: the recorded tensor; None for a computed value.
        name: the path among the inputs; empty for other values.
    """

    __slots__ = ("dtype", "index", "known", "name", "shape", "source", "tensor", "varies")

    def __init__(
        self,
        index: int,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        source: Source,
        varies: bool,
        known: bool,
        tensor: Tensor | None = None,
        name: str = "",
    ) -> None:
        self.index, self.shape, self.dtype, self.source = index, shape, dtype, source
        self.varies, self.known, self.tensor, self.name = varies, known, tensor, name

    def __repr__(self) -> str:
        return f"%{self.index}"


class Node:
    """One operation.

    Attributes:
        op: the operation, which writes only into the arguments in ``writes``.
        args: the arguments; a ``Value`` stands for a tensor, also within lists.
        kwargs: the named arguments.
        reads: the values among the arguments.
        outputs: the returned values, in order; None for a result that is no tensor.
        single: whether the operation returns one output itself, not a sequence.
        writes: the indices of the written arguments; their new values follow the other outputs.
        place: the module and the line that ran the operation.
        known: whether the outputs are known.
        takes_numbers: whether a number among the arguments may come from a value that left the program.
        random: whether the operation draws random numbers.
    """

    __slots__ = (
        "args",
        "known",
        "kwargs",
        "op",
        "outputs",
        "place",
        "random",
        "reads",
        "single",
        "takes_numbers",
        "writes",
    )

    def __init__(
        self,
        op: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        reads: list[Value],
        outputs: list[Value | None],
        single: bool,
        place: Place,
        known: bool,
        writes: tuple[int, ...] = (),
        takes_numbers: bool = False,
        random: bool = False,
    ) -> None:
        self.op, self.args, self.kwargs, self.reads, self.outputs = op, args, kwargs, reads, outputs
        self.single, self.place, self.known, self.writes = single, place, known, writes
        self.takes_numbers, self.random = takes_numbers, random

    def given(self, first: int, *defaults: Any) -> list[Any]:
        """Return the arguments from index ``first`` on, with a default for each argument that is left out."""
        found = self.args[first : first + len(defaults)]
        return [*found, *defaults[len(found) :]]

    @property
    def name(self) -> str:
        """Name of the operation, such as ``aten.add.Tensor``."""
        return str(self.op)

    def __repr__(self) -> str:
        outputs = ", ".join(map(repr, self.outputs))
        return f"{outputs} = {self.name}({', '.join(map(repr, self.args))})"


@dataclass(frozen=True)
class Departure:
    """A value that left the program, because Python saw entries of the tensor.

    Attributes:
        value: the tensor.
        after: number of nodes that had run before.
        place: the module and the line that asked for the entries.
        kind: the method that asked for the entries, such as ``item`` or ``numpy``.
        steers: True if the value can only have decided which operations ran (a truth value, a size); False if
            a number may also have come back as a constant.
    """

    value: Value
    after: int
    place: Place
    kind: str
    steers: bool


@dataclass(frozen=True)
class Program:
    """What a function computes at one shape of its inputs.

    Attributes:
        inputs: the tensors given, in order.
        nodes: the operations in the order of execution.
        values: all values, by their numbers.
        outputs: the returned values, by their paths in the result.
        departures: values that Python saw.
        results: the returned tensors of the recording, by their paths in the result.
        written: tensors that the function holds and writes into.
        shared: for inputs that are read as memory although their entries share memory, by name: a number for
            each entry, the same for entries at the same place.
        gaps: what was read of the memory around the entries of tensors: parameters, which may hold any
            numbers.
    """

    inputs: tuple[Value, ...]
    nodes: list[Node]
    values: list[Value]
    outputs: dict[str, Value]
    departures: list[Departure]
    results: dict[str, Tensor]
    written: list[Tensor]
    shared: dict[str, Tensor] = field(default_factory=dict)
    gaps: list[Value] = field(default_factory=list)

    @property
    def memory_read(self) -> str:
        """Say which memory was read that is no entry of its own; empty if none was."""
        if self.gaps:
            return "it reads memory around the entries of a tensor"
        names = " and ".join(self.shared)
        return f"it reads {names} as memory, and entries share places in memory" if names else ""

    @cached_property
    def used(self) -> tuple[Node, ...]:
        """The nodes behind an output or behind a value that Python saw, and all nodes that draw."""
        alive = {*self.outputs.values(), *(departure.value for departure in self.departures)}
        kept = []
        for node in reversed(self.nodes):
            if node.random or not alive.isdisjoint(node.outputs):
                alive.update(node.reads)
                kept.append(node)
        return tuple(reversed(kept))


def last_reads(nodes: Sequence[Node], kept: set[int]) -> list[list[int]]:
    """Return for each node the values that no later node reads, beside those that are kept."""
    seen = set(kept)
    found: list[list[int]] = []
    for node in reversed(nodes):
        gone = []
        for value in node.reads:
            if value.index not in seen:
                seen.add(value.index)
                gone.append(value.index)
        found.append(gone)
    return found[::-1]
