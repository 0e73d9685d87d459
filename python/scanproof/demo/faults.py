"""Two faults as in released scans: one reads the future, and one is causal but computes wrong values."""

import torch
from torch import Tensor
from torch.nn import functional

from scanproof.scans import selective_scan

CHUNK_SIZE = 8


def scan_with_chunk_state_from_the_wrong_side(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    z: Tensor,
    delta_bias: Tensor,
    delta_softplus: bool,
) -> Tensor:
    """Start every chunk from the state at its own end: every token reads the rest of its chunk."""
    chunks = []
    for part in zip(*(tensor.split(CHUNK_SIZE, dim=-1) for tensor in (u, delta, B, C, z)), strict=True):
        twice_u, twice_delta, twice_B, twice_C, twice_z = (
            torch.cat([chunk, chunk], dim=-1) for chunk in part
        )
        y = selective_scan(
            twice_u, twice_delta, A, twice_B, twice_C, D, twice_z, delta_bias, delta_softplus=delta_softplus
        )
        assert isinstance(y, Tensor)
        chunks.append(y[..., part[0].shape[-1] :])
    return torch.cat(chunks, dim=-1)


def scan_reading_one_token_late(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    z: Tensor,
    delta_bias: Tensor,
    delta_softplus: bool,
) -> Tensor:
    """Read the state with the C of the previous token: causal, but a different function."""
    previous = functional.pad(C, (1, 0))[..., :-1]
    y = selective_scan(u, delta, A, B, previous, D, z, delta_bias, delta_softplus)
    assert isinstance(y, Tensor)
    return y
