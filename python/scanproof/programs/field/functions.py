"""Rules of operations that take whole pairs: sums, products, and functions made of ``exp``."""

from math import prod

from scanproof.programs.field import pairs
from scanproof.programs.field.calls import PairCall
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.residues import Undecided
from scanproof.programs.field.table import FUNCTIONS, entered, exponential
from scanproof.programs.program import Value


@entered(FUNCTIONS, "add")
def _add(call: PairCall) -> Pair:
    return call.pair("self") + _scaled(call, "other")


@entered(FUNCTIONS, "sub")
def _sub(call: PairCall) -> Pair:
    return call.pair("self") - _scaled(call, "other")


@entered(FUNCTIONS, "rsub")
def _rsub(call: PairCall) -> Pair:
    return call.pair("other") - _scaled(call, "self")


def _scaled(call: PairCall, name: str) -> Pair:
    alpha = call.get("alpha", 1)
    return call.pair(name) if alpha == 1 else _product(call, call.pair(name), alpha)


@entered(FUNCTIONS, "mul")
def _mul(call: PairCall) -> Pair:
    for one, other in (("self", "other"), ("other", "self")):
        if call.pair(one).power is not None:
            return _product(call, call.pair(one), call[other])
    return call.pair("self") * call.pair("other")


def _product(call: PairCall, x: Pair, factor: Value | float) -> Pair:
    """Return a product, which keeps what ``exp`` of it is where twice the factor is a whole number."""
    halves = call.whole(factor, 2)
    return x * call.read(factor) if halves is None else x.times_halves(halves)


@entered(FUNCTIONS, "div")
def _div(call: PairCall) -> Pair:
    if call.get("rounding_mode", None) is not None:
        raise Undecided("rounds")
    x, divisor = call.pair("self"), call.whole(call["other"])
    if x.power is not None and divisor in (2, -2):
        return x.times_halves(divisor // 2)
    return x / call.pair("other")


@entered(FUNCTIONS, "reciprocal")
def _reciprocal(call: PairCall) -> Pair:
    return call.number(1) / call.pair("self")


@entered(FUNCTIONS, "neg")
def _neg(call: PairCall) -> Pair:
    return -call.pair("self")


@entered(FUNCTIONS, "sum")
def _sum(call: PairCall) -> Pair:
    return pairs.summed(call.pair("self"), call.axes(), call.get("keepdim", False))


@entered(FUNCTIONS, "mean")
def _mean(call: PairCall) -> Pair:
    x, shape = call["self"], call["self"].shape
    count = prod(shape[axis] for axis in call.axes()) if shape else 1
    total = pairs.summed(call.read(x), call.axes(), call.get("keepdim", False))
    return total if count == 1 else total / call.number(count)


@entered(FUNCTIONS, "cumsum")
def _cumsum(call: PairCall) -> Pair:
    [axis] = call.axes()
    return pairs.running(call.pair("self"), axis)


@exponential("sigmoid")
def _sigmoid(call: PairCall) -> Pair:
    return pairs.sigmoid(call.pair("self"), call.primes)


@exponential("silu")
def _silu(call: PairCall) -> Pair:
    x = call.pair("self")
    return x * pairs.sigmoid(x, call.primes)


@exponential("tanh")
def _tanh(call: PairCall) -> Pair:
    return pairs.tanh(call.pair("self"), call.primes)


@exponential("_safe_softmax")
def _safe_softmax(call: PairCall) -> Pair:
    [axis] = call.axes()
    scores = call.pair("self")
    grown = pairs.exp(scores, call.primes)
    return grown / pairs.or_one(pairs.summed(grown, [axis], keepdim=True), scores, axis, call.primes)


@exponential("_softmax")
def _softmax(call: PairCall) -> Pair:
    [axis] = call.axes()
    return pairs.softmax(call.pair("self"), axis, call.primes)
