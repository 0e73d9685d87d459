"""Parameters as Mamba checkpoints store them, and their exact mapping onto the runner's spec."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import NDArray

from scanproof.errors import InvalidArgument
from scanproof.refinement.arithmetic import FLOAT64, Arithmetic, Value
from scanproof.refinement.runners import SelectiveMambaBlockSpec
from scanproof.refinement.shapes import as_parameter, bind_axes

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class MambaCheckpoint:
    """Parameters of one Mamba mixer under their checkpoint names (dots written as underscores).

    Attributes:
        in_proj_weight: (2 innerDim, inputDim), rows of x first, then those of the gate z.
        conv1d_weight: (innerDim, 1, convWidth), oldest tap first, as PyTorch's cross-correlation has it.
        x_proj_weight: (dtRank + 2 stateDim, innerDim), rows of dt, of B, of C.
        dt_proj_weight: (innerDim, dtRank).
        dt_proj_bias: (innerDim,).
        A_log: (innerDim, stateDim); the decays are ``A = -exp(A_log)``.
        D: (innerDim,).
        out_proj_weight: (outputDim, innerDim).
        in_proj_bias: (2 innerDim,) or None, which is zeros.
        conv1d_bias: (innerDim,) or None, which is zeros.
        out_proj_bias: (outputDim,) or None, which is zeros.

    Raises:
        InvalidArgument: shapes do not fit each other.
    """

    in_proj_weight: Array
    conv1d_weight: Array
    x_proj_weight: Array
    dt_proj_weight: Array
    dt_proj_bias: Array
    A_log: Array
    D: Array
    out_proj_weight: Array
    in_proj_bias: Array | None = None
    conv1d_bias: Array | None = None
    out_proj_bias: Array | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            given = getattr(self, field.name)
            if given is not None:
                object.__setattr__(self, field.name, as_parameter("MambaCheckpoint", field.name, given))
        sizes = bind_axes(
            "MambaCheckpoint",
            vars(self),
            {
                "A_log": ("innerDim", "stateDim"),
                "dt_proj_weight": ("innerDim", "dtRank"),
                "dt_proj_bias": ("innerDim",),
                "D": ("innerDim",),
                "out_proj_weight": ("outputDim", "innerDim"),
                "conv1d_weight": ("innerDim", "1", "convWidth"),
                "in_proj_weight": ("2 innerDim", "inputDim"),
                "x_proj_weight": ("dtRank + 2 stateDim", "innerDim"),
            },
        )
        inner, states = sizes["innerDim"], sizes["stateDim"]
        self._require("conv1d_weight", (inner, 1, sizes["convWidth"]))
        self._require("in_proj_weight", (2 * inner, sizes["inputDim"]))
        self._require("x_proj_weight", (sizes["dtRank"] + 2 * states, inner))
        self._require("in_proj_bias", (2 * inner,))
        self._require("conv1d_bias", (inner,))
        self._require("out_proj_bias", (sizes["outputDim"],))

    def _require(self, name: str, shape: tuple[int, ...]) -> None:
        array = getattr(self, name)
        if array is not None and array.shape != shape:
            raise InvalidArgument(
                f"MambaCheckpoint: {name} has shape {array.shape}; the other parameters ask for {shape}."
            )

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Any], prefix: str = "") -> "MambaCheckpoint":
        """Read a mixer's parameters from a PyTorch state dict.

        Args:
            state_dict: parameters by name; floating tensors of any dtype are upcast exactly.
            prefix: the part of the key before ``in_proj.weight``, such as ``"backbone.layers.0.mixer."``.

        Raises:
            InvalidArgument: a parameter is missing, or shapes do not fit.
        """
        found = {}
        for field in fields(cls):
            module, _, parameter = field.name.rpartition("_")
            name = prefix + (f"{module}.{parameter}" if parameter in ("weight", "bias") else field.name)
            if name in state_dict:
                found[field.name] = state_dict[name].detach().cpu().double().numpy()
            elif field.default is not None:
                raise InvalidArgument(
                    f"{name!r} is not in the state dict; give the state dict of a Mamba mixer, and the"
                    " prefix of its keys."
                )
        return cls(**found)

    @property
    def stored_parameters(self) -> dict[str, Array]:
        """The parameters by name."""
        return {name: array for name, array in vars(self).items() if array is not None}

    def with_parameters(self, parameters: Mapping[str, Value]) -> "MambaCheckpoint":
        """Return a checkpoint with other values in place of parameters, such as residues."""
        changed = copy(self)
        for name, value in parameters.items():
            object.__setattr__(changed, name, value)
        return changed

    def spec(self, arithmetic: Arithmetic = FLOAT64) -> SelectiveMambaBlockSpec:
        """Return the runner's parameters: rows split, taps reversed, ``A = -exp(A_log)``."""
        return SelectiveMambaBlockSpec(**self.parts(arithmetic), stored=self)

    def parts(self, arithmetic: Arithmetic) -> dict[str, Value]:
        """Return the fields of the spec by name, in an arithmetic."""
        inner, states = self.A_log.shape
        rank = self.dt_proj_weight.shape[1]

        def lifted(name: str, length: int) -> Value:
            found = getattr(self, name)
            return arithmetic.zeros((length,)) if found is None else arithmetic.lift(found)

        in_weight, in_bias = arithmetic.lift(self.in_proj_weight), lifted("in_proj_bias", 2 * inner)
        x_proj = arithmetic.lift(self.x_proj_weight)
        return {
            "inProj": in_weight[:inner],
            "inBias": in_bias[:inner],
            "gateProj": in_weight[inner:],
            "gateBias": in_bias[inner:],
            "convWeight": arithmetic.lift(self.conv1d_weight)[:, 0, ::-1],
            "convBias": lifted("conv1d_bias", inner),
            "dtDown": x_proj[:rank],
            "dtUp": arithmetic.lift(self.dt_proj_weight),
            "dtBias": arithmetic.lift(self.dt_proj_bias),
            "bProj": x_proj[rank : rank + states],
            "cProj": x_proj[rank + states :],
            "A": -arithmetic.exp(arithmetic.lift(self.A_log)),
            "D": arithmetic.lift(self.D),
            "outProj": arithmetic.lift(self.out_proj_weight),
            "outBias": lifted("out_proj_bias", self.out_proj_weight.shape[0]),
        }
