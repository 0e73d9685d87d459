"""Write a recorded program and the question about it in the format of the Lean checker."""

from collections.abc import Sequence
from math import prod

import numpy as np

from scanproof.programs.check import Asked
from scanproof.programs.compact import Array, Shape, ranked
from scanproof.programs.labels import Lattice, Parts, Reader
from scanproof.programs.listing.loops import Condition, Loops, strides
from scanproof.programs.listing.rows import reads_of
from scanproof.programs.program import Node, Value
from scanproof.programs.table import row_of


def listing(asked: Asked) -> str:
    """Return the listing that asks whether an output of a program reads a later position.

    Labels are positions counted from 1; 0 is the label of an entry that reads no position.

    Args:
        asked: the program, the axes of positions of its tensors, and what its outputs may read.

    Returns:
        The text, with one statement on each line.
    """
    return _Writer(asked).text()


class _Writer:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._tables: dict[tuple[int, ...], int] = {}
        self._tensors: dict[Value, int] = {}
        self._lines: list[str] = []

    def text(self) -> str:
        asked = self._asked
        marks = {index: parts[:1] for index, parts in asked.marks().items()}
        reader = Reader(asked.program, [Lattice.latest(asked.axes.length)], marks, keep=True)
        for value in asked.program.inputs:
            self._input(value, marks[value.index][0])
        reader.run(lambda node: self._node(reader, node))
        for value, reaches, dim in asked.positioned():
            self._goal(value, reaches, dim)
        tables = [f"array {len(table)} {' '.join(map(str, table))}" for table in self._tables]
        return "\n".join(["program 1", *tables, *self._lines, "end"]) + "\n"

    def _table(self, numbers: Sequence[int]) -> int:
        return self._tables.setdefault(tuple(numbers), len(self._tables))

    def _input(self, value: Value, positions: Array) -> None:
        unit, period = _layout(value.shape, [positions])
        labels = np.broadcast_to(positions, value.shape).reshape(-1)[: unit * period : unit] + 1
        self._tensors[value] = len(self._tensors)
        self._lines.append(f"input {unit} {self._table(labels.tolist())}")

    def _node(self, reader: Reader, node: Node) -> bool:
        """Write those outputs of a node that read anything; return False, which means do not stop."""
        if node.known:
            return False
        for made, reads in zip(node.outputs, reads_of(reader, node, row_of(node.op)), strict=True):
            reads = [loops for loops in reads if loops.source in self._tensors]
            if made is None or not reads or 0 in made.shape:
                continue
            parts = reader.parts(made)
            unit, period = _layout(made.shape, parts or ())
            self._lines.append(f"compute {unit} {period} {len(reads)}")
            for loops in reads:
                out, read = loops.out, loops.read
                self._lines.append(
                    f"  read {self._tensors[loops.source]} {out[0]} {read[0]} "
                    f"{len(loops.axes)} {len(loops.conditions)}"
                )
                self._loops(loops, out[1], read[1])
            self._tensors[made] = len(self._tensors)
        return False

    def _loops(self, loops: Loops, out: Sequence[int], read: Sequence[int]) -> None:
        for number, axis in enumerate(loops.axes):
            terms = [out[number], read[number], *(each.terms[number] for each in loops.conditions)]
            self._lines.append(f"    axis {axis.size} {' '.join(map(str, terms))}")
        self._lines += [f"    {self._condition(condition)}" for condition in loops.conditions]

    def _condition(self, condition: Condition) -> str:
        if condition.kind == "below":
            return f"below {condition.start} {condition.table[0]}"
        return f"{condition.kind} {condition.start} {self._table(condition.table)}"

    def _goal(self, value: Value, reaches: Array, dim: int) -> None:
        if value not in self._tensors:
            return
        unit = strides(value.shape)[dim]
        table = self._table([int(reach) for reach in reaches])
        self._lines.append(f"goal {self._tensors[value]} {unit} {table} 0 0 {len(value.shape)} 0")
        for size, stride in zip(value.shape, strides(value.shape), strict=True):
            self._lines.append(f"  axis {size} {stride} {stride}")


def _layout(shape: Shape, parts: Parts | Sequence[Array]) -> tuple[int, int]:
    """Return the number of consecutive entries with equal labels, and the period of the labels."""
    changing = {dim for part in parts for dim, size in enumerate(ranked(part, len(shape)).shape) if size > 1}
    if not changing:
        return prod(shape), 1
    first, last = min(changing), max(changing)
    return prod(shape[last + 1 :]), prod(shape[first : last + 1])
