"""Calls of ATen operations, small enough that every entry of every input can be changed in turn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

aten = torch.ops.aten
inf = float("inf")


@dataclass(frozen=True)
class Sample:
    """A call of one operation.

    Attributes:
        name: operation, and what is special about the call.
        op: the operation that the program must have, such as ``aten.add.Tensor``.
        fn: calls it.
        inputs: its inputs that are read.
        exact: whether its row says exactly what is read; else it may say more.
    """

    name: str
    op: str
    fn: Callable[..., Any]
    inputs: tuple[Tensor, ...]
    exact: bool = True


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def positive(*shape: int, seed: int = 0) -> Tensor:
    return numbers(*shape, seed=seed).abs() + 0.1


def integers(high: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def truths(*shape: int, seed: int = 0) -> Tensor:
    return integers(2, *shape, seed=seed).bool()


def lower(size: int) -> Tensor:
    return torch.ones(size, size, dtype=torch.bool).tril()


def call(op: OpOverload[..., Any], *args: Any, exact: bool = True, note: str = "", **kwargs: Any) -> Sample:
    """A call of an overload whose floating, integer and boolean tensors are all inputs."""
    inputs = tuple(arg for arg in args if isinstance(arg, Tensor))

    def fn(*given: Tensor) -> object:
        left = iter(given)
        return op(*(next(left) if isinstance(arg, Tensor) else arg for arg in args), **kwargs)

    return Sample(f"{op} {note}".strip(), str(op), fn, inputs, exact)


def with_constants(
    op: OpOverload[..., Any], build: Callable[..., object], *inputs: Tensor, note: str, exact: bool = True
) -> Sample:
    """A call that is written out, so that some of its arguments are constants."""
    return Sample(f"{op} {note}", str(op), build, inputs, exact)


UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "expm1",
    "floor", "gelu", "hardtanh", "isinf", "isnan", "leaky_relu", "log", "log10", "log1p", "log2", "neg",
    "reciprocal", "relu", "round", "rsqrt", "sigmoid", "sign", "silu", "sin", "sinh", "sqrt", "tan",
    "tanh", "trunc", "elu", "clone", "alias", "detach", "erfc", "exp2", "hardswish", "hardsigmoid",
    "softplus", "mish", "signbit", "lgamma", "digamma", "nan_to_num", "hardshrink", "softshrink",
    "log_sigmoid_forward", "_to_copy", "logit", "isneginf", "isposinf", "erfinv",
    "special_i0e", "celu", "frac", "sinc", "sgn", "angle", "frexp.Tensor",
)  # fmt: skip

WITHIN = {"erfinv": 4, "logit": 4, "acos": 4, "asin": 4, "atanh": 4}
"""What positive numbers are divided by, so that they lie where an operation is defined."""

NEVER = {"isinf", "isnan", "isneginf", "isposinf"}
"""What finite numbers do not change."""

BINARY = (
    "add.Tensor", "sub.Tensor", "mul.Tensor", "div.Tensor", "atan2", "eq.Tensor", "ne.Tensor", "lt.Tensor",
    "le.Tensor", "gt.Tensor", "ge.Tensor", "maximum", "minimum", "fmod.Tensor", "remainder.Tensor",
    "pow.Tensor_Tensor", "logical_and", "logical_or", "logical_xor", "copysign.Tensor", "hypot",
    "fmax", "fmin", "xlogy.Tensor", "special_xlog1py", "logaddexp",
    "logaddexp2", "complex", "nextafter", "floor_divide",
)  # fmt: skip

EQUALITIES = {"eq.Tensor", "ne.Tensor", "logical_and", "logical_or", "logical_xor"}

WITH_NUMBER = (
    "add.Scalar", "sub.Scalar", "mul.Scalar", "div.Scalar", "eq.Scalar", "ne.Scalar", "lt.Scalar",
    "le.Scalar", "gt.Scalar", "ge.Scalar", "fmod.Scalar", "remainder.Scalar", "pow.Tensor_Scalar",
    "rsub.Scalar",
)  # fmt: skip


BACKWARD: dict[str, tuple[Any, ...]] = {
    "sigmoid_backward": (),
    "tanh_backward": (),
    "silu_backward": (),
    "mish_backward": (),
    "hardswish_backward": (),
    "hardsigmoid_backward": (),
    "softplus_backward": (1.0, 20.0),
    "leaky_relu_backward": (0.1, False),
    "hardtanh_backward": (-1.0, 1.0),
    "logit_backward": (),
}
"""Gradients of functions of one entry: the result is read at saturated places only."""


def overload(name: str) -> OpOverload[..., Any]:
    packet, _, chosen = name.partition(".")
    return getattr(getattr(aten, packet), chosen or "default")


def pointwise() -> Iterator[Sample]:
    for name in UNARY:
        x = (
            1 + positive(2, 3)
            if name == "acosh"
            else positive(2, 3) / WITHIN[name]
            if name in WITHIN
            else numbers(2, 3)
        )
        yield call(overload(name), x, exact=name not in NEVER)
    for name in BINARY:
        a, b = (
            (integers(3, 2, 3), integers(3, 3, seed=1))
            if name in EQUALITIES
            else (numbers(2, 3), numbers(3, seed=1))
        )
        yield call(overload(name), a, b, exact=name != "pow.Tensor_Tensor")
    for name in WITH_NUMBER:
        equality = name in ("eq.Scalar", "ne.Scalar")
        yield call(overload(name), integers(3, 2, 3) if equality else numbers(2, 3), 1 if equality else 0.5)
    yield call(aten.logical_not.default, integers(2, 2, 3))
    yield call(aten.heaviside.default, numbers(2, 3), numbers(3, seed=1), exact=False)
    yield call(aten.polar.default, positive(2, 3), numbers(2, 3, seed=1))
    for name in ("igamma", "igammac"):
        yield call(overload(name), positive(2, 3), positive(3, seed=1), exact=False)
    for name in ("gcd", "lcm", "bitwise_left_shift.Tensor", "bitwise_right_shift.Tensor"):
        yield call(overload(name), integers(9, 2, 3), integers(9, 3, seed=1), exact=False)
    yield call(aten.polygamma.default, 1, positive(2, 3))
    yield call(aten.threshold.default, numbers(2, 3), 0.1, 5.0)
    yield call(aten._prelu_kernel.default, numbers(2, 3), numbers(2, 3, seed=1))
    yield call(aten.addcdiv.default, numbers(2, 3), numbers(2, 3, seed=1), positive(3, seed=2))
    numbers_of = torch.complex(numbers(2, 3), numbers(2, 3, seed=1))
    yield call(aten._conj_physical.default, numbers_of)
    yield call(aten.view_as_real.default, numbers_of, exact=False)
    yield call(aten.view_as_complex.default, numbers(3, 2))
    for name, rest in BACKWARD.items():
        yield call(overload(name), numbers(2, 3), numbers(2, 3, seed=1), *rest, exact=False)
    yield call(
        aten.elu_backward.default, numbers(2, 3), 1.0, 1.0, 1.0, False, numbers(2, 3, seed=1), exact=False
    )
    yield call(aten.native_dropout_backward.default, numbers(2, 3), truths(2, 3), 2.0)
    yield call(
        aten._prelu_kernel_backward.default,
        numbers(2, 3),
        numbers(2, 3, seed=1),
        numbers(2, 3, seed=2),
        exact=False,
    )
    yield call(
        aten.log_sigmoid_backward.default,
        numbers(2, 3),
        numbers(2, 3, seed=1),
        numbers(2, 3, seed=2),
        exact=False,
    )
    yield call(aten.pow.Scalar, 2.0, numbers(3))
    yield call(aten.clamp.default, numbers(2, 3), -0.5, 0.5)
    yield call(aten.clamp.Tensor, numbers(2, 3), numbers(2, 3, seed=1) - 1, numbers(2, 3, seed=2) + 1)
    yield call(aten.clamp_min.default, numbers(2, 3), 0.0)
    yield call(aten.clamp_max.default, numbers(2, 3), 0.0)
    yield call(aten.div.Tensor_mode, numbers(2, 3), positive(3), rounding_mode="floor")
    yield call(aten.div.Scalar_mode, numbers(2, 3), 0.3, rounding_mode="trunc")
    for name in ("and", "or", "xor"):
        yield call(overload(f"bitwise_{name}.Tensor"), integers(8, 2, 3), integers(8, 3, seed=1))
        yield call(overload(f"bitwise_{name}.Tensor"), truths(2, 3), truths(3, seed=1), note="truth values")
        yield call(overload(f"bitwise_{name}.Scalar"), integers(8, 2, 3), 5)
    yield call(aten.bitwise_not.default, integers(8, 2, 3))
    yield call(aten.where.self, truths(2, 3), numbers(2, 3), numbers(3, seed=1))
    yield call(aten.masked_fill.Scalar, numbers(2, 3), truths(2, 3), 5.0)
    yield call(aten.addcmul.default, numbers(2, 3), numbers(2, 3, seed=1), numbers(3, seed=2))
    yield call(aten.lerp.Tensor, numbers(2, 3), numbers(2, 3, seed=1), numbers(3, seed=2))
    yield call(aten.threshold_backward.default, numbers(2, 3), numbers(2, 3, seed=1), 0.1)
    yield call(aten.gelu_backward.default, numbers(2, 3), numbers(2, 3, seed=1))
    mask = lower(3)
    yield with_constants(
        aten.mul.Tensor, lambda x: x * mask.to(x.dtype), numbers(3, 3), note="with zeros and ones of a mask"
    )
    yield with_constants(
        aten.add.Tensor, lambda x: x + torch.where(mask, 0.0, -inf), numbers(3, 3), note="with -inf"
    )
    yield with_constants(
        aten.sub.Tensor,
        lambda x: x - torch.where(mask, 0.0, inf),
        numbers(3, 3),
        note="less inf",
        exact=False,
    )
    yield with_constants(
        aten.masked_fill.Scalar,
        lambda x: x.masked_fill(~mask, -inf),
        numbers(3, 3),
        note="with a constant mask",
    )
    yield with_constants(
        aten.where.self,
        lambda x, y: torch.where(mask, x, y),
        numbers(3, 3),
        numbers(3, 3, seed=1),
        note="known",
    )
    yield with_constants(
        aten.bitwise_and.Tensor, lambda x: x & mask, truths(3, 3), note="with a constant mask"
    )
    yield with_constants(
        aten.bitwise_or.Tensor, lambda x: x | mask, truths(3, 3), note="with a constant mask"
    )
    yield with_constants(
        aten.bitwise_not.default, lambda x: ~(x & mask) | mask.T, truths(3, 3), note="of a partly known mask"
    )
    yield with_constants(
        aten.exp.default,
        lambda x: x.masked_fill(~mask, -inf).exp() + 1,
        numbers(3, 3),
        note="of minus infinity",
    )


def shapes() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield call(aten.view.default, x, [6, 4])
    yield call(aten.view.default, x, [2, 2, 6], note="across axes")
    yield call(aten.view.default, x, [24], note="flat")
    yield call(aten.unsqueeze.default, x, 1)
    yield call(aten.squeeze.dim, numbers(2, 1, 3), 1)
    yield call(aten.squeeze.dims, numbers(2, 1, 3, 1), [1, 3])
    yield call(aten.expand.default, numbers(2, 1, 3), [2, 2, 3])
    yield call(aten.permute.default, x, [2, 0, 1])
    yield call(aten.transpose.int, x, 0, 2)
    yield call(aten.t.default, numbers(2, 3))
    yield call(aten.slice.Tensor, x, 2, 1, 4, 2)
    yield call(aten.slice.Tensor, x, 1, -2, 9223372036854775807, note="from the end")
    yield call(aten.select.int, x, 1, -1)
    yield call(aten.unbind.int, x, 1)
    yield call(aten.split.Tensor, x, 3, 2)
    yield call(aten.split_with_sizes.default, x, [1, 2], 1)
    yield call(aten.as_strided.default, x, [3, 2], [2, 5], 1)
    yield call(aten.unfold.default, numbers(2, 6), 1, 3, 2)
    yield call(aten.diagonal.default, numbers(3, 3, 2), 1)
    yield call(aten.flip.default, x, [1, 2])
    yield call(aten.roll.default, x, [1], [2])
    yield call(aten.roll.default, numbers(2, 3), [1], note="flat")
    yield call(aten.repeat.default, numbers(2, 3), [2, 1, 2])
    yield call(aten.constant_pad_nd.default, x, [1, 2, -1, 0], 0.5)
    yield call(aten.reflection_pad1d.default, numbers(2, 4), [2, 1])
    yield call(aten.reflection_pad2d.default, numbers(1, 3, 3), [1, 1, 2, 0])
    yield call(aten.reflection_pad3d.default, numbers(1, 1, 2, 2, 2), [1, 0, 0, 1, 1, 1])
    yield call(aten.replication_pad1d.default, numbers(2, 4), [2, 1])
    yield call(aten.replication_pad2d.default, numbers(1, 2, 3), [1, 1, 2, 0])
    yield call(aten.replication_pad3d.default, numbers(1, 1, 2, 2, 2), [1, 0, 0, 1, 1, 1])
    yield call(aten.tril.default, numbers(3, 4), 1)
    yield call(aten.triu.default, numbers(2, 3, 3))
    yield call(aten.upsample_nearest2d.default, numbers(1, 2, 2, 3), [4, 6], 2.0, 2.0)
    yield call(aten.pixel_shuffle.default, numbers(1, 4, 2, 2), 2)
    yield call(aten.pixel_unshuffle.default, numbers(1, 1, 4, 2), 2)
    yield call(aten.channel_shuffle.default, numbers(1, 4, 2, 1), 2)
    yield call(aten.diag_embed.default, numbers(2, 3), 1)
    yield call(aten.im2col.default, numbers(1, 2, 3, 3), [2, 2], [1, 1], [1, 0], [1, 1])
    yield call(aten.upsample_nearest1d.default, numbers(1, 2, 3), [5])
    yield call(aten.upsample_nearest3d.default, numbers(1, 1, 2, 2, 2), [3, 2, 4])
    yield call(aten._upsample_nearest_exact1d.default, numbers(1, 2, 3), [5])
    yield call(aten._upsample_nearest_exact2d.default, numbers(1, 1, 2, 3), [3, 4])
    yield call(aten._upsample_nearest_exact3d.default, numbers(1, 1, 2, 2, 2), [3, 2, 4])
    yield call(aten.view.dtype, numbers(2, 4), torch.float32, note="of other bytes", exact=False)
    pair = (numbers(2, 3), numbers(2, 2, seed=1))
    yield with_constants(aten.cat.default, lambda x, y: torch.cat([x, y, x], 1), *pair, note="along an axis")
    yield with_constants(
        aten.cat.default,
        lambda x: torch.cat([torch.zeros(2, 3), x], 1) * x.repeat(1, 2),
        numbers(2, 3),
        note="zeros",
    )
    yield with_constants(
        aten.stack.default,
        lambda x, y: torch.stack([x, y], 1),
        numbers(2, 3),
        numbers(2, 3, seed=1),
        note="between",
    )


def reductions() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    for name in ("sum.dim_IntList", "mean.dim", "amax", "amin"):
        yield call(overload(name), x, [1])
        yield call(overload(name), x, [0, 2], True, note="two axes, kept")
    yield call(aten.sum.default, x)
    yield call(aten.mean.default, x)
    yield call(aten.prod.default, numbers(2, 3))
    yield call(aten.prod.dim_int, numbers(2, 3), 1)
    yield call(aten.var.correction, x, [1])
    yield call(aten.var.correction, x, [2], keepdim=True, note="kept")
    yield call(aten.max.dim, x, 1)
    yield call(aten.min.dim, x, 2, True)
    yield call(aten.argmax.default, x, 1)
    yield call(aten.argmin.default, x, 1, True)
    yield call(aten.argmax.default, x, note="flat")
    yield call(aten.any.default, truths(2, 3) & False)
    yield call(aten.any.dim, truths(2, 3) & False, 1)
    yield call(aten.any.dims, truths(2, 3) & False, [0])
    yield call(aten.all.dim, truths(2, 3) | True, 1)
    yield call(aten._softmax.default, x, 1, False)
    yield call(aten._log_softmax.default, x, 1, False)
    yield call(aten.logsumexp.default, x, [1])
    yield call(aten._cdist_forward.default, numbers(2, 3), numbers(4, 3, seed=1), 2.0, None)
    yield call(aten._pdist_forward.default, numbers(4, 2), 2.0)
    yield call(aten.linalg_vector_norm.default, x, 2, [1])
    yield call(aten.kthvalue.default, numbers(2, 4), 2, 1)
    yield call(aten.std.correction, x, [1])
    yield call(aten.var_mean.correction, x, [1], keepdim=True)
    yield call(aten.median.dim, numbers(2, 3), 1)
    yield call(aten.median.default, numbers(2, 3))
    yield call(aten.aminmax.default, x, dim=1)
    yield call(aten._safe_softmax.default, x, 1)
    mask = torch.ones(4, 4, dtype=torch.bool).tril(1)  # one key alone has the weight 1, whatever it is
    hidden = numbers(2, 4, 4)

    def masked(x: Tensor, fill: float = -inf) -> Tensor:
        return x.masked_fill(~mask, fill)

    yield with_constants(aten._softmax.default, lambda x: masked(x).softmax(-1) + 1, hidden, note="masked")
    yield with_constants(
        aten._softmax.default, lambda x: masked(x, -1e9).softmax(-1) + 1, hidden, note="by -1e9"
    )
    yield with_constants(
        aten._log_softmax.default, lambda x: masked(x).log_softmax(-1).exp() + 1, hidden, note="masked"
    )
    yield with_constants(aten.logsumexp.default, lambda x: masked(x).logsumexp(-1), hidden, note="masked")
    yield with_constants(aten.amax.default, lambda x: masked(x).amax(-1), hidden, note="masked")
    yield with_constants(aten.max.dim, lambda x: masked(x).max(-1).values, hidden, note="masked")
    yield with_constants(aten.sum.dim_IntList, lambda x: (x * mask).sum(-1), hidden, note="masked by zeros")
    yield with_constants(aten.any.dim, lambda x: (x & mask).any(-1), truths(4, 4) & False, note="masked")
    yield with_constants(
        aten._softmax.default,
        lambda x: (masked(x) - masked(x).amax(-1, keepdim=True)).exp() / masked(x).softmax(-1).sum(-1, True),
        hidden,
        note="written out",
    )


def scans() -> Iterator[Sample]:
    x = numbers(2, 4, 2)
    for name in ("cumsum", "cumprod", "logcumsumexp"):
        yield call(overload(name), x, 1)
    for op in (aten.cummax.default, aten.cummin.default):
        yield with_constants(op, lambda x, op=op: op(x, 1)[0], x, note="values")
        yield call(op, x, 1, note="and places", exact=False)


def products() -> Iterator[Sample]:
    yield call(aten.mm.default, numbers(2, 3), numbers(3, 4, seed=1))
    yield call(aten.bmm.default, numbers(2, 2, 3), numbers(2, 3, 2, seed=1))
    yield call(aten.addmm.default, numbers(4), numbers(2, 3), numbers(3, 4, seed=1))
    yield call(aten.baddbmm.default, numbers(2, 2, 2), numbers(2, 2, 3), numbers(2, 3, 2, seed=1))
    yield call(aten.mv.default, numbers(2, 3), numbers(3, seed=1))
    yield call(aten.dot.default, numbers(3), numbers(3, seed=1))
    yield call(aten.vdot.default, numbers(3), numbers(3, seed=1))
    yield call(aten.addr.default, numbers(2, 3), numbers(2), numbers(3, seed=1))
    yield call(aten.addbmm.default, numbers(2, 2), numbers(2, 2, 3), numbers(2, 3, 2, seed=1))
    yield call(aten.addmv.default, numbers(2), numbers(2, 3), numbers(3, seed=1))
    yield call(aten.mm.default, numbers(1, 3), numbers(3, 1, seed=1), note="to one entry")
    mask = lower(3).double()
    yield with_constants(aten.mm.default, lambda x: mask @ x, numbers(3, 2), note="triangle before")
    yield with_constants(aten.mm.default, lambda x: x @ mask, numbers(2, 3), note="triangle behind")
    yield with_constants(
        aten.mm.default,
        lambda x, y: (x * mask) @ (y * mask.T),
        numbers(3, 3),
        numbers(3, 3, seed=1),
        note="zeros on both sides",
    )
    yield with_constants(
        aten.bmm.default,
        lambda x, y: (x * mask) @ y,
        numbers(2, 3, 3),
        numbers(2, 3, 2, seed=1),
        note="batched zeros",
    )


def convolutions() -> Iterator[Sample]:
    conv = aten.convolution.default
    x, same = numbers(1, 2, 5), ([0], 1)

    def constant(note: str, x: Tensor, weight: Tensor, *rest: object) -> Sample:
        return with_constants(conv, lambda x: conv(x, weight, *rest), x, note=note)

    full, wide = numbers(2, 2, 3, seed=1), numbers(1, 1, 3, 4)
    yield constant("plain", x, full, None, [1], [0], [1], False, *same)
    yield constant("strided, dilated", x, full[..., :2], numbers(2), [2], [1], [2], False, *same)
    yield constant("in groups", x, numbers(4, 1, 3, seed=1), None, [1], [2], [1], False, [0], 2)
    yield constant("transposed", x, numbers(2, 3, 3, seed=1), None, [2], [1], [1], True, [1], 1)
    yield constant(
        "transposed groups", x[:, :, :3], numbers(2, 1, 2, seed=1), None, [2], [0], [2], True, [0], 2
    )
    yield constant(
        "two axes", wide, numbers(2, 1, 2, 3, seed=1), None, [1, 2], [1, 0], [1, 1], False, [0, 0], 1
    )
    yield call(conv, x, full, numbers(2), [1], [0], [1], False, *same, note="weights that are read")
    yield call(conv, x, full, None, [1], [2], [1], False, *same, note="padded", exact=False)
    yield call(
        conv, x, numbers(2, 3, 3, seed=1), None, [2], [1], [1], True, [1], 1, note="transposed", exact=False
    )
    weight = numbers(2, 2, 4, seed=2)
    weight[:, :, 1:3] = 0
    yield with_constants(
        conv,
        lambda x: torch.nn.functional.conv1d(x, weight, padding=2),
        numbers(1, 2, 6),
        note="with idle taps",
    )


def pooling() -> Iterator[Sample]:
    image = numbers(1, 2, 4, 5)
    yield call(aten.avg_pool2d.default, image, [2, 3], [1, 2], [1, 0])
    yield call(aten.avg_pool3d.default, numbers(1, 1, 3, 3, 3), [2, 2, 2])
    yield call(aten.max_pool2d_with_indices.default, image, [2, 2], [2, 2])
    yield call(aten.max_pool3d_with_indices.default, numbers(1, 1, 2, 4, 4), [2, 2, 2])
    yield call(aten._adaptive_avg_pool2d.default, image, [3, 2])
    yield call(aten._adaptive_avg_pool3d.default, numbers(1, 1, 3, 4, 3), [2, 3, 2])
    yield call(aten.adaptive_max_pool2d.default, image, [3, 2])
    yield call(aten.upsample_linear1d.default, numbers(1, 2, 3), [5], True)
    yield call(aten.upsample_trilinear3d.default, numbers(1, 1, 2, 2, 3), [3, 2, 4], False)
    yield call(aten.upsample_bicubic2d.default, numbers(1, 1, 4, 3), [5, 3], False)
    yield call(aten.upsample_bilinear2d.default, numbers(1, 2, 3, 2), [5, 3], False)
    yield call(
        aten.grid_sampler_2d.default,
        numbers(1, 2, 3, 3),
        numbers(1, 2, 2, 2, seed=1) / 3,
        0,
        0,
        False,
        exact=False,
    )


def indexing() -> Iterator[Sample]:
    x = numbers(3, 4)
    rows, columns = torch.tensor([2, 0]), torch.tensor([[1], [3]])
    yield with_constants(aten.index.Tensor, lambda x: x[rows], x, note="known")
    yield with_constants(aten.index.Tensor, lambda x: x[rows, columns], x, note="known, two axes")
    yield with_constants(aten.index.Tensor, lambda x: x[:, rows], x, note="known, second axis")
    yield with_constants(aten.index.Tensor, lambda x: x[lower(4)[:3]], x, note="known mask")
    yield call_indices(lambda x, i: x[i], x, rows, note="read")
    yield call_indices(lambda x, i: x[:, i], x, torch.tensor([3, 0]), note="read, second axis")
    yield call_indices(lambda x, i: x[i, columns], x, rows, note="read, and known")
    yield call_indices(
        lambda x, i, j: x.unsqueeze(1)[i, :, j],
        x,
        rows,
        torch.tensor([3, 1]),
        note="read, apart",
        exact=False,
    )
    yield with_constants(aten.index_select.default, lambda x: x.index_select(1, rows), x, note="known")
    yield call(aten.index_select.default, x, 1, torch.tensor([3, 0]), note="read")
    yield with_constants(aten.gather.default, lambda x: x.gather(1, columns), x, note="known")
    yield call(aten.gather.default, x, 1, columns, note="read")
    yield call(aten.embedding.default, numbers(3, 2), rows)
    yield with_constants(
        aten.embedding.default, lambda w: torch.nn.functional.embedding(rows, w), x, note="known ids"
    )
    yield call(aten.take.default, x, torch.tensor([11, 0]))
    yield with_constants(aten.index.Tensor, lambda x: x[..., [1, 1]], x, note="known twice")
    yield with_constants(
        aten._unsafe_index.Tensor, lambda x: aten._unsafe_index.Tensor(x, [rows]), x, note="known"
    )
    yield with_constants(
        aten.repeat_interleave.Tensor,
        lambda counts: aten.repeat_interleave.Tensor(counts),
        torch.tensor([1, 2, 1]),
        note="counts",
        exact=False,
    )
    yield call(aten.nonzero.default, truths(2, 3), exact=False)
    yield call(aten.masked_select.default, x, truths(3, 4), exact=False)
    yield with_constants(
        aten.index_select.default,
        lambda x: x.repeat_interleave(torch.tensor([1, 0, 2]), 0),
        x,
        note="by repetition",
    )


def call_indices(fn: Callable[..., Any], *inputs: Tensor, note: str, exact: bool = True) -> Sample:
    return Sample(f"aten.index.Tensor {note}", "aten.index.Tensor", fn, inputs, exact)


def writing() -> Iterator[Sample]:
    x = numbers(3, 4)
    rows, columns = torch.tensor([2, 0]), torch.tensor([[1, 1], [3, 0]])
    yield call(aten.slice_scatter.default, x, numbers(3, 2, seed=1), 1, 1, 4, 2)
    yield call(aten.select_scatter.default, x, numbers(3, seed=1), 1, -1)
    yield call(aten.diagonal_scatter.default, x, numbers(3, seed=1), 1)
    yield call(aten.as_strided_scatter.default, x, numbers(2, 2, seed=1), [2, 2], [4, 2], 1)
    yield with_constants(
        aten.slice_scatter.default, lambda x: written(x), x, note="by an assignment into a view of a view"
    )
    put = aten.index_put.default
    yield with_constants(put, lambda x, y: put(x, [rows], y), x, numbers(2, 4, seed=1), note="known")
    yield with_constants(
        put, lambda x, y: put(x, [None, rows], y, True), x, numbers(2, seed=1), note="known, added"
    )
    yield with_constants(
        put, lambda x, y, i: put(x, [i], y), x, numbers(2, 4, seed=1), rows, note="read", exact=False
    )
    yield with_constants(
        put, lambda x, y, m: put(x, [m], y), x, numbers(1, seed=1), truths(3, 4), note="by a mask"
    )
    for name in ("scatter.src", "scatter_add"):
        op = overload(name)
        yield with_constants(
            op,
            lambda x, y, op=op: op(x, 1, columns, y),
            x,
            numbers(2, 2, seed=1),
            note="known",
            exact=name != "scatter.src",
        )
        yield with_constants(
            op,
            lambda x, y, i, op=op: op(x, 1, i, y),
            x,
            numbers(2, 2, seed=1),
            columns,
            note="read",
            exact=False,
        )
    yield with_constants(
        aten.scatter.value, lambda x: aten.scatter.value(x, 0, columns % 3, 7.0), x, note="known"
    )
    yield with_constants(
        aten.scatter_reduce.two,
        lambda x, y: aten.scatter_reduce.two(x, 1, columns, y, "sum"),
        x,
        numbers(2, 2, seed=1),
        note="known",
    )
    yield with_constants(
        aten.scatter_reduce.two,
        lambda x, y: aten.scatter_reduce.two(x, 1, columns, y, "mean", include_self=False),
        x,
        numbers(2, 2, seed=1),
        note="known, without one's own",
    )
    yield call(aten.masked_scatter.default, x, truths(3, 4), numbers(12, seed=1), exact=False)
    yield with_constants(
        aten.index_add.default, lambda x, y: x.index_add(0, rows, y), x, numbers(2, 4, seed=1), note="known"
    )
    yield with_constants(
        aten.index_reduce.default,
        lambda x, y: x.index_reduce(0, rows, y, "amax"),
        x,
        numbers(2, 4, seed=1),
        note="known",
    )
    yield with_constants(
        aten._unsafe_index_put.default,
        lambda x, y: aten._unsafe_index_put.default(x, [rows], y),
        x,
        numbers(2, 4, seed=1),
        note="known",
    )
    yield with_constants(
        aten.index_copy.default, lambda x, y: x.index_copy(1, rows, y), x, numbers(3, 2, seed=1), note="known"
    )


def written(x: Tensor) -> Tensor:
    y = x * 2
    y.mT[1:3][:, 0] = y[0, 2:] + 1
    return y


def attention() -> Iterator[Sample]:
    q, k, v = (numbers(1, 2, 3, 2, seed=seed) for seed in range(3))
    op = aten._scaled_dot_product_flash_attention_for_cpu.default
    mask = torch.ones(3, 3, dtype=torch.bool).tril(1)
    bias = torch.where(mask, 0.5, -inf).double()
    yield call(op, q, k, v)
    yield call(op, q, k, v, 0.0, True, note="causal", exact=False)
    yield with_constants(op, lambda q: op(q, k, v)[0], q, note="queries alone")
    yield with_constants(op, lambda q, k, v: op(q, k, v, attn_mask=bias)[0], q, k, v, note="a constant bias")
    yield with_constants(
        op,
        lambda q, k, v, b: op(q, k, v, attn_mask=b + bias)[0],
        q,
        k,
        v,
        numbers(1, 1, 3, 3, seed=4),
        note="a bias that is read",
    )


def norms() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield call(aten.native_layer_norm.default, x, [4], numbers(4), numbers(4, seed=1), 1e-5)
    yield call(aten.native_layer_norm.default, x, [3, 4], None, None, 1e-5, note="two axes")
    yield call(
        aten.native_group_norm.default, numbers(2, 4, 3), numbers(4), numbers(4, seed=1), 2, 4, 3, 2, 1e-5
    )
    vectors = (numbers(3), numbers(3, seed=1))
    yield call(
        aten._native_batch_norm_legit_no_training.default,
        x,
        *vectors,
        numbers(3, seed=2),
        positive(3),
        0.1,
        1e-5,
    )
    yield call(aten._native_batch_norm_legit.no_stats, x, *vectors, True, 0.1, 1e-5)
    yield call(
        aten.native_batch_norm.default,
        x,
        *vectors,
        numbers(3, seed=2),
        positive(3),
        False,
        0.1,
        1e-5,
        exact=False,
    )
    yield with_constants(
        aten._native_batch_norm_legit.default,
        lambda x, w, b: aten._native_batch_norm_legit.default(
            x, w, b, torch.zeros(3).double(), torch.ones(3).double(), True, 0.1, 1e-5
        ),
        x,
        *vectors,
        note="in training",
    )


def orders() -> Iterator[Sample]:
    x = numbers(2, 4)
    yield call(aten.sort.default, x, 1)
    yield call(aten.sort.default, x, 0, note="first axis", exact=False)
    yield call(aten.topk.default, x, 3, 1, exact=False)
    yield call(aten._fft_r2c.default, x, [1], 0, True, exact=False)
    yield call(aten._fft_c2r.default, torch.complex(x, numbers(2, 4, seed=1)), [1], 2, 6, exact=False)
    yield call(aten._fft_c2c.default, torch.complex(x, numbers(2, 4, seed=1)), [1], 0, True, exact=False)
    yield call(aten.histc.default, numbers(5), 3, -1.0, 1.0, exact=False)
    yield call(aten.bucketize.Tensor, numbers(4), numbers(3, seed=1).sort().values, exact=False)
    yield call(aten._unique2.default, integers(3, 4), exact=False)
    yield call(aten.bincount.default, integers(4, 5), exact=False)
    yield call(aten.searchsorted.Tensor, numbers(5).sort().values, numbers(2, 2, seed=1), exact=False)


def random() -> Iterator[Sample]:
    yield call(aten.native_dropout.default, numbers(2, 3), 0.5, True, exact=False)
    yield with_constants(aten.rand.default, lambda x: x + torch.rand(3), numbers(2, 3), note="added")
    yield with_constants(aten.randn.default, lambda x: x + torch.randn(3), numbers(2, 3), note="added")
    yield with_constants(aten.randperm.default, lambda x: x + torch.randperm(3), numbers(2, 3), note="added")
    yield with_constants(
        aten.scalar_tensor.default, lambda x: x + aten.scalar_tensor.default(2.0), numbers(3), note="added"
    )
    yield with_constants(
        aten.full.default, lambda x: x * torch.full_like(x, 2.0), numbers(3), note="multiplied"
    )
    yield with_constants(aten.mul.Tensor, lambda x: x * torch.arange(3), numbers(2, 3), note="by positions")


def solves() -> Iterator[Sample]:
    well = numbers(3, 3) + 4 * torch.eye(3, dtype=torch.float64)
    triangle = aten.linalg_solve_triangular.default
    for left in (True, False):
        for upper in (True, False):
            right = numbers(3, 2, seed=1) if left else numbers(2, 3, seed=1)
            note = f"{'left' if left else 'right'}, {'upper' if upper else 'lower'}"
            yield call(triangle, well, right, upper=upper, left=left, note=note)
            inverse = partial(triangle, upper=upper, left=left)
            half = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
            half = half if left else half.mT
            half = half.flip(-2 if left else -1) if upper == left else half
            for constant, name in (
                (torch.eye(3), "of the identity"),
                (half, "of rows that begin with zeros"),
            ):
                yield with_constants(
                    triangle,
                    lambda x, inverse=inverse, constant=constant: inverse(x, constant.double()),
                    well,
                    note=f"{note}, {name}",
                    exact=False,
                )
    yield call(
        triangle, well[None], numbers(2, 3, 1, seed=1), upper=False, unitriangular=True, note="unit, batched"
    )
    yield call(aten.linalg_inv_ex.default, well, exact=False)
    yield call(aten._linalg_solve_ex.default, well, numbers(3, 2, seed=1), exact=False)
    yield call(aten._linalg_det.default, torch.stack([well, well.mT]), exact=False)
    yield call(aten._linalg_slogdet.default, well, exact=False)
    yield call(aten.linalg_qr.default, well, exact=False)
    yield call(aten._linalg_svd.default, well, exact=False)
    yield call(aten.linalg_lu_factor_ex.default, well, exact=False)
    yield call(aten.linalg_matrix_exp.default, well / 4)
    for op in (aten._linalg_eigh.default, aten.linalg_cholesky_ex.default):
        yield with_constants(
            op, lambda x, op=op: op(x @ x.mT + torch.eye(3)), well, note="of a square", exact=False
        )
    yield call(aten.cholesky_solve.default, numbers(3, 2), well, exact=False)


def recurrent() -> Iterator[Sample]:
    lstm = torch.nn.LSTM(2, 2, bidirectional=True)
    yield with_constants(
        aten.mkldnn_rnn_layer.default,
        lambda x: lstm(x.float())[0],
        numbers(3, 2, 2),
        note="LSTM",
        exact=False,
    )
    yield with_constants(
        aten.mkldnn_rnn_layer.default,
        lambda x, h: lstm(x.float(), (h.float(), h.float()))[1],
        numbers(3, 2, 2),
        numbers(2, 2, 2),
        note="its states",
        exact=False,
    )


def backwards() -> Iterator[Sample]:
    x, g = numbers(2, 3), numbers(2, 3, seed=1)
    yield call(aten._softmax_backward_data.default, g, x.softmax(1), 1, torch.float64)
    yield call(aten._log_softmax_backward_data.default, g, x.log_softmax(1), 1, torch.float64)
    mean, rstd = x.mean(1, keepdim=True), x.var(1, keepdim=True).rsqrt()
    yield call(
        aten.native_layer_norm_backward.default,
        g,
        x,
        [3],
        mean,
        rstd,
        numbers(3),
        numbers(3, seed=3),
        [True] * 3,
        exact=False,
    )
    yield call(
        aten.native_group_norm_backward.default,
        numbers(1, 4, 2),
        numbers(1, 4, 2, seed=1),
        numbers(1, 2),
        positive(1, 2),
        numbers(4),
        1,
        4,
        2,
        2,
        [True] * 3,
        exact=False,
    )
    yield call(
        aten.embedding_dense_backward.default, numbers(2, 3), torch.tensor([2, 0]), 4, -1, False, exact=False
    )
    yield call(
        aten.convolution_backward.default,
        numbers(1, 2, 3),
        numbers(1, 2, 4),
        numbers(2, 2, 2),
        [2],
        [1],
        [0],
        [1],
        False,
        [0],
        1,
        [True] * 3,
        exact=False,
    )
    yield call(
        aten.avg_pool2d_backward.default,
        numbers(1, 1, 2, 2),
        numbers(1, 1, 4, 4),
        [2, 2],
        [2, 2],
        [0, 0],
        False,
        True,
        None,
        exact=False,
    )
    image = numbers(1, 1, 4, 4)
    _, places = aten.max_pool2d_with_indices.default(image, [2, 2], [2, 2])
    yield with_constants(
        aten.max_pool2d_with_indices_backward.default,
        lambda g, x: aten.max_pool2d_with_indices_backward.default(
            g, x, [2, 2], [2, 2], [0, 0], [1, 1], False, places
        ),
        numbers(1, 1, 2, 2),
        image,
        note="with constant places",
        exact=False,
    )
    yield call(aten._adaptive_avg_pool2d_backward.default, numbers(1, 1, 2, 2), image, exact=False)
    yield call(aten.col2im.default, numbers(1, 4, 4), [3, 3], [2, 2], [1, 1], [0, 0], [1, 1], exact=False)
    yield with_constants(
        aten._embedding_bag.default,
        lambda w: aten._embedding_bag.default(w, torch.tensor([0, 2, 1]), torch.tensor([0, 2]))[0],
        numbers(3, 2),
        note="constant ids",
        exact=False,
    )


KINDS = (
    pointwise, shapes, reductions, scans, products, convolutions, pooling, indexing, writing, attention,
    norms, orders, random, backwards, solves, recurrent,
)  # fmt: skip
SAMPLES = [sample for kind in KINDS for sample in kind()]
