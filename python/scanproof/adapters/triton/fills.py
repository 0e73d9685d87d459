"""What tensors hold that nothing has written: a pattern that is known again when a kernel reads it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scanproof.adapters.triton.watch import Watch

_PATTERNS = {
    "fp64": 0x7FF8_5CA9_0FED_0001,
    "fp32": 0x7FC5_CA9F,
    "fp16": 0x7E5C,
    "bf16": 0x7FDC,
}
"""NaN with these bits, by the names of Triton's dtypes."""

_BITS = {
    torch.float64: (torch.int64, _PATTERNS["fp64"]),
    torch.float32: (torch.int32, _PATTERNS["fp32"]),
    torch.float16: (torch.int16, _PATTERNS["fp16"]),
    torch.bfloat16: (torch.int16, _PATTERNS["bf16"]),
}
_FINITE = -7.0
_MAKERS = ("empty", "empty_like", "empty_strided", "empty_permuted")
_METHODS = ("new_empty", "new_empty_strided")


def is_unwritten(x: NDArray[Any], dtype: str) -> NDArray[np.bool_]:
    """Whether numbers that a kernel read have the bits of memory that nothing has written."""
    if dtype not in _PATTERNS:
        return np.zeros(x.shape, bool)
    unwritten: NDArray[np.bool_] = x.view(f"u{x.dtype.itemsize}") == _PATTERNS[dtype]
    return unwritten


def poison(kind: np.dtype[Any], dtype: str) -> Any:
    """Return what a read outside a tensor gives: NaN, or 0 for integers."""
    if dtype == "bf16":
        return np.uint16(0x7FC0)
    return kind.type(np.nan) if kind.kind == "f" else kind.type(0)


def fill_(x: Tensor, watch: Watch) -> Tensor:
    """Fill a new tensor with what stands for memory that nothing has written."""
    if x.device.type == "meta" or not x.numel() or x.layout != torch.strided:
        return x
    with torch.no_grad():
        if watch.fill == "finite":
            return x.fill_(_FINITE if x.dtype.is_floating_point else 0)
        if x.dtype in _BITS:
            integers, pattern = _BITS[x.dtype]
            x.view(integers).fill_(pattern)
        elif x.dtype.is_complex:
            x.fill_(torch.nan)
        elif x.dtype != torch.bool and not x.dtype.is_floating_point:
            x.fill_(torch.iinfo(x.dtype).max // 2)
    return x


@contextmanager
def filled(watch: Watch) -> Iterator[None]:
    """Let PyTorch return new tensors without contents filled, as ``watch.fill`` says."""

    def filling(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def made(*args: Any, **kwargs: Any) -> Tensor:
            return fill_(make(*args, **kwargs), watch)

        return made

    owners = [(torch, name) for name in _MAKERS] + [(Tensor, name) for name in _METHODS]
    patches = [patch.object(owner, name, filling(getattr(owner, name))) for owner, name in owners]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in reversed(patches):
            one.stop()
