"""Avoid a race in PyTorch's CPU build that would look like a fault of the implementation under check.

Builds that link oneMKL 2024.2 choose the kernel of each vector function (``exp``, ``log``, ``tanh``, …) at
its first call in a process. If several threads make this first call together, one of them may compute its
share of the tensor with low accuracy: 1e-4 in float32, 1e-9 in float64. Later calls are accurate
(pytorch/pytorch issue 188792).
"""

from functools import cache

import torch

_VECTOR_FUNCTIONS = (
    *(
        torch.acos,
        torch.asin,
        torch.atan,
        torch.cos,
        torch.cosh,
        torch.erf,
        torch.erfc,
        torch.erfinv,
        torch.exp,
    ),
    *(
        torch.expm1,
        torch.log,
        torch.log10,
        torch.log1p,
        torch.log2,
        torch.sin,
        torch.sinh,
        torch.sqrt,
        torch.tan,
    ),
    torch.tanh,
)


@cache
def settle_first_calls() -> None:
    """Call every vector function on one number, so that only one thread runs; once per process."""
    for dtype in (torch.float32, torch.float64):
        for function in _VECTOR_FUNCTIONS:
            function(torch.full((1,), 0.5, dtype=dtype, device="cpu"))
