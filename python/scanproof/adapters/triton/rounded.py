"""The operations on numbers as a GPU rounds them: bfloat16 and TF32; float8 is refused.

The class stands in for ``InterpreterBuilder`` of Triton, whose methods it overrides by their names.
"""
# ruff: noqa: D102 (the names and meanings are Triton's)

import os
from typing import Any

import numpy as np
import triton.language as tl
from numpy.typing import NDArray
from triton._C.libtriton import ir
from triton.runtime import interpreter as stock

from scanproof.adapters.triton import libdevice
from scanproof.adapters.triton.arithmetic import half_towards_zero, narrowed, product, widened
from scanproof.errors import NothingEstablished

Handle = stock.TensorHandle

_PRECISIONS = {
    getattr(ir.INPUT_PRECISION, name): name.lower()
    for name in ("IEEE", "TF32", "TF32x3", "BF16x3", "BF16x6")
    if hasattr(ir.INPUT_PRECISION, name)
}


def options() -> Any:
    """Return the options of ``tl.dot``: the precisions, and the one without ``input_precision``."""
    return stock.InterpreterOptions(
        default_dot_input_precision=os.environ.get("TRITON_F32_DEFAULT", "tf32").lower(),
        allowed_dot_input_precisions=tuple(_PRECISIONS.values()),
    )


def is_bfloat16(handle: Any) -> bool:
    """Whether a handle holds bit patterns of bfloat16."""
    return bool(handle.dtype.scalar == tl.bfloat16 and handle.data.dtype == np.uint16)


def wide(handle: Any) -> NDArray[Any]:
    """Return the numbers of a handle; bfloat16 as float32."""
    data: NDArray[Any] = handle.data
    return widened(data) if is_bfloat16(handle) else data


def refuse_float8(*dtypes: Any) -> None:
    """Raise if one of these dtypes is a float8.

    Raises:
        NothingEstablished: one is.
    """
    for dtype in dtypes:
        scalar = dtype.element_ty if isinstance(dtype, tl.pointer_type) else dtype.scalar
        if isinstance(scalar, tl.dtype) and scalar.is_fp8():
            raise NothingEstablished(
                f"a kernel computes in float8 ({scalar}), and the interpreter does not round float8 as a GPU "
                "does; check the kernel with inputs in bfloat16 or float32."
            )


class RoundedBuilder(stock.InterpreterBuilder):  # type: ignore[misc]
    """The operations of a kernel, as a GPU rounds them.

    Attributes:
        exact_products: multiply float32 exactly, whatever ``tl.dot`` asks for.
        products: the precisions of the products of float32 so far.
    """

    exact_products: bool = False
    products: set[str]

    def binary_op(self, lhs: Any, rhs: Any, op: Any) -> Any:
        if not (is_bfloat16(lhs) or is_bfloat16(rhs)):
            return super().binary_op(lhs, rhs, op)
        result = np.asarray(op(wide(lhs), wide(rhs)))
        if result.dtype == np.bool_:
            return Handle(result, tl.int1)
        return Handle(narrowed(result), tl.bfloat16)

    def unary_op(self, arg: Any, op: Any) -> Any:
        return Handle(narrowed(op(wide(arg))), tl.bfloat16) if is_bfloat16(arg) else super().unary_op(arg, op)

    def create_clampf(self, arg: Any, lo: Any, hi: Any, propagate_nans: Any) -> Any:
        if not is_bfloat16(arg) or propagate_nans == ir.PROPAGATE_NAN.NONE:
            return super().create_clampf(arg, lo, hi, propagate_nans)
        return Handle(narrowed(np.clip(wide(arg), wide(lo), wide(hi))), tl.bfloat16)

    def create_fma(self, x: Any, y: Any, z: Any) -> Any:
        if not is_bfloat16(z):
            return super().create_fma(x, y, z)
        exact = np.multiply(wide(x), wide(y), dtype=np.float64)
        return Handle(narrowed(np.add(exact, wide(z), dtype=np.float64)), tl.bfloat16)

    def cast_impl(self, src: Any, dst_type: Any) -> Any:
        given, wanted = src.dtype.scalar, dst_type.scalar
        refuse_float8(given, wanted)
        if wanted == tl.bfloat16:
            return src if is_bfloat16(src) else Handle(narrowed(src.data), wanted)
        if is_bfloat16(src):
            return Handle(widened(src.data).astype(stock._get_np_dtype(wanted)), wanted)
        return super().cast_impl(src, dst_type)

    # The stock table binds these names to its own cast.
    create_si_to_fp = create_ui_to_fp = create_fp_to_si = create_fp_to_ui = cast_impl
    create_fp_ext = create_fp_trunc = cast_impl

    def create_int_cast(self, src: Any, dst_type: Any, is_signed: bool) -> Any:
        return self.cast_impl(src, dst_type)

    def create_fp_to_fp(self, src: Any, dst_type: Any, rounding_mode: Any) -> Any:
        wanted = dst_type.scalar
        if rounding_mode != ir.ROUNDING_MODE.RTZ:
            return self.cast_impl(src, dst_type)
        refuse_float8(src.dtype, wanted)
        if wanted == tl.bfloat16:
            return Handle(narrowed(wide(src), nearest=False), wanted)
        if wanted == tl.float16:
            return Handle(half_towards_zero(wide(src)), wanted)
        return self.cast_impl(src, dst_type)

    def create_dot(self, a: Any, b: Any, d: Any, input_precision: Any, max_num_imprecise_acc: int) -> Any:
        refuse_float8(a.dtype, b.dtype)
        if a.data.dtype == np.float32:
            precision = "ieee" if self.exact_products else _PRECISIONS[input_precision]
            self.products.add(precision)
            added = product(a.data, b.data, precision)
        else:
            added = np.matmul(wide(a), wide(b), dtype=d.data.dtype)
        return Handle((added + d.data).astype(d.data.dtype), d.dtype.scalar)

    def create_dot_scaled(self, *args: Any) -> Any:
        raise NothingEstablished(
            "a kernel calls tl.dot_scaled, and the interpreter does not round scaled float8 and float4 as a "
            "GPU does; check the kernel with inputs in bfloat16 or float32."
        )

    def create_extern_elementwise(
        self, libName: str, libPath: str, symbol: str, argList: Any, retType: Any, isPure: bool
    ) -> Any:
        name = symbol.removeprefix("__nv_").removesuffix("f")
        return Handle(libdevice.computed(name, [handle.data for handle in argList]), retType.scalar)

    def create_inline_asm(self, *args: Any) -> Any:
        raise NothingEstablished(
            "a kernel contains inline assembly, which the interpreter cannot run; check it on a GPU, or give "
            "it a branch without assembly."
        )
