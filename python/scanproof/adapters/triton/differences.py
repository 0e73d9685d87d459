"""The comparison of two runs of one function, bit for bit."""

from collections.abc import Mapping

import torch
from torch import Tensor

Results = Mapping[str, Tensor]


def difference(first: Results, second: Results) -> str:
    """Say where two runs differ first; empty if all bits are equal. NaNs are equal to each other."""
    for name, a in first.items():
        b = second[name]
        differs = (a != b) & ~(a.isnan() & b.isnan())
        if differs.any():
            index = tuple(int(i) for i in differs.nonzero()[0])
            values = f"{float(a[index]):.6g} and {float(b[index]):.6g}"
            return (
                f"{name}{list(index)} is {values}; {int(differs.sum())} of {differs.numel()} entries of "
                f"{name} differ"
            )
    return ""


def detached(results: Results) -> dict[str, Tensor]:
    """Return copies of the results of a run."""
    with torch.no_grad():
        return {name: x.detach().clone() for name, x in results.items()}
