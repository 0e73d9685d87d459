"""scanproof: check that a PyTorch sequence model numerically refines the proved Lean runners."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanproof.causality.certificate import assert_strictly_causal as assert_strictly_causal
    from scanproof.causality.certificate import certify as certify
    from scanproof.causality.failure import CausalityError as CausalityError
    from scanproof.causality.leak_report import LeakReport as LeakReport
    from scanproof.causality.prefix import assert_prefix_equivalent as assert_prefix_equivalent
    from scanproof.causality.prefix import check_prefix as check_prefix
    from scanproof.causality.prefix_report import PrefixReport as PrefixReport
    from scanproof.errors import InvalidArgument as InvalidArgument
    from scanproof.report.table import Row as Row
    from scanproof.report.table import table as table
    from scanproof.report.verdict import Verdict as Verdict

_EXPORTS = {
    "CausalityError": "scanproof.causality.failure",
    "InvalidArgument": "scanproof.errors",
    "LeakReport": "scanproof.causality.leak_report",
    "PrefixReport": "scanproof.causality.prefix_report",
    "Row": "scanproof.report.table",
    "Verdict": "scanproof.report.verdict",
    "assert_prefix_equivalent": "scanproof.causality.prefix",
    "assert_strictly_causal": "scanproof.causality.certificate",
    "certify": "scanproof.causality.certificate",
    "check_prefix": "scanproof.causality.prefix",
    "table": "scanproof.report.table",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    """Import torch only when something that needs it is asked for (PEP 562)."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'scanproof' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
