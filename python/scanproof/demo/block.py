"""A Mamba block in plain PyTorch around any selective scan, to check a scan inside a block."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from scanproof.refinement.checkpoint import MambaCheckpoint

Scan = Callable[..., Any]
"""A function with the signature of :func:`scanproof.scans.selective_scan`."""


def mamba_block(checkpoint: MambaCheckpoint, scan: Scan, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """Return the block of a checkpoint, (batch, time, inputDim) to (batch, time, outputDim).

    Args:
        checkpoint: parameters, which are rounded to ``dtype``; give values that ``dtype`` represents exactly.
        scan: the selective scan to use.
        dtype: the dtype of the computation.

    Source: Gu and Dao, Mamba (COLM 2024), figure 3.
    """

    def tensor(array: Any) -> Tensor:
        return torch.tensor(array, dtype=dtype)

    def optional(array: Any) -> Tensor | None:
        return None if array is None else tensor(array)

    inner, states = checkpoint.A_log.shape
    rank, width = checkpoint.dt_proj_weight.shape[1], checkpoint.conv1d_weight.shape[2]
    in_proj, in_bias = tensor(checkpoint.in_proj_weight), optional(checkpoint.in_proj_bias)
    conv, conv_bias = tensor(checkpoint.conv1d_weight), optional(checkpoint.conv1d_bias)
    x_proj, dt_proj = tensor(checkpoint.x_proj_weight), tensor(checkpoint.dt_proj_weight)
    dt_bias, D = tensor(checkpoint.dt_proj_bias), tensor(checkpoint.D)
    A = -torch.exp(tensor(checkpoint.A_log))
    out_proj, out_bias = tensor(checkpoint.out_proj_weight), optional(checkpoint.out_proj_bias)

    def block(x: Tensor) -> Tensor:
        hidden, z = functional.linear(x, in_proj, in_bias).transpose(1, 2).chunk(2, dim=1)
        convolved = functional.conv1d(functional.pad(hidden, (width - 1, 0)), conv, conv_bias, groups=inner)
        u = functional.silu(convolved)
        projected = functional.linear(u.transpose(1, 2), x_proj)
        low_rank, B, C = projected.split([rank, states, states], dim=-1)
        delta = functional.linear(low_rank, dt_proj).transpose(1, 2)
        B, C = B.transpose(1, 2), C.transpose(1, 2)
        y = scan(u, delta, A, B, C, D, z=z, delta_bias=dt_bias, delta_softplus=True)
        return functional.linear(y.transpose(1, 2), out_proj, out_bias)

    return block
