# ruff: noqa: N815 (field names are those of the Lean structures)
"""The list runners of the Lean library, vectorised over a batch and generic over the arithmetic.

Each spec holds the parameters of the Lean structure of the same name. :meth:`Spec.run` computes the Lean
``runList``, operation for operation: bit for bit in float64 with ``+`` and ``*`` alone, and exactly in exact
arithmetic. Vectors are rows, and matrices are [out, in]. A matrix-vector product is a left fold from zero for
each row.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from scanproof import theorems
from scanproof.errors import InvalidArgument
from scanproof.refinement.adjoint import Tape, Traced
from scanproof.refinement.arithmetic import FLOAT64, AdjointArithmetic, Arithmetic, Value
from scanproof.refinement.shapes import as_array, as_parameter, bind_axes

if TYPE_CHECKING:
    from scanproof.refinement.bounded import BoundedArithmetic
    from scanproof.refinement.checkpoint import MambaCheckpoint
    from scanproof.refinement.rounding import Rounding

Array = NDArray[Any]


class Spec(ABC):
    """Parameters of one reference runner.

    Attributes:
        theorem: the Lean theorem about this runner, in namespace ``Scanproof``.
        axes: the named dimensions of each field that is an array.
    """

    theorem: ClassVar[str]
    axes: ClassVar[dict[str, tuple[str, ...]]]

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name in self.axes:
            object.__setattr__(self, name, as_parameter(owner, name, getattr(self, name)))
        bind_axes(owner, vars(self), self.axes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={size}' for name, size in self.dims.items())})"

    @property
    def dims(self) -> dict[str, int]:
        """Sizes by the names the Lean structure gives them."""
        return bind_axes(type(self).__name__, vars(self), self.axes)

    def run(self, x: Array, state: Any = None, arithmetic: Arithmetic = FLOAT64) -> tuple[Value, Any]:
        """Run the list runner on every example of a batch.

        Runs of consecutive pieces, each from the state after the previous piece, equal one run: Lean theorem
        ``diagonalS4_runList_flatten``, ``compactMamba_runList_flatten`` or
        ``selectiveMamba_runListAux_flatten``.

        Args:
            x: inputs, (batch, time, inputDim); time may be 0.
            state: state to start from, as returned by another run; default: zeros and an empty history.
            arithmetic: the arithmetic to compute in.

        Returns:
            Outputs (batch, time, outputDim) and the state after the last token.

        Raises:
            InvalidArgument: ``x`` has another shape.
        """
        x = self._checked(x)
        if state is None:
            state = self._initial_state(len(x), arithmetic)
        with np.errstate(over="ignore", invalid="ignore"):
            return self._run(arithmetic, arithmetic.lift(x), state)

    @property
    def stored_parameters(self) -> dict[str, Array]:
        """The parameters by name, as a checkpoint stores them."""
        return {name: getattr(self, name) for name in self.axes}

    @property
    def doubt(self) -> str:
        """Why the parameters may differ from those of an implementation by rounding; empty if they do not."""
        return ""

    def with_parameters(self, parameters: Mapping[str, Value], arithmetic: Arithmetic) -> Self:
        """Return a spec with other values in place of stored parameters, such as residues."""
        return self._with(parameters)

    def mapped(self, change: Callable[[Any], Any]) -> Self:
        """Return a spec with other values in place of its parameters."""
        return self._with({name: change(getattr(self, name)) for name in self.axes})

    def _with(self, values: Mapping[str, Value]) -> Self:
        changed = copy(self)
        for name, value in values.items():
            object.__setattr__(changed, name, value)
        return changed

    @property
    def bound_theorem(self) -> str:
        """The Lean theorem behind the bound of the state; empty if there is none."""
        return theorems.SCAN_ERROR

    def bounds(self, rounding: "Rounding") -> "BoundedArithmetic":
        """Return the arithmetic that bounds the effect of an implementation's rounding on a run."""
        from scanproof.refinement.bounded import BoundedArithmetic

        return BoundedArithmetic.finer_than(rounding)

    def tape(self, arithmetic: AdjointArithmetic) -> Tape:
        """Return a tape over one of the runner's arithmetics."""
        return Tape(arithmetic)

    def trace(self, x: Array, tape: Tape) -> tuple[Traced, Traced]:
        """Run from the zero state on a tape.

        Returns:
            The inputs, as a variable of the tape, and the outputs (batch, time, outputDim).

        Raises:
            InvalidArgument: ``x`` has another shape.
        """
        return self.trace_values(self._checked(x), tape)

    def trace_values(self, x: Value, tape: Tape) -> tuple[Traced, Traced]:
        """Run from the zero state on a tape, from values of its arithmetic."""
        inputs = tape.variable(x)
        with np.errstate(over="ignore", invalid="ignore"):
            y, _ = self._run(tape, inputs, self._initial_state(inputs.shape[0], tape))
        return inputs, y

    def _checked(self, x: Array) -> Array:
        x = as_array(type(self).__name__, "x", x)
        if x.ndim != 3 or x.shape[2] != self.dims["inputDim"]:
            raise InvalidArgument(
                f"x has shape {x.shape}; {self} takes (batch, time, inputDim = {self.dims['inputDim']})."
            )
        return x

    def _initial_state(self, batch: int, arithmetic: Arithmetic) -> Any:
        return arithmetic.zeros((batch, self.dims["stateDim"]))

    @abstractmethod
    def _run(self, arithmetic: Arithmetic, x: Value, state: Any) -> tuple[Value, Any]: ...


