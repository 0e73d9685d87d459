"""Rules of complex tensors: a real and an imaginary part.

``exp(a + ib)`` is ``exp(a) (cos(b) + i sin(b))``, so the laws of exponentials and of angles hold exactly.
"""

from collections.abc import Callable
from math import prod

import torch

from scanproof.programs.field import pairs
from scanproof.programs.field.angles import cos_sin
from scanproof.programs.field.calls import ComplexCall
from scanproof.programs.field.pair import Complex, Pair, apart, without_factor
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, Undecided
from scanproof.programs.field.table import COMPLEX, ComplexRule, entered


def exp(z: Complex, primes: Primes) -> Complex:
    """Return the exponential of a complex tensor."""
    size = pairs.exp(z.real, primes)
    cos, sin = cos_sin(z.imag, primes)
    return Complex(size * cos, size * sin)


def _each(z: Complex, made: Callable[[Pair], Pair]) -> Complex:
    return Complex(made(z.real), made(z.imag))


@entered(COMPLEX, "add")
def _add(call: ComplexCall) -> Complex:
    return call.complex("self") + call.complex("other") * call.read_complex(call.get("alpha", 1))


@entered(COMPLEX, "sub")
def _sub(call: ComplexCall) -> Complex:
    return call.complex("self") - call.complex("other") * call.read_complex(call.get("alpha", 1))


@entered(COMPLEX, "rsub")
def _rsub(call: ComplexCall) -> Complex:
    return call.complex("other") - call.complex("self") * call.read_complex(call.get("alpha", 1))


@entered(COMPLEX, "mul")
def _mul(call: ComplexCall) -> Complex:
    return call.complex("self") * call.complex("other")


@entered(COMPLEX, "addcmul")
def _addcmul(call: ComplexCall) -> Complex:
    product = call.complex("tensor1") * call.complex("tensor2")
    return call.complex("self") + product * call.read_complex(call.get("value", 1))


@entered(COMPLEX, "div")
def _div(call: ComplexCall) -> Complex:
    return call.complex("self") / call.complex("other")


@entered(COMPLEX, "reciprocal")
def _reciprocal(call: ComplexCall) -> Complex:
    return call.read_complex(1) / call.complex("self")


@entered(COMPLEX, "square")
def _square(call: ComplexCall) -> Complex:
    z = call.complex("self")
    return z * z


@entered(COMPLEX, "pow")
def _pow(call: ComplexCall) -> Complex:
    exponent = call.whole(call["exponent"])
    if exponent is None:
        raise Undecided("has a complex base or exponent, and no whole exponent")
    result, z = call.read_complex(1), call.complex("self")
    for _ in range(abs(exponent)):
        result = result * z
    return result if exponent >= 0 else call.read_complex(1) / result


@entered(COMPLEX, "neg", "_neg_view")
def _neg(call: ComplexCall) -> Complex:
    return _each(call.complex("self"), Pair.__neg__)


@entered(COMPLEX, "_conj", "_conj_physical", "conj_physical")
def _conj(call: ComplexCall) -> Complex:
    z = call.complex("self")
    return Complex(z.real, -z.imag)


@entered(COMPLEX, "resolve_conj", "resolve_neg")
def _same(call: ComplexCall) -> Complex:
    return call.complex("self")


@entered(COMPLEX, "exp")
def _exp(call: ComplexCall) -> Complex:
    return exp(call.complex("self"), call.primes)


@entered(COMPLEX, "abs")
def _abs(call: ComplexCall) -> Pair:
    return _size(call.complex("self"), call.primes)


@entered(COMPLEX, "sgn")
def _sgn(call: ComplexCall) -> Complex:
    z = call.complex("self")
    size = _size(z, call.primes)
    return _each(z, lambda part: part / size)


def _size(z: Complex, primes: Primes) -> Pair:
    return pairs.sqrt(z.real * z.real + z.imag * z.imag, primes)


@entered(COMPLEX, "sum")
def _sum(call: ComplexCall) -> Complex:
    axes, keepdim = call.axes(), call.get("keepdim", False)
    return _each(call.complex("self"), lambda part: pairs.summed(part, axes, keepdim))


