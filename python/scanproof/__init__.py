"""scanproof: check that a PyTorch sequence model numerically refines the proved Lean runners.

PYTEST_DONT_REWRITE: programs may import scanproof before pytest does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanproof.auditing.assertion import AuditError as AuditError
    from scanproof.auditing.assertion import assert_audit as assert_audit
    from scanproof.auditing.audit import audit as audit
    from scanproof.auditing.report import AuditReport as AuditReport
    from scanproof.causality.diagnosis.map import LeakMap as LeakMap
    from scanproof.causality.diagnosis.map import leak_map as leak_map
    from scanproof.causality.gradients.certificate import assert_strictly_causal as assert_strictly_causal
    from scanproof.causality.gradients.certificate import certify as certify
    from scanproof.causality.gradients.certificate_report import LeakReport as LeakReport
    from scanproof.causality.outputs.batch import assert_batch_independent as assert_batch_independent
    from scanproof.causality.outputs.batch import check_batch_independence as check_batch_independence
    from scanproof.causality.outputs.batch_report import BatchReport as BatchReport
    from scanproof.causality.outputs.perturbation import assert_future_blind as assert_future_blind
    from scanproof.causality.outputs.perturbation import check_perturbation as check_perturbation
    from scanproof.causality.outputs.perturbation_report import PerturbationReport as PerturbationReport
    from scanproof.causality.outputs.prefix import assert_prefix_equivalent as assert_prefix_equivalent
    from scanproof.causality.outputs.prefix import check_prefix as check_prefix
    from scanproof.causality.outputs.prefix_report import PrefixReport as PrefixReport
    from scanproof.errors import InvalidArgument as InvalidArgument
    from scanproof.foundation.alignment import Alignment as Alignment
    from scanproof.foundation.drawing import draw_input as draw_input
    from scanproof.foundation.failure import CausalityError as CausalityError
    from scanproof.monitors.monitor import CausalityMonitor as CausalityMonitor
    from scanproof.refinement.check import assert_refines as assert_refines
    from scanproof.refinement.check import assert_scan_refines as assert_scan_refines
    from scanproof.refinement.check import check_refinement as check_refinement
    from scanproof.refinement.check import check_scan_refinement as check_scan_refinement
    from scanproof.refinement.checkpoint import MambaCheckpoint as MambaCheckpoint
    from scanproof.refinement.kernels.attention import GatedLinearAttention as GatedLinearAttention
    from scanproof.refinement.kernels.attention import MLstm as MLstm
    from scanproof.refinement.kernels.attention import Rwkv6 as Rwkv6
    from scanproof.refinement.kernels.check import assert_kernel_refines as assert_kernel_refines
    from scanproof.refinement.kernels.check import check_kernel_refinement as check_kernel_refinement
    from scanproof.refinement.kernels.complex_diagonal import ComplexDiagonal as ComplexDiagonal
    from scanproof.refinement.kernels.delta import GatedDeltaRule as GatedDeltaRule
    from scanproof.refinement.kernels.kernel import Kernel as Kernel
    from scanproof.refinement.kernels.recurrent_unit import MinGru as MinGru
    from scanproof.refinement.kernels.recurrent_unit import RgLru as RgLru
    from scanproof.refinement.kernels.selective import CausalConv1d as CausalConv1d
    from scanproof.refinement.kernels.selective import SelectiveScan as SelectiveScan
    from scanproof.refinement.kernels.ssd import SsdScan as SsdScan
    from scanproof.refinement.mamba2 import Mamba2BlockSpec as Mamba2BlockSpec
    from scanproof.refinement.oracle import Oracle as Oracle
    from scanproof.refinement.report import RefinementError as RefinementError
    from scanproof.refinement.report import RefinementReport as RefinementReport
    from scanproof.refinement.rounding import Rounding as Rounding
    from scanproof.refinement.runners import DiagonalS4Spec as DiagonalS4Spec
    from scanproof.refinement.runners import MambaBlockSpec as MambaBlockSpec
    from scanproof.refinement.runners import SelectiveMambaBlockSpec as SelectiveMambaBlockSpec
    from scanproof.refinement.search import Cases as Cases
    from scanproof.report.table import Row as Row
    from scanproof.report.table import table as table
    from scanproof.report.verdict import Verdict as Verdict
    from scanproof.scans import selective_scan as selective_scan
    from scanproof.scans import selective_scan_associative as selective_scan_associative
    from scanproof.scans import selective_scan_chunked as selective_scan_chunked
    from scanproof.streaming.check import StreamingError as StreamingError
    from scanproof.streaming.check import assert_streaming_equivalent as assert_streaming_equivalent
    from scanproof.streaming.check import check_streaming as check_streaming
    from scanproof.streaming.model import StreamingModel as StreamingModel
    from scanproof.streaming.report import StreamingReport as StreamingReport

_EXPORTS = {
    "CausalConv1d": "scanproof.refinement.kernels.selective",
    "SelectiveScan": "scanproof.refinement.kernels.selective",
    "ComplexDiagonal": "scanproof.refinement.kernels.complex_diagonal",
    "GatedDeltaRule": "scanproof.refinement.kernels.delta",
    "GatedLinearAttention": "scanproof.refinement.kernels.attention",
    "Kernel": "scanproof.refinement.kernels.kernel",
    "MLstm": "scanproof.refinement.kernels.attention",
    "MinGru": "scanproof.refinement.kernels.recurrent_unit",
    "RgLru": "scanproof.refinement.kernels.recurrent_unit",
    "Rwkv6": "scanproof.refinement.kernels.attention",
    "SsdScan": "scanproof.refinement.kernels.ssd",
    "assert_kernel_refines": "scanproof.refinement.kernels.check",
    "check_kernel_refinement": "scanproof.refinement.kernels.check",
    "Alignment": "scanproof.foundation.alignment",
    "AuditError": "scanproof.auditing.assertion",
    "AuditReport": "scanproof.auditing.report",
    "BatchReport": "scanproof.causality.outputs.batch_report",
    "Cases": "scanproof.refinement.search",
    "CausalityError": "scanproof.foundation.failure",
    "CausalityMonitor": "scanproof.monitors.monitor",
    "DiagonalS4Spec": "scanproof.refinement.runners",
    "InvalidArgument": "scanproof.errors",
    "LeakMap": "scanproof.causality.diagnosis.map",
    "LeakReport": "scanproof.causality.gradients.certificate_report",
    "Mamba2BlockSpec": "scanproof.refinement.mamba2",
    "MambaBlockSpec": "scanproof.refinement.runners",
    "MambaCheckpoint": "scanproof.refinement.checkpoint",
    "Oracle": "scanproof.refinement.oracle",
    "PerturbationReport": "scanproof.causality.outputs.perturbation_report",
    "PrefixReport": "scanproof.causality.outputs.prefix_report",
    "RefinementError": "scanproof.refinement.report",
    "RefinementReport": "scanproof.refinement.report",
    "Rounding": "scanproof.refinement.rounding",
    "Row": "scanproof.report.table",
    "SelectiveMambaBlockSpec": "scanproof.refinement.runners",
    "StreamingError": "scanproof.streaming.check",
    "StreamingModel": "scanproof.streaming.model",
    "StreamingReport": "scanproof.streaming.report",
    "Verdict": "scanproof.report.verdict",
    "assert_audit": "scanproof.auditing.assertion",
    "assert_batch_independent": "scanproof.causality.outputs.batch",
    "assert_future_blind": "scanproof.causality.outputs.perturbation",
    "assert_prefix_equivalent": "scanproof.causality.outputs.prefix",
    "assert_refines": "scanproof.refinement.check",
    "assert_scan_refines": "scanproof.refinement.check",
    "assert_strictly_causal": "scanproof.causality.gradients.certificate",
    "assert_streaming_equivalent": "scanproof.streaming.check",
    "audit": "scanproof.auditing.audit",
    "certify": "scanproof.causality.gradients.certificate",
    "check_batch_independence": "scanproof.causality.outputs.batch",
    "check_perturbation": "scanproof.causality.outputs.perturbation",
    "check_prefix": "scanproof.causality.outputs.prefix",
    "check_refinement": "scanproof.refinement.check",
    "check_scan_refinement": "scanproof.refinement.check",
    "check_streaming": "scanproof.streaming.check",
    "leak_map": "scanproof.causality.diagnosis.map",
    "selective_scan": "scanproof.scans",
    "selective_scan_associative": "scanproof.scans",
    "selective_scan_chunked": "scanproof.scans",
    "draw_input": "scanproof.foundation.drawing",
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
