"""The generalised delta rule and Comba: relations, chunked forms, and small faults."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from refinement.kernels import chunked
from refinement.kernels.recurrences import comba, generalized_delta
from scaled_gradient import scaled_gradient
from scanproof import (
    Comba,
    GatedDeltaRule,
    GeneralizedDeltaRule,
    Kernel,
    RefinementReport,
    Verdict,
    check_refinement,
    random_inputs,
)
from scanproof.refinement.cases import random_fractions
from scanproof.refinement.kernels.arithmetic import EXACT

SIZES = {"batch": 2, "time": 7, "head": 2, "state": 2, "channel": 2}
Exact = dict[str, NDArray[Any]]


def fractions(kernel: Kernel, seed: int, decays: int = 2) -> Exact:
    rng = np.random.default_rng(seed)
    return {
        name: random_fractions(tuple(SIZES[axis] if axis else decays for axis in axes), rng)
        for name, axes in kernel.inputs.items()
    }


def agree(found: Exact, expected: Exact) -> None:
    assert found.keys() == expected.keys()
    assert all((found[name] == expected[name]).all() for name in found)


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("decays", [1, 2])
@pytest.mark.parametrize("kind", [Comba, GeneralizedDeltaRule])
def test_by_chunks_it_is_the_recurrence(kind: Callable[..., Kernel], decays: int, chunk_size: int) -> None:
    by_tokens, by_chunks = (kind(scale=0.5, log_decays=False, chunk_size=size) for size in (None, chunk_size))
    for seed in range(3):
        inputs = fractions(by_tokens, seed, decays)
        agree(by_chunks.run(inputs, EXACT), by_tokens.run(inputs, EXACT))


def test_the_delta_rule_is_the_comba_that_reads_by_the_decay_times_the_key() -> None:
    """Lean theorem ``deltaStep_eq_combaStep``."""
    inputs = fractions(GatedDeltaRule(), 0)
    read = {**inputs, "p": inputs["g"] * inputs["k"]}
    agree(
        Comba(log_decays=False).run(read, EXACT),
        GatedDeltaRule(log_decays=False).run(inputs, EXACT),
    )


def test_comba_is_a_generalised_delta_rule() -> None:
    """Lean theorem ``combaStep_eq_generalized``."""
    inputs = fractions(Comba(), 0)
    beta = inputs["beta"][..., None]
    tokens = {name: inputs[name] for name in ("q", "k", "g", "initial_state")}
    tokens |= {"a": inputs["p"], "b": -beta * inputs["k"], "v": beta * inputs["v"]}
    agree(
        GeneralizedDeltaRule(log_decays=False).run(tokens, EXACT),
        Comba(log_decays=False).run(inputs, EXACT),
    )


# ---------------------------------------------------------------- forms by chunks


FORMS: dict[str, tuple[Callable[..., Kernel], Callable[..., Any]]] = {
    "generalised delta": (GeneralizedDeltaRule, chunked.generalized_delta),
    "comba": (Comba, chunked.comba),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", FORMS)
def test_forms_by_chunks_refine_and_small_errors_of_them_do_not(name: str, dtype: torch.dtype) -> None:
    kind, by_chunks = FORMS[name]
    form = partial(by_chunks, torch.matmul, size=8)
    kernel = kind(scale=0.5, chunk_size=8)
    for seed in range(3):
        inputs = random_inputs(kernel, seed=seed, dtype=dtype)
        report = check_refinement(form, kernel, inputs, gradients=True, shrink=False)
        assert report.verdict is Verdict.REFINES, report.summary()
        assert report.sharpness < 3e-3
    off = partial(form, off=1e-4 if dtype == torch.float32 else 1e-10)
    assert check_refinement(off, kernel, inputs, shrink=False).verdict is Verdict.REFUTED


# ---------------------------------------------------------------- small faults


BY_TOKENS: dict[str, tuple[Kernel, Callable[..., Any]]] = {
    "generalised delta": (GeneralizedDeltaRule(scale=0.5), generalized_delta),
    "comba": (Comba(scale=0.5), comba),
}
INPUTS = [(name, each) for name, (kernel, _) in BY_TOKENS.items() for each in kernel.inputs]


def report_of(name: str, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> RefinementReport:
    kernel, right = BY_TOKENS[name]
    inputs = random_inputs(kernel, seed=0, time=12)
    return check_refinement(lambda **x: right(**change(x)), kernel, inputs, gradients=True, shrink=False)


@pytest.mark.parametrize("name", BY_TOKENS)
def test_the_recurrence_in_float32_refines(name: str) -> None:
    report = report_of(name, dict)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.gradients == tuple(BY_TOKENS[name][0].inputs)


@pytest.mark.parametrize(("name", "changed"), INPUTS)
def test_a_small_factor_of_an_input_is_refuted(name: str, changed: str) -> None:
    report = report_of(name, lambda x: {**x, changed: x[changed] * (1 + 2e-5)})
    assert report.verdict is Verdict.REFUTED


@pytest.mark.parametrize(("name", "changed"), INPUTS)
def test_a_dropped_gradient_is_refuted(name: str, changed: str) -> None:
    report = report_of(name, lambda x: {**x, changed: scaled_gradient(0.0)(x[changed])})
    assert report.verdict is Verdict.REFUTED
    assert {target for target, ratio in report.greatest.items() if ratio > 1} == {f"d{changed}"}


def test_the_state_is_read_before_the_decay() -> None:
    """A program that reads the decayed state computes another function."""

    def late(read_by: str, **x: Tensor) -> Any:
        return BY_TOKENS["comba" if read_by == "p" else "generalised delta"][1](
            **{**x, read_by: x[read_by] * x["g"].exp()}
        )

    for name, read_by in (("comba", "p"), ("generalised delta", "a")):
        kernel, right = BY_TOKENS[name]
        inputs = random_inputs(kernel, seed=0)
        assert check_refinement(right, kernel, inputs).verdict is Verdict.REFINES
        assert (
            check_refinement(partial(late, read_by), kernel, inputs, shrink=False).verdict is Verdict.REFUTED
        )
