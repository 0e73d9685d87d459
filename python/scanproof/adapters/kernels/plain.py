"""Packages in plain PyTorch: the scans of mambapy 1.2.0 and accelerated-scan 0.3.1, s5-pytorch 0.2.1."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from scanproof.adapters.bare import bare_module
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.complex_diagonal import ComplexDiagonal
from scanproof.refinement.kernels.linear import LinearRecurrence
from scanproof.refinement.kernels.selective import SelectiveScan

_POWER = 64


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of the packages, which are in ``folder`` or, if that is None, installed."""
    without = frozenset({"z", "delta_bias", "initial_state"})
    scans = tuple(
        Subject(
            f"mambapy.mamba:MambaBlock.{name}",
            "mambapy",
            partial(_mambapy, name, folder),
            SelectiveScan(),
            without=without,
            folder=folder,
        )
        for name in ("selective_scan", "selective_scan_seq")
    )
    s5 = Subject(
        "s5.s5_model:apply_ssm",
        "s5-pytorch",
        partial(_s5, folder),
        ComplexDiagonal(),
        folder=folder,
        departs="One example at a time; the state of a conjugate pair is not doubled.",
    )
    accelerated = Subject(
        "accelerated_scan.ref:scan",
        "accelerated-scan",
        partial(_accelerated, folder),
        LinearRecurrence(),
        without=frozenset({"initial_state"}),
        sizes={"time": _POWER},
        multiple=_POWER // 2,
        folder=folder,
        departs="It takes only lengths that are powers of two.",
    )
    return (*scans, s5, accelerated)


def _accelerated(folder: Path | None) -> Implementation:
    scan = bare_module("accelerated_scan.ref", folder=folder).scan

    def implementation(x: Tensor, g: Tensor) -> Any:
        return scan(g.mT.contiguous(), x.mT.contiguous()).mT

    return implementation


def _mambapy(name: str, folder: Path | None) -> Implementation:
    block = bare_module("mambapy.mamba", folder=folder).MambaBlock

    def implementation(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Any:
        config = SimpleNamespace(d_inner=A.shape[0], d_state=A.shape[1])
        return getattr(block, name)(SimpleNamespace(config=config), u, delta, A, B, C, D)

    return implementation


def _s5(folder: Path | None) -> Implementation:
    apply_ssm = bare_module("s5.s5_model", folder=folder).apply_ssm

    def implementation(
        u: Tensor, a_re: Tensor, a_im: Tensor, B_re: Tensor, B_im: Tensor, C_re: Tensor, C_im: Tensor,
        D: Tensor, initial_re: Tensor | None = None, initial_im: Tensor | None = None,
    ) -> Any:  # fmt: skip
        weights = (torch.complex(a_re, a_im), torch.complex(B_re, B_im), torch.complex(C_re, C_im), D)
        start = None
        if initial_re is not None and initial_im is not None:
            start = torch.complex(initial_re, initial_im)
        results = [
            apply_ssm(*weights, row, state=None if start is None else start[i]) for i, row in enumerate(u)
        ]
        last = torch.stack([state for _, state in results])
        return torch.stack([y for y, _ in results]), last.real, last.imag

    return implementation
