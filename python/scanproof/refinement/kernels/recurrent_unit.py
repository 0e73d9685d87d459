"""Gated linear recurrent units: one decay per channel, and the state is the output."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.kernel import Array, Kernel, constant, last


@dataclass(frozen=True)
class RgLru(Kernel):
    """The real-gated linear recurrent unit with its gates (De et al. 2024, section 2.4).

    Gates are block-diagonal, with one block per head::

        r = sigmoid(recurrence_weight x + recurrence_bias),  i = sigmoid(input_weight x + input_bias)
        log a = -8 r softplus(decay),   h' = a h + sqrt(1 - a²) (i x),   y = h'

    Weights are (head, out, in). At a token with ``reset`` 1, such as the first token of a document, the state
    before the token is zero, and the input is not multiplied by ``sqrt(1 - a²)``. Without ``reset`` no token
    resets the state, as in the paper.
    """

    theorem: ClassVar = theorems.RG_LRU_PREFIX
    bound_theorem: ClassVar = theorems.SCAN_ERROR
    inputs: ClassVar = {
        "x": ("batch", "time", "head", "channel"),
        "input_weight": ("head", "channel", "channel"),
        "input_bias": ("head", "channel"),
        "recurrence_weight": ("head", "channel", "channel"),
        "recurrence_bias": ("head", "channel"),
        "decay": ("head", "channel"),
        "reset": ("batch", "time"),
        "initial_state": ("batch", "head", "channel"),
    }
    optional: ClassVar = frozenset({"reset", "initial_state"})
    marks: ClassVar = frozenset({"reset"})
    outputs: ClassVar = {
        "y": ("batch", "time", "head", "channel"),
        "last_state": ("batch", "head", "channel"),
    }

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        x, wide = inputs["x"], inputs["x"][:, :, :, None, :]
        gates = {
            name: ar.sigmoid(ar.dot(inputs[f"{name}_weight"], wide, inputs[f"{name}_bias"]))
            for name in ("input", "recurrence")
        }
        logs = ar.product(constant(ar, -8.0), gates["recurrence"], ar.softplus(inputs["decay"]))
        decays = ar.exp(logs)
        weight = ar.sqrt(constant(ar, 1.0) + -ar.exp(logs + logs))
        if "reset" in arrays:
            first = arrays["reset"][:, :, None, None]
            decays = decays * ar.lift(1 - first)
            weight = weight * ar.lift(1 - first) + ar.lift(first)
        start = inputs.get("initial_state", ar.zeros((x.shape[0], *x.shape[2:])))
        h = ar.decaying_scan(decays, logs, (gates["input"] * x) * weight, start)
        return h, last(h, start)


@dataclass(frozen=True)
class MinGru(Kernel):
    """The minimal GRU (Feng et al. 2024): ``h' = (1 - z) h + z candidate``, ``z = sigmoid(gate)``."""

    theorem: ClassVar = theorems.MIN_GRU_PREFIX
    bound_theorem: ClassVar = theorems.SCAN_ERROR
    inputs: ClassVar = {
        "gate": ("batch", "time", "channel"),
        "candidate": ("batch", "time", "channel"),
        "initial_state": ("batch", "channel"),
    }
    optional: ClassVar = frozenset({"initial_state"})
    outputs: ClassVar = {"y": ("batch", "time", "channel"), "last_state": ("batch", "channel")}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        gate, candidate = inputs["gate"], inputs["candidate"]
        z = ar.sigmoid(gate)
        start = inputs.get("initial_state", ar.zeros((gate.shape[0], gate.shape[2])))
        kept = constant(ar, 1.0) + -z
        h = ar.decaying_scan(kept, -ar.softplus(gate), z * candidate, start)
        return h, last(h, start)
