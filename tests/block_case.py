# ruff: noqa: N815 (field names are those of the Lean structures)
"""Blocks in PyTorch that are the list runners of specs, with random parameters and inputs."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from scanproof import DiagonalS4Spec, MambaBlockSpec
from scanproof.refinement.cases import random_spec
from scanproof.refinement.runners import Spec


class DiagonalS4(nn.Module):
    inProj: Tensor
    a: Tensor
    outProj: Tensor
    skip: Tensor

    def __init__(self, spec: Spec, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        for name in spec.axes:
            self.register_buffer(name, torch.from_numpy(np.array(getattr(spec, name))).to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        u, h = functional.linear(x, self.inProj), torch.zeros_like(self.a)
        states: list[Tensor] = []
        for t in range(x.shape[1]):
            h = self.a * h + u[:, t]
            states.append(h)
        return functional.linear(torch.stack(states, 1), self.outProj) + functional.linear(x, self.skip)


class CompactMamba(DiagonalS4):
    gateProj: Tensor
    b: Tensor
    c: Tensor
    d: Tensor

    def forward(self, x: Tensor) -> Tensor:
        u, gate = functional.linear(x, self.inProj), torch.sigmoid(functional.linear(x, self.gateProj))
        h = torch.zeros_like(self.a)
        states: list[Tensor] = []
        for t in range(x.shape[1]):
            h = self.a * h + self.b * u[:, t]
            states.append(h)
        return functional.linear((self.c * torch.stack(states, 1) + self.d * u) * gate, self.outProj)


BLOCKS: dict[type[Spec], type[DiagonalS4]] = {DiagonalS4Spec: DiagonalS4, MambaBlockSpec: CompactMamba}
DIMS = {"inputDim": 3, "stateDim": 5, "outputDim": 2}


def scalar_s4(*, inProj: float, a: float, outProj: float, skip: float) -> DiagonalS4Spec:
    """Return a spec whose matrices have one entry."""
    return DiagonalS4Spec(
        inProj=np.array([[inProj]]), a=np.array([a]), outProj=np.array([[outProj]]), skip=np.array([[skip]])
    )


def block_case(
    kind: type[Spec] = DiagonalS4Spec,
    dtype: torch.dtype = torch.float32,
    length: int = 20,
    seed: int = 0,
) -> tuple[nn.Module, Spec, Tensor]:
    spec = random_spec(kind, DIMS, seed=seed)
    x = torch.randn(2, length, 3, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return BLOCKS[kind](spec, dtype), spec, x
