"""Runs of Lean over residues and of kernels equal Python's, with nothing rounded."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from residue_twin import TwinArithmetic, mix
from scanproof.errors import InvalidArgument
from scanproof.programs.field.primes import draw_primes
from scanproof.programs.field.residues import Side
from scanproof.refinement.cases import random_spec
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.kernels.arithmetic import EXACT as KERNEL_EXACT
from scanproof.refinement.kernels.attention import GatedLinearAttention, MLstm, Rwkv6
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.kernels.complex_diagonal import ComplexDiagonal
from scanproof.refinement.kernels.delta import Comba, GatedDeltaRule
from scanproof.refinement.kernels.gated_norm import GatedNorm
from scanproof.refinement.kernels.generalized_delta import GeneralizedDeltaRule
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.linear import LinearRecurrence
from scanproof.refinement.kernels.recurrent_unit import MinGru, RgLru
from scanproof.refinement.kernels.requests import _RUNS
from scanproof.refinement.kernels.selective import CausalConv1d, SelectiveScan
from scanproof.refinement.kernels.ssd import SsdScan
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.residues import ResidueArithmetic
from scanproof.refinement.runners import DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec, Spec
from scanproof.refinement.words import LOST, ExactWords, FieldNumbers, FieldWords, exactly

PRIMES = draw_primes(7)
SIZES = {"batch": 2, "time": 4, "head": 2, "group": 1, "channel": 2, "state": 2, "width": 3, "feature": 4}
KERNELS: list[Kernel] = [
    SelectiveScan(),
    SelectiveScan(delta_softplus=True),
    SsdScan(),
    SsdScan(dt_softplus=True, dt_min=0.1, dt_max=0.5),
    CausalConv1d(),
    CausalConv1d(silu=True),
    GatedLinearAttention(scale=0.5),
    GatedLinearAttention(log_decays=False),
    Rwkv6(scale=0.5),
    MLstm(scale=0.5),
    MLstm(eps=1e-6),
    ComplexDiagonal(scale=2.0),
    GatedDeltaRule(scale=0.5),
    GatedDeltaRule(log_decays=False, norm_eps=1e-6),
    Comba(norm_eps=1e-6),
    GeneralizedDeltaRule(),
    GatedNorm(),
    GatedNorm(groups=2, norm_before_gate=False, centred=True, activation="sigmoid"),
    LinearRecurrence(),
    LinearRecurrence(log_decays=True),
    RgLru(),
    MinGru(),
]
KINDS: list[type[Spec]] = [DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec]


def inputs_of(kernel: Kernel, *, full: bool) -> dict[str, NDArray[Any]]:
    """Inputs of a kernel; those that may be left out are all there, or all not."""
    without = frozenset() if full else kernel.optional
    drawn = random_inputs(kernel, seed=3, dtype=torch.float64, without=without, constant=(), **SIZES)
    return {name: x.double().numpy() for name, x in drawn.items()}


def assert_same(lean: FieldNumbers, twin: NDArray[np.object_], *, values_only: bool = False) -> None:
    """All residues are equal, and the floats nearly."""
    assert lean.shape == twin.shape
    flat = [
        np.ravel(part).tolist()
        for part in (lean.floats, lean.values, lean.exponents, lean.rests, lean.factors)
    ]
    for number, float_, value, exponent, rest, factor in zip(twin.ravel(), *flat, strict=True):
        assert float_ == pytest.approx(number.real, rel=1e-9, abs=1e-12)
        assert value == (LOST if number.value is None else number.value)
        if values_only:
            continue
        assert exponent == (LOST if number.exponent is None else number.exponent)
        assert (rest, factor) == (number.law or (LOST, LOST))


@pytest.mark.parametrize(
    ("name", "prime", "value", "mixed"),
    [
        ("exp", 1000003, 0, 434288),
        ("exp", 1000003, 5, 260217),
        ("log", 7, 123456789, 4),
        ("sqrt", 2147483647, 2147483646, 83432998),
    ],
)
def test_lean_guards_the_same_mixed_numbers(name: str, prime: int, value: int, mixed: int) -> None:
    assert mix(name, prime, value) == mixed


@pytest.mark.lean
@pytest.mark.parametrize("kind", KINDS)
def test_models_over_residues(oracle: Oracle, kind: type[Spec]) -> None:
    axes = sorted({axis for axes in kind.axes.values() for axis in axes})
    spec = random_spec(kind, dict.fromkeys(axes, 2), seed=1)
    x = np.random.default_rng(2).normal(size=(2, 4, 2))
    y, state = oracle.run(spec, x, words=FieldWords(PRIMES))
    twin_y, twin_state = spec.run(x, arithmetic=TwinArithmetic(PRIMES))
    assert_same(y, twin_y)
    pairs = zip(state, twin_state, strict=True) if isinstance(state, tuple) else [(state, twin_state)]
    for lean, twin in pairs:
        assert_same(lean, twin)


@pytest.mark.lean
def test_a_checkpoint_over_residues(oracle: Oracle) -> None:
    rng = np.random.default_rng(3)
    shapes = {
        "in_proj_weight": (4, 2),
        "conv1d_weight": (2, 1, 3),
        "conv1d_bias": (2,),
        "x_proj_weight": (1 + 2 * 2, 2),
        "dt_proj_weight": (2, 1),
        "dt_proj_bias": (2,),
        "A_log": (2, 2),
        "D": (2,),
        "out_proj_weight": (2, 2),
    }
    checkpoint = MambaCheckpoint(**{name: rng.normal(size=shape) for name, shape in shapes.items()})
    x = rng.normal(size=(1, 3, 2))
    twin = TwinArithmetic(PRIMES)
    y, _ = oracle.run(checkpoint, x, words=FieldWords(PRIMES))
    assert_same(y, checkpoint.spec(twin).run(x, arithmetic=twin)[0])


@pytest.mark.lean
def test_a_run_over_residues_continues_from_its_state(oracle: Oracle) -> None:
    axes = sorted({axis for axes in SelectiveMambaBlockSpec.axes.values() for axis in axes})
    spec = random_spec(SelectiveMambaBlockSpec, dict.fromkeys(axes, 2), seed=1)
    x = np.random.default_rng(2).normal(size=(1, 5, 2))
    words = FieldWords(PRIMES)
    whole, _ = oracle.run(spec, x, words=words)
    _, state = oracle.run(spec, x[:, :2], words=words)
    rest, _ = oracle.run(spec, x[:, 2:], state, words=words)
    for part in ("floats", "values", "exponents", "rests", "factors"):
        assert (getattr(rest, part) == getattr(whole, part)[:, 2:]).all()


@pytest.mark.lean
@pytest.mark.parametrize("full", [True, False], ids=["full", "least"])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_kernels_over_residues(kernel_oracle: Oracle, kernel: Kernel, full: bool) -> None:
    inputs = inputs_of(kernel, full=full)
    lean = kernel_oracle.run_kernel(kernel, inputs, FieldWords(PRIMES))
    twin = kernel.run(inputs, TwinArithmetic(PRIMES))
    assert list(lean) == list(twin)
    for name, numbers in lean.items():
        assert_same(numbers, twin[name])


@pytest.mark.lean
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_the_twin_of_the_exact_answer_is_lean(kernel_oracle: Oracle, kernel: Kernel) -> None:
    inputs = inputs_of(kernel, full=True)
    lean = kernel_oracle.run_kernel(kernel, inputs, FieldWords(PRIMES))
    for name, twin in kernel.run(inputs, ResidueArithmetic(PRIMES)).items():
        assert isinstance(twin.pair.value, Side)
        assert twin.pair.value.values.broadcast_to(twin.shape).tolist() == lean[name].values.tolist()


@pytest.mark.lean
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_kernels_over_fractions(kernel_oracle: Oracle, kernel: Kernel) -> None:
    inputs = inputs_of(kernel, full=True)
    coarse = {name: x if name in kernel.marks else np.round(4 * x) / 4 for name, x in inputs.items()}
    small = {name: x[:, :2] if "time" in kernel.inputs[name] else x for name, x in coarse.items()}
    lean = kernel_oracle.run_kernel(kernel, small, ExactWords())
    twin = kernel.run(small, KERNEL_EXACT)
    for name, numbers in lean.items():
        assert (numbers == twin[name]).all()


@pytest.mark.lean
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_kernels_in_float64(kernel_oracle: Oracle, kernel: Kernel) -> None:
    inputs = inputs_of(kernel, full=True)
    lean = kernel_oracle.run_kernel(kernel, inputs)
    twin = kernel.run(inputs)
    for name, numbers in lean.items():
        np.testing.assert_allclose(numbers, twin[name], rtol=1e-11, atol=1e-13)


@pytest.mark.lean
def test_another_number_gives_other_residues(kernel_oracle: Oracle) -> None:
    kernel = GatedLinearAttention()
    inputs = inputs_of(kernel, full=True)
    changed = {**inputs, "g": inputs["g"] * (1 + 2.0**-50)}
    lean = kernel_oracle.run_kernel(kernel, changed, FieldWords(PRIMES))
    twin = kernel.run(inputs, TwinArithmetic(PRIMES))
    with pytest.raises(AssertionError):
        assert_same(lean["y"], twin["y"])


@pytest.mark.lean
def test_lost_residues_travel(kernel_oracle: Oracle) -> None:
    kernel = LinearRecurrence()
    inputs: dict[str, Any] = {"x": np.ones((1, 1, 2)), "g": np.ones((1, 1, 2))}
    lost = exactly(inputs["x"], PRIMES)
    values = lost.values.copy()
    values[0, 0, 1] = LOST
    y = kernel_oracle.run_kernel(kernel, {**inputs, "x": replace(lost, values=values)}, FieldWords(PRIMES))[
        "y"
    ]
    assert y.values.tolist() == [[[1, LOST]]]
    assert y.exponents.tolist() == [[[1, 1]]]


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="infinity or a NaN"):
        exactly(np.array([np.inf]), PRIMES)


def test_every_kernel_has_a_request() -> None:
    assert set(_RUNS) == {type(kernel) for kernel in KERNELS}
