"""The table of operations: the row of an operation says what its results read."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import torch

aten = torch.ops.aten

RowT = TypeVar("RowT", bound=Callable[..., Any])

ROWS: dict[Any, Callable[..., Any]] = {}
"""Rows by operation packet (all overloads), or by one overload, which takes precedence."""

REGISTERED: dict[str, Callable[..., Any]] = {}
"""Rows that were registered for custom operators, by their names."""


def row(*names: str) -> Callable[[RowT], RowT]:
    """Enter a row for operations of ATen, named ``"add"`` or ``"add.Tensor"``.

    Names that the installed PyTorch does not have are ignored.
    """

    def enter(rule: RowT) -> RowT:
        for name in names:
            packet, _, overload = name.partition(".")
            op = getattr(aten, packet, None)
            op = getattr(op, overload, None) if overload and op is not None else op
            if op is not None:
                ROWS[op] = rule
        return rule

    return enter


def row_of(op: Any) -> Callable[..., Any] | None:
    """Return the row of an operation; None if there is none."""
    import scanproof.programs.reads  # noqa: F401  # enters the rows, which need this module

    found = ROWS.get(op) or ROWS.get(op.overloadpacket)
    return found or REGISTERED.get(op.name()) or REGISTERED.get(op.name().partition(".")[0])


@cache
def _core() -> dict[Any, Callable[..., Any]]:
    from torch._decomp import core_aten_decompositions  # slow to import, and rarely needed

    return dict(core_aten_decompositions())


def decomposition_of(op: Any) -> Callable[..., Any] | None:
    """Return the decomposition of an operation without a row; None if there is a row or no decomposition."""
    if row_of(op) is not None or not isinstance(op, torch._ops.OpOverload):
        return None
    if op._can_decompose():
        return op.decompose
    return _core().get(op)
