"""Say what a custom operator reads, in a line, and test what is said."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scanproof.errors import InvalidArgument
from scanproof.programs.compact import Array, Shape, ranked, widened
from scanproof.programs.labels import Lattice, Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.table import REGISTERED

_AXIS = re.compile(r"(?P<bound><=|<|>=|>)?(?P<name>[A-Za-z_]\w*)(\[(?P<first>-?\d+):(?P<last>-?\d+)\])?")


@dataclass(frozen=True)
class _Axis:
    """An axis of an argument: its name, and which places of it are read beside the one of the result."""

    name: str
    bound: str = ""
    window: tuple[int, int] | None = None


Pattern = tuple[_Axis, ...]


def register_operation(name: str, reads: str | Callable[[Reader, Node], Any]) -> None:
    """Say what an operator reads, so that programs with it can be read.

    A statement names the axes of every tensor argument and of every result, as in ``"b d <=l, b d <=l, d n ->
    b d l"``. An axis with the name of an axis of the result is read at the same place, one with ``<=`` up to
    it, with ``<`` before it, with ``>=`` and ``>`` from it on and behind it, and with ``[-3:0]`` from three
    places before it to itself. An axis that the result does not have is read whole. Several results are
    separated by semicolons. Arguments are those of the schema that are tensors, also where a call leaves one
    out.

    Test a statement with ``check_operation``.

    Args:
        name: the operator, such as ``"mylib::scan"``; with an overload, ``"mylib::scan.out"``.
        reads: the statement, or a row of the table: a function of a reader and a node that returns the state
            of
            each result.

    Raises:
        InvalidArgument: the statement cannot be read, or the operator is one of PyTorch's own.

    Example:
        >>> register_operation("mylib::cumulative", "b <=t d -> b t d")
    """
    if name.startswith("aten::"):
        raise InvalidArgument(f"register_operation: {name} is PyTorch's own; its row is in the table.")
    if isinstance(reads, str):
        arguments, results = _parsed(name, reads)
        REGISTERED[name] = lambda reader, node: _by_statement(reader, node, arguments, results)
    else:
        REGISTERED[name] = reads


def _parsed(name: str, statement: str) -> tuple[list[Pattern], list[Pattern]]:
    left, arrow, right = statement.partition("->")
    if not arrow:
        raise InvalidArgument(f"register_operation: {name}: '{statement}' has no '->' before its results.")
    arguments = [_pattern(name, part) for part in left.split(",")]
    results = [_pattern(name, part) for part in right.split(";")]
    for axis in (axis for result in results for axis in result):
        if axis.bound or axis.window:
            raise InvalidArgument(
                f"register_operation: {name}: a result has plain axes, not '{axis.name}' with more."
            )
    return arguments, results


def _pattern(name: str, text: str) -> Pattern:
    axes = []
    for word in text.split():
        found = _AXIS.fullmatch(word)
        if found is None or (found["bound"] and found["first"]):
            raise InvalidArgument(
                f"register_operation: {name}: '{word}' is no axis; write l, <=l, <l, >=l, >l or l[-3:0]."
            )
        window = (int(found["first"]), int(found["last"])) if found["first"] else None
        axes.append(_Axis(found["name"], found["bound"] or "", window))
    return tuple(axes)


def _by_statement(
    reader: Reader, node: Node, arguments: list[Pattern], results: list[Pattern]
) -> list[State]:
    values = _tensors(node)
    if len(values) != len(arguments) or len(results) > len(node.outputs):
        raise InvalidArgument(
            f"read: the statement about {node.name} has {len(arguments)} arguments and {len(results)} "
            f"results, the operator {len(values)} and {len(node.outputs)}."
        )
    states = []
    for result in results:
        parts: Parts | None = None
        for value, pattern in zip(values, arguments, strict=True):
            if value is not None:
                parts = reader.joined(parts, _read(reader, node, value, pattern, result))
        states.append(State(parts))
    return states


def _tensors(node: Node) -> list[Value | None]:
    """Return the tensor arguments in the order of the schema, None for one that is left out."""
    found: list[Value | None] = []
    schema = node.op._schema.arguments
    given = {**{argument.name: arg for argument, arg in zip(schema, node.args, strict=False)}, **node.kwargs}
    for argument in schema:
        if str(argument.type) in ("Tensor", "Optional[Tensor]"):
            arg = given.get(argument.name)
            found.append(arg if isinstance(arg, Value) else None)
    return found


def _read(reader: Reader, node: Node, value: Value, pattern: Pattern, result: Pattern) -> Parts | None:
    """Return what each entry of a result reads of one argument."""
    parts = reader.parts(value)
    if parts is None:
        return None
    if len(pattern) != len(value.shape):
        raise InvalidArgument(
            f"read: the statement about {node.name} gives {len(pattern)} axes to a tensor of shape "
            f"{value.shape}."
        )
    names = [axis.name for axis in result]
    made = []
    for lattice, part in zip(reader.lattices, parts, strict=True):
        part = ranked(part, len(value.shape))
        for dim, axis in enumerate(pattern):
            if axis.name not in names:
                part = lattice.join.reduce(part, axis=dim, keepdims=True)
            elif axis.bound or axis.window:
                part = _along(part, value.shape, dim, axis, lattice)
        made.append(_ordered(part, [axis.name for axis in pattern], names))
    return tuple(made)


def _along(part: Array, shape: Shape, dim: int, axis: _Axis, lattice: Lattice) -> Array:
    """Join along an axis over the places that are read for each place of the result."""
    if axis.window is not None:
        first, last = axis.window
        part = widened(part, shape, [dim])
        shifts = [_shifted(part, dim, shift, lattice) for shift in range(first, last + 1)]
        whole: Array = lattice.join.reduce(np.stack(shifts), axis=0)
        return whole
    part = widened(part, shape, [dim])
    backwards = axis.bound in (">=", ">")
    part = np.flip(part, dim) if backwards else part
    part = lattice.join.accumulate(part, axis=dim)
    part = _shifted(part, dim, -1, lattice) if axis.bound in ("<", ">") else part
    return np.flip(part, dim) if backwards else part


def _shifted(part: Array, dim: int, by: int, lattice: Lattice) -> Array:
    """Return labels with those ``by`` places further on, nothing beyond the ends."""
    made = np.full_like(part, lattice.bottom)
    length = part.shape[dim]
    if abs(by) < length:
        lead = (slice(None),) * dim
        made[(*lead, slice(max(0, -by), length - max(0, by)))] = part[
            (*lead, slice(max(0, by), length + min(0, by)))
        ]
    return made


def _ordered(part: Array, have: list[str], wanted: list[str]) -> Array:
    """Return labels with the axes of a result; those that the argument lacks have length 1."""
    part = part.squeeze(tuple(dim for dim, name in enumerate(have) if name not in wanted))
    names = [name for name in have if name in wanted]
    shared = [name for name in wanted if name in names]
    part = part.transpose([names.index(name) for name in shared])
    return np.expand_dims(part, tuple(place for place, name in enumerate(wanted) if name not in names))
