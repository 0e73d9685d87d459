"""Rules of arithmetic: sums, products, quotients, and what is made of them."""

from dataclasses import replace

from scanproof.programs.field.calls import Call
from scanproof.programs.field.pairs import product, running_product
from scanproof.programs.field.residues import Side, number
from scanproof.programs.field.table import RINGS, entered


@entered(RINGS, "addcmul")
def _addcmul(call: Call) -> Side:
    product = call.side("tensor1") * call.side("tensor2")
    return call.side("self") + product * number(call.get("value", 1), call.modulus)


@entered(RINGS, "addcdiv")
def _addcdiv(call: Call) -> Side:
    quotient = call.side("tensor1") * call.side("tensor2").inverse()
    return call.side("self") + quotient * number(call.get("value", 1), call.modulus)


@entered(RINGS, "addmv")
def _addmv(call: Call) -> Side:
    product = _matrix_times_vector(call.side("mat"), call.side("vec"))
    product = product * number(call.get("alpha", 1), call.modulus)
    return call.side("self") * number(call.get("beta", 1), call.modulus) + product


@entered(RINGS, "addr")
def _addr(call: Call) -> Side:
    one, other = call.side("vec1").finite, call.side("vec2").finite
    product = replace(one, values=one.values[:, None]) * other * number(call.get("alpha", 1), call.modulus)
    return call.side("self") * number(call.get("beta", 1), call.modulus) + product


@entered(RINGS, "lerp")
def _lerp(call: Call) -> Side:
    start = call.side("self")
    return start + call.side("weight") * (call.side("end") - start)


@entered(RINGS, "mm", "bmm", "matmul")
def _matmul(call: Call) -> Side:
    return call.side("self").matmul(call.side("other" if "other" in call else "mat2"))


@entered(RINGS, "mv", "dot")
def _times_vector(call: Call) -> Side:
    return _matrix_times_vector(call.side("self"), call.side("tensor" if "tensor" in call else "vec"))


def _matrix_times_vector(matrix: Side, vector: Side) -> Side:
    column = replace(vector, values=vector.finite.values[:, None])
    side = matrix.finite
    rows = replace(side, values=side.values.reshape(-1, side.values.shape[-1]))
    product = rows.matmul(column)
    return replace(product, values=product.values.reshape(side.values.shape[:-1]))


@entered(RINGS, "addmm", "baddbmm")
def _addmm(call: Call) -> Side:
    one, other = ("mat1", "mat2") if "mat1" in call else ("batch1", "batch2")
    product = call.side(one).matmul(call.side(other)) * number(call.get("alpha", 1), call.modulus)
    return call.side("self") * number(call.get("beta", 1), call.modulus) + product


@entered(RINGS, "cumprod")
def _cumprod(call: Call) -> Side:
    side, [axis] = call.side("self"), call.axes()
    return running_product(side, axis) if side.values.dim() else side


@entered(RINGS, "prod")
def _prod(call: Call) -> Side:
    side, axes = call.side("self").finite, call.axes()
    if not side.values.dim():
        return side
    if len(axes) == 1:
        return product(side, axes[0], call.get("keepdim", False))
    return product(replace(side, values=side.values.flatten()), 0, False)
