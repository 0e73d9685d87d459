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
