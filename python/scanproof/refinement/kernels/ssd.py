"""The scan of Mamba-2."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.domains import RATES, STEPS, Domain
from scanproof.refinement.kernels.kernel import Array, Kernel, constant, last


@dataclass(frozen=True)
class SsdScan(Kernel):
    """What ``mamba_chunk_scan_combined`` computes (Dao & Gu 2024), the Lean definition ``ssdScan``.

    For head h, its group g, channel p and state entry n::

        dt[h]     = dt[h] + dt_bias[h]                  then softplus and limits, if the options ask for them
        s[h, p, n] = exp(dt[h] A[h]) s[h, p, n] + (dt[h] B[g, n]) x[h, p]
        y[h, p]   = (sum over n of C[g, n] s[h, p, n]) + D[h, p] x[h, p]        then times silu z[h, p]

    Consecutive heads share a group. Before a token at which ``seq_idx`` changes, the state is zero. Before
    the first token the index is 0.

    Attributes:
        dt_softplus: whether the step sizes pass through the softplus.
        dt_min: least step size; None or -infinity: no limit. The default of the kernels,
            ``dt_limit=(0, inf)``, has 0.
        dt_max: greatest step size; None or infinity: no limit.
    """

    theorem: ClassVar = theorems.SSD_SCAN_APPEND
    bound_theorem: ClassVar = theorems.SCAN_ERROR
    inputs: ClassVar = {
        "x": ("batch", "time", "head", "channel"),
        "dt": ("batch", "time", "head"),
        "A": ("head",),
        "B": ("batch", "time", "group", "state"),
        "C": ("batch", "time", "group", "state"),
        "D": ("head", None),
        "z": ("batch", "time", "head", "channel"),
        "dt_bias": ("head",),
        "initial_state": ("batch", "head", "channel", "state"),
        "seq_idx": ("batch", "time"),
    }
    optional: ClassVar = frozenset({"D", "z", "dt_bias", "initial_state", "seq_idx"})
    marks: ClassVar = frozenset({"seq_idx"})
    grouped: ClassVar = "head"
    outputs: ClassVar = {
        "y": ("batch", "time", "head", "channel"),
        "last_state": ("batch", "head", "channel", "state"),
    }

    dt_softplus: bool = False
    dt_min: float | None = None
    dt_max: float | None = None

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Rates of decay, and step sizes without softplus."""
        return {"A": RATES} if self.dt_softplus else {"A": RATES, "dt": STEPS, "dt_bias": STEPS}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        batch, time, heads, channels = inputs["x"].shape
        groups, states = inputs["B"].shape[2:]

        def grouped(value: Value, place: int) -> Value:
            """Split the axis of heads into groups and heads of a group."""
            before, after = value.shape[:place], value.shape[place + 1 :]
            return value.reshape((*before, groups, heads // groups, *after))

        x, dt, A = grouped(inputs["x"], 2), grouped(inputs["dt"], 2), grouped(inputs["A"], 0)
        B, C = (inputs[name][:, :, :, None, None, :] for name in "BC")
        if "dt_bias" in inputs:
            dt = dt + grouped(inputs["dt_bias"], 0)
        if self.dt_softplus:
            dt = ar.softplus(dt)
        if self.dt_min not in (None, -math.inf):
            dt = ar.maximum(dt, constant(ar, self.dt_min))
        if self.dt_max not in (None, math.inf):
            dt = -ar.maximum(-dt, constant(ar, -self.dt_max))
        logs = (dt * A)[..., None, None]
        decays = ar.exp(logs)
        if "seq_idx" in arrays:
            decays = decays * ar.lift(_continues(arrays["seq_idx"]))
        added = ar.matrix_products(ar.product(dt[..., None, None], B, x[..., None]))
        wide = (batch, heads, channels, states)
        start = grouped(inputs.get("initial_state", ar.zeros(wide)), 1)
        h = ar.decaying_scan(decays, logs, added, start)
        y = ar.dot(C, h, grouped(inputs["D"], 0) * x if "D" in inputs else None)
        if "z" in inputs:
            y = y * ar.silu(grouped(inputs["z"], 2))
        return y.reshape((batch, time, heads, channels)), last(h, start).reshape(wide)


def _continues(seq_idx: Array) -> Array:
    """Return 1 if a token belongs to the sequence of the token before, else 0: (batch, time, 1, 1, 1, 1)."""
    before = np.concatenate([np.zeros_like(seq_idx[:, :1]), seq_idx[:, :-1]], axis=1)
    same: Array = (seq_idx == before)[..., None, None, None, None].astype(np.float64)
    return same
