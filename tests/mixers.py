"""What the tests of transformers' mixers share."""

import copy

import torch
from torch import Tensor, nn


def tokens(length: int = 37, dtype: torch.dtype = torch.float32, width: int = 8) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(2, length, width, generator=rng, dtype=torch.float64).to(dtype)


def off_by_a_hundredth(mixer: nn.Module, name: str) -> nn.Module:
    """Return a copy in which the last entry of a parameter is larger."""
    changed = copy.deepcopy(mixer)
    with torch.no_grad():
        changed.get_parameter(name).view(-1)[-1] += 0.01
    return changed
