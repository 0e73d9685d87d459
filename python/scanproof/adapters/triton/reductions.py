"""Reductions and scans with a function of the kernel: whole slices at a time, and bfloat16 as numbers.

The interpreter combines single entries in Python, which takes minutes for a scan of a small block. Here all
entries of a slice are combined together. Reductions combine neighbours in pairs, as a GPU does, and scans go
from the first entry to the last.
"""

from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime import interpreter as stock

from scanproof.adapters.triton.arithmetic import narrowed, widened


class _Reductions(stock.ReduceOps):  # type: ignore[misc]
    def generic_reduce(self, input: Any) -> Any:
        arrays, axis = self.unravel(input, self.axis)
        blocks = [arg.handle.data for arg in arrays]
        dtypes = [arg.dtype for arg in arrays]
        rows = [np.moveaxis(block, axis, 0) for block in blocks]
        while (count := len(rows[0])) > 1:
            pairs = count // 2 * 2
            joined = _combined(self, [x[:pairs:2] for x in rows], [x[1:pairs:2] for x in rows], dtypes)
            rows = [np.concatenate([new, x[pairs:]]) for new, x in zip(joined, rows, strict=True)]
        total = [x[0] for x in rows]
        return [
            self.to_tensor(_kept(x, axis, self.axis, self.keep_dims, input[0]), dtype)
            for x, dtype in zip(total, dtypes, strict=True)
        ]

    def sum(self, input: Any) -> Any:
        if input.dtype != tl.bfloat16:
            return super().sum(input)
        return self.generic_reduce((input,))[0]

    def min_max(self, input: Any, val_reduce_op: Any, idx_reduce_op: Any = None) -> Any:
        first = input[0] if isinstance(input, tuple) else input
        if first.dtype != tl.bfloat16:
            return super().min_max(input, val_reduce_op, idx_reduce_op)
        numbers = tl.tensor(
            stock.TensorHandle(widened(first.handle.data), tl.float32),
            first.type.with_element_ty(tl.float32),
        )
        found = super().min_max(numbers, val_reduce_op, idx_reduce_op)
        value, *index = found if isinstance(found, tuple) else (found,)
        short = self.to_tensor(narrowed(value.handle.data).reshape(value.shape or ()), tl.bfloat16)
        return (short, *index) if index else short


class _Scans(stock.ScanOps):  # type: ignore[misc]
    def cumsum(self, input: Any) -> Any:
        return super().cumsum(input) if input.dtype != tl.bfloat16 else self.generic_scan((input,))

    def cumprod(self, input: Any) -> Any:
        return super().cumprod(input) if input.dtype != tl.bfloat16 else self.generic_scan((input,))

    def generic_scan(self, input: Any) -> Any:
        blocks = [arg.handle.data for arg in input]
        dtypes = [arg.dtype for arg in input]
        results = [np.empty(block.shape, block.dtype) for block in blocks]
        total = _slice(blocks, self.axis, 0)
        for place in range(blocks[0].shape[self.axis]):
            if place:
                total = _combined(self, total, _slice(blocks, self.axis, place), dtypes)
            for result, x in zip(results, total, strict=True):
                np.moveaxis(result, self.axis, 0)[place] = x
        return [self.to_tensor(x, dtype) for x, dtype in zip(results, dtypes, strict=True)]


def _slice(blocks: list[Any], axis: int, place: int) -> list[Any]:
    return [np.moveaxis(block, axis, 0)[place] for block in blocks]


def _combined(operation: Any, left: list[Any], right: list[Any], dtypes: list[Any]) -> list[Any]:
    """Combine two slices by the function of a reduction or scan."""
    given = [
        operation.to_tensor(np.asarray(x), dtype)
        for side in (left, right)
        for x, dtype in zip(side, dtypes, strict=True)
    ]
    returned = operation.combine_fn(*given)
    parts = returned if isinstance(returned, tuple) else (returned,)
    shape = np.shape(left[0])
    return [
        np.broadcast_to(part.handle.data if isinstance(part, tl.tensor) else part, shape or (1,)).reshape(
            shape
        )
        for part in parts
    ]


def _kept(x: Any, axis: int, wanted: int | None, keep: bool, like: Any) -> Any:
    if not keep:
        return x.item() if wanted is None else x
    return x.reshape((1,) * len(like.shape)) if wanted is None else np.expand_dims(x, axis)


def replace(scope: Any) -> None:
    """Let ``tl.reduce`` and ``tl.associative_scan`` do this, until the scope is restored."""

    def reduce(input: Any, axis: Any, combine_fn: Any, keep_dims: bool = False, **kwargs: Any) -> Any:
        return _Reductions(_number(axis), combine_fn, keep_dims).apply(input)

    def associative_scan(input: Any, axis: Any, combine_fn: Any, reverse: bool = False, **kwargs: Any) -> Any:
        return _Scans(_number(axis), combine_fn, reverse).apply(input)

    for module in (tl, tl.core):
        scope.set_attr(module, "reduce", reduce)
        scope.set_attr(module, "associative_scan", associative_scan)


def _number(axis: Any) -> Any:
    return axis.value if isinstance(axis, tl.constexpr) else axis
