"""Triton kernels checked on a CPU: their source under Triton's interpreter, not the compiled code.

The files, from the inside out:

- ``arithmetic``, ``libdevice``: bfloat16, the short factors of tensor cores and CUDA's functions, in NumPy.
- ``regions``, ``clocks``, ``launch``: the memory of a launch, what atomics order, and every access.
- ``rounded``, ``pointers``, ``builder``, ``reductions``: the operations of a kernel, in place of Triton's.
- ``language``, ``rewriting``, ``autotune``, ``machine``, ``fills``: what kernels and their wrappers find.
- ``watch``, ``findings``, ``executor``, ``interpreter``: what was seen; the context ``interpreted``.
- ``inputs``, ``differences``, ``questions``, ``report``, ``check``: the check ``check_kernel``.
- ``compiled``, ``process``, ``versions``: a GPU, a process with the interpreter, tested versions of Triton.

Files that import Triton are imported in functions, because ``TRITON_INTERPRET=1`` comes first.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanproof.adapters.triton.check import check_kernel as check_kernel
    from scanproof.adapters.triton.findings import Fault as Fault
    from scanproof.adapters.triton.interpreter import interpreted as interpreted
    from scanproof.adapters.triton.report import KernelAnswer as KernelAnswer
    from scanproof.adapters.triton.report import KernelReport as KernelReport
    from scanproof.adapters.triton.watch import Watch as Watch

_EXPORTS = {
    "Fault": "findings",
    "KernelAnswer": "report",
    "KernelReport": "report",
    "Watch": "watch",
    "check_kernel": "check",
    "interpreted": "interpreter",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    """Import what is asked for, and Triton not before."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
