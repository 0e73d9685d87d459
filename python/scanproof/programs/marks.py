"""Which value of the program a tensor holds, also when views of the tensor are taken and written into.

A view shares its memory with its base tensor, and a write into one changes both. The written view is put back
into its base, and so on up to the tensor that owns the memory. Other views are taken again when they are next
read.
"""

from collections.abc import Callable
from typing import Any

import torch

from scanproof.errors import InvalidArgument
from scanproof.programs.program import Node, Value

aten = torch.ops.aten

Emit = Callable[..., Value]
"""Adds an operation to the program: called with it, its arguments, and the shape of the result."""


class Mark:
    """The value that a tensor holds; the mark is an attribute of the tensor.

    Attributes:
        recorder: the recorder of this mark; a mark of another recording has no meaning.
        value: the value of the tensor when the mark was last updated.
        parent: the mark of the tensor's base; None if the tensor owns its memory.
        node: the operation that took the view from the value of the parent.
        item: the index of the view among the results of the operation; None for a single result.
        owner: the mark of the tensor that owns the memory; None for this tensor itself, because a mark in a
            reference cycle keeps the recording in memory.
        version: for the owner, the number of writes into the memory.
        seen: the version of the owner at which the tensor holds ``value``.
    """

    __slots__ = ("item", "node", "owner", "parent", "recorder", "seen", "value", "version")

    def __init__(
        self,
        recorder: object,
        value: Value,
        parent: "Mark | None" = None,
        node: Node | None = None,
        item: int | None = None,
    ) -> None:
        self.recorder, self.value, self.parent, self.node, self.item = recorder, value, parent, node, item
        self.version = self.seen = 0
        self.owner: Mark | None = None
        if parent is not None:
            self.owner = parent.root
            self.seen = self.owner.version

    @property
    def root(self) -> "Mark":
        """The mark of the tensor that owns the memory."""
        return self if self.owner is None else self.owner

    def __deepcopy__(self, memo: object) -> None:
        """Return no mark, because a copied tensor has none."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    def current(self, emit: Emit) -> Value:
        """Return the value of the tensor; take the view again if its base has changed."""
        if self.seen != self.root.version:
            assert self.parent is not None
            assert self.node is not None
            args = (self.parent.current(emit), *self.node.args[1:])
            self.value = emit(self.node.op, args, self.node.kwargs, self.value.shape, self.item)
            self.seen = self.root.version
        return self.value

    def write(self, value: Value, emit: Emit) -> None:
        """Let the tensor hold ``value`` from now on, and update all tensors that share its memory."""
        self.current(emit)
        self.root.version += 1
        mark = self
        while True:
            mark.value, mark.seen = value, self.root.version
            if mark.parent is None or mark.node is None:
                return
            value, mark = _put_back(mark.parent.value, mark.node, mark.item, value, emit), mark.parent


def _put_back(parent: Value, view: Node, item: int | None, value: Value, emit: Emit) -> Value:
    """Return the base of a view, with ``value`` in place of the view."""
    args = view.args[1:]
    name = view.op.overloadpacket.__name__
    shape = parent.shape

    def scatter(op: Any, *where: Any) -> Value:
        return emit(op, (parent, value, *where), view.kwargs if item is None else {}, shape)

    match name:
        case "alias" | "detach" | "lift_fresh":
            return value
        case "view" | "_reshape_alias" | "unsqueeze" | "squeeze" | "unsqueeze_" | "squeeze_" | "reshape":
            return emit(aten.reshape.default, (value, list(shape)), {}, shape)
        case "expand" if value.shape == (1,) * (len(value.shape) - len(shape)) + shape:
            return emit(aten.reshape.default, (value, list(shape)), {}, shape)
        case "t" | "transpose" | "t_" | "transpose_":
            return emit(view.op, (value, *args), view.kwargs, shape)
        case "permute":
            dims = [dim % len(shape) for dim in args[0]]
            return emit(
                aten.permute.default, (value, [dims.index(dim) for dim in range(len(dims))]), {}, shape
            )
        case "select":
            return scatter(aten.select_scatter.default, *args)
        case "slice":
            return scatter(aten.slice_scatter.default, *args)
        case "as_strided":
            return scatter(aten.as_strided_scatter.default, *args)
        case "diagonal":
            return scatter(aten.diagonal_scatter.default, *args)
        case "unbind":
            assert item is not None
            return scatter(aten.select_scatter.default, args[0] if args else 0, item)
        case "split" | "split_with_sizes":
            assert item is not None
            dim = (args[1] if len(args) > 1 else 0) % len(shape)
            size = args[0]
            start = item * size if isinstance(size, int) else sum(size[:item])
            return scatter(aten.slice_scatter.default, dim, start, start + value.shape[dim])
    raise InvalidArgument(
        f"read: a write into a view by {view.op} cannot be recorded; write into a tensor of its own."
    )
