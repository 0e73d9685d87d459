"""Rules of activation functions and their backward operations."""

import math
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.field import pairs
from scanproof.programs.field.calls import PairCall
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.table import BRANCHES, FUNCTIONS, entered, exponential

KAPPA = 0.044715
"""The factor of the cube in the approximation of GELU."""


@entered(BRANCHES, "elu", "leaky_relu", "_prelu_kernel", "celu")
def _positive(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] > 0)


@exponential("elu")
def _elu(call: PairCall) -> Pair:
    x, one = call.pair("self"), call.number(1)
    least, scale = call.pair("alpha") * call.pair("scale"), call.pair("scale")
    below = (pairs.exp(x * call.pair("input_scale"), call.primes) - one) * least
    return pairs.choose(call.taken, x * scale, below)


@exponential("celu")
def _celu(call: PairCall) -> Pair:
    x, alpha = call.pair("self"), call.pair("alpha")
    below = (pairs.exp(x / alpha, call.primes) - call.number(1)) * alpha
    return pairs.choose(call.taken, x, below)


@exponential("elu_backward")
def _elu_backward(call: PairCall) -> Pair:
    g, x, inner = call.pair("grad_output"), call.pair("self_or_result"), call.pair("input_scale")
    least = call.pair("alpha") * call.pair("scale")
    if call["is_result"]:
        below = g * inner * (x + least)
    else:
        below = g * inner * least * pairs.exp(x * inner, call.primes)
    return pairs.choose(call.taken, g * call.pair("scale"), below)


@entered(BRANCHES, "elu_backward")
def _result_positive(args: Any) -> Tensor:
    return torch.as_tensor(args["self_or_result"] > 0)


@entered(FUNCTIONS, "leaky_relu")
def _leaky_relu(call: PairCall) -> Pair:
    x = call.pair("self")
    return pairs.choose(call.taken, x, x * call.pair("negative_slope"))


@entered(FUNCTIONS, "_prelu_kernel")
def _prelu(call: PairCall) -> Pair:
    x = call.pair("self")
    return pairs.choose(call.taken, x, x * call.pair("weight"))


@entered(BRANCHES, "leaky_relu_backward")
def _leaky_positive(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] > 0)


@entered(FUNCTIONS, "leaky_relu_backward")
def _leaky_relu_backward(call: PairCall) -> Pair:
    g = call.pair("grad_output")
    return pairs.choose(call.taken, g, g * call.pair("negative_slope"))


@entered(BRANCHES, "threshold", "threshold_backward")
def _over(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] > args["threshold"])


@entered(FUNCTIONS, "threshold")
def _threshold(call: PairCall) -> Pair:
    return pairs.choose(call.taken, call.pair("self"), call.pair("value"))


@entered(FUNCTIONS, "threshold_backward", "hardtanh_backward")
def _where_taken(call: PairCall) -> Pair:
    return pairs.choose(call.taken, call.pair("grad_output"), call.number(0))


@entered(BRANCHES, "hardtanh_backward")
def _between(args: Any) -> Tensor:
    return torch.as_tensor((args["self"] > args["min_val"]) & (args["self"] < args["max_val"]))


@entered(BRANCHES, "hardtanh")
def _clamped(args: Any) -> Tensor:
    """Return 0 where an entry stays, 1 below the limits, and 2 above."""
    x = args["self"]
    return torch.as_tensor((x < args["min_val"]) + 2 * (x > args["max_val"]).to(torch.uint8))


@entered(FUNCTIONS, "hardtanh")
def _hardtanh(call: PairCall) -> Pair:
    kept = pairs.choose(call.taken == 1, call.pair("min_val"), call.pair("self"))
    return pairs.choose(call.taken == 2, call.pair("max_val"), kept)


@entered(BRANCHES, "hardsigmoid", "hardswish", "hardsigmoid_backward", "hardswish_backward")
def _in_threes(args: Any) -> Tensor:
    """Return 0 between -3 and 3, 1 below, and 2 above."""
    x = args["self"]
    return torch.as_tensor((x <= -3) + 2 * (x >= 3).to(torch.uint8))


def _three_ways(call: PairCall, inside: Pair, below: Pair, above: Pair) -> Pair:
    return pairs.choose(call.taken == 2, above, pairs.choose(call.taken == 1, below, inside))


@entered(FUNCTIONS, "hardsigmoid")
def _hardsigmoid(call: PairCall) -> Pair:
    inside = (call.pair("self") + call.number(3)) / call.number(6)
    return _three_ways(call, inside, call.number(0), call.number(1))


