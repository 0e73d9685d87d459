"""The vectorised runners are the Lean runners: the same step, token by token, scalar by scalar."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from block_case import scalar_s4
from scanproof.errors import InvalidArgument
from scanproof.refinement.arithmetic import EXACT, FLOAT64
from scanproof.refinement.cases import random_fractions, random_spec
from scanproof.refinement.runners import (
    DiagonalS4Spec,
    MambaBlockSpec,
    SelectiveMambaBlockSpec,
    SelectiveState,
    Spec,
)

# ---------------------------------------------------------------- the Lean steps on lists of Python numbers


class Floats:
    """Python floats, with the C library's two functions and Lean's formula for log1p."""

    zero = 0.0

    @staticmethod
    def exp(x: float) -> float:
        try:
            return math.exp(x)
        except OverflowError:
            return math.inf

    @classmethod
    def softplus(cls, x: float) -> float:
        if x > 20:
            return x
        e = cls.exp(x)
        u = 1 + e
        return e if u == 1 else math.log(u) * (e / (u - 1))


class Fractions:
    zero = Fraction(0)

    @staticmethod
    def exp(x: Fraction) -> Fraction:
        return 1 + x + x * x

    @classmethod
    def softplus(cls, x: Fraction) -> Fraction:
        return x if x > 20 else cls.exp(x) + cls.exp(x) * cls.exp(x)


Numbers = Floats | Fractions | type[Floats] | type[Fractions]
Number = Any  # float or Fraction
Vector = Sequence[Number]
Parameters = Mapping[str, Any]


def dot(num: Numbers, xs: Vector, ys: Vector) -> Number:
    total = num.zero
    for x, y in zip(xs, ys, strict=True):
        total = total + x * y
    return total


def mat_vec(num: Numbers, m: Sequence[Vector], x: Vector) -> list[Any]:
    return [dot(num, row, x) for row in m]


def add(xs: Vector, ys: Vector) -> list[Any]:
    return [x + y for x, y in zip(xs, ys, strict=True)]


def mul(xs: Vector, ys: Vector) -> list[Any]:
    return [x * y for x, y in zip(xs, ys, strict=True)]


def sigmoid(num: Numbers, x: Number) -> Number:
    return 1 / (1 + num.exp(-x))


def step_s4(num: Numbers, m: Parameters, h: Vector, x: Vector) -> tuple[list[Any], list[Any]]:
    h = add(mul(m["a"], h), mat_vec(num, m["inProj"], x))
    return h, add(mat_vec(num, m["outProj"], h), mat_vec(num, m["skip"], x))


def step_compact(num: Numbers, m: Parameters, h: Vector, x: Vector) -> tuple[list[Any], list[Any]]:
    u = mat_vec(num, m["inProj"], x)
    gate = [sigmoid(num, v) for v in mat_vec(num, m["gateProj"], x)]
    h = add(mul(m["a"], h), mul(m["b"], u))
    return h, mat_vec(num, m["outProj"], mul(add(mul(m["c"], h), mul(m["d"], u)), gate))


def step_selective(
    num: Numbers, m: Parameters, state: Any, x: Vector
) -> tuple[tuple[list[Any], list[Any]], list[Any]]:
    h, history = state
    current = add(mat_vec(num, m["inProj"], x), m["inBias"])
    z = add(mat_vec(num, m["gateProj"], x), m["gateBias"])
    window = [current, *history]
    v = []
    for i, taps in enumerate(m["convWeight"]):
        seen = [window[k][i] if k < len(window) else num.zero for k in range(len(taps))]
        conv = dot(num, taps, seen) + m["convBias"][i]
        v.append(conv * sigmoid(num, conv))
    low = mat_vec(num, m["dtDown"], v)
    dt = [num.softplus(s) for s in add(mat_vec(num, m["dtUp"], low), m["dtBias"])]
    B, C = mat_vec(num, m["bProj"], v), mat_vec(num, m["cProj"], v)
    new_h, y = [], []
    for i, row in enumerate(h):
        new_h.append(
            [num.exp(dt[i] * m["A"][i][n]) * row[n] + (dt[i] * B[n]) * v[i] for n in range(len(row))]
        )
        y.append((dot(num, C, new_h[i]) + m["D"][i] * v[i]) * (z[i] * sigmoid(num, z[i])))
    width = len(m["convWeight"][0])
    return (new_h, window[: max(width - 1, 0)]), add(mat_vec(num, m["outProj"], y), m["outBias"])


STEPS: dict[type[Spec], Callable[..., Any]] = {
    DiagonalS4Spec: step_s4,
    MambaBlockSpec: step_compact,
    SelectiveMambaBlockSpec: step_selective,
}
KINDS = list(STEPS)


def token_by_token(num: Numbers, spec: Spec, state: Any, xs: NDArray[Any]) -> tuple[Any, list[Any]]:
    parameters = {name: getattr(spec, name).tolist() for name in spec.axes}
    outputs = []
    for x in xs.tolist():
        state, y = STEPS[type(spec)](num, parameters, state, x)
        outputs.append(y)
    return state, outputs


def zero_state(num: Numbers, spec: Spec) -> Any:
    dims = spec.dims
    h = [num.zero] * dims["stateDim"]
    return ([h] * dims["innerDim"], []) if isinstance(spec, SelectiveMambaBlockSpec) else h


# ---------------------------------------------------------------- tests


Case = tuple[type[Spec], dict[str, int], int, int]


@st.composite
def cases(draw: st.DrawFn, smallest: int = 1, largest: int = 4) -> Case:
    kind = draw(st.sampled_from(KINDS))
    axes = sorted({axis for names in kind.axes.values() for axis in names})
    dims = {axis: draw(st.integers(smallest, largest)) for axis in axes}
    return kind, dims, draw(st.integers(0, 2**31)), draw(st.integers(0, 5))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_float64_is_the_lean_program_to_the_bit(case: Case) -> None:
    kind, dims, seed, length = case
    spec = random_spec(kind, dims, seed=seed)
    x = np.random.default_rng(seed).normal(size=(2, length, dims["inputDim"]))
    y, state = spec.run(x)
    assert y.shape == (2, length, dims["outputDim"])
    for example in range(2):
        want_state, want = token_by_token(Floats, spec, zero_state(Floats, spec), x[example])
        assert y[example].tobytes() == np.array(want).tobytes()
        if kind is SelectiveMambaBlockSpec:
            h, history = want_state
            assert state.h[example].tobytes() == np.array(h).tobytes()
            assert state.history[example].tobytes() == np.array(history).tobytes()
        else:
            assert state[example].tobytes() == np.array(want_state).tobytes()


@settings(max_examples=25, deadline=None)
@given(cases(largest=3))
def test_exact_arithmetic_is_the_lean_program(case: Case) -> None:
    kind, dims, seed, length = case
    length = min(length, 3)
    spec = random_spec(kind, dims, seed=seed, exact=True)
    x = random_fractions((1, length, dims["inputDim"]), np.random.default_rng(seed))
    y, state = spec.run(x, arithmetic=EXACT)
    want_state, want = token_by_token(Fractions, spec, zero_state(Fractions, spec), x[0])
    assert y[0].tolist() == want
    if kind is SelectiveMambaBlockSpec:
        assert (state.h[0].tolist(), state.history[0].tolist()) == want_state
    else:
        assert state[0].tolist() == want_state


@settings(max_examples=40, deadline=None)
@given(cases(), st.integers(0, 5))
def test_running_an_append_is_running_on_from_the_state(case: Case, more: int) -> None:
    """The numeric counterpart of ``Runner.runList_append``, here to the bit."""
    kind, dims, seed, length = case
    spec = random_spec(kind, dims, seed=seed)
    x = np.random.default_rng(seed).normal(size=(2, length + more, dims["inputDim"]))
    whole, whole_state = spec.run(x)
    first, between = spec.run(x[:, :length])
    second, state = spec.run(x[:, length:], between)
    assert np.concatenate([first, second], axis=1).tobytes() == whole.tobytes()
    for got, want in zip(_parts(state), _parts(whole_state), strict=True):
        assert np.asarray(got).tobytes() == np.asarray(want).tobytes()


def _parts(state: Any) -> tuple[Any, ...]:
    return state if isinstance(state, SelectiveState) else (state,)


def test_a_history_longer_than_the_window_is_read_as_far_as_the_window_goes() -> None:
    dims = {"inputDim": 2, "innerDim": 3, "stateDim": 2, "outputDim": 2, "convWidth": 3, "dtRank": 1}
    spec = random_spec(SelectiveMambaBlockSpec, dims, seed=3)
    rng = np.random.default_rng(3)
    x, h, history = rng.normal(size=(1, 2, 2)), rng.normal(size=(1, 3, 2)), rng.normal(size=(1, 5, 3))
    y, state = spec.run(x, SelectiveState(h, history))
    shorter, _ = spec.run(x, SelectiveState(h, history[:, :2]))
    assert y.tobytes() == shorter.tobytes()
    assert state.history.shape == (1, 2, 3)
    untouched, same = spec.run(x[:, :0], SelectiveState(h, history))
    assert untouched.shape == (1, 0, 2)
    assert same.history.shape == (1, 5, 3), "no token, no truncation"


def test_taps_and_history_are_newest_first() -> None:
    dims = {"inputDim": 1, "innerDim": 1, "stateDim": 1, "outputDim": 1, "convWidth": 3, "dtRank": 1}
    spec = random_spec(SelectiveMambaBlockSpec, dims, seed=0)

    def state_after(taps: NDArray[Any], x: float, history: list[float]) -> float:
        start = SelectiveState(np.zeros((1, 1, 1)), np.array(history).reshape(1, 2, 1))
        return replace(spec, convWeight=taps[None]).run(np.array([[[x]]]), start)[1].h.item()

    for tap, changed in enumerate([(2.0, [3.0, 5.0]), (1.0, [9.0, 5.0]), (1.0, [3.0, 9.0])]):
        taps = np.eye(3)[tap]
        assert state_after(taps, *changed) != state_after(taps, 1.0, [3.0, 5.0])
        others = np.eye(3)[(tap + 1) % 3]
        assert state_after(others, *changed) == state_after(others, 1.0, [3.0, 5.0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"a": np.ones(3)}, "DiagonalS4Spec: a has shape (3,); expected [stateDim] = [4]"),
        ({"inProj": np.ones(4)}, "inProj has shape (4,); expected [stateDim, inputDim]"),
        ({"skip": np.ones((2, 5))}, "skip has shape (2, 5); expected [outputDim, inputDim] = [2, 3]"),
        ({"a": [1j] * 4}, "a is not an array of real numbers"),
        ({"a": [[1.0], [1.0, 2.0]]}, "a is not an array of real numbers"),
        ({"a": ["x"] * 4}, "a is not an array of real numbers"),
    ],
)
def test_wrong_parameters(change: dict[str, Any], says: str) -> None:
    spec = random_spec(DiagonalS4Spec, {"inputDim": 3, "stateDim": 4, "outputDim": 2}, seed=0)
    with pytest.raises(InvalidArgument) as caught:
        replace(spec, **change)
    assert says in str(caught.value)


def test_wrong_inputs() -> None:
    spec = random_spec(DiagonalS4Spec, {"inputDim": 3, "stateDim": 4, "outputDim": 2}, seed=0)
    with pytest.raises(InvalidArgument, match=r"x has shape \(5, 3\); .* \(batch, time, inputDim = 3\)"):
        spec.run(np.ones((5, 3)))
    with pytest.raises(InvalidArgument, match=r"x has shape \(1, 5, 2\)"):
        spec.run(np.ones((1, 5, 2)))
    with pytest.raises(InvalidArgument, match="dims has"):
        random_spec(DiagonalS4Spec, {"inputDim": 3}, seed=0)


def test_specs_show_their_dimensions_and_cannot_be_changed() -> None:
    spec = random_spec(DiagonalS4Spec, {"inputDim": 3, "stateDim": 4, "outputDim": 2}, seed=0)
    assert repr(spec) == "DiagonalS4Spec(stateDim=4, inputDim=3, outputDim=2)"
    with pytest.raises(ValueError, match="read-only"):
        spec.a[0] = 1.0


def test_overflow_is_infinite_as_in_lean() -> None:
    spec = scalar_s4(inProj=1e200, a=1e200, outProj=1.0, skip=0.0)
    y, _ = spec.run(np.ones((1, 3, 1)), arithmetic=FLOAT64)
    assert y.ravel().tolist() == [1e200, math.inf, math.inf]
