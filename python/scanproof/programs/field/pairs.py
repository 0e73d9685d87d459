"""Functions of tensors at a drawn point: those made of ``exp``, and those of which no law is used.

``exp`` of a tensor is a power whose exponent is a residue modulo q, so ``exp(a + b) = exp(a) exp(b)`` holds
exactly. The result has no residue modulo q of its own. It gets a pseudo-random one, the same for the same
result, of which no law is used: an exponential within an exponent. A function without laws, such as ``sqrt``,
becomes a pseudo-random function of the residue modulo p, the same on both sides. So does ``log``, but the
tensor also keeps what ``exp`` of it is: ``exp(log(x)) = x`` and ``exp(log(x) / 2) = sqrt(x)`` hold exactly.

The functions here raise nothing; what cannot be computed is lost.
"""

from collections.abc import Callable
from dataclasses import replace
from math import prod
from operator import add, mul, neg, sub
from operator import truediv as div

import torch
from torch import Tensor

from scanproof.programs.field.mix import mix
from scanproof.programs.field.pair import (
    Lost,
    Pair,
    apart,
    either,
    power_of,
    root,
    with_power,
    without_factor,
)
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, number, powers
from scanproof.programs.field.residues import product as times

__all__ = [
    "add",
    "choose",
    "constant",
    "div",
    "exp",
    "log",
    "matmul",
    "mixed",
    "moved",
    "mul",
    "neg",
    "opaque",
    "or_one",
    "product",
    "renewed",
    "root",
    "running",
    "running_product",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "sub",
    "summed",
    "tanh",
]

NESTED = "exp within an exponent"


def constant(value: float, primes: Primes) -> Pair:
    """Return a number of Python, exactly, as a pure tensor without axes.

    Raises:
        Undecided: the number is plus infinity or no number.
    """
    return Pair(number(value, primes.p), number(value, primes.q))


def exp(x: Pair, primes: Primes) -> Pair:
    """Return ``exp(x)``; of minus infinity, zero.

    The degree of the exponential itself is one; that of its exponent stays behind.
    """
    if isinstance(x.exponent, Lost):
        return Pair(x.exponent, x.exponent)
    power, gone = x.power, x.exponent.gone
    rest, behind = (x.exponent, x.within) if power is None else (power.rest, power.opaque)
    values = powers(primes.w, rest.values, primes.p)
    if gone is not None:
        values = values.masked_fill(gone, 0)
    value = Side(primes.p, values, rest.degree.renewed())
    if power is not None:
        value = value * power.factor
    exponent = mixed("exp", value, primes.q)
    if gone is not None:
        exponent = replace(exponent, values=exponent.values.masked_fill(gone, 0))
    return Pair(value, exponent, behind, behind | {NESTED})


def log(x: Pair, primes: Primes) -> Pair:
    """Return ``log(x)``, of which no law is used but ``exp(log(x)) = x``."""
    made = opaque("log", x, primes)
    if isinstance(x.value, Lost):
        return made
    return with_power(made, number(0, primes.q), x.value, x.opaque)


def sqrt(x: Pair, primes: Primes) -> Pair:
    """Return the square root of ``x``: ``exp(log(x) / 2)``, and the reciprocal of ``sqrt(1 / x)``.

    Half of the residues have no root modulo p, so ``sqrt(x)^2 = x`` would need a second unknown for every
    entry, and another one for every other root that it meets in a product.
    """
    made = opaque("sqrt", x, primes)
    if isinstance(x.value, Lost) or isinstance(made.value, Lost):
        return made
    return replace(made, value=root(x.value))


def opaque(name: str, x: Pair, primes: Primes) -> Pair:
    """Return a pseudo-random function of a tensor, the same wherever ``name`` and the tensor are the same.

    Args:
        name: the function.
        x: the tensor.
        primes: the primes of the point.
    """
    if isinstance(x.value, Lost):
        return Pair(x.value, x.value)
    if x.value.gone is not None:
        lost = Lost("takes minus infinity")
        return Pair(lost, lost)
    behind = x.opaque | {name}
    return Pair(mixed(name, x.value, primes.p), mixed(name, x.value, primes.q), behind, behind)


def mixed(name: str, x: Side, prime: int) -> Side:
    """Return a pseudo-random function of residues, modulo a prime."""
    return Side(prime, mix(name, prime, x.values) % prime, x.degree.renewed())


def renewed(x: Pair, primes: Primes) -> Pair:
    """Return a tensor with other exponents, the same for equal values; no law of them is used."""
    if isinstance(x.value, Lost) or x.value.gone is not None:
        return x
    return Pair(x.value, mixed("exponent", x.value, primes.q), x.opaque, x.opaque | {NESTED})


def sigmoid(x: Pair, primes: Primes) -> Pair:
    """Return ``1 / (1 + exp(-x))``."""
    one = constant(1, primes)
    return one / (exp(-x, primes) + one)


def tanh(x: Pair, primes: Primes) -> Pair:
    """Return the hyperbolic tangent of ``x``."""
    one, twice = constant(1, primes), exp(x.times(2), primes)
    return (twice - one) / (twice + one)


