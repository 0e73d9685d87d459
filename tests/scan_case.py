"""The scans of the package, and a random call of one."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import torch
from torch import Tensor

from scanproof.scans import selective_scan, selective_scan_associative, selective_scan_chunked

Scan = Callable[..., Any]
"""It returns one tensor, or with the last state two."""

SCANS: dict[str, Scan] = {
    "sequential": selective_scan,
    "chunked": partial(selective_scan_chunked, chunk_size=3),
    "associative": selective_scan_associative,
}


sequential: Scan = selective_scan


def scan_case(
    batch: int = 2,
    channels: int = 3,
    length: int = 21,
    states: int = 4,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    leave_out: Collection[str] = (),
    groups: int = 0,
) -> dict[str, Tensor]:
    """Return arguments; B and C have an axis of groups where there are groups."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64).to(dtype)

    per_group = (batch, *[groups] * (groups > 0), states, length)
    case = {
        "u": normal(batch, channels, length),
        "delta": normal(batch, channels, length),
        "A": -torch.exp(normal(channels, states)),
        "B": normal(*per_group),
        "C": normal(*per_group),
        "D": normal(channels),
        "z": normal(batch, channels, length),
        "delta_bias": normal(channels),
    }
    return {name: tensor for name, tensor in case.items() if name not in leave_out}


def scanned(**given: Any) -> tuple[Tensor, Tensor]:
    """Return the outputs and the last state of the sequential scan."""
    found = selective_scan(**given, return_last_state=True)
    assert isinstance(found, tuple)
    return found
