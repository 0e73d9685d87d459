"""Rules of functions that are no arithmetic: those made of ``exp``, and those of which no law is used.

``exp`` of a tensor is a power whose exponent is a residue modulo q, so ``exp(a + b) = exp(a) exp(b)`` holds
exactly. The result has no residue modulo q of its own. It gets a pseudo-random one, the same for the same
result, of which no law is used: an exponential within an exponent. A function without laws, such as ``log``,
becomes a pseudo-random function of the residue modulo p, the same on both sides.
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

NESTED = "exp within an exponent"


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


def _powered(x: Pair, primes: Primes) -> Pair:
    value = exp(held(x.exponent), primes)
    degree = value.numerator + value.denominator
    exponent = Side(primes.q, _mixed(value.values, f"exp {primes.q}") % primes.q, degree)
    if isinstance(x.exponent, Side) and x.exponent.gone is not None:
        exponent = replace(exponent, values=exponent.values.masked_fill(x.exponent.gone, 0))
    return Pair(value, exponent, x.within, x.within | {NESTED})


def _both(made: Callable[..., Side], *pairs: Pair) -> Pair:
    """Return what arithmetic makes of tensors, modulo both primes."""
    return Pair(
        made(*(held(pair.value) for pair in pairs)),
        made(*(held(pair.exponent) for pair in pairs)),
        frozenset().union(*(pair.opaque for pair in pairs)),
        frozenset().union(*(pair.within for pair in pairs)),
    )


def _one(side: Side) -> Side:
    return number(1, side.modulus)


@entered(FUNCTIONS, "exp")
def _exp(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
    return _powered(x, primes)


@entered(FUNCTIONS, "expm1")
def _expm1(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
    return _both(lambda e: e - _one(e), _powered(x, primes))


@entered(FUNCTIONS, "sigmoid")
def _sigmoid(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
    return _both(lambda e: (e + _one(e)).inverse(), _powered(_both(Side.__neg__, x), primes))


@entered(FUNCTIONS, "silu")
def _silu(x: Pair, p: Call, q: Call, primes: Primes) -> Pair:
    return _both(Side.__mul__, x, _sigmoid(x, p, q, primes))


@entered(FUNCTIONS, "tanh")
def _tanh(x: Pair, _p: Call, _q: Call, primes: Primes) -> Pair:
    twice = _powered(_both(lambda side: side + side, x), primes)
    return _both(lambda e: (e - _one(e)) * (e + _one(e)).inverse(), twice)


@entered(FUNCTIONS, "_softmax")
def _softmax(x: Pair, call: Call, _q: Call, primes: Primes) -> Pair:
    [axis] = call.axes()

    def shares(e: Side) -> Side:
        if not e.values.dim():
            return e * e.inverse()
        return e * e.summed(e.values.sum(axis, keepdim=True), e.values.shape[axis]).inverse()

    return _both(shares, _powered(x, primes))


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
    return Pair(value, exponent, opaques | {name}, opaques | {name})


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
    log = opaque("log", grown, x.within, primes)
    value, exponent = (
        either(call.branch, held(own), held(side) * number(call["beta"], side.modulus).inverse())
        for own, side in ((x.value, held(log.value)), (x.exponent, held(log.exponent)))
    )
    needed = frozenset() if bool(torch.all(call.branch)) else log.opaque
    return Pair(value, exponent, x.opaque | needed, x.within | needed)
