"""The Python runners and the Lean runners are the same program."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from block_case import scalar_s4
from scanproof.errors import InvalidArgument
from scanproof.refinement import golden
from scanproof.refinement.arithmetic import EXACT
from scanproof.refinement.cases import random_fractions, random_spec
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.oracle import Oracle, OracleError
from scanproof.refinement.runners import DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec, Spec
from scanproof.streaming.model import State

KINDS = [DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec]

oracle_settings = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def flat(state: State) -> list[NDArray[Any]]:
    return list(state) if isinstance(state, tuple) else [state]


@st.composite
def cases(
    draw: st.DrawFn, kind: type[Spec], largest: int = 4, longest: int = 6, exact: bool = False
) -> tuple[Spec, NDArray[Any]]:
    dims = {axis: draw(st.integers(1, largest), label=axis) for axis in axes_of(kind)}
    batch, time = draw(st.integers(1, 2), label="batch"), draw(st.integers(0, longest), label="time")
    seed = draw(st.integers(0, 2**32 - 1), label="seed")
    spec = random_spec(kind, dims, seed=seed, exact=exact)
    rng = np.random.default_rng(seed + 1)
    shape = (batch, time, dims["inputDim"])
    return spec, random_fractions(shape, rng) if exact else rng.normal(size=shape)


def axes_of(kind: type[Spec]) -> list[str]:
    return sorted({axis for axes in kind.axes.values() for axis in axes})


@pytest.mark.lean
@pytest.mark.parametrize("kind", KINDS)
@oracle_settings
@given(data=st.data())
def test_equal_in_exact_arithmetic(oracle: Oracle, kind: type[Spec], data: st.DataObject) -> None:
    spec, x = data.draw(cases(kind, largest=3, longest=4, exact=True))
    y, state = oracle.run(spec, x, exact=True)
    twin_y, twin_state = spec.run(x, arithmetic=EXACT)
    assert y.shape == twin_y.shape
    assert (y == twin_y).all()
    for lean, python in zip(flat(state), flat(twin_state), strict=True):
        assert lean.shape == python.shape
        assert (lean == python).all()


@pytest.mark.lean
@oracle_settings
@given(data=st.data())
def test_s4_is_equal_to_the_bit_in_float64(oracle: Oracle, data: st.DataObject) -> None:
    spec, x = data.draw(cases(DiagonalS4Spec, longest=40))
    y, state = oracle.run(spec, x)
    twin_y, twin_state = spec.run(x)
    assert y.tobytes() == twin_y.tobytes()
    assert state.tobytes() == twin_state.tobytes()


@pytest.mark.lean
@pytest.mark.parametrize("kind", [MambaBlockSpec, SelectiveMambaBlockSpec])
@oracle_settings
@given(data=st.data())
def test_within_four_ulp_where_exp_and_log_enter(
    oracle: Oracle, kind: type[Spec], data: st.DataObject
) -> None:
    spec, x = data.draw(cases(kind, longest=40))
    y, state = oracle.run(spec, x)
    twin_y, twin_state = spec.run(x)
    assert_within_ulps(y, twin_y, 4)
    for lean, python in zip(flat(state), flat(twin_state), strict=True):
        assert_within_ulps(lean, python, 4)


@pytest.mark.lean
@pytest.mark.parametrize("kind", KINDS)
def test_decoding_from_a_returned_state_continues_the_run(oracle: Oracle, kind: type[Spec]) -> None:
    spec = random_spec(kind, dict.fromkeys(axes_of(kind), 3), seed=5)
    x = np.random.default_rng(6).normal(size=(2, 11, 3))
    whole, last = oracle.run(spec, x)
    _, state = oracle.run(spec, x[:, :4])
    rest, last_of_two = oracle.run(spec, x[:, 4:], state)
    assert rest.tobytes() == np.ascontiguousarray(whole[:, 4:]).tobytes()
    for one, two in zip(flat(last), flat(last_of_two), strict=True):
        assert one.tobytes() == two.tobytes()


@pytest.mark.lean
def test_lean_and_python_read_a_checkpoint_alike(oracle: Oracle) -> None:
    rng = np.random.default_rng(3)
    shapes = {
        "in_proj_weight": (6, 2),
        "in_proj_bias": (6,),
        "conv1d_weight": (3, 1, 4),
        "conv1d_bias": (3,),
        "x_proj_weight": (1 + 2 * 2, 3),
        "dt_proj_weight": (3, 1),
        "dt_proj_bias": (3,),
        "A_log": (3, 2),
        "D": (3,),
        "out_proj_weight": (2, 3),
    }
    checkpoint = MambaCheckpoint(**{name: random_fractions(shape, rng) for name, shape in shapes.items()})
    x = random_fractions((1, 3, 2), rng)
    y, _ = oracle.run(checkpoint, x, exact=True)
    assert (y == checkpoint.spec(EXACT).run(x, arithmetic=EXACT)[0]).all()


@pytest.mark.lean
def test_numbers_travel_unchanged(oracle: Oracle) -> None:
    spec = scalar_s4(inProj=0.0, a=1.0, outProj=1.0, skip=0.0)
    special = np.array([[0.0], [5e-324], [-1.5], [1.7976931348623157e308], [np.pi], [np.inf], [-np.inf]])
    y, state = oracle.run(spec, np.zeros((7, 1, 1)), special)
    assert (state == special).all()
    assert (y[:, 0] == special).all()
    exact, _ = oracle.run(spec, np.zeros((1, 1, 1)), np.array([[Fraction(-(10**40), 7)]]), exact=True)
    assert exact[0, 0, 0] == Fraction(-(10**40), 7)


@pytest.mark.lean
def test_refusals(oracle: Oracle) -> None:
    spec = random_spec(DiagonalS4Spec, dict.fromkeys(axes_of(DiagonalS4Spec), 2), seed=0)
    with pytest.raises(InvalidArgument, match=r"x has shape \(1, 4, 3\); s4 takes"):
        oracle.run(spec, np.zeros((1, 4, 3)))
    for request, said in {
        "float s4 1 1 1 1 0": "expected 6 numbers for these dimensions, got 1",
        "float s5 1": "unknown model 's5'",
        "half s4 1 1 1 1": "unknown scalar type 'half'",
        "float s4 1 1 1 0 x 0 0 0 0": "'x' is not a number",
        "exact s4 1 1 1 0 1/0 0 0 0 0": "'1/0' is not a number",
        "float s4 1 -1 1 0": "model s4 needs 4 dimensions",
    }.items():
        with pytest.raises(OracleError, match=said):
            oracle._request(request)
    assert oracle.run(spec, np.zeros((1, 4, 2)))[0].shape == (1, 4, 2)


@pytest.mark.parametrize("case", golden.load(), ids=lambda case: f"{case.recipe.kind}-{case.recipe.seed}")
def test_golden_vectors(case: golden.Golden) -> None:
    y, state = case.spec.run(case.x)
    if isinstance(case.spec, DiagonalS4Spec):
        assert y.tobytes() == case.y.tobytes()
    assert_within_ulps(case.y, y, 4)
    for lean, python in zip(flat(case.state), flat(state), strict=True):
        assert_within_ulps(lean, python, 4)


@pytest.mark.lean
@pytest.mark.parametrize("index", [1, 4, 7])
def test_golden_vectors_regenerate(oracle: Oracle, index: int) -> None:
    stored = golden.load()[index]
    assert stored.recipe == golden.RECIPES[index]
    assert json.dumps(golden._write(golden.compute(oracle, stored.recipe))) == json.dumps(
        golden._write(stored)
    )


def assert_within_ulps(lean: NDArray[Any], python: NDArray[Any], ulps: int) -> None:
    """The greatest difference is at most some ulps of the greatest magnitude in the same output vector."""
    if lean.size == 0:
        return
    scale = np.abs(lean).max(axis=-1, keepdims=True)
    distance = np.abs(lean - python) / np.spacing(scale)
    assert distance.max() <= ulps, f"{distance.max()} ulp"


SPLIT = [-30.0, 0.0, 15.0, 19.99, 20.0, 20.01, 21.0, 25.0, 40.0]
"""Biases of dt on both sides of the softplus threshold."""


def selective_with_dt_bias(
    bias: float | Fraction, number: type[float | Fraction] = float
) -> SelectiveMambaBlockSpec:
    """One channel, one state; dt is the softplus of the bias alone."""
    one, zero, half = (np.array([[number(value)]]) for value in (1, 0, Fraction(1, 2)))
    return SelectiveMambaBlockSpec(
        inProj=one,
        inBias=half[0],
        gateProj=one,
        gateBias=half[0],
        convWeight=one,
        convBias=half[0],
        dtDown=zero,
        dtUp=zero,
        dtBias=np.array([number(bias)]),
        bProj=one,
        cProj=one,
        A=np.array([[number(Fraction(-1, 2))]]),
        D=half[0],
        outProj=one,
        outBias=zero[0],
    )


@pytest.mark.lean
@pytest.mark.parametrize("bias", SPLIT)
def test_both_have_the_softplus_threshold_at_20(oracle: Oracle, bias: float | Fraction) -> None:
    exact = selective_with_dt_bias(Fraction(bias), Fraction)
    x = np.array([[[Fraction(1)], [Fraction(1, 2)]]], dtype=object)
    assert (oracle.run(exact, x, exact=True)[0] == exact.run(x, arithmetic=EXACT)[0]).all()
    spec = selective_with_dt_bias(bias)
    y, state = oracle.run(spec, x.astype(float))
    twin_y, twin_state = spec.run(x.astype(float))
    assert_within_ulps(y, twin_y, 4)
    assert_within_ulps(state.h, twin_state.h, 4)


@pytest.mark.lean
def test_wrong_states(oracle: Oracle) -> None:
    spec = random_spec(DiagonalS4Spec, dict.fromkeys(axes_of(DiagonalS4Spec), 2), seed=0)
    for state in (np.zeros((3, 2)), np.zeros((1, 3)), np.zeros(2)):
        with pytest.raises(InvalidArgument, match=r"The state has shape .* a batch of 1 takes \(1, 2\)"):
            oracle.run(spec, np.zeros((1, 4, 2)), state)
    with pytest.raises(InvalidArgument, match="no example"):
        oracle.run(spec, np.zeros((0, 4, 2)))
    block = random_spec(SelectiveMambaBlockSpec, dict.fromkeys(axes_of(SelectiveMambaBlockSpec), 2), seed=0)
    with pytest.raises(InvalidArgument, match=r"a history of \(1, 1, 3\)"):
        oracle.run(block, np.zeros((1, 4, 2)), (np.zeros((1, 2, 2)), np.zeros((1, 1, 3))))
