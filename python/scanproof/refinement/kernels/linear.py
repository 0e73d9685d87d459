"""The plain linear recurrence: one decay per channel and token, and the state is the output."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.domains import DECAYS, LOG_DECAYS, Domain
from scanproof.refinement.kernels.kernel import Array, Kernel, last


@dataclass(frozen=True)
class LinearRecurrence(Kernel):
    """The plain linear recurrence ``h' = a h + x``, ``y = h'``, with a decay ``a`` per channel and token.

    This is the scan inside HGRN, the RG-LRU and the minimal recurrent units. The Lean definition is
    ``diagonalSelectiveScan``.

    Attributes:
        log_decays: True if ``g`` holds logarithms of the decays, as in HGRN; False if ``g`` holds decays.
    """

    theorem: ClassVar = theorems.SELECTIVE_SCAN_APPEND
    bound_theorem: ClassVar = theorems.SCAN_ERROR
    inputs: ClassVar = {
        "x": ("batch", "time", "channel"),
        "g": ("batch", "time", "channel"),
        "initial_state": ("batch", "channel"),
    }
    optional: ClassVar = frozenset({"initial_state"})
    outputs: ClassVar = {"y": ("batch", "time", "channel"), "last_state": ("batch", "channel")}

    log_decays: bool = False

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Decays, or their logarithms."""
        return {"g": LOG_DECAYS if self.log_decays else DECAYS}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        x, g = inputs["x"], inputs["g"]
        start = inputs.get("initial_state", ar.zeros((x.shape[0], x.shape[2])))
        h = ar.decaying_scan(ar.exp(g) if self.log_decays else g, g, x, start)
        return h, last(h, start)
