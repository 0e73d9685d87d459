"""The numbers that ``Spec/Statements/Mamba2Values.lean`` expects are those of the mixer, part after part.

Python integers, with the stand-ins of ``surrogates`` for the nonlinearities; outputs modulo 1000003.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof import Mamba2BlockSpec
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.mamba2 import Mamba2State
from surrogates import Surrogates, exp, log, quotient, silu

LEAN = (Path(__file__).parents[1] / "Spec" / "Statements" / "Mamba2Values.lean").read_text()
HEADS, GROUPS, CHANNELS, STATES, WIDTH, LEAST, GREATEST, EPS = 4, 2, 2, 2, 3, 0, 6, 4
INNER, KEYS = HEADS * CHANNELS, GROUPS * STATES
CONV = INNER + 2 * KEYS
PROJECTED = INNER + CONV + HEADS


def pattern(modulus: int, offset: int, *terms: tuple[int, int]) -> NDArray[Any]:
    """Return ``(sum of weight * index) % modulus - offset`` over all indices; a term is (weight, size)."""
    grids = np.meshgrid(*(np.arange(size) for _, size in terms), indexing="ij")
    total: NDArray[Any] = np.sum(
        [weight * grid for (weight, _), grid in zip(terms, grids, strict=True)], axis=0
    )
    return np.asarray(total % modulus - offset, dtype=object)


PARAMETERS: dict[str, Any] = {
    "inProj": pattern(3, 1, (1, PROJECTED), (2, 2)),
    "inBias": pattern(5, 2, (3, PROJECTED)),
    "convWeight": pattern(5, 2, (2, CONV), (3, WIDTH)),
    "convBias": pattern(4, 1, (1, CONV)),
    "dtBias": pattern(3, 1, (1, HEADS)),
    "aLog": pattern(3, 1, (2, HEADS)),
    "D": pattern(5, 2, (2, HEADS)),
    "normWeight": pattern(7, 3, (5, INNER)),
    "outProj": pattern(5, 2, (2, 3), (1, INNER)),
    "outBias": pattern(3, 1, (1, 3)),
}
START = pattern(3, 1, (1, HEADS), (1, CHANNELS), (1, STATES))
WINDOW = pattern(5, 2, (3, WIDTH - 1), (1, CONV))[::-1]  # oldest first
X = pattern(5, 2, (2, 3), (3, 2))


def softplus(x: int) -> int:
    return x if x > 20 else log(1 + exp(x)) * quotient(exp(x), exp(x))


def mixer(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Run the mixer of transformers, step after step: its splits, its groups, its norm."""
    p = PARAMETERS
    gate, conv, dt = np.split(x @ p["inProj"].T + p["inBias"], [INNER, INNER + CONV], axis=1)
    seen = np.concatenate([WINDOW, conv])
    v = silu(
        np.array([(seen[t : t + WIDTH].T * p["convWeight"]).sum(1) for t in range(len(x))]) + p["convBias"]
    )
    hidden, B, C = np.split(v, [INNER, INNER + KEYS], axis=1)
    B, C = (each.reshape(-1, GROUPS, STATES).repeat(HEADS // GROUPS, axis=1) for each in (B, C))
    state, outputs = START, []
    for t in range(len(x)):
        steps = [min(max(softplus(each), LEAST), GREATEST) for each in dt[t] + p["dtBias"]]
        step = np.array(steps, dtype=object)[:, None, None]
        u = hidden[t].reshape(HEADS, CHANNELS, 1)
        state = exp(step * -exp(p["aLog"])[:, None, None]) * state + step * B[t][:, None, :] * u
        y = (state * C[t][:, None, :]).sum(-1) + p["D"][:, None] * u[..., 0]
        gated = (y.reshape(-1) * silu(gate[t])).reshape(GROUPS, -1)
        mean = quotient((gated * gated).sum(-1), INNER // GROUPS)
        normed = gated * exp(-quotient(log(mean + EPS), 2))[:, None]
        outputs.append((p["normWeight"] * normed.reshape(-1)) @ p["outProj"].T + p["outBias"])
    return np.array(outputs), seen[-2:][::-1]


class WithRoot(Surrogates):
    """The stand-ins, with Lean's reciprocal square root of them."""

    def rsqrt(self, x: Value) -> Value:
        return exp(-quotient(log(x), 2))


def expects(numbers: NDArray[Any]) -> bool:
    return f"{numbers.astype(int).tolist()} := by decide\n" in LEAN


def test_the_mixer() -> None:
    outputs, window = mixer(X)
    assert expects(outputs % 1000003)
    assert all(map(expects, window))


def test_its_twin() -> None:
    spec = Mamba2BlockSpec(**PARAMETERS, groups=GROUPS, eps=EPS, dtMin=LEAST, dtMax=GREATEST)
    y, state = spec.run(X[None], Mamba2State(START[None], WINDOW[None]), WithRoot())
    assert expects(y[0] % 1000003)
    assert all(map(expects, state.window[0]))
