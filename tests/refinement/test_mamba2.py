"""The Mamba-2 block's shapes, its state, and what it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scanproof import InvalidArgument, Mamba2BlockSpec, Verdict, check_refinement
from scanproof.refinement.kernels.arithmetic import EXACT, FLOAT64

SHAPES = {
    "inProj": (24, 3), "inBias": (24,), "convWeight": (14, 3), "convBias": (14,), "dtBias": (2,),
    "aLog": (2,), "D": (2,), "normWeight": (8,), "outProj": (3, 8), "outBias": (3,),
}  # fmt: skip


def spec(**changes: Any) -> Mamba2BlockSpec:
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(-2, 3, shape) / 2 for name, shape in SHAPES.items()}
    return Mamba2BlockSpec(**{**arrays, "groups": 1, "eps": 0.5, **changes})


X = np.random.default_rng(1).integers(-2, 3, (2, 7, 3)) / 2


def test_sizes_have_the_names_of_the_lean_structure() -> None:
    assert repr(spec()) == (
        "Mamba2BlockSpec(inputDim=3, heads=2, groups=1, headDim=4, stateDim=3, outputDim=3, convWidth=3)"
    )


@pytest.mark.parametrize("cut", [0, 1, 4, 7])
def test_a_run_goes_on_from_its_state(cut: int) -> None:
    whole, last = spec().run(X)
    first, state = spec().run(X[:, :cut])
    second, end = spec().run(X[:, cut:], state)
    assert np.array_equal(np.concatenate([first, second], axis=1), whole)
    assert all(np.array_equal(a, b) for a, b in zip(end, last, strict=True))
    assert last.h.shape == (2, 2, 4, 3)
    assert last.window.shape == (2, 2, 14)


def test_the_window_of_logarithms_changes_the_bound_alone() -> None:
    x, narrow = torch.from_numpy(X), spec()
    wide = replace(narrow, logWindow=4)
    assert np.array_equal(narrow.run(X)[0], wide.run(X)[0])
    reports = [
        check_refinement(lambda x: torch.from_numpy(narrow.run(x.numpy())[0]), s, x) for s in (narrow, wide)
    ]
    assert all(report.verdict is Verdict.REFINES for report in reports)
    assert reports[0].worst.bound < reports[1].worst.bound
    assert [report.bound_theorem for report in reports] == ["runDiagonalTransitions_error", ""]


def test_exact_runs_are_exact() -> None:
    y, _ = spec().run(X[:, :2], arithmetic=EXACT)
    assert y.shape == (2, 2, 3)
    assert y.dtype == object


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 3}, "8 channels, 2 heads, 3 groups"),
        ({"groups": 0}, "0 groups"),
        (
            {"inProj": np.ones((25, 3)), "inBias": np.ones(25)},
            "inProj has 25 rows; give 24: 8 for the gate, 14 for",
        ),
        ({"convWeight": np.ones((13, 3)), "convBias": np.ones(13)}, "convolution has 13 channels"),
        ({"convWeight": np.ones((8, 3)), "convBias": np.ones(8)}, "convolution has 8 channels"),
        ({"D": np.ones(3)}, "D has shape"),
        ({"aLog": [np.nan, 0.0]}, "aLog holds nan"),
    ],
    ids=str,
)
def test_wrong_parameters(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        spec(**changes)


def block(spec: Mamba2BlockSpec, x: Tensor, logs: bool = False) -> Tensor:
    """The block in plain PyTorch, token after token, or all tokens by sums of logarithms of decays."""
    p = {name: torch.tensor(getattr(spec, name), dtype=x.dtype) for name in spec.axes}
    sizes, inner = spec.dims, len(p["normWeight"])
    heads, groups, width = sizes["heads"], spec.groups, sizes["convWidth"]
    z, xbc, dt = functional.linear(x, p["inProj"], p["inBias"]).split([inner, len(p["convBias"]), heads], -1)
    padded = functional.pad(xbc.transpose(1, 2), (width - 1, 0))
    xbc = functional.conv1d(padded, p["convWeight"][:, None], p["convBias"], groups=xbc.shape[2])
    u, B, C = functional.silu(xbc).transpose(1, 2).split([inner, *[groups * sizes["stateDim"]] * 2], -1)
    u = u.unflatten(-1, (heads, -1))
    B, C = (each.unflatten(-1, (groups, -1)).repeat_interleave(heads // groups, 2) for each in (B, C))
    dt = functional.softplus(dt + p["dtBias"]).clamp(spec.dtMin, spec.dtMax)
    log = dt * -p["aLog"].exp()
    added = (dt[..., None] * u)[..., None] * B[..., None, :]
    if logs:
        sums = log.cumsum(1)
        pairs = sums[:, :, None] - sums[:, None]
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)[None, :, :, None]
        h = torch.einsum("btsh,bshpn->bthpn", pairs.masked_fill(later, -torch.inf).exp(), added)
    else:
        states, h = [], torch.zeros_like(added[:, 0])
        for t in range(x.shape[1]):
            h = log[:, t].exp()[..., None, None] * h + added[:, t]
            states.append(h)
        h = torch.stack(states, 1)
    y = (h * C[..., None, :]).sum(-1) + p["D"][:, None] * u
    gated = (y.flatten(2) * functional.silu(z)).unflatten(-1, (groups, -1))
    normed = gated * (gated.square().mean(-1, keepdim=True) + spec.eps).rsqrt()
    return functional.linear(normed.flatten(2) * p["normWeight"], p["outProj"], p["outBias"])


TWO_GROUPS = {"inProj": (30, 3), "inBias": (30,), "convWeight": (20, 3), "convBias": (20,)}


def normal(**changes: Any) -> Mamba2BlockSpec:
    rng = np.random.default_rng(3)
    shapes = {**SHAPES, **TWO_GROUPS}
    arrays = {name: 0.5 * rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Mamba2BlockSpec(**{**arrays, "groups": 2, "eps": 0.5, "dtMin": 0.3, "dtMax": 1.0, **changes})


def test_the_gradient_is_what_autograd_computes() -> None:
    spec, x = normal(), torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0)).double()
    tape = spec.tape(FLOAT64)
    variable, y = spec.trace(x.numpy(), tape)
    np.testing.assert_allclose(block(spec, x).numpy(), y.value, rtol=1e-12, atol=1e-12)
    cotangent = np.random.default_rng(0).normal(size=y.shape)
    [parts] = tape.gradients([(y, cotangent)], [variable])
    leaf = x.clone().requires_grad_()
    [want] = torch.autograd.grad(block(spec, leaf), leaf, torch.from_numpy(cotangent))
    np.testing.assert_allclose(FLOAT64.total(parts, x.shape), want.numpy(), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("window", [0, 9])
def test_gradients_refine(window: int) -> None:
    spec = normal(logWindow=window)
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        for seed in range(3):
            x = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(seed)).to(dtype)
            computed = torch.float32 if dtype == torch.bfloat16 else dtype
            report = check_refinement(
                lambda x, computed=computed: block(spec, x.to(computed), logs=window > 0),
                spec,
                x,
                gradients=True,
                rounding=computed,
            )
            assert report.verdict is Verdict.REFINES, report.summary()
            assert report.gradients == ("x",)
            assert report.greatest["dx"] > 1e-4
    adjoint = ("diagonalScan_adjoint", "diagonalScan_vjp_inputs_error")
    assert report.theorems[1:] == (() if window else ("runDiagonalTransitions_error", *adjoint))


@pytest.mark.parametrize("window", [0, 9])
def test_a_wrong_gradient_of_a_block_is_refuted(window: int) -> None:
    spec, x = normal(logWindow=window), torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0))

    def scale_detached(x: Tensor) -> Tensor:
        return block(spec, x) + 1e-3 * (block(spec, 0.5 * x) - block(spec, 0.5 * x).detach())

    assert check_refinement(scale_detached, spec, x).verdict is Verdict.REFINES
    report = check_refinement(scale_detached, spec, x, gradients=True, shrink=False)
    assert report.verdict is Verdict.REFUTED
    assert report.worst.output == "dx"
