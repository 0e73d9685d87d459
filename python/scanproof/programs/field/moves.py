"""Rules of operations that move entries: they compute nothing, so residues move as the floats do."""

from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.execute import _ANY_STRIDES
from scanproof.programs.field.calls import Call
from scanproof.programs.field.degree import Degree
from scanproof.programs.field.pair import either
from scanproof.programs.field.residues import Side, Undecided
from scanproof.programs.field.table import moving
from scanproof.programs.program import Value

_FLOATS = ("reflection_pad", "replication_pad", "upsample_", "_upsample_", "im2col")
"""Beginnings of the names of operations that have no kernel for whole numbers."""

CHOOSES = {"index", "indices", "mask", "condition"}
"""Arguments that choose entries; the float run decides them."""


@moving(
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
    *("slice_scatter", "select_scatter", "diagonal_scatter", "copy", "diag_embed", "as_strided_scatter"),
    *("embedding", "index_copy", "masked_scatter", "masked_select", "take", "index_fill", "scatter"),
    *(f"reflection_pad{axes}d" for axes in (1, 2, 3)),
    *(f"replication_pad{axes}d" for axes in (1, 2, 3)),
    *(f"upsample_nearest{axes}d" for axes in (1, 2, 3)),
    *(f"_upsample_nearest_exact{axes}d" for axes in (1, 2, 3)),
    *("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "im2col"),
    *("slice_backward", "select_backward", "diagonal_backward", "fill", "_unsafe_index", "rot90", "tile"),
)
def move(call: Call) -> Side | list[Side]:
    """Run an operation on residues; a number that it writes becomes a residue."""
    if call.get("reduce", None) is not None:
        raise Undecided("reduces")
    if call.name == "view" and "dtype" in call:
        raise Undecided("reads the bits of floats")
    read: list[Side] = []

    def found(arg: Any) -> Any:
        if isinstance(arg, Value):
            read.append(call.read(arg))
            return read[-1].values.contiguous()
        return [found(each) for each in arg] if isinstance(arg, list | tuple) else arg

    def written(arg: Any) -> Any:
        return found(arg) if isinstance(arg, Value) else int(call.read(arg).finite.values)

    args = {
        name: call.chosen(arg) if name in CHOOSES else written(arg) if name == "value" else found(arg)
        for name, arg in ((each.name, call[each.name]) for each in call.node.op._schema.arguments)
    }
    moved = _listed(_called(call, args))
    degree = reduce(Degree.either, (side.degree for side in read))
    gone: list[Tensor | None] = [None] * len(moved)
    if any(side.gone is not None for side in read):
        sides = iter(read)

        def infinite(arg: Any) -> Any:
            if isinstance(arg, Value):
                side = next(sides)
                return torch.zeros_like(side.values) if side.gone is None else side.gone.long().contiguous()
            return [infinite(each) for each in arg] if isinstance(arg, list | tuple) else arg

        args.update({name: infinite(call[name]) for name in args if name not in CHOOSES})
        if "value" in args and not isinstance(call["value"], Value):
            args["value"] = 0
        gone = [each.bool() if each.any() else None for each in _listed(_called(call, args))]
    made = [Side(call.modulus, each, degree, lost) for each, lost in zip(moved, gone, strict=True)]
    return made[0] if call.node.single else made


def _called(call: Call, args: dict[str, Any]) -> Any:
    op = _ANY_STRIDES.get(call.node.op, call.node.op)
    positional = [args[each.name] for each in call.node.op._schema.arguments if not each.kwarg_only]
    named = {each.name: args[each.name] for each in call.node.op._schema.arguments if each.kwarg_only}
    if call.name.startswith(_FLOATS):  # float64 holds residues exactly
        positional = [arg.double() if isinstance(arg, Tensor) else arg for arg in positional]
        return op(*positional, **named).long()
    return op(*positional, **named)


def _listed(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


@moving("alias", "clone", "contiguous", "detach", "lift_fresh", "_to_copy", "lift_fresh_copy")
def _same(call: Call) -> Side:
    return call.side("self")


@moving("where")
def _where(call: Call) -> Side:
    return either(call.chosen(call["condition"]), call.side("self"), call.side("other"))


@moving("masked_fill")
def _masked_fill(call: Call) -> Side:
    return either(call.chosen(call["mask"]), call.side("value"), call.side("self"))


@moving("constant_pad_nd")
def _pad(call: Call) -> Side:
    side, pad = call.side("self"), call["pad"]
    inside = torch.constant_pad_nd(torch.ones(side.values.shape, dtype=torch.bool), pad, 0)
    gone = None if side.gone is None else torch.constant_pad_nd(side.gone, pad, 0)
    padded = replace(side, values=torch.constant_pad_nd(side.values, pad, 0), gone=gone)
    return either(inside, padded, call.read(call.get("value", 0)))
