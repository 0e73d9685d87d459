"""A recorded program: the operations that a function ran, in order, each on values computed before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from scanproof.programs.places import Place

Source = Literal["input", "parameter", "constant", "computed"]


class Value:
    """A tensor of the program.

    Attributes:
        index: its number; what is computed later has a greater one.
        shape: its shape.
        dtype: its dtype.
        source: an input, a parameter, another tensor that was there before, or computed by a node.
        varies: whether an input may change it.
        known: whether its entries are those recorded, for every input and every parameter.
        tensor: what was recorded of it; None for a computed value.
        name: where the inputs hold it; empty for others.
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
        op: the operation. It writes into none of its arguments but those of ``writes``.
        args: its arguments; a ``Value`` stands for a tensor, also within lists.
        kwargs: its named arguments.
        reads: the values among the arguments.
        outputs: the values that it returns, in order; None for a result that is no tensor.
        single: whether it returns its one output itself, in place of a sequence.
        writes: the numbers of the arguments that it changes; their new values follow the other outputs.
        place: which module and line ran it.
        known: whether its outputs are known.
        takes_numbers: whether a number among its arguments may come from a value that left the program.
        random: whether it draws.
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
        """Return as many arguments as there are defaults, from one on, with defaults for those left out."""
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
    """A value of a tensor that left the program: Python saw it.

    Attributes:
        value: the tensor.
        after: how many nodes had run before.
        place: which module and line asked for it.
        kind: what asked for it, such as ``item`` or ``numpy``.
        steers: whether it can only have decided what was run (a truth value, a size); a number may also have
            come back as a constant.
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
        nodes: the operations in the order in which they ran.
        values: all values, by their numbers.
        outputs: the tensors returned, by where the result holds them.
        departures: values that Python saw.
        results: what the function returned when it was recorded, as ``outputs``.
        written: tensors that the function holds and writes into.
    """

    inputs: tuple[Value, ...]
    nodes: list[Node]
    values: list[Value]
    outputs: dict[str, Value]
    departures: list[Departure]
    results: dict[str, Tensor]
    written: list[Tensor]

    def used(self) -> Iterator[Node]:
        """Yield the nodes that an output, or a value that Python saw, depends on, and those that draw."""
        alive = {*self.outputs.values(), *(departure.value for departure in self.departures)}
        kept = []
        for node in reversed(self.nodes):
            if node.random or not alive.isdisjoint(node.outputs):
                alive.update(node.reads)
                kept.append(node)
        return reversed(kept)