@dataclass(frozen=True, eq=False, repr=False)
class DiagonalS4Spec(Spec):
    """Diagonal S4 block: ``h' = a h + inProj x``, ``y = outProj h' + skip x``."""

    theorem = theorems.DIAGONAL_S4_PREFIX
    axes: ClassVar = {
        "inProj": ("stateDim", "inputDim"),
        "a": ("stateDim",),
        "outProj": ("outputDim", "stateDim"),
        "skip": ("outputDim", "inputDim"),
    }

    inProj: Array
    a: Array
    outProj: Array
    skip: Array

    def _run(self, arithmetic: Arithmetic, x: Value, state: Value) -> tuple[Value, Value]:
        inputs = mat_vec(arithmetic, self.inProj, x)
        h = arithmetic.scan(arithmetic.lift(self.a), inputs, state)
        y = mat_vec(arithmetic, self.outProj, h) + mat_vec(arithmetic, self.skip, x)
        return y, _last(h, state)


@dataclass(frozen=True, eq=False, repr=False)
class MambaBlockSpec(Spec):
    """Compact Mamba block with a sigmoid gate.

    ``u = inProj x``, ``h' = a h + b u``, ``y = outProj ((c h' + d u) sigmoid(gateProj x))``.
    """

    theorem = theorems.COMPACT_MAMBA_PREFIX
    axes: ClassVar = {
        "inProj": ("stateDim", "inputDim"),
        "gateProj": ("stateDim", "inputDim"),
        "a": ("stateDim",),
        "b": ("stateDim",),
        "c": ("stateDim",),
        "d": ("stateDim",),
        "outProj": ("outputDim", "stateDim"),
    }

    inProj: Array
    gateProj: Array
    a: Array
    b: Array
    c: Array
    d: Array
    outProj: Array

    def _run(self, arithmetic: Arithmetic, x: Value, state: Value) -> tuple[Value, Value]:
        a, b, c, d = (arithmetic.lift(part) for part in (self.a, self.b, self.c, self.d))
        u = mat_vec(arithmetic, self.inProj, x)
        gate = arithmetic.sigmoid(mat_vec(arithmetic, self.gateProj, x))
        h = arithmetic.scan(a, b * u, state)
        return mat_vec(arithmetic, self.outProj, (c * h + d * u) * gate), _last(h, state)


