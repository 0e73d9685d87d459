"""scanproof: check that a PyTorch sequence model numerically refines the proved Lean runners.

PYTEST_DONT_REWRITE: programs may import scanproof before pytest does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanproof.auditing.audit import audit as audit
    from scanproof.auditing.report import AuditReport as AuditReport
    from scanproof.causality.diagnosis.map import LeakMap as LeakMap
    from scanproof.causality.diagnosis.map import leak_map as leak_map
    from scanproof.causality.gradients.certificate import certify as certify
    from scanproof.causality.gradients.certificate_report import CausalCertificate as CausalCertificate
    from scanproof.causality.gradients.drop_in import assert_strictly_causal as assert_strictly_causal
    from scanproof.causality.outputs.batch import check_batch as check_batch
    from scanproof.causality.outputs.batch_report import BatchReport as BatchReport
    from scanproof.causality.outputs.perturbation import check_perturbation as check_perturbation
    from scanproof.causality.outputs.perturbation_report import PerturbationReport as PerturbationReport
    from scanproof.causality.outputs.prefix import check_prefix as check_prefix
    from scanproof.causality.outputs.prefix_report import PrefixReport as PrefixReport
    from scanproof.errors import InvalidArgument as InvalidArgument
    from scanproof.foundation.alignment import Alignment as Alignment
    from scanproof.foundation.documents import split_documents as split_documents
    from scanproof.foundation.drawing import draw_input as draw_input
    from scanproof.foundation.sizes import resize_input as resize_input
    from scanproof.monitors.monitor import CausalityMonitor as CausalityMonitor
    from scanproof.refinement.check import check_refinement as check_refinement
    from scanproof.refinement.checkpoint import MambaCheckpoint as MambaCheckpoint
    from scanproof.refinement.kernels.attention import GatedLinearAttention as GatedLinearAttention
    from scanproof.refinement.kernels.attention import MLstm as MLstm
    from scanproof.refinement.kernels.attention import Rwkv6 as Rwkv6
    from scanproof.refinement.kernels.cases import random_inputs as random_inputs
    from scanproof.refinement.kernels.complex_diagonal import ComplexDiagonal as ComplexDiagonal
    from scanproof.refinement.kernels.delta import Comba as Comba
    from scanproof.refinement.kernels.delta import GatedDeltaRule as GatedDeltaRule
    from scanproof.refinement.kernels.domains import Domain as Domain
    from scanproof.refinement.kernels.gated_norm import GatedNorm as GatedNorm
    from scanproof.refinement.kernels.generalized_delta import GeneralizedDeltaRule as GeneralizedDeltaRule
    from scanproof.refinement.kernels.kernel import Kernel as Kernel
    from scanproof.refinement.kernels.linear import LinearRecurrence as LinearRecurrence
    from scanproof.refinement.kernels.recurrent_unit import MinGru as MinGru
    from scanproof.refinement.kernels.recurrent_unit import RgLru as RgLru
    from scanproof.refinement.kernels.selective import CausalConv1d as CausalConv1d
    from scanproof.refinement.kernels.selective import SelectiveScan as SelectiveScan
    from scanproof.refinement.kernels.ssd import SsdScan as SsdScan
    from scanproof.refinement.mamba2 import Mamba2BlockSpec as Mamba2BlockSpec
    from scanproof.refinement.oracle import Oracle as Oracle
    from scanproof.refinement.report import RefinementReport as RefinementReport
    from scanproof.refinement.rounding import Rounding as Rounding
    from scanproof.refinement.runners import DiagonalS4Spec as DiagonalS4Spec
    from scanproof.refinement.runners import MambaBlockSpec as MambaBlockSpec
    from scanproof.refinement.runners import SelectiveMambaBlockSpec as SelectiveMambaBlockSpec
    from scanproof.refinement.scan_fn import SelectiveScanFn as SelectiveScanFn
    from scanproof.refinement.search import Cases as Cases
    from scanproof.report.failure import CheckFailed as CheckFailed
    from scanproof.report.row import Row as Row
    from scanproof.report.table import table as table
    from scanproof.report.verdict import Verdict as Verdict
    from scanproof.same.check import check_same as check_same
    from scanproof.same.recording import load_recording as load_recording
    from scanproof.same.recording import save_recording as save_recording
    from scanproof.same.report import SameReport as SameReport
    from scanproof.scans import selective_scan as selective_scan
    from scanproof.scans import selective_scan_associative as selective_scan_associative
    from scanproof.scans import selective_scan_chunked as selective_scan_chunked
    from scanproof.streaming.check import check_streaming as check_streaming
    from scanproof.streaming.model import StreamingModel as StreamingModel
    from scanproof.streaming.report import StreamingReport as StreamingReport

_EXPORTS = {
    "Alignment": "scanproof.foundation.alignment",
    "AuditReport": "scanproof.auditing.report",
    "BatchReport": "scanproof.causality.outputs.batch_report",
    "Cases": "scanproof.refinement.search",
    "CausalCertificate": "scanproof.causality.gradients.certificate_report",
    "CausalConv1d": "scanproof.refinement.kernels.selective",
    "CausalityMonitor": "scanproof.monitors.monitor",
    "CheckFailed": "scanproof.report.failure",
    "Comba": "scanproof.refinement.kernels.delta",
    "ComplexDiagonal": "scanproof.refinement.kernels.complex_diagonal",
    "DiagonalS4Spec": "scanproof.refinement.runners",
    "Domain": "scanproof.refinement.kernels.domains",
    "GatedDeltaRule": "scanproof.refinement.kernels.delta",
    "GatedLinearAttention": "scanproof.refinement.kernels.attention",
    "GatedNorm": "scanproof.refinement.kernels.gated_norm",
    "GeneralizedDeltaRule": "scanproof.refinement.kernels.generalized_delta",
    "InvalidArgument": "scanproof.errors",
    "Kernel": "scanproof.refinement.kernels.kernel",
    "LeakMap": "scanproof.causality.diagnosis.map",
    "LinearRecurrence": "scanproof.refinement.kernels.linear",
    "MLstm": "scanproof.refinement.kernels.attention",
    "Mamba2BlockSpec": "scanproof.refinement.mamba2",
    "MambaBlockSpec": "scanproof.refinement.runners",
    "MambaCheckpoint": "scanproof.refinement.checkpoint",
    "MinGru": "scanproof.refinement.kernels.recurrent_unit",
    "Oracle": "scanproof.refinement.oracle",
    "PerturbationReport": "scanproof.causality.outputs.perturbation_report",
    "PrefixReport": "scanproof.causality.outputs.prefix_report",
    "RefinementReport": "scanproof.refinement.report",
    "RgLru": "scanproof.refinement.kernels.recurrent_unit",
    "Rounding": "scanproof.refinement.rounding",
    "Row": "scanproof.report.row",
    "Rwkv6": "scanproof.refinement.kernels.attention",
    "SameReport": "scanproof.same.report",
    "SelectiveMambaBlockSpec": "scanproof.refinement.runners",
    "SelectiveScan": "scanproof.refinement.kernels.selective",
    "SelectiveScanFn": "scanproof.refinement.scan_fn",
    "SsdScan": "scanproof.refinement.kernels.ssd",
    "StreamingModel": "scanproof.streaming.model",
    "StreamingReport": "scanproof.streaming.report",
    "Verdict": "scanproof.report.verdict",
    "assert_strictly_causal": "scanproof.causality.gradients.drop_in",
    "audit": "scanproof.auditing.audit",
    "certify": "scanproof.causality.gradients.certificate",
    "check_batch": "scanproof.causality.outputs.batch",
    "check_perturbation": "scanproof.causality.outputs.perturbation",
    "check_prefix": "scanproof.causality.outputs.prefix",
    "check_refinement": "scanproof.refinement.check",
    "check_same": "scanproof.same.check",
    "check_streaming": "scanproof.streaming.check",
    "draw_input": "scanproof.foundation.drawing",
    "leak_map": "scanproof.causality.diagnosis.map",
    "load_recording": "scanproof.same.recording",
    "random_inputs": "scanproof.refinement.kernels.cases",
    "resize_input": "scanproof.foundation.sizes",
    "save_recording": "scanproof.same.recording",
    "selective_scan": "scanproof.scans",
    "selective_scan_associative": "scanproof.scans",
    "selective_scan_chunked": "scanproof.scans",
    "split_documents": "scanproof.foundation.documents",
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
