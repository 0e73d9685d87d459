"""Functions of real packages with the arguments of specs: ``scanproof kernel`` runs them over an overlay."""

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from torch import Tensor

from scanproof.adapters.bare import bare_module


@cache
def _mamba() -> ModuleType:
    return bare_module("mamba_ssm.ops.triton.ssd_combined")


def ssd(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, initial_state: Tensor) -> Any:
    """Mamba-2 in chunks of 16."""
    return _mamba().mamba_chunk_scan_combined(
        x, dt, A, B, C, 16, initial_states=initial_state, return_final_states=True
    )


def _fla(module: str, function: str, *inputs: Tensor, **options: Any) -> Any:
    call = getattr(import_module(f"fla.ops.{module}"), function)
    return call(*inputs, scale=1.0, output_final_state=True, **options)


def chunk_simple_gla(q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor) -> Any:
    """Attention with one decay for each head, in chunks of 64."""
    return _fla("simple_gla", "chunk_simple_gla", q, k, v, g[..., 0], initial_state=initial_state)


def recurrent_gla(q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor) -> Any:
    """Attention with one decay for each key, token after token."""
    return _fla("gla", "fused_recurrent_gla", q, k, v, g, initial_state=initial_state)


def chunk_gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, initial_state: Tensor
) -> Any:
    """The gated delta rule in chunks of 64."""
    options = {"beta": beta, "initial_state": initial_state}
    return _fla("gated_delta_rule", "chunk_gated_delta_rule", q, k, v, g[..., 0], **options)


def recurrent_retention(q: Tensor, k: Tensor, v: Tensor, g: Tensor, initial_state: Tensor) -> Any:
    """Attention with one decay for each head, the same for every example and token."""
    options = {"g_gamma": g[0, 0, :, 0].contiguous(), "initial_state": initial_state}
    return _fla("simple_gla", "fused_recurrent_simple_gla", q, k, v, **options)


def recurrent_comba(
    q: Tensor, k: Tensor, v: Tensor, p: Tensor, beta: Tensor, g: Tensor, initial_state: Tensor
) -> Any:
    """Comba, token after token."""
    options = {"v": v, "p": p, "g": g[..., 0], "beta": beta, "initial_state": initial_state}
    return _fla("comba", "fused_recurrent_comba", q, k, **options)


def chunk_comba(
    q: Tensor, k: Tensor, v: Tensor, p: Tensor, beta: Tensor, g: Tensor, initial_state: Tensor
) -> Any:
    """Comba in chunks of 64."""
    options = {"v": v, "p": p, "g": g[..., 0], "beta": beta, "initial_state": initial_state}
    return _fla("comba", "chunk_comba", q, k, **options)


def recurrent_dplr(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, g: Tensor, initial_state: Tensor
) -> Any:
    """The generalised delta rule, token after token."""
    return _fla(
        "generalized_delta_rule",
        "fused_recurrent_dplr_delta_rule",
        q,
        k,
        v,
        a,
        b,
        g,
        initial_state=initial_state,
    )


def chunk_dplr(
    q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, g: Tensor, initial_state: Tensor
) -> Any:
    """The generalised delta rule in chunks of 16."""
    options = {"initial_state": initial_state, "chunk_size": 16}
    return _fla("generalized_delta_rule", "chunk_dplr_delta_rule", q, k, v, a, b, g, **options)


def gated_rms_norm(x: Tensor, weight: Tensor, bias: Tensor, z: Tensor) -> Any:
    """The RMS norm with its gate after it, in one kernel."""
    module = import_module("fla.modules.norm.fused_norm_gate")
    return module.rms_norm_gated(x, z, weight, bias, activation="sigmoid", eps=1e-5)


def gated_layer_norm(x: Tensor, weight: Tensor, bias: Tensor, z: Tensor) -> Any:
    """Layer norms of two groups, of which the gate comes first."""
    module = import_module("fla.modules.norm.layernorm_gated")
    options = {"group_size": x.shape[-1] // 2, "norm_before_gate": False, "is_rms_norm": False}
    return module.layernorm_fn(x, weight, bias, z, 1e-5, **options)
