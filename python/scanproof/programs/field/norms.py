"""Rules of norms, variances, and their backward operations."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch

from scanproof.programs.field import pairs
from scanproof.programs.field.calls import PairCall
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.residues import Undecided
from scanproof.programs.field.table import FUNCTIONS, entered


def _mean(call: PairCall, x: Pair, shape: Any, axes: list[int], keepdim: bool = True) -> Pair:
    return pairs.summed(x, axes, keepdim) / call.number(prod(shape[axis] for axis in axes))


def _inverse_root(call: PairCall, x: Pair) -> Pair:
    return call.number(1) / pairs.sqrt(x, call.primes)


def _centred(call: PairCall, x: Pair, shape: Any, axes: list[int]) -> tuple[Pair, Pair, Pair]:
    """Return what is left of a tensor without its means, the means, and the squared deviations, summed."""
    mean = _mean(call, x, shape, axes)
    left = x - mean
    return left, mean, pairs.summed(left * left, axes, keepdim=True)


@entered(FUNCTIONS, "var", "std", "var_mean", "std_mean")
def _variance(call: PairCall) -> Pair | list[Pair]:
    name, shape, axes, keepdim = call.name, call["self"].shape, call.axes(), call.get("keepdim", False)
    _, mean, squares = _centred(call, call.pair("self"), shape, axes)
    freedom = prod(shape[axis] for axis in axes) - call.get("correction", 1)
    spread = squares / call.number(freedom)
    if name.startswith("std"):
        spread = pairs.sqrt(spread, call.primes)
    if not keepdim:
        spread, mean = (pairs.moved(each, lambda tensor: tensor.squeeze(axes)) for each in (spread, mean))
    return [spread, mean] if name.endswith("_mean") else spread


@entered(FUNCTIONS, "linalg_vector_norm")
def _vector_norm(call: PairCall) -> Pair:
    if call["ord"] != 2:
        raise Undecided("has an order other than 2")
    x = call.pair("self")
    return pairs.sqrt(pairs.summed(x * x, call.axes(), call["keepdim"]), call.primes)


def _asked(call: PairCall, wanted: Sequence[Callable[[], Pair]]) -> list[Pair]:
    return [made() for made, asked in zip(wanted, call["output_mask"], strict=True) if asked]


def _last(call: PairCall) -> list[int]:
    rank = len(call["input"].shape)
    return list(range(rank - len(call["normalized_shape"]), rank))


def _affine(call: PairCall, x: Pair, shape: tuple[int, ...] | None = None) -> Pair:
    for name in ("weight", "bias"):
        if name in call and call[name] is not None:
            own = call.pair(name)
            if shape is not None:
                own = pairs.moved(own, lambda tensor: tensor.view(shape))
            x = x * own if name == "weight" else x + own
    return x


@entered(FUNCTIONS, "native_layer_norm")
def _layer_norm(call: PairCall) -> list[Pair]:
    shape, axes = call["input"].shape, _last(call)
    left, mean, squares = _centred(call, call.pair("input"), shape, axes)
    count = call.number(prod(shape[axis] for axis in axes))
    scale = _inverse_root(call, squares / count + call.pair("eps"))
    return [_affine(call, left * scale), mean, scale]


@entered(FUNCTIONS, "_fused_rms_norm")
def _rms_norm(call: PairCall) -> list[Pair]:
    x, axes = call.pair("input"), _last(call)
    eps = call.get("eps", torch.finfo(call["input"].dtype).eps)
    scale = _inverse_root(call, _mean(call, x * x, call["input"].shape, axes) + call.number(eps))
    return [_affine(call, x * scale), scale]


def _groups(call: PairCall, x: Pair) -> Pair:
    examples, groups = call["N"], call["group"]
    return pairs.moved(x, lambda tensor: tensor.reshape(examples, groups, -1))


def _by_channel(call: PairCall, name: str = "input") -> tuple[int, ...]:
    return (1, -1, *(1 for _ in call[name].shape[2:]))


@entered(FUNCTIONS, "native_group_norm")
def _group_norm(call: PairCall) -> list[Pair]:
    shape = call["input"].shape
    x = _groups(call, call.pair("input"))
    size = call["C"] * call["HxW"] // call["group"]
    left, mean, squares = _centred(call, x, (0, 0, size), [2])
    scale = _inverse_root(call, squares / call.number(size) + call.pair("eps"))
    made = pairs.moved(left * scale, lambda tensor: tensor.view(shape))
    flat = [pairs.moved(each, lambda tensor: tensor.squeeze(2)) for each in (mean, scale)]
    return [_affine(call, made, _by_channel(call)), *flat]


def _pulled(call: PairCall, g: Pair, x: Pair, scale: Pair, shape: Any, axes: list[int]) -> Pair:
    """Return the gradient of what a layer norm takes, from that of what it returns and that itself."""
    return scale * (g - _mean(call, g, shape, axes) - x * _mean(call, g * x, shape, axes))


@entered(FUNCTIONS, "native_layer_norm_backward")
def _layer_norm_backward(call: PairCall) -> list[Pair]:
    shape, axes = call["input"].shape, _last(call)
    first = [axis for axis in range(len(shape)) if axis not in axes]
    g, scale = call.pair("grad_out"), call.pair("rstd")
    normal = (call.pair("input") - call.pair("mean")) * scale
    weighted = g if call["weight"] is None else g * call.pair("weight")
    wanted = (
        lambda: _pulled(call, weighted, normal, scale, shape, axes),
        lambda: pairs.summed(g * normal, first),
        lambda: pairs.summed(g, first),
    )
    return _asked(call, wanted)


@entered(FUNCTIONS, "_fused_rms_norm_backward")
def _rms_norm_backward(call: PairCall) -> list[Pair]:
    shape, axes = call["input"].shape, _last(call)
    first = [axis for axis in range(len(shape)) if axis not in axes]
    g, scale = call.pair("grad_out"), call.pair("rstd")
    normal = call.pair("input") * scale
    weighted = g if call["weight"] is None else g * call.pair("weight")
    wanted = (
        lambda: scale * (weighted - normal * _mean(call, weighted * normal, shape, axes)),
        lambda: pairs.summed(g * normal, first),
    )
    return _asked(call, wanted)


@entered(FUNCTIONS, "native_group_norm_backward")
def _group_norm_backward(call: PairCall) -> list[Pair]:
    shape = call["input"].shape
    by_channel = _by_channel(call)
    size = call["C"] * call["HxW"] // call["group"]
    mean, scale = (
        pairs.moved(call.pair(name), lambda tensor: tensor.reshape(call["N"], call["group"], 1))
        for name in ("mean", "rstd")
    )
    g = call.pair("grad_out")
    normal = (_groups(call, call.pair("input")) - mean) * scale
    other = [axis for axis in range(len(shape)) if axis != 1]

    def whole(x: Pair) -> Pair:
        return pairs.moved(x, lambda tensor: tensor.view(shape))

    def pulled() -> Pair:
        weighted = g
        if call["weight"] is not None:
            weighted = g * pairs.moved(call.pair("weight"), lambda tensor: tensor.view(by_channel))
        return whole(_pulled(call, _groups(call, weighted), normal, scale, (0, 0, size), [2]))

    wanted = (pulled, lambda: pairs.summed(g * whole(normal), other), lambda: pairs.summed(g, other))
    return _asked(call, wanted)
