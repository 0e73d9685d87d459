from typing import Any

import pytest
import torch
from torch import Tensor, nn

import scanproof
from block_case import scalar_s4
from running_sum import RunningSum


class NormOverTime(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.layer_norm(x.transpose(1, 2), x.shape[1:2]).transpose(1, 2)


class Layer(nn.Module):
    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.proj = nn.Linear(3, 3)
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm(self.proj(x))


@pytest.fixture(scope="session")
def reports() -> dict[str, Any]:
    """One report of every kind, by the name of its class."""
    torch.manual_seed(0)
    leaky = nn.Sequential(Layer(nn.LayerNorm(3)), Layer(NormOverTime()), Layer(nn.LayerNorm(3))).eval()
    x = torch.randn(2, 11, 3)
    spec = scalar_s4(inProj=1.0, a=0.5, outProj=1.0, skip=1.0)
    found = (
        scanproof.certify(leaky, x),
        scanproof.check_perturbation(leaky, x),
        scanproof.check_prefix(leaky, x),
        scanproof.check_batch(leaky, x),
        scanproof.leak_map(leaky, x),
        scanproof.check_streaming(RunningSum(), x),
        scanproof.audit(leaky, x, name="a leaky stack"),
        scanproof.check_refinement(lambda x: 2 * x, spec, torch.randn(2, 11, 1)),
    )
    return {type(report).__name__: report for report in found}
