"""Rules of operations that select entries by comparing floats: the float run says which."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.field import pairs
from scanproof.programs.field.calls import PairCall
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.residues import Undecided
from scanproof.programs.field.table import BRANCHES, FUNCTIONS, STEPS, entered

STEPS.update(("sign", "sgn", "floor", "ceil", "round", "trunc", "heaviside", "histc", "floor_divide"))


@entered(BRANCHES, "frac")
def _whole_part(args: Any) -> Tensor:
    return torch.as_tensor(args["self"].trunc()).double()


@entered(FUNCTIONS, "frac")
def _frac(call: PairCall) -> Pair:
    return call.pair("self") - call.held(call.taken)


@entered(FUNCTIONS, "topk", "sort", "cummax", "cummin", "kthvalue", "median")
def _ordered(call: PairCall) -> list[Pair]:
    if call.name == "median" and "dim" not in call:
        raise Undecided("is the median of all entries")
    return _at(call, call.axes()[0], call.get("keepdim", True))


@entered(FUNCTIONS, "max", "min")
def _greatest(call: PairCall) -> Pair | list[Pair]:
    if "dim" in call:
        return _at(call, call.axes()[0], call["keepdim"])
    if "other" in call:
        return pairs.choose(call.taken, call.pair("self"), call.pair("other"))
    return pairs.moved(call.pair("self"), lambda tensor: tensor.flatten()[call.taken])


def _at(call: PairCall, axis: int, keepdim: bool) -> list[Pair]:
    index = call.output(1)

    def taken(tensor: Tensor) -> Tensor:
        if not tensor.dim():
            return tensor
        if keepdim:
            return tensor.gather(axis, index)
        return tensor.gather(axis, index.unsqueeze(axis)).squeeze(axis)

    return [pairs.moved(call.pair("self"), taken), call.whole_numbers]


def _greatest_at(args: Any, *, greatest: bool) -> Tensor:
    x, other = args["self"], args.get("other")
    if other is not None:
        return torch.as_tensor(x >= other if greatest else x <= other)
    return torch.as_tensor(x.argmax() if greatest else x.argmin())


def _extreme_at(args: Any, *, greatest: bool) -> Tensor:
    x = args["self"]
    axes = [axis % max(x.dim(), 1) for axis in args["dim"]] or list(range(x.dim()))
    if not x.dim():
        return torch.zeros((), dtype=torch.int64)
    last = _axes_last(x, axes)
    return torch.as_tensor(last.argmax(-1) if greatest else last.argmin(-1))


for _name, _great in (("max", True), ("min", False)):
    BRANCHES[_name] = partial(_greatest_at, greatest=_great)
    BRANCHES[f"a{_name}"] = partial(_extreme_at, greatest=_great)


@entered(FUNCTIONS, "amax", "amin")
def _extreme(call: PairCall) -> Pair:
    axes = call.axes()

    def taken(tensor: Tensor) -> Tensor:
        if not tensor.dim():
            return tensor
        found = _axes_last(tensor, axes).gather(-1, call.taken[..., None])[..., 0]
        for axis in sorted(axes) if call["keepdim"] else ():
            found = found.unsqueeze(axis)
        return found

    return pairs.moved(call.pair("self"), taken)


def _axes_last(tensor: Tensor, axes: list[int]) -> Tensor:
    kept = [axis for axis in range(tensor.dim()) if axis not in axes]
    return tensor.permute(*kept, *axes).flatten(len(kept))


@entered(BRANCHES, "remainder")
def _floored(args: Any) -> Tensor:
    return torch.as_tensor(torch.floor_divide(args["self"], args["other"])).double()


@entered(BRANCHES, "fmod")
def _truncated(args: Any) -> Tensor:
    return torch.as_tensor(torch.div(args["self"], args["other"], rounding_mode="trunc")).double()


@entered(FUNCTIONS, "remainder", "fmod")
def _remainder(call: PairCall) -> Pair:
    return call.pair("self") - call.held(call.taken) * call.pair("other")
