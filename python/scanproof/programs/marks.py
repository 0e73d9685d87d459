"""Which value of the program a tensor holds, while views of it are taken and written into.

A view shares its memory with the tensor that it was taken from. A write into either changes both: the written
view is put back into the tensor that it was taken from, up to the one that owns the memory, and other views
are taken anew when they are next read.
"""

from collections.abc import Callable
from typing import Any

import torch

from scanproof.errors import InvalidArgument
from scanproof.programs.program import Value

aten = torch.ops.aten

Emit = Callable[..., Value]
"""Adds ``op(*args)`` to the program: called with the operation, its arguments, and the shape of the result."""


class View:
    """How a view was taken: ``op(parent, *args)``, of which it is the ``item``-th result, if there are several."""

    __slots__ = ("args", "item", "kwargs", "op", "parent")

    def __init__(
        self, parent: "Mark", op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], item: int | None
    ):
        self.parent, self.op, self.args, self.kwargs, self.item = parent, op, args, kwargs, item


class Mark:
    """What a tensor holds: carried by the tensor itself as an attribute.

    Attributes:
        recorder: who recorded it; a mark of another recording means nothing.
        value: its value when it was last looked at.
        view: how it was taken, where it shares the memory of another tensor.
    """

    __slots__ = ("_root", "_seen", "_version", "recorder", "value", "view")

    def __init__(self, recorder: object, value: Value, view: View | None = None) -> None:
        self.recorder, self.value, self.view = recorder, value, view
        self._root: Mark = view.parent._root if view else self
        self._version = 0
        self._seen = self._root._version

    def __deepcopy__(self, memo: object) -> None:
        """Leave marks behind when a tensor is copied."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    @property
    def fresh(self) -> bool:
        """Whether ``value`` is what the tensor holds now."""
        return self._seen == self._root._version

    @property
    def root(self) -> "Mark":
        """The mark of the tensor that owns the memory."""
        return self._root

    def current(self, emit: Emit) -> Value:
        """Return what the tensor holds, taken anew from what it is a view of, if that has changed."""
        if self._seen != self._root._version:
            assert self.view is not None
            view, shape = self.view, self.value.shape
            self.value = emit(view.op, (view.parent.current(emit), *view.args), view.kwargs, shape, view.item)
            self._seen = self._root._version
        return self.value

    def write(self, value: Value, emit: Emit) -> None:
        """Let the tensor hold ``value`` from now on, and with it all that share its memory."""
        self.current(emit)
        self._root._version += 1
        mark = self
        while True:
            mark.value, mark._seen = value, self._root._version
            if mark.view is None:
                return
            value, mark = _put_back(mark.view, value, emit), mark.view.parent


def _put_back(view: View, value: Value, emit: Emit) -> Value:
    """Return the tensor that a view was taken from, with ``value`` in the view's place."""
    parent, args, item = view.parent.value, view.args, view.item
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
