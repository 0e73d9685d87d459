"""The operations on pointers: each pointer carries the tensors that it came from."""
# ruff: noqa: D102 (the names and meanings are Triton's)

from typing import Any

import numpy as np

from scanproof.adapters.triton.rounded import Handle, RoundedBuilder


class PointerBuilder(RoundedBuilder):
    """The operations of a kernel; ``attr["regions"]`` of a pointer holds the tensors that it came from."""

    def create_addptr(self, ptr: Any, offset: Any) -> Any:
        return _carried(super().create_addptr(ptr, offset), ptr)

    def create_splat(self, ret_ty: Any, arg: Any) -> Any:
        return _carried(super().create_splat(ret_ty, arg), arg)

    def create_unsplat(self, arg: Any) -> Any:
        return _carried(super().create_unsplat(arg), arg)

    def create_broadcast(self, arg: Any, shape: Any) -> Any:
        return _carried(super().create_broadcast(arg, shape), arg)

    def create_expand_dims(self, arg: Any, axis: int) -> Any:
        return _carried(super().create_expand_dims(arg, axis), arg)

    def create_reshape(self, arg: Any, shape: Any, allow_reorder: bool) -> Any:
        return _carried(Handle(arg.data.reshape(shape), arg.dtype.scalar), arg)

    def create_trans(self, arg: Any, perm: Any) -> Any:
        return _carried(super().create_trans(arg, perm), arg)

    def create_bitcast(self, src: Any, dst_type: Any) -> Any:
        return _carried(super().create_bitcast(src, dst_type), src)

    create_ptr_to_int = create_bitcast

    def create_int_to_ptr(self, src: Any, dst_type: Any) -> Any:
        pointer = self.create_bitcast(src, dst_type)
        pointer.attr.setdefault("regions", ())  # a number from memory came from no tensor
        return pointer

    def create_select(self, cond: Any, lhs: Any, rhs: Any) -> Any:
        return _carried(self.ternary_op(cond, lhs, rhs, np.where), lhs, rhs)


def _carried(result: Any, *sources: Any) -> Any:
    """Let a pointer carry the tensors of the pointers that it was made from."""
    known = [source.attr["regions"] for source in sources if "regions" in source.attr]
    if known:
        result.attr["regions"] = tuple(dict.fromkeys(region for regions in known for region in regions))
    return result
