"""Find the operation through which an output reads an input that is not allowed."""

from collections.abc import Mapping, Sequence

import numpy as np

from scanproof.programs.axes import Axes
from scanproof.programs.compact import Array, Shape, ranked
from scanproof.programs.facts import HIDDEN
from scanproof.programs.labels import Lattice, Parts, Reader
from scanproof.programs.program import Node, Program, Value
from scanproof.programs.reading import Jump
from scanproof.programs.reads import pointwise, shapes
from scanproof.programs.table import row_of


def first_beyond(
    program: Program, axes: Axes, outputs: Sequence[Value], reaches: Sequence[Array]
) -> Jump | None:
    """Return the first operation on a path to the outputs with an entry that reads beyond its own position.

    The position of an entry that reads only one position is that position. The position of another entry is
    its index along the only axis whose length is the number of positions; without such an axis, the entry has
    no position. If no operation is found this way, entries that read one position also get the index as their
    position. If this finds no operation either, the result is the last operation that did more than move
    entries.

    Args:
        program: the program.
        axes: the axes of positions of the inputs.
        outputs: outputs that read too far.
        reaches: number of inputs that each position of each output may read.
    """
    reader = both_ends(program, axes)
    ways = _leading_to(program, outputs)
    allowed = np.arange(1, axes.length + 1)
    for reach, moved in ((allowed, False), *((reach, True) for reach in reaches)):
        for node in program.used:
            values = [value for value in node.outputs if value is not None and value in ways]
            if any(_beyond(reader, value, reach, axes.length, moved) for value in values):
                return _jump(node, _given_up(program, reader, node, axes.length))
    made = _producers(program)
    last = made.get(outputs[0])
    while last is not None and row_of(last.op) in _MOVES and last.reads[0] in made:
        last = made[last.reads[0]]
    return None if last is None else _jump(last, None)


def both_ends(program: Program, axes: Axes) -> Reader:
    """Return a reader of the latest position, and of the first position counted from the end."""
    last = axes.length - 1
    marks: dict[int, Parts] = {}
    for value in program.inputs:
        dim = axes.positions(value.name, value.shape, axes.length)
        positions = axes.along(value, dim, range(axes.length), np.int32)
        if positions is not None:
            marks[value.index] = positions, last - positions
    reader = Reader(program, [Lattice.latest(axes.length)] * 2, marks, keep=True)
    reader.run()
    return reader


def _beyond(reader: Reader, value: Value, reach: Array, length: int, moved: bool) -> bool:
    """Whether an entry of a value reads beyond its own position."""
    parts, fact = reader.parts(value), reader.fact(value)
    dim = only_axis(value.shape, len(reach))
    if parts is None or dim is None:
        return False
    if fact is not None:
        parts = reader.without(parts, HIDDEN[fact])
    latest, first = (ranked(part, len(value.shape)) for part in parts)
    several = moved | (latest != length - 1 - first)
    allowed = reach.reshape([-1 if axis == dim else 1 for axis in range(len(value.shape))])
    return bool((several & (latest >= allowed)).any())


def _producers(program: Program) -> dict[Value, Node]:
    return {value: node for node in program.nodes for value in node.outputs if value is not None}


_MOVES = {
    shapes.reshape,
    shapes.expand,
    shapes.permute,
    shapes.transpose,
    shapes.slice_,
    shapes.select,
    shapes.unbind,
    shapes.split,
    pointwise.same,
    pointwise.cast,
}


def only_axis(shape: Shape, length: int) -> int | None:
    """Return the axis of that length if there is exactly one; else None."""
    fitting = [axis for axis, size in enumerate(shape) if size == length]
    return fitting[0] if len(fitting) == 1 else None


def _given_up(program: Program, reader: Reader, node: Node, length: int) -> Node | None:
    """Return the first operation before ``node`` that mixed positions into an entry without a position."""
    made = _producers(program)
    found: Node | None = None
    while True:
        reach = max((_latest(reader, value) for value in node.outputs if value is not None), default=-1)
        guilty = [
            value
            for value in node.reads
            if length not in value.shape and _latest(reader, value) >= reach >= 0 and value in made
        ]
        if not guilty:
            return found
        node = made[guilty[0]]
        if any(_mixes(reader, value, length) for value in node.outputs if value is not None):
            found = node


def _mixes(reader: Reader, value: Value, length: int) -> bool:
    parts = reader.parts(value)
    return parts is not None and bool((parts[0] != length - 1 - parts[1]).any())


def _latest(reader: Reader, value: Value) -> int:
    parts = reader.parts(value)
    return -1 if parts is None else int(parts[0].max(initial=-1))


def first_mixed(
    program: Program, lattice: Lattice, marks: Mapping[int, Parts], outputs: Sequence[Value]
) -> Jump | None:
    """Return the first operation on a path to the outputs with an entry that reads two examples."""
    reader = Reader(program, [lattice], marks, keep=True)
    ways = _leading_to(program, outputs)
    found: list[Node] = []

    def mixed(node: Node) -> bool:
        for value in node.outputs:
            if value is not None and value in ways:
                parts = reader.parts(value)
                if parts is not None and _several(parts[0]).any():
                    found.append(node)
        return bool(found)

    reader.run(mixed)
    return _jump(found[0], None) if found else None


def _several(sets: Array) -> Array:
    several: Array = (sets & (sets - 1)) != 0
    return several


def _leading_to(program: Program, outputs: Sequence[Value]) -> set[Value]:
    ways = set(outputs)
    for node in reversed(program.nodes):
        if any(value in ways for value in node.outputs):
            ways.update(node.reads)
    return ways


def _jump(node: Node, through: Node | None) -> Jump:
    place = node.place
    return Jump(
        operation=node.name.removesuffix(".default"),
        module=place.module,
        file=place.file,
        line=place.line,
        through=through.name.removesuffix(".default") if through else "",
        place=str(place),
    )
