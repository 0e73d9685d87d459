"""Chunked kernels whose matrix products take shorter factors: right ones refine, wrong ones do not."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from refinement.kernels import chunked
from scanproof import (
    Comba,
    GatedDeltaRule,
    GatedLinearAttention,
    GeneralizedDeltaRule,
    Kernel,
    MLstm,
    Rounding,
    Rwkv6,
    SsdScan,
    Verdict,
    check_refinement,
)
from scanproof.refinement.kernels.bounds import KernelBounds
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.report import RefinementReport

Precision = Literal["tf32", "bf16-mixed"]
NO_DECAY, NO_INDEX = frozenset({"g"}), frozenset({"seq_idx"})
FORMS: dict[str, tuple[Kernel, Callable[..., Any], dict[str, Any], frozenset[str]]] = {
    "attention": (GatedLinearAttention(0.5), chunked.attention, {"log_window": 4}, frozenset()),
    "attention, no decay": (GatedLinearAttention(0.5), chunked.attention, {}, NO_DECAY),
    "rwkv6": (Rwkv6(0.5), chunked.rwkv6, {"log_window": 4}, frozenset()),
    "ssd": (SsdScan(True), chunked.ssd, {"log_window": 4}, NO_INDEX),
    "ssd, states carried": (SsdScan(True), partial(chunked.ssd, carry=True), {"log_window": 4}, NO_INDEX),
    "mlstm": (MLstm(0.5, 0.01), chunked.mlstm, {"log_window": 4}, frozenset()),
    "comba": (Comba(0.5, chunk_size=4), chunked.comba, {}, frozenset()),
    "generalised delta": (
        GeneralizedDeltaRule(0.5, chunk_size=4),
        chunked.generalized_delta,
        {},
        frozenset(),
    ),
    "delta": (GatedDeltaRule(0.5, norm_eps=1e-6, chunk_size=4), chunked.delta, {}, frozenset()),
}
FACTORS: dict[str, tuple[Precision, Callable[[Tensor], Tensor]]] = {
    "tf32, cut": ("tf32", chunked.cut_to_tf32),
    "tf32, nearest": ("tf32", chunked.nearest_tf32),
    "bf16-mixed": ("bf16-mixed", chunked.nearest_bf16),
}


def inputs_of(kernel: Kernel, without: frozenset[str], seed: int, tame: bool = False) -> dict[str, Tensor]:
    sizes: dict[str, Any] = {"batch": 1, "head": 2, "group": 1, "time": 11, "state": 4, "channel": 3}
    inputs = random_inputs(kernel, seed=seed, without=without, **sizes)
    if not tame:
        return inputs
    return {name: x if name in ("A", "g", "w") else x.abs() for name, x in inputs.items()}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("factors", FACTORS)
def test_right_kernels_refine(name: str, factors: str) -> None:
    """What cancels in gradients at decays is decided rarely; no entry of any gradient is refuted."""
    kernel, form, options, without = FORMS[name]
    rounding, rounded = FACTORS[factors]
    right = partial(form, chunked.products(rounded))
    for seed in range(2):
        inputs = inputs_of(kernel, without, seed)
        options = {**options, "shrink": False}
        report = check_refinement(right, kernel, inputs, rounding=rounding, **options)
        assert report.verdict is Verdict.REFINES, report.summary()
        assert report.worst.ratio > 0.01
        pulled = check_refinement(right, kernel, inputs, gradients=True, rounding=rounding, **options)
        assert pulled.worst.ratio <= 1, pulled.summary()
        in_float32 = check_refinement(right, kernel, inputs, **options)
        assert in_float32.verdict is Verdict.REFUTED, "float32 itself does not explain it"


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(("factors", "off"), [("tf32, cut", 0.06), ("bf16-mixed", 0.25)])
def test_a_small_error_is_refuted_all_the_same(name: str, factors: str, off: float) -> None:
    kernel, form, options, without = FORMS[name]
    rounding, rounded = FACTORS[factors]
    right = partial(form, chunked.products(rounded))
    inputs = inputs_of(kernel, without, 0, tame=True)

    def wrong(**tensors: Tensor) -> tuple[Tensor, ...]:
        results = right(**tensors)
        several = results if isinstance(results, tuple) else (results,)
        return tuple(result * (1 + off) for result in several)

    report = check_refinement(
        wrong, kernel, inputs, gradients=True, rounding=rounding, shrink=False, **options
    )
    assert report.verdict is Verdict.REFUTED
    for target in (*kernel.outputs, "dx" if "x" in inputs else "dv"):
        assert report.greatest[target] > 1, (target, report.greatest[target])


def test_a_kernel_as_people_train_it() -> None:
    """Operands and outputs in bfloat16, the state and the accumulator in float32."""
    kernel, form, options, without = FORMS["attention"]
    inputs = {name: x.bfloat16() for name, x in inputs_of(kernel, without, 0).items()}

    def trained(change: float, **tensors: Tensor) -> tuple[Tensor, Tensor]:
        y, last = form(chunked.products(chunked.nearest_bf16), **{n: x.float() for n, x in tensors.items()})
        return (change * y).bfloat16(), last

    def report(change: float, rounding: Precision | torch.dtype | None) -> RefinementReport:
        return check_refinement(
            partial(trained, change), kernel, inputs, rounding=rounding, shrink=False, **options
        )

    right = report(1.0, "bf16-mixed")
    assert right.verdict is Verdict.REFINES, right.summary()
    assert right.coarser == {"y": "bfloat16"}
    assert report(1.25, "bf16-mixed").verdict is Verdict.REFUTED
    assert report(1.0, None).verdict is Verdict.REFUTED, "what is computed in float32 is more exact"
    assert right.sharpness < report(1.0, torch.bfloat16).sharpness / 2


def test_matrix_products_are_counted_where_there_is_no_coarser_accumulator() -> None:
    """Factors that are rounded before they enter are rounded whatever becomes of the sum."""
    rounding = Rounding(2.0**-24, 0.0, 1e38, operands=2.0**-10)
    assert rounding.growth_of_sum(5, 2) > 2.0**-9


def test_norms_and_sums_of_logarithms_are_no_matrix_products() -> None:
    """So factors enter them as they are, and the bound of a norm is that of float32."""
    errors = []
    for rounding in (Rounding.of(torch.float32), replace(Rounding.of(torch.float32), operands=2.0**-8)):
        ar = KernelBounds(rounding)
        x = ar.lift(np.linspace(0.1, 1, 8))
        errors.append(float(ar.inner(x, x).error))
    assert errors[0] == errors[1] < 1e-5
