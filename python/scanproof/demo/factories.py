"""Factories to try the commands with, such as ``scanproof certify scanproof.demo.factories:block``."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from scanproof.demo.block import Scan, mamba_block
from scanproof.demo.faults import scan_with_chunk_state_from_the_wrong_side
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.scans import selective_scan, selective_scan_chunked

Made = tuple[Callable[[Tensor], Tensor], MambaCheckpoint]

CHANNELS, INNER, STATES, RANK, TAPS = 8, 16, 4, 2, 4

_SHAPES = {
    "in_proj_weight": (2 * INNER, CHANNELS),
    "conv1d_weight": (INNER, 1, TAPS),
    "conv1d_bias": (INNER,),
    "x_proj_weight": (RANK + 2 * STATES, INNER),
    "dt_proj_weight": (INNER, RANK),
    "dt_proj_bias": (INNER,),
    "A_log": (INNER, STATES),
    "D": (INNER,),
    "out_proj_weight": (CHANNELS, INNER),
}


def block() -> Made:
    """Return a Mamba block in float32 with 8 channels and random parameters, and its spec."""
    return _block(selective_scan)


def leaky_block() -> Made:
    """Return the same block around a scan that reads the rest of its chunk of 8, and its spec."""
    return _block(scan_with_chunk_state_from_the_wrong_side)


def scans() -> dict[str, object]:
    """Return a scan, token by token and by chunks of 8, and an input."""
    shapes = {"u": (1, 2, 20), "delta": (1, 2, 20), "A": (2, 4), "B": (1, 4, 20), "C": (1, 4, 20)}
    x = {name: torch.randn(shape) for name, shape in shapes.items()}
    x["A"] = -x["A"].abs()
    return {
        "f": partial(selective_scan, delta_softplus=True),
        "g": partial(selective_scan_chunked, delta_softplus=True, chunk_size=8),
        "x": x,
    }


def _block(scan: Scan) -> Made:
    numbers = {name: torch.randn(shape) / shape[-1] ** 0.5 for name, shape in _SHAPES.items()}
    checkpoint = MambaCheckpoint(**{name: part.double().numpy() for name, part in numbers.items()})
    return mamba_block(checkpoint, scan, torch.float32), checkpoint