@entered(FUNCTIONS, "hardswish")
def _hardswish(call: PairCall) -> Pair:
    x = call.pair("self")
    return _three_ways(call, x * (x + call.number(3)) / call.number(6), call.number(0), x)


@entered(FUNCTIONS, "hardsigmoid_backward")
def _hardsigmoid_backward(call: PairCall) -> Pair:
    zero = call.number(0)
    return _three_ways(call, call.pair("grad_output") / call.number(6), zero, zero)


@entered(FUNCTIONS, "hardswish_backward")
def _hardswish_backward(call: PairCall) -> Pair:
    g, x = call.pair("grad_output"), call.pair("self")
    inside = g * (x / call.number(3) + call.number(0.5))
    return _three_ways(call, inside, call.number(0), g)


@exponential("mish")
def _mish(call: PairCall) -> Pair:
    x = call.pair("self")
    return x * _tanh_of_softplus(call, x)


@exponential("mish_backward")
def _mish_backward(call: PairCall) -> Pair:
    x, one = call.pair("self"), call.number(1)
    t, s = _tanh_of_softplus(call, x), pairs.sigmoid(x, call.primes)
    return call.pair("grad_output") * (t + x * s * (one - t * t))


def _tanh_of_softplus(call: PairCall, x: Pair) -> Pair:
    one = call.number(1)
    grown = pairs.exp(x, call.primes) + one
    return (grown * grown - one) / (grown * grown + one)


@exponential("gelu")
def _gelu(call: PairCall) -> Pair:
    x, half = call.pair("self"), call.number(0.5)
    if call["approximate"] == "tanh":
        return half * x * (call.number(1) + pairs.tanh(_inner(call, x), call.primes))
    return half * x * (call.number(1) + _erf(call, x))


@exponential("gelu_backward")
def _gelu_backward(call: PairCall) -> Pair:
    g, x, half, one = call.pair("grad_output"), call.pair("self"), call.number(0.5), call.number(1)
    if call["approximate"] == "tanh":
        t = pairs.tanh(_inner(call, x), call.primes)
        slope = call.number(_BETA) * (one + call.number(3) * call.number(KAPPA) * x * x)
        return g * (half * (one + t) + half * x * (one - t * t) * slope)
    density = pairs.exp(x * x * call.number(-0.5), call.primes) * call.number(_DENSITY)
    return g * (half * (one + _erf(call, x)) + x * density)


_BETA = math.sqrt(2) * (2 / math.sqrt(math.pi)) * 0.5
_DENSITY = (2 / math.sqrt(math.pi)) * math.sqrt(0.5) * 0.5


def _inner(call: PairCall, x: Pair) -> Pair:
    return call.number(_BETA) * (x + call.number(KAPPA) * x * x * x)


def _erf(call: PairCall, x: Pair) -> Pair:
    return pairs.opaque("erf", x * call.number(math.sqrt(0.5)), call.primes)


@entered(FUNCTIONS, "sigmoid_backward")
def _sigmoid_backward(call: PairCall) -> Pair:
    y = call.pair("output")
    return call.pair("grad_output") * y * (call.number(1) - y)


@entered(FUNCTIONS, "tanh_backward")
def _tanh_backward(call: PairCall) -> Pair:
    y = call.pair("output")
    return call.pair("grad_output") * (call.number(1) - y * y)


@exponential("silu_backward")
def _silu_backward(call: PairCall) -> Pair:
    x, one = call.pair("self"), call.number(1)
    s = pairs.sigmoid(x, call.primes)
    return call.pair("grad_output") * s * (one + x * (one - s))


@exponential("softplus_backward")
def _softplus_backward(call: PairCall) -> Pair:
    g = call.pair("grad_output")
    if bool(call.taken.all()):
        return g
    return pairs.choose(call.taken, g, g * pairs.sigmoid(call.pair("self") * call.pair("beta"), call.primes))


@exponential("log_sigmoid_backward")
def _log_sigmoid_backward(call: PairCall) -> Pair:
    return call.pair("grad_output") * pairs.sigmoid(-call.pair("self"), call.primes)


@entered(FUNCTIONS, "_softmax_backward_data")
def _softmax_backward(call: PairCall) -> Pair:
    g, y = call.pair("grad_output"), call.pair("output")
    return y * (g - pairs.summed(g * y, call.axes(rank_of="output"), keepdim=True))


@exponential("_log_softmax_backward_data")
def _log_softmax_backward(call: PairCall) -> Pair:
    g, y = call.pair("grad_output"), pairs.exp(call.pair("output"), call.primes)
    return g - y * pairs.summed(g, call.axes(rank_of="output"), keepdim=True)
