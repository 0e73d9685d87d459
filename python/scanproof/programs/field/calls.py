"""One operation of a program, as the rules of the field see it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.field.residues import Side, Undecided, constant, number
from scanproof.programs.program import Node, Value


class Call:
    """An operation whose tensors are residues modulo one prime.

    Attributes:
        node: the operation.
        modulus: the prime.
        branch: entries at which the float run took the first of two branches; None for other operations.
    """

    def __init__(
        self,
        node: Node,
        modulus: int,
        sides: Callable[[Value], Side],
        held: Mapping[int, Tensor],
        branch: Tensor | None,
    ) -> None:
        self.node, self.modulus, self.branch = node, modulus, branch
        self._sides, self._held = sides, held
        self._bound = bound(node)

    def __getitem__(self, name: str) -> Any:
        """Return an argument as it was given, or its default."""
        return self._bound[name]

    def __contains__(self, name: str) -> bool:
        return name in self._bound

    def get(self, name: str, default: Any) -> Any:
        """Return an argument; ``default`` if the operation has no such argument or the argument is None."""
        found = self._bound.get(name)
        return default if found is None else found

    def side(self, name: str) -> Side:
        """Return a tensor or a number among the arguments as residues."""
        return self.read(self._bound[name])

    def read(self, arg: Any) -> Side:
        """Return a tensor or a number as residues."""
        if not isinstance(arg, Value):
            return number(arg, self.modulus)
        return (
            self._sides(arg) if arg.dtype.is_floating_point else constant(self._held[arg.index], self.modulus)
        )

    def chosen(self, arg: Any) -> Any:
        """Return whole numbers and truth values as the float run had them, also within lists."""
        if isinstance(arg, Value):
            if arg.dtype.is_floating_point or arg.dtype.is_complex:
                raise Undecided("takes an index or a mask that is no whole number")
            return self._held[arg.index]
        return [self.chosen(each) for each in arg] if isinstance(arg, list | tuple) else arg

    def axes(self, name: str = "dim") -> list[int]:
        """Return the axes of a reduction of ``self``; all axes if none are given."""
        given, rank = self._bound.get(name), len(self._bound["self"].shape)
        if given is None or given == []:
            return list(range(rank))
        return [axis % max(rank, 1) for axis in (given if isinstance(given, list | tuple) else [given])]


def bound(node: Node) -> dict[str, Any]:
    """Return the arguments of an operation by name, with defaults."""
    found = {}
    for position, argument in enumerate(node.op._schema.arguments):
        if position < len(node.args):
            found[argument.name] = node.args[position]
        else:
            found[argument.name] = node.kwargs.get(argument.name, argument.default_value)
    return found


def packet(node: Node) -> str:
    """Return the name of an ATen operation without its overload; empty for other operations."""
    op = node.op
    return (
        str(op.overloadpacket.__name__)
        if isinstance(op, torch._ops.OpOverload) and (op.namespace == "aten")
        else ""
    )
