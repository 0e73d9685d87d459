"""Twins against the Lean definitions of their families, written out number by number in exact arithmetic.

``rwkv6``, ``mlstm``, ``minGru``, ``diagonalSelectiveScan``, ``ComplexDiagonalSpec``, ``rgLruToken``,
``generalizedDeltaRule``, ``comba``; each a row of a batch, and a head.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scanproof import (
    Comba,
    ComplexDiagonal,
    GeneralizedDeltaRule,
    Kernel,
    LinearRecurrence,
    MinGru,
    MLstm,
    RgLru,
    Rwkv6,
)
from scanproof.refinement.cases import random_fractions
from scanproof.refinement.kernels.arithmetic import EXACT

TIME, STATES, WIDTH = 4, 3, 2
SIZES = {"batch": 2, "time": TIME, "head": 2, "state": STATES, "channel": WIDTH}
SEEDS = range(5)


def draw(kernel: Kernel, seed: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    return {
        name: random_fractions(tuple(SIZES[axis] if axis else 1 for axis in axes), rng)
        for name, axes in kernel.inputs.items()
        if name != "reset"
    }


def exp(x: Fraction) -> Fraction:
    return 1 + x + x * x


def sigmoid(x: Fraction) -> Fraction:
    divisor = 1 + exp(-x)
    return 1 / divisor if divisor else Fraction(0)


def softplus(x: Fraction) -> Fraction:
    return exp(x) + exp(x) * exp(x)


Pair = tuple[Fraction, Fraction]


def rows(inputs: object) -> Iterator[tuple[int, int]]:
    """Yield every example and head, its inputs without those axes."""
    for example in range(SIZES["batch"]):
        for head in range(SIZES["head"]):
            yield example, head


@pytest.mark.parametrize("seed", SEEDS)
def test_rwkv6(seed: int) -> None:
    inputs = draw(Rwkv6(), seed)
    found = Rwkv6().run(inputs, EXACT)
    for b, h in rows(inputs):
        state = [list(row) for row in inputs["initial_state"][b, h]]
        for t in range(TIME):
            r, k, v, w = (inputs[name][b, t, h] for name in ("q", "k", "v", "w"))
            for j in range(WIDTH):
                read = sum(r[i] * (state[i][j] + inputs["u"][h, i] * (k[i] * v[j])) for i in range(STATES))
                assert found["y"][b, t, h, j] == read
            state = [[exp(w[i]) * state[i][j] + k[i] * v[j] for j in range(WIDTH)] for i in range(STATES)]
        assert found["last_state"][b, h].tolist() == state


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kernel", [GeneralizedDeltaRule(), Comba()], ids=["generalised delta", "comba"])
def test_generalized_delta_rule_and_comba(kernel: Kernel, seed: int) -> None:
    inputs = draw(kernel, seed)
    found = kernel.run(inputs, EXACT)
    for b, h in rows(inputs):
        state = inputs["initial_state"][b, h]
        for t in range(TIME):
            token = {name: inputs[name][b, t, h] for name in inputs if name != "initial_state"}
            after = np.full((STATES, WIDTH), Fraction(0), dtype=object)
            reader = token["a"] if "a" in token else token["p"]
            for i in range(STATES):
                for j in range(WIDTH):
                    read = sum(reader[n] * state[n, j] for n in range(STATES))
                    if "a" in token:
                        added = read * token["b"][i] + token["v"][j] * token["k"][i]
                    else:
                        added = token["beta"] * (token["v"][j] - read) * token["k"][i]
                    after[i, j] = exp(token["g"][0]) * state[i, j] + added
            state = after
            for j in range(WIDTH):
                assert found["y"][b, t, h, j] == sum(token["q"][n] * state[n, j] for n in range(STATES))
        assert (found["last_state"][b, h] == state).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_mlstm(seed: int) -> None:
    inputs = draw(MLstm(), seed)
    found = MLstm().run(inputs, EXACT)
    for b, h in rows(inputs):
        memory = [[Fraction(0)] * WIDTH for _ in range(STATES)]
        normaliser = [Fraction(0)] * STATES
        for t in range(TIME):
            q, k, v = (inputs[name][b, t, h] for name in ("q", "k", "v"))
            f, i = sigmoid(inputs["forget_gate"][b, t, h]), exp(inputs["input_gate"][b, t, h])
            memory = [[f * memory[n][j] + (i * k[n]) * v[j] for j in range(WIDTH)] for n in range(STATES)]
            normaliser = [f * normaliser[n] + (i * k[n]) * 1 for n in range(STATES)]
            least = max(abs(sum(q[n] * normaliser[n] for n in range(STATES))), Fraction(1))
            for j in range(WIDTH):
                assert found["y"][b, t, h, j] == sum(q[n] * memory[n][j] for n in range(STATES)) / least


@pytest.mark.parametrize("seed", SEEDS)
def test_min_gru(seed: int) -> None:
    inputs = draw(MinGru(), seed)
    found = MinGru().run(inputs, EXACT)
    for b in range(SIZES["batch"]):
        h = list(inputs["initial_state"][b])
        for t in range(TIME):
            z = [sigmoid(x) for x in inputs["gate"][b, t]]
            h = [(1 + -z[i]) * h[i] + z[i] * inputs["candidate"][b, t, i] for i in range(WIDTH)]
            assert found["y"][b, t].tolist() == h
        assert found["last_state"][b].tolist() == h


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("logs", [False, True])
def test_linear_recurrence(seed: int, logs: bool) -> None:
    kernel = LinearRecurrence(log_decays=logs)
    inputs = draw(kernel, seed)
    found = kernel.run(inputs, EXACT)
    for b in range(SIZES["batch"]):
        h = list(inputs["initial_state"][b])
        for t in range(TIME):
            decays = [exp(g) if logs else g for g in inputs["g"][b, t]]
            h = [decays[i] * h[i] + inputs["x"][b, t, i] for i in range(WIDTH)]
            assert found["y"][b, t].tolist() == h
        assert found["last_state"][b].tolist() == h


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("pairs", [False, True])
def test_complex_diagonal(seed: int, pairs: bool) -> None:
    kernel = ComplexDiagonal(scale=2.0 if pairs else 1.0)
    inputs = draw(kernel, seed)
    found = kernel.run(inputs, EXACT)
    a = list(zip(inputs["a_re"], inputs["a_im"], strict=True))
    B, C = (np.stack([inputs[f"{name}_re"], inputs[f"{name}_im"]], -1) for name in "BC")

    def times(x: Pair, y: Pair) -> Pair:
        return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]

    def total(terms: Iterable[Pair]) -> Pair:
        terms, zero = list(terms), Fraction(0)
        return sum((x for x, _ in terms), zero), sum((y for _, y in terms), zero)

    for b in range(SIZES["batch"]):
        h = list(zip(inputs["initial_re"][b], inputs["initial_im"][b], strict=True))
        for t in range(TIME):
            u = [(x, Fraction(0)) for x in inputs["u"][b, t]]
            added = [total(times(B[n][c], u[c]) for c in range(WIDTH)) for n in range(STATES)]
            h = [total([times(a[n], h[n]), added[n]]) for n in range(STATES)]
            for c in range(WIDTH):
                real, _ = total(times(C[c][n], h[n]) for n in range(STATES))
                expected = (2 * real if pairs else real) + inputs["D"][c] * u[c][0]
                assert found["y"][b, t, c] == expected
        assert list(zip(found["last_re"][b], found["last_im"][b], strict=True)) == h


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reset", [False, True])
def test_rg_lru(seed: int, reset: bool) -> None:
    inputs = draw(RgLru(), seed)
    first = np.zeros((SIZES["batch"], TIME), dtype=int)
    if reset:
        first[:, 2] = 1
        inputs["reset"] = first
    found = RgLru().run(inputs, EXACT)
    for b, h in rows(inputs):
        state = list(inputs["initial_state"][b, h])
        for t in range(TIME):
            x = inputs["x"][b, t, h]

            def gate(name: str, i: int, x: NDArray[Any] = x, h: int = h) -> Fraction:
                weight = inputs[f"{name}_weight"][h, i]
                return sigmoid(sum(weight[j] * x[j] for j in range(WIDTH)) + inputs[f"{name}_bias"][h, i])

            logs = [-8 * gate("recurrence", i) * softplus(inputs["decay"][h, i]) for i in range(WIDTH)]
            gated = [gate("input", i) * x[i] for i in range(WIDTH)]
            weight = [(1 + (1 - exp(2 * log))) * Fraction(1, 2) for log in logs]
            if first[b, t]:
                state = gated
            else:
                state = [exp(logs[i]) * state[i] + gated[i] * weight[i] for i in range(WIDTH)]
            assert found["y"][b, t, h].tolist() == state
