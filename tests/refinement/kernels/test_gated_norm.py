"""Gated norms: fused forms with a backward pass of their own, and small faults."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from refinement.kernels.recurrences import gated_norm
from scanproof import GatedNorm, InvalidArgument, Verdict, check_refinement, random_inputs
from scanproof.refinement.cases import random_fractions
from scanproof.refinement.kernels.arithmetic import EXACT
from verdicts import present

Fault = str | None


class Fused(torch.autograd.Function):
    """A norm with its gate after it, and the backward pass of kernels; ``fault`` leaves out a term."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, z: Tensor, centred: bool, fault: Fault
    ) -> Tensor:
        d = x - x.mean(-1, keepdim=True) if centred else x
        rstd = 1 / (d.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        hat, gate = d * rstd, functional.silu(z)
        ctx.save_for_backward(hat, rstd, weight, bias, z)
        ctx.options = centred, fault
        y = (hat * weight + bias) * gate
        return y * (1 + 1e-5) if fault == "scale" else y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        hat, rstd, weight, bias, z = ctx.saved_tensors
        centred, fault = ctx.options
        s = z.sigmoid()
        dz = dy * (hat * weight + bias) * s * (1 + z * (1 - s))
        dy = dy * z * s
        hat_gradient = dy * weight
        dx = hat_gradient
        if fault != "projection":
            dx = dx - hat * (hat * hat_gradient).mean(-1, keepdim=True)
        if centred and fault != "mean":
            dx = dx - hat_gradient.mean(-1, keepdim=True)
        dz = dy * 0 if fault == "gate" else dz
        return dx * rstd, (dy * hat).sum((0, 1)), dy.sum((0, 1)), dz, None, None


def fused(centred: bool, fault: Fault, x: Tensor, weight: Tensor, bias: Tensor, z: Tensor) -> Tensor:
    y: Tensor = Fused.apply(x, weight, bias, z, centred, fault)
    return y


@pytest.mark.parametrize("features", [16, 64, 256])
@pytest.mark.parametrize("centred", [False, True])
def test_a_fused_backward_refines(centred: bool, features: int) -> None:
    kernel = GatedNorm(centred=centred)
    for seed in range(3):
        inputs = random_inputs(kernel, seed=seed, time=9, feature=features)
        report = check_refinement(partial(fused, centred, None), kernel, inputs, gradients=True, shrink=False)
        assert report.verdict is Verdict.REFINES, report.summary()
        assert report.gradients == ("x", "weight", "bias", "z")
        assert report.sharpness < 1e-3


FAULTS = [
    (False, "scale", "y"),
    (True, "scale", "y"),
    (False, "projection", "dx"),
    (True, "projection", "dx"),
    (True, "mean", "dx"),
    (False, "gate", "dz"),
]


@pytest.mark.parametrize(("centred", "fault", "target"), FAULTS)
def test_a_term_left_out_is_refuted(centred: bool, fault: str, target: str) -> None:
    kernel = GatedNorm(centred=centred)
    inputs = random_inputs(kernel, seed=0, time=9)
    report = check_refinement(partial(fused, centred, fault), kernel, inputs, gradients=True, shrink=False)
    assert report.verdict is Verdict.REFUTED
    assert {name for name, ratio in report.greatest.items() if ratio > 1} == {target}


def test_the_norms_of_torch_refine() -> None:
    inputs = random_inputs(GatedNorm(), seed=0)

    def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, z: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], weight, bias, 1e-5) * functional.silu(z)

    def rms_norm(x: Tensor, weight: Tensor, bias: Tensor, z: Tensor) -> Tensor:
        return (functional.rms_norm(x, x.shape[-1:], weight, 1e-5) + bias) * functional.silu(z)

    for centred, fn in ((True, layer_norm), (False, rms_norm)):
        check_refinement(fn, GatedNorm(centred=centred), inputs, gradients=True).require()
        assert check_refinement(fn, GatedNorm(centred=not centred), inputs).verdict is Verdict.REFUTED


OPTIONS: dict[str, tuple[GatedNorm, Callable[..., Tensor]]] = {
    "eps": (GatedNorm(eps=1e-3), gated_norm),
    "groups": (GatedNorm(groups=2), gated_norm),
    "gate first": (GatedNorm(norm_before_gate=False), gated_norm),
    "centred": (GatedNorm(centred=True), gated_norm),
    "sigmoid": (GatedNorm(activation="sigmoid"), gated_norm),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_is_another_function(name: str) -> None:
    kernel, fn = OPTIONS[name]
    inputs = random_inputs(GatedNorm(), seed=0)
    assert check_refinement(fn, GatedNorm(), inputs).verdict is Verdict.REFINES
    assert check_refinement(fn, kernel, inputs, shrink=False).verdict is Verdict.REFUTED


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_the_lean_definition_number_by_number(centred: bool, first: bool) -> None:
    """With the surrogates of exact arithmetic: ``gatedNorm``."""

    def exp(x: Fraction) -> Fraction:
        return 1 + x + x * x

    kernel = GatedNorm(eps=0.5, groups=2, norm_before_gate=not first, centred=centred)
    rng = np.random.default_rng(0)
    x, z = random_fractions((1, 3, 4), rng), random_fractions((1, 3, 4), rng)
    weight, bias = random_fractions((4,), rng), random_fractions((4,), rng)
    found = kernel.run({"x": x, "z": z, "weight": weight, "bias": bias}, EXACT)["y"]
    for t in range(3):
        gates = [entry / (1 + exp(-entry)) for entry in z[0, t]]
        row = [a * b for a, b in zip(x[0, t], gates, strict=True)] if first else list(x[0, t])
        for start in (0, 2):
            group = row[start : start + 2]
            mean = sum(group, Fraction(0)) / 2 if centred else Fraction(0)
            group = [entry - mean for entry in group]
            m = sum((entry * entry for entry in group), Fraction(0)) / 2 + Fraction(1, 2)
            scale = exp(-((m * m - m) / 2))
            for i, entry in enumerate(group):
                y = entry * scale * weight[start + i] + bias[start + i]
                assert found[0, t, start + i] == (y if first else y * gates[start + i])


def test_groups_divide_the_features() -> None:
    inputs = random_inputs(GatedNorm(groups=3), seed=0)
    assert inputs["x"].shape[-1] == 48
    with pytest.raises(InvalidArgument, match="feature has 16 entries; give a multiple of 3"):
        random_inputs(GatedNorm(groups=3), seed=0, feature=16)
    with pytest.raises(InvalidArgument, match="groups is 0; give a whole number"):
        GatedNorm(groups=0)
    with pytest.raises(InvalidArgument, match="activation is 'relu'"):
        GatedNorm(activation="relu")  # type: ignore[arg-type]


def test_drawn_cases_have_features_to_norm() -> None:
    report = check_refinement(partial(gated_norm, groups=2), GatedNorm(groups=2), cases=30, gradients=True)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert present(report.drawn).inconclusive < 10
