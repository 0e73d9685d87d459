"""Mixing positions by fixed or learned matrices: Walsh-Hadamard, Fourier, shifts, views of the wrong axis."""

import torch
from torch import Tensor

from .specimen import CAUSAL, CHUNK, D, Fault, Model, T, ahead, every, exactly, only, same_block, seeded

WEIGHT = seeded(20, 64, 64)


def hadamard(size: int, like: Tensor) -> Tensor:
    """Return the Walsh-Hadamard matrix of a power of two."""
    matrix = like.new_ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)], 0)
    return matrix


def walsh_hadamard_blocks(x: Tensor, size: int = CHUNK) -> Tensor:
    """Mix positions within blocks; a ragged last block stays as it is."""
    whole = x.shape[1] // size * size
    blocks = x[:, :whole].unflatten(1, (-1, size))
    mixed = torch.einsum("ij,bnjd->bnid", hadamard(size, x), blocks).flatten(1, 2)
    return torch.cat([mixed, x[:, whole:]], 1)


def previous_block(x: Tensor) -> Tensor:
    """Add to every block the Walsh-Hadamard transform of the one before."""
    mixed = walsh_hadamard_blocks(x)
    late = torch.cat([torch.zeros_like(x[:, :CHUNK]), mixed], 1)
    return x + late[:, : x.shape[1]]


def walsh_hadamard_whole(x: Tensor) -> Tensor:
    size = 1 << (x.shape[1] - 1).bit_length()
    return hadamard(size, x)[: x.shape[1], : x.shape[1]] @ x


def butterfly(x: Tensor, distance: int = CHUNK) -> Tensor:
    """Add to each position its partner in one level of a butterfly, where there is one."""
    partner = torch.arange(x.shape[1], device=x.device) ^ distance
    exists = partner < x.shape[1]
    return x + x[:, partner.where(exists, 0)] * exists[:, None]


def shifted(x: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)


def mixed_by(x: Tensor, diagonal: int | None) -> Tensor:
    """Mix positions by a dense matrix, lower triangular up to ``diagonal``."""
    weight = WEIGHT[: x.shape[1], : x.shape[1]].to(x.dtype)
    return (weight if diagonal is None else weight.tril(diagonal)) @ x


def gated_spatially(x: Tensor) -> Tensor:
    """Gate one half of the channels by a mixture of the other over all positions, as in gMLP."""
    u, v = x.chunk(2, dim=-1)
    return torch.cat([u * mixed_by(v, None), v], -1)


def viewed(x: Tensor) -> Tensor:
    """Take a tensor of (B, D, T) for one of (B, T, D)."""
    return x.mT.reshape(x.shape)


MODELS = [
    Model(name="shifted by one", fn=shifted, prefix=CAUSAL),
    Model(name="token shift", fn=lambda x: 0.7 * x + 0.3 * shifted(x), prefix=CAUSAL),
    Model(name="lower triangular mixing", fn=lambda x: mixed_by(x, 0)),
    Model(name="Walsh-Hadamard of the block before", fn=previous_block),
    Model(name="Walsh-Hadamard over channels", fn=lambda x: x @ hadamard(D, x)),
]

FAULTS = [
    Fault(name="Walsh-Hadamard within blocks", fn=walsh_hadamard_blocks, reads=same_block()),
    Fault(name="Walsh-Hadamard of the whole", fn=walsh_hadamard_whole, reads=every),
    Fault(name="one level of a butterfly", fn=butterfly, reads=lambda t, s: s == t ^ CHUNK),
    Fault(name="Fourier mixing", fn=lambda x: torch.fft.fft(x, dim=1).real, reads=every),
    Fault(name="mixed by a full matrix", fn=lambda x: mixed_by(x, None), reads=every),
    Fault(name="triangular matrix off by one", fn=lambda x: mixed_by(x, 1), reads=ahead(1)),
    Fault(name="spatial gating", fn=gated_spatially, reads=every),
    Fault(
        name="view of the wrong axis",
        fn=viewed,
        reads=lambda t, s: s in {(t * D + channel) % T for channel in range(D)},
        by_length=True,
    ),
    Fault(name="reads the next token only", fn=lambda x: x.roll(-1, 1), reads=exactly(1)),
    Fault(name="token shift that wraps around", fn=lambda x: x + x.roll(1, 1), reads=only((0, T - 1))),
]