@entered(COMPLEX, "mean")
def _mean(call: ComplexCall) -> Complex:
    axes, keepdim, shape = call.axes(), call.get("keepdim", False), call["self"].shape
    count = call.number(prod(shape[axis] for axis in axes) if shape else 1)
    return _each(call.complex("self"), lambda part: pairs.summed(part, axes, keepdim) / count)


@entered(COMPLEX, "cumsum")
def _cumsum(call: ComplexCall) -> Complex:
    [axis] = call.axes()
    return _each(call.complex("self"), lambda part: pairs.running(part, axis))


@entered(COMPLEX, "cumprod")
def _cumprod(call: ComplexCall) -> Complex:
    z, [axis] = call.complex("self"), call.axes()
    result, step, length = z, 1, call["self"].shape[axis]
    while step < length:

        def part(first: int, last: int, z: Complex = result) -> Complex:
            return _each(
                z, lambda each: pairs.moved(each, lambda tensor: tensor.narrow(axis, first, last - first))
            )

        product = part(0, length - step) * part(step, length)
        head = part(0, step)
        result = Complex(_joined(head.real, product.real, axis), _joined(head.imag, product.imag, axis))
        step *= 2
    return result


def _joined(one: Pair, other: Pair, axis: int) -> Pair:
    """Return two tensors one after the other."""

    def cat(x: Side, y: Side) -> Side:
        return x.made(torch.cat([x.finite.values, y.finite.values], axis), x.degree.either(y.degree))

    return without_factor(apart(cat, one, other), one, other)


@entered(COMPLEX, "mm", "bmm", "matmul")
def _matmul(call: ComplexCall) -> Complex:
    return _product(call.complex("self"), call.complex("other" if "other" in call else "mat2"))


def _product(one: Complex, other: Complex) -> Complex:
    return Complex(
        pairs.matmul(one.real, other.real) - pairs.matmul(one.imag, other.imag),
        pairs.matmul(one.real, other.imag) + pairs.matmul(one.imag, other.real),
    )


@entered(COMPLEX, "mv", "dot", "vdot")
def _times_vector(call: ComplexCall) -> Complex:
    one = call.complex("self")
    vector = call.complex(next(name for name in ("tensor", "other", "vec") if name in call))
    if call.name == "vdot":
        one = Complex(one.real, -one.imag)
    column = _each(vector, lambda part: pairs.moved(part, lambda tensor: tensor[:, None]))
    return _each(_product(one, column), lambda part: pairs.moved(part, lambda tensor: tensor[..., 0]))


@entered(COMPLEX, "complex")
def _complex(call: ComplexCall) -> Complex:
    zeros = pairs.moved(call.pair("real") + call.pair("imag"), torch.zeros_like)
    return Complex(call.pair("real") + zeros, call.pair("imag") + zeros)


@entered(COMPLEX, "polar")
def _polar(call: ComplexCall) -> Complex:
    cos, sin = cos_sin(call.pair("angle"), call.primes)
    return Complex(call.pair("abs") * cos, call.pair("abs") * sin)


@entered(COMPLEX, "view_as_complex")
def _view_as_complex(call: ComplexCall) -> Complex:
    x = call.pair("self")
    return Complex(
        pairs.moved(x, lambda tensor: tensor[..., 0]), pairs.moved(x, lambda tensor: tensor[..., 1])
    )


@entered(COMPLEX, "view_as_real")
def _view_as_real(call: ComplexCall) -> Pair:
    z = call.complex("self")

    def stacked(x: Side, y: Side) -> Side:
        return x.made(torch.stack([x.finite.values, y.finite.values], -1), x.degree.either(y.degree))

    return without_factor(apart(stacked, z.real, z.imag), z.real, z.imag)


def _part(name: str) -> ComplexRule:
    def rule(call: ComplexCall) -> Pair:
        z = call.complex("self")
        return z.real if name == "real" else z.imag

    return rule


for _name in ("real", "imag"):
    COMPLEX[_name] = _part(_name)
