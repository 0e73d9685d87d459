"""Rules of elementary functions: those made of exp, log and sqrt, and those of which no law is used."""

from scanproof.programs.field import pairs
from scanproof.programs.field.angles import cos_sin
from scanproof.programs.field.calls import PairCall
from scanproof.programs.field.pair import Pair, apart
from scanproof.programs.field.residues import Undecided
from scanproof.programs.field.table import FUNCTIONS, Function, entered, exponential
from scanproof.programs.program import Value


@exponential("exp")
def _exp(call: PairCall) -> Pair:
    return pairs.exp(call.pair("self"), call.primes)


@exponential("expm1")
def _expm1(call: PairCall) -> Pair:
    return pairs.exp(call.pair("self"), call.primes) - call.number(1)


@exponential("exp2")
def _exp2(call: PairCall) -> Pair:
    return _raised(call, call.number(2), call["self"])


@exponential("sinh")
def _sinh(call: PairCall) -> Pair:
    x = call.pair("self")
    return (pairs.exp(x, call.primes) - pairs.exp(-x, call.primes)) / call.number(2)


@exponential("cosh")
def _cosh(call: PairCall) -> Pair:
    x = call.pair("self")
    return (pairs.exp(x, call.primes) + pairs.exp(-x, call.primes)) / call.number(2)


@entered(FUNCTIONS, "square")
def _square(call: PairCall) -> Pair:
    x = call.pair("self")
    return x * x


@entered(FUNCTIONS, "sqrt")
def _sqrt(call: PairCall) -> Pair:
    return pairs.sqrt(call.pair("self"), call.primes)


@entered(FUNCTIONS, "rsqrt")
def _rsqrt(call: PairCall) -> Pair:
    return call.number(1) / pairs.sqrt(call.pair("self"), call.primes)


@entered(FUNCTIONS, "log2")
def _log2(call: PairCall) -> Pair:
    return pairs.log(call.pair("self"), call.primes) / pairs.log(call.number(2), call.primes)


@entered(FUNCTIONS, "log10")
def _log10(call: PairCall) -> Pair:
    return pairs.log(call.pair("self"), call.primes) / pairs.log(call.number(10), call.primes)


@entered(FUNCTIONS, "logit")
def _logit(call: PairCall) -> Pair:
    if call["eps"] is not None:
        raise Undecided("clamps")
    x = call.pair("self")
    return pairs.log(x / (call.number(1) - x), call.primes)


@entered(FUNCTIONS, "logit_backward")
def _logit_backward(call: PairCall) -> Pair:
    if call["eps"] is not None:
        raise Undecided("clamps")
    x = call.pair("self")
    return call.pair("grad_output") / (x * (call.number(1) - x))


@entered(FUNCTIONS, "pow")
def _pow(call: PairCall) -> Pair:
    return _raised(call, call.pair("self"), call["exponent"])


def _raised(call: PairCall, base: Pair, exponent: Value | float) -> Pair:
    """Return a power: by products, a root for halves, and ``exp`` of a logarithm for other exponents."""
    whole = call.whole(exponent)
    if whole is not None:
        return _whole_power(call, base, whole)
    if isinstance(exponent, float) and (2 * exponent).is_integer():
        root = pairs.sqrt(base, call.primes)
        if exponent < 0:
            return call.number(1) / root * _whole_power(call, base, int(exponent + 0.5))
        return root * _whole_power(call, base, int(exponent - 0.5))
    return pairs.exp(call.read(exponent) * pairs.log(base, call.primes), call.primes)


def _whole_power(call: PairCall, base: Pair, exponent: int) -> Pair:
    made = apart(lambda side: side.to_power(abs(exponent)), base)
    return made if exponent >= 0 else call.number(1) / made


@entered(FUNCTIONS, "hypot")
def _hypot(call: PairCall) -> Pair:
    x, y = call.pair("self"), call.pair("other")
    return pairs.sqrt(x * x + y * y, call.primes)


@entered(FUNCTIONS, "erfc")
def _erfc(call: PairCall) -> Pair:
    return call.number(1) - pairs.opaque("erf", call.pair("self"), call.primes)


@exponential("cos")
def _cos(call: PairCall) -> Pair:
    return cos_sin(call.pair("self"), call.primes)[0]


@exponential("sin")
def _sin(call: PairCall) -> Pair:
    return cos_sin(call.pair("self"), call.primes)[1]


@exponential("tan")
def _tan(call: PairCall) -> Pair:
    cos, sin = cos_sin(call.pair("self"), call.primes)
    return sin / cos


def _opaque(name: str) -> Function:
    def rule(call: PairCall) -> Pair:
        return pairs.opaque(name, call.pair("self"), call.primes)

    return rule


for _name in ("erf", "atan", "asin", "acos", "asinh", "acosh", "atanh", "lgamma", "digamma"):
    FUNCTIONS[_name] = _opaque(_name)
