"""A small error is refuted at every setting of every option of every kernel, block and check.

A bound that holds and is too wide passes what is wrong. So each setting is tried from both sides: the right
program, in float32, refines; with one entry of one output or gradient off by a thousandth it does not.
"""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from refinement.evaluation import Evaluation, block_in, kernel_in
from scan_case import scan_case
from scanproof import (
    CausalConv1d,
    Comba,
    ComplexDiagonal,
    DiagonalS4Spec,
    GatedDeltaRule,
    GatedLinearAttention,
    GatedNorm,
    GeneralizedDeltaRule,
    Kernel,
    LinearRecurrence,
    Mamba2BlockSpec,
    MambaBlockSpec,
    MinGru,
    MLstm,
    RefinementReport,
    RgLru,
    Rounding,
    Rwkv6,
    SelectiveMambaBlockSpec,
    SelectiveScan,
    SelectiveScanFn,
    SsdScan,
    Verdict,
    check_refinement,
)
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.runners import Spec
from scanproof.scans import selective_scan

TIME = 4
OFF = 2e-3
"""Relative error of the one wrong entry."""

MOST = (1e-3, 2.0, 100.0, 1e6, 1e30, inf)
FLOAT32 = Rounding.of(torch.float32)
ROUNDINGS = (
    Rounding.of(torch.float32, ulps=4),
    Rounding.of(torch.float32, accumulator=torch.float64),
    Rounding.of(torch.float32, order="sequential"),
    replace(FLOAT32, exp_argument_roundings=2),
)
SCALES = (1.0, 0.5, -1e3, 1e-3)


def one_entry_off(tensor: Tensor) -> Tensor:
    """Move the greatest entry by a small part of it, or a zero as far as a one."""
    moved = tensor.detach().clone().reshape(-1)
    place = int(moved.abs().argmax())
    moved[place] += OFF * (moved[place] or 1.0)
    return moved.view(tensor.shape)


class Off(torch.autograd.Function):
    """What it is given, with one entry off, or with one entry of its gradient off."""

    @staticmethod
    def forward(context: Any, x: Tensor, backwards: bool) -> Tensor:
        context.backwards = backwards
        return x.clone() if backwards else one_entry_off(x)

    @staticmethod
    def backward(context: Any, g: Tensor) -> tuple[Tensor, None]:
        return one_entry_off(g) if context.backwards else g, None


def off_everywhere(right: Callable[..., Any]) -> Callable[..., Any]:
    """Return a program of which every output, and every gradient, has one entry off."""

    def implementation(*tensors: Tensor, **inputs: Any) -> tuple[Tensor, ...]:
        leaves = [Off.apply(x, True) for x in tensors]
        given = {name: Off.apply(x, True) if is_input(x) else x for name, x in inputs.items()}
        results = right(*leaves, **given)
        if isinstance(results, torch.Tensor):
            return Off.apply(results, False)
        return tuple(Off.apply(result, False) for result in results)

    return implementation


def is_input(x: Tensor) -> bool:
    return isinstance(x, torch.Tensor) and x.requires_grad


def is_tight(report: Callable[[Callable[..., Any]], RefinementReport], right: Callable[..., Any]) -> None:
    """Check from both sides; ``report`` runs a check of a program."""
    found = report(right)
    assert found.verdict is Verdict.REFINES, found.summary()
    wrong = report(off_everywhere(right))
    assert wrong.verdict is Verdict.REFUTED
    assert wrong.gradients
    passed = {name: ratio for name, ratio in wrong.greatest.items() if ratio <= 1}
    assert not passed, passed


# ---------------------------------------------------------------- kernels


KERNELS = [
    *(SelectiveScan(softplus) for softplus in (False, True)),
    *(CausalConv1d(silu) for silu in (False, True)),
    *(SsdScan(softplus) for softplus in (False, True)),
    *(SsdScan(True, least, most) for least in (None, 0.0, 0.1) for most in (None, *MOST)),
    *(SsdScan(False, least, most) for least in (-inf, 1e-6) for most in MOST),
    *(GatedLinearAttention(scale, logs) for scale in SCALES for logs in (True, False)),
    *(Rwkv6(scale) for scale in SCALES),
    RgLru(),
    MinGru(),
    *(LinearRecurrence(logs) for logs in (True, False)),
    *(ComplexDiagonal(scale) for scale in (1.0, 2.0, -1e3)),
    *(
        GatedDeltaRule(scale, logs, eps, chunk)
        for scale in (1.0, 0.5)
        for logs in (True, False)
        for eps in (None, 1e-6, 1.0)
        for chunk in (None, 1, 3, 64)
    ),
    *(Comba(0.5, logs, eps, chunk) for logs in (True, False) for eps in (None, 1e-6) for chunk in (None, 3)),
    *(GeneralizedDeltaRule(0.5, logs, chunk) for logs in (True, False) for chunk in (None, 1, 3, 64)),
    *(
        GatedNorm(eps, groups, first, centred, act)
        for eps, groups in ((1e-5, 1), (1.0, 1), (1e-5, 2))
        for first in (True, False)
        for centred in (True, False)
        for act in ("silu", "sigmoid")
    ),
]
MLSTMS = [MLstm(scale, eps) for scale in (1.0, 0.5, 1e-3, 1e3) for eps in (0.0, 1e-6, 0.01, 1.0)]
SUMMED = [SsdScan(True, 0.1, 2.0), GatedLinearAttention(0.5), Rwkv6(0.5), RgLru()]
SETTINGS = [
    *((kernel, {}) for kernel in KERNELS),
    *((kernel, {"log_window": 1}) for kernel in MLSTMS),
    *((kernel, {"log_window": w}) for kernel in [*SUMMED, MLSTMS[5]] for w in (1, 2, TIME, 64, 10**6)),
    *((kernel, {"log_window": 2, "rounding": r}) for kernel in [*SUMMED, MLSTMS[5]] for r in ROUNDINGS),
    *(
        (kernel, {"rounding": r})
        for kernel in [*SUMMED, MinGru(), LinearRecurrence(), ComplexDiagonal()]
        for r in ROUNDINGS
    ),
]