class SelectiveState(NamedTuple):
    """State of the selective Mamba runner.

    Attributes:
        h: scan state, (batch, innerDim, stateDim).
        history: past inputs of the convolution, newest first, (batch, entries, innerDim). A ring cache of the
            past inputs computes the same outputs: Lean theorem ``selectiveMamba_prefill_decode_ring``.
    """

    h: Value
    history: Value


@dataclass(frozen=True, eq=False, repr=False)
class SelectiveMambaBlockSpec(Spec):
    """Mamba block: projections, causal depthwise convolution, selective scan, gate (Gu & Dao 2023, figure 3).

    ``convWeight`` holds its taps newest first. Per token::

        x' = inProj x + inBias,  z = gateProj x + gateBias
        v  = silu((fold over taps k of convWeight[k] window[k]) + convBias),  window = x' :: history
        dt = softplus(dtUp (dtDown v) + dtBias),  B = bProj v,  C = cProj v
        h'[i, n] = exp(dt[i] A[i, n]) h[i, n] + (dt[i] B[n]) v[i]
        y[i] = ((fold over n of C[n] h'[i, n]) + D[i] v[i]) silu(z[i])
        output = outProj y + outBias

    The block computed kernel after kernel over the whole sequence is the same function: Lean theorem
    ``selectiveMamba_runListAux_eq_kernels``.

    Attributes:
        stored: the checkpoint that the parameters come from; with it ``A = -exp(A_log)`` is exact where
            nothing rounds.
    """

    theorem = theorems.SELECTIVE_MAMBA_PREFIX
    axes: ClassVar = {
        "inProj": ("innerDim", "inputDim"),
        "inBias": ("innerDim",),
        "gateProj": ("innerDim", "inputDim"),
        "gateBias": ("innerDim",),
        "convWeight": ("innerDim", "convWidth"),
        "convBias": ("innerDim",),
        "dtDown": ("dtRank", "innerDim"),
        "dtUp": ("innerDim", "dtRank"),
        "dtBias": ("innerDim",),
        "bProj": ("stateDim", "innerDim"),
        "cProj": ("stateDim", "innerDim"),
        "A": ("innerDim", "stateDim"),
        "D": ("innerDim",),
        "outProj": ("outputDim", "innerDim"),
        "outBias": ("outputDim",),
    }

    inProj: Array
    inBias: Array
    gateProj: Array
    gateBias: Array
    convWeight: Array
    convBias: Array
    dtDown: Array
    dtUp: Array
    dtBias: Array
    bProj: Array
    cProj: Array
    A: Array
    D: Array
    outProj: Array
    outBias: Array
    stored: "MambaCheckpoint | None" = None

    @property
    def stored_parameters(self) -> dict[str, Array]:
        """The parameters of the checkpoint, or those of the runner if no checkpoint is known."""
        return super().stored_parameters if self.stored is None else self.stored.stored_parameters

    @property
    def doubt(self) -> str:
        """Without a checkpoint, A holds rounded numbers."""
        if self.stored is not None:
            return ""
        return "the spec holds A in rounded numbers; give a MambaCheckpoint, whose A = -exp(A_log) is exact"

    def with_parameters(self, parameters: Mapping[str, Value], arithmetic: Arithmetic) -> Self:
        """Replace parameters of the checkpoint, and compute those of the runner from them."""
        if self.stored is None:
            return self._with(parameters)
        return self._with(self.stored.with_parameters(parameters).parts(arithmetic))

    def _initial_state(self, batch: int, arithmetic: Arithmetic) -> SelectiveState:
        inner, states = self.dims["innerDim"], self.dims["stateDim"]
        return SelectiveState(arithmetic.zeros((batch, inner, states)), arithmetic.zeros((batch, 0, inner)))

    def _run(self, arithmetic: Arithmetic, x: Value, state: SelectiveState) -> tuple[Value, SelectiveState]:
        ar = arithmetic
        projected = mat_vec(ar, self.inProj, x, self.inBias)
        z = mat_vec(ar, self.gateProj, x, self.gateBias)
        windows, history = _windows(ar, projected, state.history, self.dims["convWidth"])
        v = ar.silu(ar.dot(ar.lift(self.convWeight), windows, ar.lift(self.convBias)))
        dt = ar.softplus(mat_vec(ar, self.dtUp, mat_vec(ar, self.dtDown, v), self.dtBias))
        B, C = mat_vec(ar, self.bProj, v), mat_vec(ar, self.cProj, v)
        A, D = ar.lift_computed(self.A), ar.lift(self.D)
        y, h = diagonal_selective_scan(ar, dt, A, B, C, v, D, state.h)
        return mat_vec(ar, self.outProj, y * ar.silu(z), self.outBias), SelectiveState(h, history)


