"""Norms with a gate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from scanproof import theorems
from scanproof.errors import InvalidArgument
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.kernel import Array, Kernel, constant


@dataclass(frozen=True)
class GatedNorm(Kernel):
    """A norm with a gate, of each token by itself: ``norm(x) * act(z)``, or ``norm(x * act(z))``.

    ``norm(x) = x / sqrt(mean(x²) + eps) * weight + bias``; a layer norm first subtracts the mean of x. With
    groups, neighbouring features are normalised group by group. The Lean definition is ``gatedNorm``. This is
    ``rmsnorm_fn`` of mamba-ssm with the same options, and ``rms_norm_gated`` of flash-linear-attention, whose
    gate comes after the norm. Without ``z`` it is the norm alone.

    The bound is a running error analysis of the formula. A layer norm that computes the variance as the
    difference ``mean(x²) - mean(x)²`` has a greater error where the mean is large, and is REFUTED there.

    Attributes:
        eps: the number that is added to the mean square, or to the variance.
        groups: number of groups of neighbouring features; mamba-ssm names their size, ``group_size``.
        norm_before_gate: whether the gate multiplies the output of the norm, and not its input.
        centred: whether it is a layer norm, which subtracts the mean.
        activation: the activation of the gate, ``"silu"`` (also called swish) or ``"sigmoid"``.
    """

    theorem: ClassVar = theorems.GATED_NORM_PREFIX
    bound_theorem: ClassVar = ""
    inputs: ClassVar = {
        "x": ("batch", "time", "feature"),
        "weight": ("feature",),
        "bias": ("feature",),
        "z": ("batch", "time", "feature"),
    }
    optional: ClassVar = frozenset({"weight", "bias", "z"})
    outputs: ClassVar = {"y": ("batch", "time", "feature")}

    eps: float = 1e-5
    groups: int = 1
    norm_before_gate: bool = True
    centred: bool = False
    activation: Literal["silu", "sigmoid"] = "silu"

    def __post_init__(self) -> None:
        if self.activation not in ("silu", "sigmoid"):
            raise InvalidArgument(
                f"GatedNorm: activation is {self.activation!r}; give 'silu' (which is also called swish) or "
                "'sigmoid'."
            )
        if not isinstance(self.groups, int) or self.groups < 1:
            raise InvalidArgument(f"GatedNorm: groups is {self.groups!r}; give a whole number of at least 1.")

    @property
    def multiples(self) -> Mapping[str, int]:
        """The groups divide the features evenly."""
        return {"feature": self.groups}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        x, z = inputs["x"], inputs.get("z")
        if z is None:
            return (self._norm(ar, x, inputs),)
        gate = ar.silu(z) if self.activation == "silu" else ar.sigmoid(z)
        return (
            self._norm(ar, x, inputs) * gate if self.norm_before_gate else self._norm(ar, x * gate, inputs),
        )

    def _norm(self, ar: KernelArithmetic, x: Value, inputs: Mapping[str, Value]) -> Value:
        size = x.shape[-1] // self.groups
        count = ar.lift(np.asarray(float(size)))
        rows = x.reshape((*x.shape[:-1], self.groups, size))
        if self.centred:
            mean = ar.div(ar.inner(rows, ar.lift(np.ones(size))), count)
            rows = rows + -mean[..., None]
        scale = ar.rsqrt(ar.div(ar.inner(rows, rows), count) + constant(ar, self.eps))
        y = (rows * scale[..., None]).reshape(x.shape)
        if "weight" in inputs:
            y = y * inputs["weight"]
        return y + inputs["bias"] if "bias" in inputs else y
