"""The numbers that ``Spec/Statements/KernelValues.lean`` expects of the kernels are those of PyTorch.

Integers in int64; ``exp``, ``log`` and the quotient are replaced as that file says.
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from surrogates import exp, silu, softplus

LEAN = (Path(__file__).parents[1] / "Spec" / "Statements" / "KernelValues.lean").read_text()

U = torch.tensor([[1, 2, 3, -1], [2, -1, 1, 2]])
DELTA = torch.tensor([[20, 0, 1, -2], [-1, 1, 19, 0]])
A = torch.tensor([[1, -1], [0, 2], [-1, 0], [1, 1]])
B = torch.tensor([[[1, 3], [0, -2]], [[2, -1], [1, 1]]])  # (time, groups, states)
C = torch.tensor([[[2, 1], [1, 1]], [[1, 0], [-1, 3]]])
D = torch.tensor([5, -7, 11, 13])
Z = torch.tensor([[1, -1, 3, 2], [2, 0, 1, -2]])
BIAS = torch.tensor([1, 0, 2, -1])
START = torch.tensor([[1, 0], [0, 1], [2, 1], [-1, 1]])


def expects(tensor: Tensor) -> bool:
    return f"{tensor.tolist()} := by decide\n" in LEAN


def test_causal_convolution() -> None:
    x = torch.tensor([[1, 2], [3, 4], [5, 6], [7, 8]])
    weight, bias = torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([10, 20])
    padded = functional.conv1d(x.T[None], weight[:, None], bias, padding=2, groups=2)[0, :, : len(x)].T
    assert expects(padded)
    after = torch.cat([torch.tensor([[-1, -3], [-2, -4]]), x])
    assert expects(functional.conv1d(after.T[None], weight[:, None], bias, groups=2)[0].T)
    assert expects(after[-2:].flip(0))


def test_selective_scan() -> None:
    for options in (False, True):
        dt = softplus(DELTA + BIAS) if options else DELTA
        h, outputs = START, []
        for t in range(len(U)):
            b, c = (each[t].repeat_interleave(2, dim=0) for each in (B, C))
            h = exp(dt[t, :, None] * A) * h + dt[t, :, None] * b * U[t, :, None]
            y = torch.einsum("dn,dn->d", h, c)
            outputs.append((y + U[t] * D) * silu(Z[t]) if options else y)
        assert expects(torch.stack(outputs))
        assert expects(h)


def test_groups_are_repeated_channel_by_channel() -> None:
    assert expects(torch.arange(2).repeat_interleave(2))
