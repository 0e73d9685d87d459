"""scanproof: check that a PyTorch sequence model numerically refines the proved Lean runners."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanproof.errors import InvalidArgument as InvalidArgument
    from scanproof.report.verdict import Verdict as Verdict

_EXPORTS = {
    "InvalidArgument": "scanproof.errors",
    "Verdict": "scanproof.report.verdict",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    """Import torch only when something that needs it is asked for (PEP 562)."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'scanproof' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
