"""Rules of operations that move entries: they compute nothing, so residues move as the floats do."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.execute import _ANY_STRIDES
from scanproof.programs.field.calls import Call
from scanproof.programs.field.residues import Side, Undecided
from scanproof.programs.field.table import RINGS, entered
from scanproof.programs.program import Value

CHOOSES = {"index", "indices", "mask", "condition"}
"""Arguments that choose entries; the float run decides them."""


@entered(
    RINGS,
    *("view", "_unsafe_view", "reshape", "transpose", "permute", "t", "unsqueeze", "squeeze", "expand"),
    *(
        "slice",
        "select",
        "split",
        "split_with_sizes",
        "chunk",
        "unbind",
        "flip",
        "repeat",
        "roll",
        "diagonal",
    ),
    *("index", "index_select", "gather", "cat", "stack", "tril", "triu", "as_strided", "unfold", "movedim"),
    *("slice_scatter", "select_scatter", "diagonal_scatter", "copy", "diag_embed"),
)
def _move(call: Call) -> Side | list[Side]:
    read: list[Side] = []

    def found(arg: Any) -> Any:
        if isinstance(arg, Value):
            read.append(call.read(arg))
            return read[-1].values.contiguous()
        return [found(each) for each in arg] if isinstance(arg, list | tuple) else arg

    args = {
        name: call.chosen(arg) if name in CHOOSES else found(arg)
        for name, arg in ((each.name, call[each.name]) for each in call.node.op._schema.arguments)
    }
    moved = _listed(_called(call, args))
    numerator, denominator = max(side.numerator for side in read), max(side.denominator for side in read)
    gone: list[Tensor | None] = [None] * len(moved)
    if any(side.gone is not None for side in read):
        sides = iter(read)

        def infinite(arg: Any) -> Any:
            if isinstance(arg, Value):
                side = next(sides)
                return torch.zeros_like(side.values) if side.gone is None else side.gone.long().contiguous()
            return [infinite(each) for each in arg] if isinstance(arg, list | tuple) else arg

        args.update({name: infinite(call[name]) for name in args if name not in CHOOSES})
        gone = [each.bool() if each.any() else None for each in _listed(_called(call, args))]
    made = [
        Side(call.modulus, each, numerator, denominator, lost) for each, lost in zip(moved, gone, strict=True)
    ]
    return made[0] if call.node.single else made


def _called(call: Call, args: dict[str, Any]) -> Any:
    op = _ANY_STRIDES.get(call.node.op, call.node.op)
    positional = [args[each.name] for each in call.node.op._schema.arguments if not each.kwarg_only]
    named = {each.name: args[each.name] for each in call.node.op._schema.arguments if each.kwarg_only}
    return op(*positional, **named)


def _listed(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


@entered(RINGS, "alias", "clone", "contiguous", "detach", "lift_fresh", "_to_copy", "lift_fresh_copy")
def _same(call: Call) -> Side:
    return call.side("self")


@entered(RINGS, "where")
def _where(call: Call) -> Side:
    return either(call.chosen(call["condition"]), call.side("self"), call.side("other"))


@entered(RINGS, "masked_fill")
def _masked_fill(call: Call) -> Side:
    return either(call.chosen(call["mask"]), call.side("value"), call.side("self"))


@entered(RINGS, "constant_pad_nd")
def _pad(call: Call) -> Side:
    if call.get("value", 0) != 0:
        raise Undecided("pads with another number than zero")
    side = call.side("self")
    gone = None if side.gone is None else torch.constant_pad_nd(side.gone, call["pad"], 0)
    return replace(side, values=torch.constant_pad_nd(side.values, call["pad"], 0), gone=gone)


def either(first: Tensor, one: Side, other: Side) -> Side:
    """Return entries of ``one`` where ``first`` is true, else of ``other``; shapes broadcast."""
    values = torch.where(first, one.values, other.values)
    degrees = max(one.numerator, other.numerator), max(one.denominator, other.denominator)
    zero = torch.zeros((), dtype=torch.bool)
    ours, theirs = (zero if side.gone is None else side.gone for side in (one, other))
    gone = torch.where(first, ours, theirs).broadcast_to(values.shape)
    return Side(one.modulus, values, *degrees, gone if gone.any() else None)
