"""Rules of operations in log space: sums of exponentials, and logarithms of them."""

from scanproof.programs.field import pairs
from scanproof.programs.field.calls import PairCall
from scanproof.programs.field.pair import Lost, Pair
from scanproof.programs.field.table import FUNCTIONS, entered, exponential


@entered(FUNCTIONS, "log")
def _log(call: PairCall) -> Pair:
    return pairs.log(call.pair("self"), call.primes)


@entered(FUNCTIONS, "log1p")
def _log1p(call: PairCall) -> Pair:
    return pairs.log(call.pair("self") + call.number(1), call.primes)


@exponential("logaddexp")
def _logaddexp(call: PairCall) -> Pair:
    one, other = (pairs.exp(call.pair(name), call.primes) for name in ("self", "other"))
    return pairs.log(one + other, call.primes)


@exponential("logsumexp")
def _logsumexp(call: PairCall) -> Pair:
    grown = pairs.exp(call.pair("self"), call.primes)
    return pairs.log(pairs.summed(grown, call.axes(), call.get("keepdim", False)), call.primes)


@exponential("logcumsumexp")
def _logcumsumexp(call: PairCall) -> Pair:
    [axis] = call.axes()
    return pairs.log(pairs.running(pairs.exp(call.pair("self"), call.primes), axis), call.primes)


@exponential("_log_softmax")
def _log_softmax(call: PairCall) -> Pair:
    x, axes = call.pair("self"), call.axes()
    return x - pairs.log(pairs.summed(pairs.exp(x, call.primes), axes, keepdim=True), call.primes)


@exponential("log_sigmoid_forward")
def _log_sigmoid(call: PairCall) -> list[Pair]:
    less = pairs.exp(-call.pair("self"), call.primes)
    buffer = Lost("returns a buffer that depends on the device")
    return [-pairs.log(less + call.number(1), call.primes), Pair(buffer, buffer)]


@exponential("softplus")
def _softplus(call: PairCall) -> Pair:
    x, beta, linear = call.pair("self"), call["beta"], call.taken
    if beta == 1:
        return pairs.softplus(x, linear, call.primes)
    scaled = pairs.softplus(x * call.number(beta), linear, call.primes)
    return scaled / call.number(beta)
