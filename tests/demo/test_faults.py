"""The demo's faults are what it says they are."""

import pytest
import torch
from torch import Tensor

from scanproof import MambaCheckpoint, Verdict, certify, check_prefix, check_refinement, selective_scan
from scanproof.demo.block import mamba_block
from scanproof.demo.faults import (
    CHUNK_SIZE,
    scan_reading_one_token_late,
    scan_with_chunk_state_from_the_wrong_side,
)
from verdicts import pair_of

SHAPES = {
    "in_proj_weight": (12, 4),
    "conv1d_weight": (6, 1, 3),
    "x_proj_weight": (2 + 2 * 3, 6),
    "dt_proj_weight": (6, 2),
    "dt_proj_bias": (6,),
    "A_log": (6, 3),
    "D": (6,),
    "out_proj_weight": (4, 6),
}


@pytest.fixture(scope="module")
def checkpoint() -> MambaCheckpoint:
    rng = torch.Generator().manual_seed(1)
    return MambaCheckpoint(
        **{name: torch.randn(shape, generator=rng).double().numpy() / 2 for name, shape in SHAPES.items()}
    )


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(2, 2 * CHUNK_SIZE + 3, 4, generator=rng)


def test_the_block_refines_its_spec(checkpoint: MambaCheckpoint, x: Tensor) -> None:
    block = mamba_block(checkpoint, selective_scan, x.dtype)
    assert certify(block, x).verdict is Verdict.CAUSAL
    assert check_refinement(block, checkpoint, x).verdict is Verdict.REFINES


def test_the_leak_reaches_to_the_end_of_its_chunk_and_no_further(
    checkpoint: MambaCheckpoint, x: Tensor
) -> None:
    leaky = mamba_block(checkpoint, scan_with_chunk_state_from_the_wrong_side, x.dtype)
    pair = pair_of(certify(leaky, x))
    assert pair.t < pair.s
    assert pair.t // CHUNK_SIZE == pair.s // CHUNK_SIZE
    assert check_prefix(leaky, x).verdict is Verdict.LEAK


def test_the_wrong_scan_is_seen_by_refinement_alone(checkpoint: MambaCheckpoint, x: Tensor) -> None:
    wrong = mamba_block(checkpoint, scan_reading_one_token_late, x.dtype)
    assert certify(wrong, x).verdict is Verdict.CAUSAL
    assert check_prefix(wrong, x).verdict.passed
    assert check_refinement(wrong, checkpoint, x, shrink=False).verdict is Verdict.REFUTED