Setting = tuple[Kernel, dict[str, Any]]


def named(setting: Setting) -> str:
    kernel, options = setting
    place = ROUNDINGS.index(options["rounding"]) if "rounding" in options else ""
    return f"{kernel}, window {options.get('log_window', 0)}, rounding {place}"


def tame(kernel: Kernel, every: bool) -> dict[str, Tensor]:
    """Return inputs at which little cancels: then a bound has no excuse to be wide."""
    sizes: dict[str, Any] = {
        "batch": 1,
        "time": TIME,
        "head": 2,
        "channel": 2,
        "state": 2,
        "width": 3,
        "feature": 8,
    }
    if isinstance(kernel, CausalConv1d):
        sizes["initial_state"] = 2
    inputs = random_inputs(kernel, seed=0, without=frozenset() if every else kernel.optional, **sizes)
    signed = ("A", "g", "w", "seq_idx", "reset")
    inputs = {name: x if name in signed else x.abs() for name, x in inputs.items()}
    if "decay" in inputs:
        inputs["decay"] -= 4  # decays near 1
    if "reset" in inputs:
        inputs["reset"] = inputs["reset"].roll(2, dims=1)
    if getattr(kernel, "log_decays", True) is False and "g" in inputs:
        inputs["g"] = inputs["g"].exp()
    return inputs


@pytest.mark.parametrize("setting", SETTINGS, ids=named)
@pytest.mark.parametrize("every", [True, False], ids=["all inputs", "no optional ones"])
def test_at_every_setting_of_a_kernel(setting: Setting, every: bool) -> None:
    kernel, options = setting
    inputs, right = tame(kernel, every), kernel_in(kernel, Evaluation())
    cotangents = {name: torch.ones_like(y) for name, y in zip(kernel.outputs, right(**inputs), strict=True)}
    if isinstance(kernel, GatedNorm):
        cotangents["y"] *= torch.arange(8) % 4 == 0  # what all features of a layer norm add up to is constant
    is_tight(
        lambda program: check_refinement(
            program, kernel, inputs, cotangents=cotangents, shrink=False, **options
        ),
        right,
    )


# ---------------------------------------------------------------- blocks, and the scan


DIMS = {
    "inputDim": 2, "stateDim": 2, "outputDim": 2, "innerDim": 2, "dtRank": 2, "convWidth": 3,
    "projected": 18, "convDim": 12, "heads": 2,
}  # fmt: skip


def spec_of(kind: type[Spec], **options: Any) -> Spec:
    """Return a spec with random parameters of one sign, decays aside."""
    inner = {"innerDim": 4} if kind is Mamba2BlockSpec else {}
    sizes = {axis: {**DIMS, **inner}[axis] for axes in kind.axes.values() for axis in axes}
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(0.3, 0.9, [sizes[axis] for axis in axes]) for name, axes in kind.axes.items()}
    if "A" in values:
        values["A"] = -values["A"]
    return kind(**values, **options)


MAMBA2 = {"groups": 2, "eps": 1e-5}
BLOCKS = [
    spec_of(DiagonalS4Spec),
    spec_of(MambaBlockSpec),
    spec_of(SelectiveMambaBlockSpec),
    *(spec_of(Mamba2BlockSpec, **MAMBA2, dtMin=least) for least in (None, 0.0, 0.5, 4.0)),
    *(spec_of(Mamba2BlockSpec, **MAMBA2, dtMax=most) for most in MOST),
    *(spec_of(Mamba2BlockSpec, groups=2, eps=100.0, logWindow=window) for window in (1, 2, TIME, 64, 10**6)),
    *(spec_of(Mamba2BlockSpec, groups=groups, eps=1.0) for groups in (2,)),
]


@pytest.mark.parametrize("spec", BLOCKS, ids=lambda spec: f"{type(spec).__name__}")
@pytest.mark.parametrize("rounding", [None, *ROUNDINGS], ids=range(len(ROUNDINGS) + 1))
def test_at_every_setting_of_a_block(spec: Spec, rounding: Rounding | None) -> None:
    x = torch.rand(1, TIME, 2, generator=torch.Generator().manual_seed(0)) + 0.1
    is_tight(
        lambda program: check_refinement(
            program, spec, x, cotangents={"y": torch.ones_like(x)}, rounding=rounding, shrink=False
        ),
        block_in(spec, Evaluation()),
    )


@pytest.mark.parametrize("softplus", [True, False])
@pytest.mark.parametrize("groups", [0, 1, 2])
@pytest.mark.parametrize("leave_out", [(), ("D", "z", "delta_bias")])
@pytest.mark.parametrize("rounding", [None, *ROUNDINGS], ids=range(len(ROUNDINGS) + 1))
def test_at_every_setting_of_the_scan(
    softplus: bool, groups: int, leave_out: tuple[str, ...], rounding: Rounding | None
) -> None:
    case = scan_case(1, 2, TIME, 2, leave_out=leave_out, groups=groups)
    case = {name: x if name == "A" else x.abs() for name, x in case.items()}
    cotangents = {"y": torch.ones_like(case["u"]), "last_state": torch.ones(1, 2, 2)}
    is_tight(
        lambda program: check_refinement(
            program,
            SelectiveScanFn(),
            {**case, "delta_softplus": softplus},
            cotangents=cotangents,
            rounding=rounding,
            shrink=False,
        ),
        selective_scan,
    )