def softplus(x: Pair, linear: Tensor, primes: Primes) -> Pair:
    """Return ``x`` where ``linear`` is true, else ``log(1 + exp(x))``."""
    if bool(linear.all()):
        return x
    return choose(linear, x, log(exp(x, primes) + constant(1, primes), primes))


def softmax(x: Pair, axis: int, primes: Primes) -> Pair:
    """Return ``exp(x)`` divided by its sums along an axis, so a shift of ``x`` cancels."""
    grown = exp(x, primes)
    return grown / summed(grown, [axis], keepdim=True)


def or_one(sums: Pair, scores: Pair, axis: int, primes: Primes) -> Pair:
    """Return sums of exponentials, and 1 where all scores along an axis are minus infinity."""
    empty = getattr(scores.exponent, "gone", None)
    if empty is None:
        return sums
    return choose(empty.all(axis, keepdim=True), constant(1, primes), sums)


def matmul(x: Pair, y: Pair) -> Pair:
    """Return the product of two matrices, or of two batches of matrices that broadcast."""
    return without_factor(apart(Side.matmul, x, y), x, y)


def choose(first: Tensor, one: Pair, other: Pair) -> Pair:
    """Return entries of ``one`` where ``first`` is true, else of ``other``; shapes broadcast."""
    made = apart(lambda x, y: either(first, x, y), one, other)
    if bool(first.all()) or not bool(first.any()):
        taken = one if bool(first.all()) else other
        made = replace(made, opaque=taken.opaque, within=taken.within)
    if one.power is None and other.power is None:
        return made
    x, y = power_of(one), power_of(other)
    if x is None or y is None:
        return made
    ours, theirs = (torch.zeros(()).bool() if each.absent is None else each.absent for each in (x, y))
    return with_power(
        made,
        either(first, x.rest, y.rest),
        either(first, x.factor, y.factor),
        x.opaque | y.opaque,
        torch.where(first, ours, theirs),
    )


def moved(x: Pair, move: Callable[[Tensor], Tensor]) -> Pair:
    """Return what a function that moves entries, and may add zeros, makes of a tensor."""

    def side(found: Side) -> Side:
        gone = None if found.gone is None else move(found.gone.long()).bool()
        return replace(
            found, values=move(found.values), gone=None if gone is None or not gone.any() else gone
        )

    made, power = apart(side, x), x.power
    if power is None:
        return made
    less = power.factor - number(1, power.factor.modulus)
    factor = replace(less, values=move(less.values)) + number(1, less.modulus)
    missing = None if power.absent is None else move(power.absent.long()).bool()
    return with_power(made, side(power.rest), factor, power.opaque, missing)


def summed(x: Pair, axes: list[int], keepdim: bool = False) -> Pair:
    """Return the sums along axes; those of a tensor without axes are its entry."""
    if isinstance(x.value, Side) and not x.value.values.dim():
        return x
    made, power = apart(lambda side: _sum(side, axes, keepdim), x), x.power
    if power is None or isinstance(made.exponent, Lost):
        return made
    factor, missing = power.factor, power.absent
    for axis in sorted((axis % factor.values.dim() for axis in axes), reverse=True):
        factor = product(factor, axis, keepdim)
        missing = missing if missing is None else missing.any(axis, keepdim)
    return with_power(made, _sum(power.rest, axes, keepdim), factor, power.opaque, missing)


def _sum(side: Side, axes: list[int], keepdim: bool) -> Side:
    count = prod(side.values.shape[axis] for axis in axes)
    values = side.values.sum(axes, keepdim=keepdim) if axes else side.values
    return side.finite.summed(values, count)


def product(side: Side, axis: int, keepdim: bool) -> Side:
    """Return the products along an axis."""
    count, values = side.finite.values.shape[axis], side.values
    while values.shape[axis] > 1:
        half = values.shape[axis] // 2
        left, right, last = values.split([half, half, values.shape[axis] - 2 * half], axis)
        values = torch.cat([times(left, right, side.modulus), last], axis)
    if not count:
        values = torch.ones_like(values.sum(axis, keepdim=True))
    values = values if keepdim else values.squeeze(axis)
    return side.made(values, side.degree.to_power(count))


def running(x: Pair, axis: int) -> Pair:
    """Return the running sums along an axis."""
    if isinstance(x.value, Side) and not x.value.values.dim():
        return x

    def sums(side: Side) -> Side:
        return side.finite.summed(side.values.cumsum(axis), side.values.shape[axis])

    made, power = apart(sums, x), x.power
    if power is None or isinstance(made.exponent, Lost):
        return made
    missing = None if power.absent is None else power.absent.long().cumsum(axis).bool()
    return with_power(made, sums(power.rest), running_product(power.factor, axis), power.opaque, missing)


def running_product(side: Side, axis: int) -> Side:
    """Return the running products along an axis."""
    count, values, step = side.finite.values.shape[axis], side.values, 1
    while step < count:
        left, right = values.narrow(axis, 0, count - step), values.narrow(axis, step, count - step)
        values = torch.cat([values.narrow(axis, 0, step), times(left, right, side.modulus)], axis)
        step *= 2
    return side.made(values, side.degree.to_power(count))