def diagonal_selective_scan(
    arithmetic: Arithmetic, dt: Value, A: Value, B: Value, C: Value, v: Value, D: Value | None, h0: Value
) -> tuple[Value, Value]:
    """Run the selective scan itself, the part that kernels implement.

    The scan is Lean's ``selectiveScan`` without bias, softplus and gate: Lean theorem
    ``selectiveScan_outputs_channel``. Consecutive channels share a group. The groups are an axis of their
    own, so the gradients at B and C are sums over the channels of a group.

    Args:
        arithmetic: the arithmetic to compute in.
        dt: step sizes, (batch, time, inner).
        A: continuous-time decays, (inner, states).
        B: input projections, (batch, time, groups, states), or (batch, time, states) for one group.
        C: output projections, as B.
        v: inputs, (batch, time, inner).
        D: skip weights, (inner,).
        h0: state to start from, (batch, inner, states).

    Returns:
        Outputs (batch, time, inner), before any gate, and the last state (batch, inner, states).
    """
    B, C = (x if len(x.shape) == 4 else x[:, :, None] for x in (B, C))
    groups, states = max(B.shape[2], C.shape[2]), A.shape[1]
    (batch, time, inner), each = dt.shape, (groups, v.shape[2] // groups)
    skip = None if D is None else (D * v).reshape((batch, time, *each))
    dt, v = dt.reshape((batch, time, *each)), v.reshape((batch, time, *each))
    start = h0.reshape((batch, *each, states))
    decays = arithmetic.exp(dt[..., None] * A.reshape((*each, states)))
    inputs = arithmetic.product(dt[..., None], B[:, :, :, None], v[..., None])
    h = arithmetic.scan(decays, inputs, start)
    y = arithmetic.dot(C[:, :, :, None], h, skip)
    return y.reshape((batch, time, inner)), _last(h, start).reshape((batch, inner, states))


def mat_vec(arithmetic: Arithmetic, matrix: Array, x: Value, bias: Array | None = None) -> Value:
    """Return ``matrix x + bias`` for rows x (..., in)."""
    plus = None if bias is None else arithmetic.lift(bias)
    return arithmetic.dot(arithmetic.lift(matrix), x[..., None, :], plus)


def _last(h: Value, initial: Value) -> Value:
    return h[:, -1] if h.shape[1] else initial


def _windows(arithmetic: Arithmetic, x: Value, history: Value, width: int) -> tuple[Value, Value]:
    """Return windows (batch, time, inner, width) and the history after x, both newest first.

    A window is a token and the tokens before it; tokens before the start of the history count as zero. A
    kernel that keeps a window in place of the history computes the same: Lean theorem
    ``causalConv1d_windowOf``.
    """
    batch, length, inner = x.shape
    if length == 0:
        return arithmetic.zeros((batch, 0, inner, width)), history
    known = arithmetic.concatenate([history[:, ::-1], x], axis=1)
    seen = arithmetic.concatenate([arithmetic.zeros((batch, width, inner)), known], axis=1)
    first = seen.shape[1] - length
    taps = [seen[:, first - k : first - k + length, :, None] for k in range(width)]
    windows = arithmetic.concatenate([arithmetic.zeros((batch, length, inner, 0)), *taps], axis=3)
    return windows, known[:, ::-1][:, : max(width - 1, 0)]
