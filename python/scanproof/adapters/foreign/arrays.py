"""Tensors as arrays of other libraries, and such arrays as tensors; no conversion changes a number."""

from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from scanproof.errors import InvalidArgument
from scanproof.foundation.judgement import dtype_name

_OF_ML_DTYPES: dict[str, tuple[torch.dtype, Any]] = {
    "bfloat16": (torch.int16, np.int16),
    "float8_e4m3fn": (torch.uint8, np.uint8),
    "float8_e5m2": (torch.uint8, np.uint8),
}
"""Dtypes that NumPy gets from ml_dtypes, and the whole numbers with as many bits in PyTorch and NumPy."""


def to_numpy(tensor: Tensor) -> NDArray[Any]:
    """Return a contiguous NumPy array with the numbers of a tensor; the two share no memory.

    Raises:
        InvalidArgument: NumPy has no such dtype.
    """
    own = to_own(tensor).cpu()
    name = dtype_name(tensor.dtype)
    if name not in _OF_ML_DTYPES:
        return own.numpy()
    try:
        ml_dtypes = import_module("ml_dtypes")
    except ImportError:
        raise InvalidArgument(
            f"foreign: NumPy has no {name}; install ml_dtypes, which adds this dtype to NumPy, or take the "
            'tensors by arrays="dlpack".'
        ) from None
    array: NDArray[Any] = own.view(_OF_ML_DTYPES[name][0]).numpy().view(getattr(ml_dtypes, name))
    return array


def to_own(tensor: Tensor) -> Tensor:
    """Return a contiguous copy without a gradient; objects of other libraries take it over DLPack."""
    return tensor.detach().clone(memory_format=torch.contiguous_format)


def is_array(leaf: Any) -> bool:
    """Whether ``leaf`` is an array of some library: it offers DLPack, or is a number of NumPy."""
    return isinstance(leaf, np.generic) or hasattr(leaf, "__dlpack__")


def to_tensor(array: Any, what: str) -> Tensor:
    """Return a tensor with the numbers of an array; the two share no memory.

    Args:
        array: an object for which ``is_array`` holds.
        what: what it is, for messages.

    Raises:
        InvalidArgument: PyTorch has no such dtype.
    """
    if isinstance(array, np.generic | np.ndarray):
        array = np.array(array, order="C")  # a copy: DLPack takes no memory that is read-only
        if array.dtype.name in _OF_ML_DTYPES:
            own = torch.from_numpy(array.view(_OF_ML_DTYPES[array.dtype.name][1]))
            return own.view(getattr(torch, array.dtype.name))
    try:
        return from_dlpack(array).detach().clone(memory_format=torch.contiguous_format)
    except (BufferError, TypeError, ValueError, RuntimeError) as error:
        dtype = getattr(array, "dtype", type(array).__name__)
        raise InvalidArgument(
            f"foreign: {what} has dtype {dtype}, which PyTorch does not take ({error}); return real or "
            "complex numbers, or whole numbers."
        ) from error
