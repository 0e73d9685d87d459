"""Rules of functions that are no arithmetic: those made of ``exp``, and those of which no law is used.

``exp`` of a tensor is a power whose exponent is a residue modulo q, so ``exp(a + b) = exp(a) exp(b)`` holds
exactly. Nothing is known of the result modulo q: an exponential within an exponent stays undecided. A
function without laws, such as ``log``, becomes a pseudo-random function of the residue, the same on both
sides.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import torch
from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.moves import either
from scanproof.programs.field.pair import Before, Lost, Pair
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, Undecided, number, powers
from scanproof.programs.field.table import FUNCTIONS, Function, entered

NESTED = Lost("an exponential within an exponent")


def held(side: Side | Lost) -> Side:
    """Return residues.

    Raises:
        Before: there are none.
    """
    if isinstance(side, Lost):
        raise Before(side)
    return side


def exp(exponent: Side, primes: Primes) -> Side:
    """Return the exponential of exponents, modulo p; of minus infinity, zero.

    The degree counts one for the exponential itself, beside the degree of its exponent.
    """
    values = powers(primes.w, exponent.values, primes.p)
    if exponent.gone is not None:
        values = values.masked_fill(exponent.gone, 0)
    return Side(primes.p, values, 1 + exponent.numerator + exponent.denominator)


def _from_exp(made: Callable[[Side, Pair, Primes], Side]) -> Function:
    def rule(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
        return Pair(made(held(x.exponent), x, primes), NESTED, x.opaque)

    return rule


def _sigmoid(exponent: Side, primes: Primes) -> Side:
    return (exp(-exponent, primes) + number(1, primes.p)).inverse()


def _tanh(exponent: Side, primes: Primes) -> Side:
    twice, one = exp(exponent + exponent, primes), number(1, primes.p)
    return (twice - one) * (twice + one).inverse()


FUNCTIONS["exp"] = _from_exp(lambda exponent, x, primes: exp(exponent, primes))
FUNCTIONS["expm1"] = _from_exp(lambda exponent, x, primes: exp(exponent, primes) - number(1, primes.p))
FUNCTIONS["sigmoid"] = _from_exp(lambda exponent, x, primes: _sigmoid(exponent, primes))
FUNCTIONS["silu"] = _from_exp(lambda exponent, x, primes: held(x.value) * _sigmoid(exponent, primes))
FUNCTIONS["tanh"] = _from_exp(lambda exponent, x, primes: _tanh(exponent, primes))


@entered(FUNCTIONS, "_softmax")
def _softmax(x: Pair, call: Call, _q: Call, primes: Primes) -> Pair:
    powered, [axis] = exp(held(x.exponent), primes), call.axes()
    if not powered.values.dim():
        return Pair(powered * powered.inverse(), NESTED, x.opaque)
    total = powered.summed(powered.values.sum(axis, keepdim=True), powered.values.shape[axis])
    return Pair(powered * total.inverse(), NESTED, x.opaque)


def opaque(name: str, x: Side, opaques: frozenset[str], primes: Primes) -> Pair:
    """Return a pseudo-random function of a tensor, the same wherever ``name`` and the tensor are the same.

    Args:
        name: the function.
        x: the tensor modulo p.
        opaques: the functions behind it.
        primes: the primes of the point.
    """
    degree = x.finite.numerator + x.denominator
    value, exponent = (
        Side(prime, _mixed(x.values, f"{name} {prime}") % prime, degree) for prime in (primes.p, primes.q)
    )
    return Pair(value, exponent, opaques | {name})


def _mixed(values: Tensor, key: str) -> Tensor:
    digest = sha256(key.encode()).digest()
    words = [int.from_bytes(digest[at : at + 8], "little", signed=True) | 1 for at in range(0, 32, 8)]
    for word in words:
        values = (values + word) * word
        values = values ^ (values >> 29 & (1 << 35) - 1)
    return values & (1 << 62) - 1


def _opaque(name: str) -> Function:
    def rule(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
        return opaque(name, held(x.value), x.opaque, primes)

    return rule


for _name in ("log", "sqrt", "erf", "sin", "cos"):
    FUNCTIONS[_name] = _opaque(_name)


@entered(FUNCTIONS, "log1p")
def _log1p(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
    return opaque("log", held(x.value) + number(1, primes.p), x.opaque, primes)


@entered(FUNCTIONS, "rsqrt")
def _rsqrt(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
    root = opaque("sqrt", held(x.value), x.opaque, primes)
    return replace(root, value=held(root.value).inverse(), exponent=held(root.exponent).inverse())


@entered(FUNCTIONS, "softplus")
def _softplus(x: Pair, call: Call, _q: Call, primes: Primes) -> Pair:
    if call.branch is None:
        raise Undecided("has no branch")
    beta = number(call["beta"], primes.q)
    grown = exp(held(x.exponent) * beta, primes) + number(1, primes.p)
    log = opaque("log", grown, x.opaque, primes)
    value, exponent = (
        either(call.branch, held(own), held(side) * number(call["beta"], side.modulus).inverse())
        for own, side in ((x.value, held(log.value)), (x.exponent, held(log.exponent)))
    )
    needed = frozenset() if bool(torch.all(call.branch)) else log.opaque
    return Pair(value, exponent, x.opaque | needed)
