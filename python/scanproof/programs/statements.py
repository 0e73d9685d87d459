"""One-line statements about what a custom operator reads."""

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
    """An axis of an argument: its name, and which indices are read relative to the index of the result."""

    name: str
    bound: str = ""
    window: tuple[int, int] | None = None


Pattern = tuple[_Axis, ...]


def register_operation(name: str, reads: str | Callable[[Reader, Node], Any]) -> None:
    """State what an operator reads, so that programs with this operator can be read.

    A statement names the axes of every tensor argument and of every result, as in ``"b d <=l, b d <=l, d n ->
    b d l"``. An argument axis ``l`` with the same name as an axis of the result is read as follows, relative
    to the index of the result:

    - ``l``: at the same index;
    - ``<=l`` or ``<l``: up to the index, or before it;
    - ``>=l`` or ``>l``: from the index on, or after it;
    - ``l[-3:0]``: from three indices before up to the index itself.

    An axis that the result does not have is read completely. Semicolons separate several results. The
    arguments are the tensor arguments of the schema, also those that a call leaves out.

    Test a statement with ``check_operation``.

    Args:
        name: the operator, such as ``"mylib::scan"``; with an overload, ``"mylib::scan.out"``.
        reads: the statement, or a row of the table: a function of a reader and a node that returns the state
            of each result.

    Raises:
        InvalidArgument: the statement cannot be read, or the operator is one of PyTorch's own.

    Example:
        >>> register_operation("mylib::cumulative", "b <=t d -> b t d")
    """
    if name.startswith("aten::"):
        raise InvalidArgument(
            f"register_operation: {name} is an operator of PyTorch; the table already has its row."
        )
    if isinstance(reads, str):
        arguments, results = _parsed(name, reads)
        REGISTERED[name] = lambda reader, node: _by_statement(reader, node, arguments, results)
    else:
        REGISTERED[name] = reads


def _parsed(name: str, statement: str) -> tuple[list[Pattern], list[Pattern]]:
    left, arrow, right = statement.partition("->")
    if not arrow:
        raise InvalidArgument(
            f"register_operation: {name}: '{statement}' has no '->'; write it before the results."
        )
    arguments = [_pattern(name, part) for part in left.split(",")]
    results = [_pattern(name, part) for part in right.split(";")]
    for axis in (axis for result in results for axis in result):
        if axis.bound or axis.window:
            raise InvalidArgument(
                f"register_operation: {name}: the axes of a result are plain names; write '{axis.name}'."
            )
    return arguments, results


def _pattern(name: str, text: str) -> Pattern:
    axes = []
    for word in text.split():
        found = _AXIS.fullmatch(word)
        if found is None or (found["bound"] and found["first"]):
            raise InvalidArgument(
                f"register_operation: {name}: '{word}' is not an axis; write l, <=l, <l, >=l, >l or l[-3:0]."
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
            f"results; the operator has {len(values)} and {len(node.outputs)}."
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
    """Return the tensor arguments in the order of the schema; None for an argument that is left out."""
    found: list[Value | None] = []
    schema = node.op._schema.arguments
    given = {**{argument.name: arg for argument, arg in zip(schema, node.args, strict=False)}, **node.kwargs}
    for argument in schema:
        if str(argument.type) in ("Tensor", "Optional[Tensor]"):
            arg = given.get(argument.name)
            found.append(arg if isinstance(arg, Value) else None)
        elif str(argument.type) == "List[Tensor]":
            found.extend(given[argument.name])
    return found


def _read(reader: Reader, node: Node, value: Value, pattern: Pattern, result: Pattern) -> Parts | None:
    """Return what each entry of a result reads from one argument."""
    parts = reader.parts(value)
    if parts is None:
        return None
    if len(pattern) != len(value.shape):
        raise InvalidArgument(
            f"read: the statement about {node.name} names {len(pattern)} axes for a tensor of shape "
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
    """Join along an axis over the indices that each index of the result reads."""
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
    """Return labels shifted by ``by`` indices, with the bottom label beyond the ends."""
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
