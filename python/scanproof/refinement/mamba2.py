# ruff: noqa: N815 (field names are those of the Lean structure)
"""The Mamba-2 block, composed of its kernels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scanproof import theorems
from scanproof.errors import InvalidArgument
from scanproof.refinement.arithmetic import AdjointArithmetic, Arithmetic, Value
from scanproof.refinement.kernels.adjoint import KernelTape
from scanproof.refinement.kernels.arithmetic import FLOAT64, KernelAdjoint, KernelArithmetic
from scanproof.refinement.kernels.kernel import constant
from scanproof.refinement.kernels.selective import CausalConv1d
from scanproof.refinement.kernels.ssd import SsdScan
from scanproof.refinement.runners import Array, Spec, mat_vec

if TYPE_CHECKING:
    from scanproof.refinement.kernels.bounds import KernelBounds
    from scanproof.refinement.rounding import Rounding


class Mamba2State(NamedTuple):
    """State of the Mamba-2 runner.

    Attributes:
        h: scan state, (batch, heads, headDim, stateDim).
        window: the convolution's last inputs, oldest first, (batch, convWidth - 1, convDim).
    """

    h: Value
    window: Value


@dataclass(frozen=True, eq=False, repr=False)
class Mamba2BlockSpec(Spec):
    """Mamba-2 block (Dao & Gu 2024, section 7), the Lean structure of the same name.

    ``inProj`` gives the gate, the channels of the convolution and the step sizes, in this order. The
    convolution gives x, B and C. Taps are oldest first, as in checkpoints. Per token::

        z, xBC, dt = inProj x + inBias
        x, B, C = silu(causal depthwise convolution of xBC + convBias)
        y = SsdScan(x, dt, A = -exp aLog, B, C, D, dtBias), with softplus and limits
        output = outProj (rmsNorm of each group of (y silu(z)), times normWeight) + outBias

    The composed kernels and the token-by-token runner are the same function: Lean theorem
    ``mamba2_runList_eq_kernels``.

    Attributes:
        groups: number of groups of heads. The heads of a group share B and C, and the norm is taken over a
            group.
        eps: the number that the norm adds to the mean square.
        dtMin: least step size; None: no limit.
        dtMax: greatest step size; None or infinity: no limit.
        logWindow: the number of tokens over which implementations may add logarithms of decays in place of
            multiplying decays: their chunk size. ``logWindow`` widens the bound and changes no value.
    """

    theorem = theorems.MAMBA2_PREFIX
    axes: ClassVar = {
        "inProj": ("projected", "inputDim"),
        "inBias": ("projected",),
        "convWeight": ("convDim", "convWidth"),
        "convBias": ("convDim",),
        "dtBias": ("heads",),
        "aLog": ("heads",),
        "D": ("heads",),
        "normWeight": ("innerDim",),
        "outProj": ("outputDim", "innerDim"),
        "outBias": ("outputDim",),
    }

    inProj: Array
    inBias: Array
    convWeight: Array
    convBias: Array
    dtBias: Array
    aLog: Array
    D: Array
    normWeight: Array
    outProj: Array
    outBias: Array
    groups: int
    eps: float
    dtMin: float | None = 0.0
    dtMax: float | None = None
    logWindow: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = super().dims
        inner, heads, conv = sizes["innerDim"], sizes["heads"], sizes["convDim"]
        if self.groups < 1 or heads % self.groups or inner % heads:
            raise InvalidArgument(
                f"Mamba2BlockSpec: {inner} channels, {heads} heads, {self.groups} groups; give a number of"
                " heads that divides the channels, and a number of groups that divides the heads."
            )
        if conv <= inner or (conv - inner) % (2 * self.groups):
            raise InvalidArgument(
                f"Mamba2BlockSpec: the convolution has {conv} channels; give {inner} channels of x, and"
                f" equally many of B and of C, a multiple of the {self.groups} groups."
            )
        if sizes["projected"] != inner + conv + heads:
            raise InvalidArgument(
                f"Mamba2BlockSpec: inProj has {sizes['projected']} rows; give {inner + conv + heads}:"
                f" {inner} for the gate, {conv} for the convolution and {heads} for the step sizes."
            )

    @property
    def dims(self) -> dict[str, int]:
        """Sizes by the names the Lean structure gives them."""
        sizes = super().dims
        inner, heads = sizes["innerDim"], sizes["heads"]
        return {
            "inputDim": sizes["inputDim"],
            "heads": heads,
            "groups": self.groups,
            "headDim": inner // heads,
            "stateDim": (sizes["convDim"] - inner) // (2 * self.groups),
            "outputDim": sizes["outputDim"],
            "convWidth": sizes["convWidth"],
        }

    def run(self, x: NDArray[Any], state: Any = None, arithmetic: Arithmetic = FLOAT64) -> tuple[Value, Any]:
        """Run as :meth:`Spec.run`; the arithmetic must be a kernel arithmetic.

        A prefill followed by one-token steps from its state equals one run: Lean theorem
        ``mamba2_prefill_decode``.
        """
        return super().run(x, state, arithmetic)

    @property
    def bound_theorem(self) -> str:
        """The Lean theorem behind the bound of the state; empty with sums of logarithms."""
        return "" if self.logWindow else super().bound_theorem

    def bounds(self, rounding: "Rounding") -> "KernelBounds":
        """Return the kernel arithmetic that bounds the rounding of an implementation."""
        from scanproof.refinement.kernels.bounds import KernelBounds

        return KernelBounds.finer_than(rounding, self.logWindow)

    def tape(self, arithmetic: AdjointArithmetic) -> KernelTape:
        """Return a tape over a kernel arithmetic."""
        assert isinstance(arithmetic, KernelAdjoint)
        return KernelTape(arithmetic)

    def _initial_state(self, batch: int, arithmetic: Arithmetic) -> Mamba2State:
        sizes = self.dims
        conv, width = self.convWeight.shape
        scan = (batch, sizes["heads"], sizes["headDim"], sizes["stateDim"])
        return Mamba2State(arithmetic.zeros(scan), arithmetic.zeros((batch, width - 1, conv)))

    def _run(self, arithmetic: Arithmetic, x: Value, state: Mamba2State) -> tuple[Value, Mamba2State]:
        ar = arithmetic
        if not isinstance(ar, KernelArithmetic):
            raise InvalidArgument(
                f"Mamba2BlockSpec needs a square root, and {type(ar).__name__} has none; leave out"
                " reference=."
            )
        sizes, inner = self.dims, len(self.normWeight)
        heads, groups = sizes["heads"], self.groups
        entering = inner + len(self.convBias)
        projected = mat_vec(ar, self.inProj, x, self.inBias)
        z, xBC, dt = projected[..., :inner], projected[..., inner:entering], projected[..., entering:]

        conv = {
            "x": xBC,
            "weight": ar.lift(self.convWeight),
            "bias": ar.lift(self.convBias),
            "initial_state": state.window,
        }
        [v] = CausalConv1d(silu=True)._run(ar, conv, {})
        window = ar.concatenate([state.window, xBC], axis=1)[:, x.shape[1] :]

        keys = inner + groups * sizes["stateDim"]
        scan = {
            "x": _rows(v[..., :inner], heads),
            "dt": dt,
            "A": -ar.exp(ar.lift(self.aLog)),
            "B": _rows(v[..., inner:keys], groups),
            "C": _rows(v[..., keys:], groups),
            "D": ar.lift(self.D)[:, None],
            "dt_bias": ar.lift(self.dtBias),
            "initial_state": state.h,
        }
        y, h = SsdScan(dt_softplus=True, dt_min=self.dtMin, dt_max=self.dtMax)._run(ar, scan, {})

        gated = _rows(_flat(y) * ar.silu(z), groups)
        count = ar.lift(np.asarray(float(inner // groups)))
        mean = ar.div(ar.inner(gated, gated), count)
        scale = ar.rsqrt(mean + constant(ar, self.eps))
        normed = _flat(gated * scale[..., None]) * ar.lift(self.normWeight)
        return mat_vec(ar, self.outProj, normed, self.outBias), Mamba2State(h, window)


def _rows(value: Value, rows: int) -> Value:
    """Cut the last axis into rows."""
    return value.reshape((*value.shape[:-1], rows, value.shape[-1] // rows))


def _flat(rows: Value) -> Value:
    """Join the last two axes."""
    *outer, count, width = rows.shape
    return rows.reshape((*outer, count * width))
