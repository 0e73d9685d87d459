"""Rules of arithmetic: sums, products, quotients, and what is made of them."""

from dataclasses import replace

import torch
from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.residues import Side, Undecided, number
from scanproof.programs.field.table import RINGS, entered


@entered(RINGS, "add")
def _add(call: Call) -> Side:
    return call.side("self") + _scaled(call, "other")


@entered(RINGS, "sub")
def _sub(call: Call) -> Side:
    return call.side("self") - _scaled(call, "other")


@entered(RINGS, "rsub")
def _rsub(call: Call) -> Side:
    return call.side("other") - _scaled(call, "self")


def _scaled(call: Call, name: str) -> Side:
    side, alpha = call.side(name), call.get("alpha", 1)
    return side if alpha == 1 else side * number(alpha, call.modulus)


@entered(RINGS, "mul")
def _mul(call: Call) -> Side:
    return call.side("self") * call.side("other")


@entered(RINGS, "div")
def _div(call: Call) -> Side:
    if call.get("rounding_mode", None) is not None:
        raise Undecided("rounds")
    return call.side("self") * call.side("other").inverse()


@entered(RINGS, "reciprocal")
def _reciprocal(call: Call) -> Side:
    return call.side("self").inverse()


@entered(RINGS, "neg")
def _neg(call: Call) -> Side:
    return -call.side("self")


@entered(RINGS, "square")
def _square(call: Call) -> Side:
    return call.side("self").to_power(2)


@entered(RINGS, "addcmul")
def _addcmul(call: Call) -> Side:
    product = call.side("tensor1") * call.side("tensor2")
    return call.side("self") + product * number(call.get("value", 1), call.modulus)


@entered(RINGS, "lerp")
def _lerp(call: Call) -> Side:
    start = call.side("self")
    return start + call.side("weight") * (call.side("end") - start)


@entered(RINGS, "mm", "bmm", "matmul")
def _matmul(call: Call) -> Side:
    return call.side("self").matmul(call.side("other" if "other" in call else "mat2"))


@entered(RINGS, "mv", "dot")
def _times_vector(call: Call) -> Side:
    vector = call.side("tensor" if "tensor" in call else "vec")
    column = replace(vector, values=vector.finite.values[:, None])
    product = call.side("self").matmul(column)
    return replace(product, values=product.values[..., 0])


@entered(RINGS, "addmm", "baddbmm")
def _addmm(call: Call) -> Side:
    one, other = ("mat1", "mat2") if "mat1" in call else ("batch1", "batch2")
    product = call.side(one).matmul(call.side(other)) * number(call.get("alpha", 1), call.modulus)
    return call.side("self") * number(call.get("beta", 1), call.modulus) + product


@entered(RINGS, "sum")
def _sum(call: Call) -> Side:
    return _total(call)


@entered(RINGS, "mean")
def _mean(call: Call) -> Side:
    count = _count(call.side("self").values, call.axes())
    return _total(call) * number(count, call.modulus).inverse()


def _total(call: Call) -> Side:
    side, axes = call.side("self").finite, call.axes()
    values = side.values.sum(axes, keepdim=call.get("keepdim", False)) if axes else side.values
    return side.summed(values, _count(side.values, axes))


@entered(RINGS, "cumsum")
def _cumsum(call: Call) -> Side:
    side, [axis] = call.side("self").finite, call.axes()
    return side.summed(side.values.cumsum(axis), _count(side.values, [axis]))


@entered(RINGS, "cumprod", "prod")
def _products(call: Call) -> Side:
    side, axes = call.side("self").finite, call.axes()
    if not side.values.dim():
        return side
    values = side.values if len(axes) == 1 else side.values.flatten()
    axis = axes[0] if len(axes) == 1 else 0
    running, product = [], None
    for each in values.unbind(axis):
        product = each if product is None else product * each % call.modulus
        running.append(product)
    if product is None:
        raise Undecided("multiplies no entries")
    if call.node.op.overloadpacket.__name__ == "prod":
        result = product.unsqueeze(axis) if call.get("keepdim", False) else product
    else:
        result = torch.stack(running, axis)
    count = len(running)
    return side.made(result, count * side.numerator, count * side.denominator)


def _count(values: Tensor, axes: list[int]) -> int:
    count = 1
    for axis in axes:
        count *= values.shape[axis] if values.dim() else 1
    return count


@entered(RINGS, "pow")
def _pow(call: Call) -> Side:
    exponent = call["exponent"]
    if not isinstance(exponent, int | float) or exponent != int(exponent):
        raise Undecided("has an exponent that is no whole number")
    base = call.side("self")
    return base.to_power(int(exponent)) if exponent >= 0 else base.inverse().to_power(-int(exponent))
