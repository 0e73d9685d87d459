"""The selective scan of Mamba and the causal convolution before it, as kernels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.errors import InvalidArgument
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.domains import RATES, STEPS, Domain
from scanproof.refinement.kernels.kernel import Array, Kernel
from scanproof.refinement.runners import diagonal_selective_scan


@dataclass(frozen=True)
class SelectiveScan(Kernel):
    """The selective scan (Gu & Dao 2023), the Lean definition ``selectiveScan``.

    Consecutive channels share a group, and each group has its own B and C. With one group, B and C may also
    be (batch, time, state). :class:`scanproof.SelectiveScanFn` is the same recurrence in the layout of
    ``selective_scan_fn``.

    Attributes:
        delta_softplus: whether the step sizes pass through the softplus.
    """

    theorem: ClassVar = theorems.SELECTIVE_SCAN_APPEND
    bound_theorem: ClassVar = theorems.SCAN_ERROR
    inputs: ClassVar = {
        "u": ("batch", "time", "channel"),
        "delta": ("batch", "time", "channel"),
        "A": ("channel", "state"),
        "B": ("batch", "time", "group", "state"),
        "C": ("batch", "time", "group", "state"),
        "D": ("channel",),
        "z": ("batch", "time", "channel"),
        "delta_bias": ("channel",),
        "initial_state": ("batch", "channel", "state"),
    }
    optional: ClassVar = frozenset({"D", "z", "delta_bias", "initial_state"})
    grouped: ClassVar = "channel"
    omissible: ClassVar = frozenset({"group"})
    outputs: ClassVar = {"y": ("batch", "time", "channel"), "last_state": ("batch", "channel", "state")}

    delta_softplus: bool = False

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Rates of decay, and step sizes without softplus."""
        return {"A": RATES} if self.delta_softplus else {"A": RATES, "delta": STEPS, "delta_bias": STEPS}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        u, dt, A, B, C = (inputs[name] for name in ("u", "delta", "A", "B", "C"))
        if "delta_bias" in inputs:
            dt = dt + inputs["delta_bias"]
        if self.delta_softplus:
            dt = ar.softplus(dt)
        start = inputs.get("initial_state", ar.zeros((u.shape[0], *A.shape)))
        y, h = diagonal_selective_scan(ar, dt, A, B, C, u, inputs.get("D"), start)
        if "z" in inputs:
            y = y * ar.silu(inputs["z"])
        return y, h


@dataclass(frozen=True)
class CausalConv1d(Kernel):
    """The causal depthwise convolution, the Lean definition ``causalConv1d``.

    Taps and states are oldest first. An initial state holds the last ``width - 1`` inputs, or more inputs.

    Attributes:
        silu: whether the output passes through the SiLU.
    """

    theorem: ClassVar = theorems.CAUSAL_CONV1D
    bound_theorem: ClassVar = theorems.SUM_ERROR
    inputs: ClassVar = {
        "x": ("batch", "time", "channel"),
        "weight": ("channel", "width"),
        "bias": ("channel",),
        "initial_state": ("batch", None, "channel"),
    }
    optional: ClassVar = frozenset({"bias", "initial_state"})
    outputs: ClassVar = {"y": ("batch", "time", "channel")}

    silu: bool = False

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        x, weight = inputs["x"], inputs["weight"]
        (batch, time, channels), width = x.shape, weight.shape[1]
        before = inputs.get("initial_state", ar.zeros((batch, width - 1, channels)))
        if before.shape[1] < width - 1:
            raise InvalidArgument(
                f"CausalConv1d: initial_state has {before.shape[1]} inputs; {width} taps need {width - 1}."
            )
        seen = ar.concatenate([before, x], axis=1)
        first = before.shape[1] - width + 1
        taps = [seen[:, first + k : first + k + time, :, None] for k in range(width)]
        y = ar.dot(weight, ar.concatenate(taps, axis=3), inputs.get("bias"))
        return (ar.silu(y) if self.silu else y,)
