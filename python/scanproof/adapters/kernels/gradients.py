"""Gradients of a selective scan, whose backward a package may write itself, against the runner."""

from typing import Any

import torch
from torch import Tensor

from scanproof.adapters.kernels.subject import Subject
from scanproof.refinement.check import check_scan_refinement
from scanproof.refinement.kernels.selective import SelectiveScan
from scanproof.refinement.report import RefinementReport
from scanproof.scans.selective import selective_scan
from scanproof.streaming.model import Unsupported


def gradient_refinement(subject: Subject, seed: int = 0) -> RefinementReport:
    """Check gradients of y at every input, at random inputs in float32, against the adjoint of the runner.

    A subject that returns no last state is given that of ``scanproof.selective_scan``. Step sizes that are
    used as they are given are made positive.

    Raises:
        Unsupported: the gradients have no spec, or the subject has none.
    """
    kernel = subject.kernel
    if not isinstance(kernel, SelectiveScan):
        raise Unsupported("gradients are specified for selective scans alone")
    if subject.no_gradient:
        raise Unsupported("no gradients can be pulled through it")
    implementation, softplus = subject.load(), kernel.delta_softplus

    def scan(delta_softplus: bool = False, return_last_state: bool = True, **inputs: Tensor) -> Any:
        returned = implementation(**_turned(inputs))
        if isinstance(returned, tuple | list):
            return returned[0].transpose(1, 2), returned[1]
        _, last = selective_scan(**inputs, delta_softplus=softplus, return_last_state=True)
        return returned.transpose(1, 2), last.detach()

    inputs: dict[str, Any] = _turned(
        {name: x for name, x in subject.inputs(seed).items() if name != "initial_state"}
    )
    if not softplus:
        inputs["delta"] = inputs["delta"].abs()
    pulled = torch.randn(inputs["u"].shape, generator=torch.Generator().manual_seed(seed))
    return check_scan_refinement(
        scan,
        **inputs,
        delta_softplus=softplus,
        gradients=True,
        cotangents={"y": pulled},
        seed=seed,
        shrink=False,
    )


def _turned(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Exchange the axes of time and channels, in which kernels and ``selective_scan`` differ."""
    return {name: x.transpose(1, 2) if x.ndim == 3 else x for name, x in inputs.items()}
