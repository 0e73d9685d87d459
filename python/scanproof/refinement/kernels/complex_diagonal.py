"""Diagonal state spaces with complex decays: S5 and the LRU."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.domains import PARTS, Domain
from scanproof.refinement.kernels.kernel import Array, Kernel, constant, last


@dataclass(frozen=True)
class ComplexDiagonal(Kernel):
    """``h' = a h + B u`` in complex numbers, ``y = scale Re(C h') + D u``.

    The recurrence of S5 (Smith et al. 2023) and the LRU (Orvieto et al. 2023).

    The decays and the input matrix belong to the discrete recurrence. Real and imaginary parts are separate
    inputs.

    The bound is the bound of the real scan on moduli, with the unit roundoff of complex operations. The Lean
    theorem is about ordered fields. Its proof uses only the triangle inequality and ``|x y| = |x| |y|``, so
    it carries over to moduli; this last step is an argument on paper.

    Attributes:
        scale: factor of the real part; 2 if a state stands for a conjugate pair.
    """

    theorem: ClassVar = theorems.COMPLEX_DIAGONAL_PREFIX
    bound_theorem: ClassVar = ""
    inputs: ClassVar = {
        "u": ("batch", "time", "channel"),
        "a_re": ("state",),
        "a_im": ("state",),
        "B_re": ("state", "channel"),
        "B_im": ("state", "channel"),
        "C_re": ("channel", "state"),
        "C_im": ("channel", "state"),
        "D": ("channel",),
        "initial_re": ("batch", "state"),
        "initial_im": ("batch", "state"),
    }
    optional: ClassVar = frozenset({"D", "initial_re", "initial_im"})
    outputs: ClassVar = {
        "y": ("batch", "time", "channel"),
        "last_re": ("batch", "state"),
        "last_im": ("batch", "state"),
    }

    scale: float = 1.0

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Real and imaginary parts of decays."""
        return {"a_re": PARTS, "a_im": PARTS}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        u = inputs["u"]
        batch, states = u.shape[0], arrays["a_re"].shape[0]
        none = ar.zeros((batch, states))
        start = inputs.get("initial_re", none), inputs.get("initial_im", none)
        added = (
            ar.dot(inputs["B_re"], u[:, :, None, :]),
            ar.dot(inputs["B_im"], u[:, :, None, :]),
        )
        re, im = ar.complex_scan((inputs["a_re"], inputs["a_im"]), added, start)
        weights = ar.concatenate([inputs["C_re"], -inputs["C_im"]], axis=1)
        read = ar.dot(weights, ar.concatenate([re, im], axis=2)[:, :, None, :])
        if self.scale != 1:
            read = read * constant(ar, self.scale)
        if "D" in inputs:
            read = read + inputs["D"] * u
        return read, last(re, start[0]), last(im, start[1])
