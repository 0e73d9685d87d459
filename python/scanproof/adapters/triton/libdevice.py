"""Functions of CUDA's math library, which the interpreter does not have, by NumPy."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.errors import NothingEstablished


def _reciprocal_root(x: NDArray[Any]) -> Any:
    return 1 / np.sqrt(x)


_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in (
            "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan",
            "sinh", "cosh", "tanh", "floor", "ceil", "trunc", "rint", "isnan", "isinf", "fmod", "fmax",
            "fmin", "copysign", "hypot",
        )
    },
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "abs": np.abs, "fabs": np.abs, "pow": np.power, "rsqrt": _reciprocal_root, "erf": _erf, "erfc": _erfc,
    "fast_exp": np.exp, "fast_log": np.log, "fast_log2": np.log2, "fast_tanh": np.tanh,
    "fast_sin": np.sin, "fast_cos": np.cos, "fast_pow": np.power, "fast_divide": np.divide,
    "div_rn": np.divide, "add_rn": np.add, "sub_rn": np.subtract, "mul_rn": np.multiply,
    "sqrt_rn": np.sqrt, "rsqrt_rn": _reciprocal_root,
}  # fmt: skip
"""By the names of ``triton.language.extra.libdevice``, without the letter of float32 at the end."""


def computed(name: str, arguments: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Return a function of CUDA's math library, rounded to the dtype of its first argument.

    Raises:
        NothingEstablished: NumPy has no such function.
    """
    found = FUNCTIONS.get(name) or FUNCTIONS.get(name.removesuffix("f"))
    if found is None:
        raise NothingEstablished(
            f"a kernel calls libdevice.{name}, which the interpreter does not have; check the kernel on a "
            "GPU, or call the function of triton.language."
        )
    given = [np.asarray(x) for x in arguments]
    result = np.asarray(found(*given))
    return result if result.dtype == np.bool_ else result.astype(given[0].dtype)
