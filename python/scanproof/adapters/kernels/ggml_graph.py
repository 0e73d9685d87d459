"""One operation of ggml on arrays, through ctypes."""

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.errors import MissingDependency

_TYPES = {np.dtype(np.float32): 0, np.dtype(np.int32): 26}
"""The numbers of dtypes in ggml."""

_SPACE = 2**24
"""Bytes beside tensors: their headers, the graph, and what the operation needs for its work."""


class _Parameters(ctypes.Structure):
    _fields_ = (("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_allocation", ctypes.c_bool))


class Ggml:
    """The library, in the folder of the package ggml-py.

    Args:
        folder: the folder that holds the package; None if it is installed.

    Raises:
        MissingDependency: the package is missing, or the system cannot load the library.
    """

    def __init__(self, folder: Path | None) -> None:
        found = PathFinder.find_spec("ggml", None if folder is None else [str(folder)])
        if found is None or found.origin is None:
            raise MissingDependency("ggml is missing; install ggml-py.")
        libraries = Path(found.origin).with_name("lib")
        try:
            self._base, self._cpu = (
                ctypes.CDLL(str(libraries / f"libggml-{part}.so"), mode=ctypes.RTLD_GLOBAL)
                for part in ("base", "cpu")
            )
        except OSError as error:
            raise MissingDependency(f"ggml cannot be loaded: {error}.") from error
        pointer = ctypes.c_void_p
        self._base.ggml_init.argtypes = [_Parameters]
        self._base.ggml_free.argtypes = [pointer]
        self._base.ggml_new_tensor.argtypes = [pointer, ctypes.c_int, ctypes.c_int, pointer]
        self._base.ggml_get_data.argtypes = [pointer]
        self._base.ggml_nelements.argtypes = [pointer]
        self._base.ggml_new_graph.argtypes = [pointer]
        self._base.ggml_build_forward_expand.argtypes = [pointer, pointer]
        self._cpu.ggml_graph_compute_with_ctx.argtypes = [pointer, pointer, ctypes.c_int]
        for name in ("init", "new_tensor", "get_data", "new_graph"):
            getattr(self._base, f"ggml_{name}").restype = pointer
        self._base.ggml_nelements.restype = ctypes.c_int64

    def run(
        self, operation: str, arrays: Sequence[NDArray[Any]], numbers: Sequence[float] = ()
    ) -> NDArray[np.float32]:
        """Run ``ggml_<operation>`` on one thread.

        Args:
            operation: name of the operation.
            arrays: its tensors in float32 or int32. The last axis of an array is the first axis of ggml.
            numbers: its floating arguments after the tensors.

        Returns:
            The result in float32, flat.
        """
        size = _SPACE + 8 * sum(array.nbytes for array in arrays)
        context = ctypes.c_void_p(self._base.ggml_init(_Parameters(size, None, False)))
        try:
            tensors = [self._tensor(context, np.ascontiguousarray(array)) for array in arrays]
            function = getattr(self._base, f"ggml_{operation}")
            function.restype = ctypes.c_void_p
            result = ctypes.c_void_p(function(context, *tensors, *map(ctypes.c_float, numbers)))
            graph = ctypes.c_void_p(self._base.ggml_new_graph(context))
            self._base.ggml_build_forward_expand(graph, result)
            self._cpu.ggml_graph_compute_with_ctx(context, graph, 1)
            count = self._base.ggml_nelements(result)
            data = (ctypes.c_float * count).from_address(self._base.ggml_get_data(result))
            return np.array(data, np.float32)
        finally:
            self._base.ggml_free(context)

    @property
    def has_avx512(self) -> bool:
        """Whether its loops use AVX-512 on this processor."""
        return bool(self._cpu.ggml_cpu_has_avx512())

    def _tensor(self, context: ctypes.c_void_p, array: NDArray[Any]) -> ctypes.c_void_p:
        sizes = (ctypes.c_int64 * array.ndim)(*reversed(array.shape))
        made = self._base.ggml_new_tensor(context, _TYPES[array.dtype], array.ndim, sizes)
        ctypes.memmove(self._base.ggml_get_data(made), array.ctypes.data, array.nbytes)
        return ctypes.c_void_p(made)


@cache
def ggml(folder: Path | None) -> Ggml:
    """Return the library, loaded once."""
    return Ggml(folder)
