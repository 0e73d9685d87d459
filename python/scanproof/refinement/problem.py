"""What is compared: an implementation's outputs, and the reference's with their bounds."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scanproof import theorems
from scanproof.errors import InvalidArgument
from scanproof.refinement.bounded import Bounded, BoundedArithmetic, Floats, Rounding
from scanproof.refinement.layout import copied, literal
from scanproof.refinement.runners import Spec, diagonal_selective_scan

Inputs = Mapping[str, Tensor]

LONGEST_LITERAL = 256
"""Numbers of a tensor that are written out in a failing case's code."""


class Reference(Protocol):
    """Anything that runs a spec, such as the Lean oracle."""

    def run(self, spec: Spec, x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        """Return outputs (batch, time, outputDim) and the last state for inputs (batch, time, inputDim)."""


@dataclass(frozen=True)
class Expected:
    """Reference values and how far an implementation under the rounding model may lie from them.

    Attributes:
        value: reference outputs by name.
        bound: greatest difference that rounding explains, of the same shapes.
        peak: greatest magnitude that any evaluation order can meet on the way.
        trouble: why the reference cannot be trusted; empty when it can.
    """

    value: Mapping[str, Floats]
    bound: Mapping[str, Floats]
    peak: float
    trouble: str = ""


class Problem(ABC):
    """An implementation, its reference, and how to write both down.

    Attributes:
        rounding: what is assumed of the implementation's arithmetic.
        model: the reference, with its dimensions.
        reference_name: what computes the reference's values.
        theorem: the Lean theorem about the reference.
        input_axes: names of the axes of each input; None for an axis that must keep its size.
        output_axes: names of the axes of each output.
        optional: names of inputs that may be left out.
    """

    rounding: Rounding
    model: str
    reference_name: str
    theorem: str
    input_axes: ClassVar[Mapping[str, tuple[str | None, ...]]]
    output_axes: ClassVar[Mapping[str, tuple[str, ...]]]
    optional: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def outputs(self, inputs: Inputs) -> dict[str, Tensor]:
        """Run the implementation."""

    @abstractmethod
    def expected(self, inputs: Inputs, dtypes: Mapping[str, torch.dtype]) -> Expected:
        """Run the reference, and bound what an implementation with outputs of these dtypes may return."""

    @abstractmethod
    def call(self, inputs: Inputs) -> str:
        """Return the call that repeats the check, as source text."""

    def code(self, inputs: Inputs) -> str:
        """Return a program that repeats the check on these inputs."""
        literals = [
            f"{name} = {literal(x)}"
            if x.numel() <= LONGEST_LITERAL
            else f"{name} = report.smallest.inputs[{name!r}]  # {tuple(x.shape)}, of the report returned"
            for name, x in inputs.items()
        ]
        return "\n".join(["import torch", "import scanproof", *literals, self.call(inputs)])

    def _rounding_argument(self) -> str:
        for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
            if self.rounding == Rounding.of(dtype):
                return f"rounding={dtype}"
        return f"rounding=scanproof.{self.rounding!r}"


class BlockProblem(Problem):
    """A block, x (batch, time, inputDim) -> y (batch, time, outputDim), against a spec."""

    input_axes: ClassVar = {"x": ("batch", "time", None)}
    output_axes: ClassVar = {"y": ("batch", "time", "channel")}

    def __init__(
        self,
        implementation: Callable[[Tensor], Any],
        spec: Spec,
        rounding: Rounding,
        reference: Reference | None,
    ) -> None:
        self._implementation, self._spec, self._reference = implementation, spec, reference
        self.rounding, self.model, self.theorem = rounding, repr(spec), spec.theorem
        twin = "the Python twin of the Lean runner"
        self.reference_name = f"{type(reference).__name__ if reference else twin}, float64"

    def outputs(self, inputs: Inputs) -> dict[str, Tensor]:
        """Run the block."""
        x = inputs["x"]
        y = self._implementation(copied(x))
        return {"y": checked_output("impl(x)", y, (*x.shape[:2], self._spec.dims["outputDim"]))}

    def expected(self, inputs: Inputs, dtypes: Mapping[str, torch.dtype]) -> Expected:
        """Run the spec. A reference other than the twin is one more float64 run, with a bound of its own."""
        x = to_numpy(inputs["x"])
        arithmetic = BoundedArithmetic(self.rounding)
        bounded, _ = self._spec.run(x, arithmetic=arithmetic)
        value, bound, trouble = bounded.value, stored(bounded, dtypes["y"]), ""
        if self._reference is not None:
            double, _ = self._spec.run(x, arithmetic=BoundedArithmetic(Rounding.of(torch.float64)))
            value, bound = self._reference.run(self._spec, x)[0], bound + double.error
            if np.any(np.abs(value - double.value) > double.error):
                trouble = f"{self.reference_name} differs from the Python twin by more than rounding explains"
        return Expected({"y": value}, {"y": bound}, arithmetic.peak, trouble)

    def call(self, inputs: Inputs) -> str:
        """Return the call of ``assert_refines``."""
        return f"scanproof.assert_refines(impl, spec, x, {self._rounding_argument()})  # {self._spec!r}"


class ScanProblem(Problem):
    """A selective scan with the ecosystem's signature against the scan of the selective Mamba runner."""

    input_axes: ClassVar = {
        "u": ("batch", "channel", "time"),
        "delta": ("batch", "channel", "time"),
        "A": ("channel", "state"),
        "B": ("batch", "state", "time"),
        "C": ("batch", "state", "time"),
        "D": ("channel",),
        "z": ("batch", "channel", "time"),
        "delta_bias": ("channel",),
    }
    output_axes: ClassVar = {"y": ("batch", "channel", "time"), "last_state": ("batch", "channel", "state")}
    optional = ("z", "D", "delta_bias")

    def __init__(self, implementation: Callable[..., Any], delta_softplus: bool, rounding: Rounding) -> None:
        self._implementation, self._delta_softplus, self.rounding = implementation, delta_softplus, rounding
        self.model, self.theorem = "selective scan", theorems.SELECTIVE_SCAN_APPEND
        self.reference_name = "the Python twin of the Lean runner's scan, float64"

    def outputs(self, inputs: Inputs) -> dict[str, Tensor]:
        """Run the scan, with its last state."""
        arguments = {name: copied(tensor) for name, tensor in inputs.items()}
        returned = self._implementation(
            **arguments, delta_softplus=self._delta_softplus, return_last_state=True
        )
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise InvalidArgument(
                f"impl(…, return_last_state=True) returned a {type(returned).__name__}, not (y, last_state)."
            )
        y, last = returned
        state_shape = (*inputs["u"].shape[:2], inputs["A"].shape[1])
        return {
            "y": checked_output("y of impl(…)", y, tuple(inputs["u"].shape)),
            "last_state": checked_output("last_state of impl(…)", last, state_shape),
        }

    def expected(self, inputs: Inputs, dtypes: Mapping[str, torch.dtype]) -> Expected:
        """Run the scan of the runner."""
        arithmetic = BoundedArithmetic(self.rounding)
        with np.errstate(over="ignore", invalid="ignore"):
            y, last = self._run(arithmetic, inputs)
            bounds = {"y": stored(y, dtypes["y"]), "last_state": stored(last, dtypes["last_state"])}
        return Expected({"y": y.value, "last_state": last.value}, bounds, arithmetic.peak)

    def _run(self, arithmetic: BoundedArithmetic, inputs: Inputs) -> tuple[Bounded, Bounded]:
        time_major = {
            name: arithmetic.lift(to_numpy(tensor.transpose(1, 2) if tensor.ndim == 3 else tensor))
            for name, tensor in inputs.items()
        }
        u, dt = time_major["u"], time_major["delta"]
        if "delta_bias" in time_major:
            dt = dt + time_major["delta_bias"]
        if self._delta_softplus:
            dt = arithmetic.softplus(dt)
        A, B, C = (time_major[name] for name in "ABC")
        h0 = arithmetic.zeros((u.shape[0], u.shape[2], A.shape[1]))
        y, last = diagonal_selective_scan(arithmetic, dt, A, B, C, u, time_major.get("D"), h0)
        if "z" in time_major:
            y = y * arithmetic.silu(time_major["z"])
        return y.swapaxes(1, 2), last

    def call(self, inputs: Inputs) -> str:
        """Return the call of ``assert_scan_refines``."""
        names = ", ".join(f"{name}={name}" for name in inputs)
        options = f"delta_softplus={self._delta_softplus}, {self._rounding_argument()}"
        return f"scanproof.assert_scan_refines(impl, {names}, {options})"


def to_numpy(tensor: Tensor) -> Floats:
    """Upcast a real tensor exactly."""
    array: Floats = tensor.detach().cpu().double().numpy()
    return array


def stored(bounded: Bounded, dtype: torch.dtype) -> Floats:
    """Return the bound after a result has been rounded once more, into the dtype it is returned in."""
    own, computed = Rounding.of(dtype), bounded.arithmetic.rounding
    if own.unit_roundoff <= computed.unit_roundoff and own.underflow <= computed.underflow:
        return bounded.error
    return BoundedArithmetic(own).rounded(bounded.value, bounded.error).error


def checked_output(what: str, y: Any, shape: tuple[int, ...]) -> Tensor:
    """Return ``y`` if it is a real floating tensor of the expected shape.

    Raises:
        InvalidArgument: it is not.
    """
    if not isinstance(y, Tensor):
        raise InvalidArgument(f"{what} is a {type(y).__name__}; return one tensor of shape {shape}.")
    if not y.is_floating_point():
        raise InvalidArgument(f"{what} has dtype {y.dtype}; return a real floating tensor.")
    if tuple(y.shape) != shape:
        raise InvalidArgument(f"{what} has shape {tuple(y.shape)}; the reference's output is {shape}.")
    return y
