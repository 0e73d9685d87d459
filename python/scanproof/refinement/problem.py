"""What is compared: the outputs of an implementation, and the outputs of the reference with their bounds."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanproof import theorems
from scanproof.errors import InvalidArgument
from scanproof.programs.field.primes import Primes
from scanproof.programs.memory import copied
from scanproof.refinement.adjoint import Tape, Traced
from scanproof.refinement.arithmetic import FLOAT64, Arithmetic, Part, Value
from scanproof.refinement.bounded import Bounded, BoundedArithmetic, Floats
from scanproof.refinement.gradients import COTANGENTS, pulled_back, with_gradients
from scanproof.refinement.kernels.arithmetic import KernelAdjoint
from scanproof.refinement.layout import literal
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.residues import ResidueArithmetic, Residues, sent
from scanproof.refinement.rounding import Rounding, growth
from scanproof.refinement.runners import Spec, diagonal_selective_scan
from scanproof.refinement.words import FieldNumbers, FieldWords

Inputs = Mapping[str, Tensor]
Array = TypeVar("Array", Tensor, Floats)

LONGEST_LITERAL = 256
"""Greatest number of entries of a tensor that the code of a failing case writes out."""


class Reference(Protocol):
    """Anything that runs a spec, such as the Lean oracle."""

    def run(self, spec: Spec, x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        """Return outputs (batch, time, outputDim) and the last state for inputs (batch, time, inputDim)."""


@dataclass(frozen=True)
class Expected:
    """Reference values, and how far an implementation under the rounding model may lie from each.

    Attributes:
        value: reference outputs and gradients by name, rounded to float64.
        rest: the errors of that rounding.
        bound: greatest difference that rounding explains, of the same shapes.
        peak: greatest magnitude of any intermediate in any evaluation order.
        trouble: why the reference cannot be trusted; empty if it can be trusted.
    """

    value: Mapping[str, Floats]
    rest: Mapping[str, Floats]
    bound: Mapping[str, Floats]
    peak: float
    trouble: str = ""


@dataclass(frozen=True)
class Ran:
    """A run of the reference in some arithmetic.

    Attributes:
        results: outputs and gradients by name.
        values: all that was computed on the way to the outputs, in order.
    """

    results: Mapping[str, Value]
    values: Sequence[Value]


class Problem(ABC):
    """An implementation, its reference, and the source text that repeats the check.

    If the inputs include cotangents of outputs (:data:`COTANGENTS`), the check compares the outputs, and the
    gradients that these cotangents give at the other inputs. Otherwise it compares the outputs alone.

    Attributes:
        rounding: the assumptions about the arithmetic of the implementation.
        spec: the reference, with its dimensions.
        reference_name: what computes the values of the reference.
        theorem: the Lean theorem about the reference.
        bound_theorem: the Lean theorem behind the bound of the state; empty if there is none.
        input_axes: names of the axes of each input; None for an axis that must keep its size.
        output_axes: names of the axes of each output, and of each gradient.
        optional: names of inputs that may be left out.
        constant: names of inputs at which no gradients are compared.
        grouped: the axis whose consecutive entries share a group; empty if there are no groups.
        omissible: axes that inputs and gradients may leave out if the size of the axis is 1.
        doubt: why the parameters of the reference may be those of the implementation only up to rounding.
    """

    rounding: Rounding
    spec: str
    reference_name: str
    _fn: Callable[..., Any]
    theorem: str
    bound_theorem: str = theorems.SCAN_ERROR
    input_axes: Mapping[str, tuple[str | None, ...]]
    output_axes: Mapping[str, tuple[str, ...]]
    optional: tuple[str, ...] = ()
    constant: frozenset[str] = frozenset()
    grouped: str = ""
    omissible: frozenset[str] = frozenset()
    doubt: str = ""

    def differentiated(self, inputs: Inputs) -> tuple[str, ...]:
        """Return the inputs at which gradients are compared if there are cotangents."""
        arguments, _ = separated(inputs)
        floating = (name for name, x in arguments.items() if x.is_floating_point())
        return tuple(name for name in floating if name not in self.constant)

    def admits(self, inputs: Inputs) -> bool:
        """Return whether the implementation may be called with these inputs."""
        return True

    def reference_at(self, inputs: Inputs) -> str:
        """Say what computes the values of the reference at these inputs."""
        return self.reference_name

    def outputs(self, inputs: Inputs) -> dict[str, Tensor]:
        """Run the implementation; if there are cotangents, also compute vector-Jacobian products."""
        arguments, cotangents = separated(inputs)
        if cotangents:
            return with_gradients(self._run_fn, arguments, cotangents, self.differentiated(inputs))
        return self._run_fn({name: copied(tensor) for name, tensor in arguments.items()})

    def recordable(self) -> Callable[..., dict[str, Tensor]]:
        """Return the implementation as a function of inputs and cotangents by name, with gradients."""

        def call(**inputs: Tensor) -> dict[str, Tensor]:
            arguments, cotangents = separated(inputs)
            if not cotangents:
                return self._run_fn(arguments)
            return pulled_back(self._run_fn, arguments, cotangents, self.differentiated(inputs))

        call.__wrapped__ = self._fn  # type: ignore[attr-defined]  # names of modules are those of fn
        return call

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters of the implementation by name, if it is a module."""
        return dict(self._fn.named_parameters()) if isinstance(self._fn, nn.Module) else {}

    @property
    def stored_parameters(self) -> Mapping[str, Floats]:
        """The parameters of the reference by name."""
        return {}

    def with_parameters(self, parameters: Mapping[str, Floats]) -> Self:
        """Return the problem with other numbers in place of some of ``stored_parameters``."""
        return copy(self)

    def within(self, inputs: Inputs) -> Inputs:
        """Return inputs that the reference is meant for."""
        return inputs

    @abstractmethod
    def over(
        self,
        arithmetic: KernelAdjoint,
        inputs: Mapping[str, Value],
        parameters: Mapping[str, Value],
    ) -> Ran:
        """Run the reference, and its adjoint if there are cotangents, on values of an arithmetic.

        Args:
            arithmetic: the arithmetic.
            inputs: all inputs and cotangents by name, as values.
            parameters: values in place of some of ``stored_parameters``.
        """

    def outputs_of_lean(
        self, inputs: Mapping[str, Residues], parameters: Mapping[str, Residues], primes: Primes
    ) -> Mapping[str, FieldNumbers]:
        """Return the outputs of the Lean definition over residues; none if the reference is no oracle.

        Args:
            inputs: all inputs by name.
            parameters: residues in place of some of ``stored_parameters``.
            primes: the primes of the residues.

        Raises:
            InvalidArgument: the oracle has no such definition.
        """
        return {}

    @abstractmethod
    def _run_fn(self, arguments: Inputs) -> dict[str, Tensor]: ...

    @abstractmethod
    def expected(self, inputs: Inputs, dtypes: Mapping[str, torch.dtype]) -> Expected:
        """Run the reference, and bound what an implementation with outputs of these dtypes may return."""

    def alternatives(self, inputs: Inputs) -> "Iterable[tuple[str, Problem]]":
        """Return other assumptions about the implementation: each as an option, and the problem with it."""
        return ()

    @abstractmethod
    def call(self, inputs: Inputs) -> str:
        """Return the call that repeats the check, as source text."""

    def code(self, inputs: Inputs) -> str:
        """Return a program that repeats the check on these inputs."""
        literals = [
            f"{name} = {literal(x)}"
            if x.numel() <= LONGEST_LITERAL
            else f"{name} = report.smallest.inputs[{name!r}]  # {tuple(x.shape)}, from the check's report"
            for name, x in inputs.items()
        ]
        return "\n".join(["import torch", "import scanproof", *literals, self.call(inputs)])

    def _options(self, inputs: Inputs) -> str:
        _, cotangents = separated(inputs)
        given = ", ".join(f"{output!r}: d{output}" for output in cotangents)
        return f"rounding={self.rounding.source()}" + (f", cotangents={{{given}}}" if given else "")


class BlockProblem(Problem):
    """A block, x (batch, time, inputDim) -> y (batch, time, outputDim), against a spec."""

    input_axes: Mapping[str, tuple[str | None, ...]] = {
        "x": ("batch", "time", None),
        "dy": ("batch", "time", None),
    }
    output_axes: Mapping[str, tuple[str, ...]] = {
        "y": ("batch", "time", "channel"),
        "dx": ("batch", "time", "channel"),
    }

    def __init__(
        self,
        fn: Callable[[Tensor], Any],
        spec: Spec,
        rounding: Rounding,
        reference: Reference | None,
    ) -> None:
        self._fn, self._spec, self._reference = fn, spec, reference
        self.doubt = spec.doubt
        self.rounding, self.spec = rounding, repr(spec)
        self.theorem, self.bound_theorem = spec.theorem, spec.bound_theorem
        self._twin = f"the Python twin of the Lean runner, {spec.bounds(rounding).reference.name}"
        self.reference_name = self._twin if reference is None else f"{type(reference).__name__}, float64"

    def _run_fn(self, arguments: Inputs) -> dict[str, Tensor]:
        x = arguments["x"]
        y = self._fn(x)
        return {"y": checked_output("fn(x)", y, (*x.shape[:2], self._spec.dims["outputDim"]))}

    def expected(self, inputs: Inputs, dtypes: Mapping[str, torch.dtype]) -> Expected:
        """Run the spec. A reference other than the twin is a second float64 run with a bound of its own."""
        x, trouble = to_numpy(inputs["x"]), ""
        arithmetic = self._spec.bounds(self.rounding)
        if "dy" in inputs:
            tape = self._spec.tape(arithmetic)
            variable, traced = self._spec.trace(x, tape)
            y = traced.value
            [parts] = tape.gradients([(traced, to_numpy(inputs["dy"]))], [variable])
        else:
            y, _ = self._spec.run(x, arithmetic=arithmetic)
        results, bounds = {"y": y}, {"y": stored([y], y, dtypes["y"])}
        if "dy" in inputs:
            results["dx"], bounds["dx"] = gradient(arithmetic, parts, variable.shape, dtypes["dx"])
        values = {name: result.value for name, result in results.items()}
        rests = {name: result.rest for name, result in results.items()}
        if self._reference is not None:
            double, _ = self._spec.run(x, arithmetic=BoundedArithmetic(Rounding.of(torch.float64)))
            values["y"], rests["y"] = self._referred(x, y.shape), np.zeros(y.shape)
            bounds["y"] = bounds["y"] + double.error
            if np.any(np.abs(values["y"] - double.value) > double.error):
                trouble = f"{self.reference_name} differs from the Python twin by more than rounding explains"
        return Expected(values, rests, bounds, arithmetic.peak, trouble)

    def _referred(self, x: Floats, shape: tuple[int, ...]) -> Floats:
        """Return the outputs of the reference that was given."""
        assert self._reference is not None
        y, _ = self._reference.run(self._spec, x)
        if np.shape(y) != shape:
            raise InvalidArgument(
                f"check_refinement: reference.run(spec, x) returned y of shape {np.shape(y)}; return shape"
                f" {shape}."
            )
        return np.asarray(y, np.float64)

    def reference_at(self, inputs: Inputs) -> str:
        """Say what computes the values of the reference; the twin always computes the gradients."""
        if self._reference is None or "dy" not in inputs:
            return self.reference_name
        return f"{self.reference_name}; gradients: {self._twin}"

    @property
    def stored_parameters(self) -> Mapping[str, Floats]:
        """The parameters of the spec, as a checkpoint stores them."""
        return self._spec.stored_parameters

    def with_parameters(self, parameters: Mapping[str, Floats]) -> Self:
        """Return the problem with another spec."""
        changed = copy(self)
        changed._spec = self._spec.with_parameters(parameters, FLOAT64)
        return changed

    def over(
        self, arithmetic: KernelAdjoint, inputs: Mapping[str, Value], parameters: Mapping[str, Value]
    ) -> Ran:
        """Run the spec with these parameters."""
        spec = self._spec.with_parameters(parameters, arithmetic)
        tape = spec.tape(arithmetic)
        x, y = spec.trace_values(inputs["x"], tape)
        return adjoint_results(tape, {"x": x}, {"y": y}, {"y": inputs["dy"]} if "dy" in inputs else {})

    def outputs_of_lean(
        self, inputs: Mapping[str, Residues], parameters: Mapping[str, Residues], primes: Primes
    ) -> Mapping[str, FieldNumbers]:
        """Run the Lean runner over residues, if the reference is an oracle."""
        if not isinstance(self._reference, Oracle):
            return {}
        spec = self._spec.with_parameters(parameters, ResidueArithmetic(primes))
        y, _ = self._reference.run(spec.mapped(sent), sent(inputs["x"]), words=FieldWords(primes))
        return {"y": y}

    def call(self, inputs: Inputs) -> str:
        """Return the call of ``check_refinement``."""
        return f"scanproof.check_refinement(fn, spec, x, {self._options(inputs)}).require()  # {self._spec!r}"


class ScanProblem(Problem):
    """A selective scan with the signature of ``selective_scan_fn``, against the scan of the Mamba runner."""

    _argument_axes: ClassVar = {
        "u": ("batch", "channel", "time"),
        "delta": ("batch", "channel", "time"),
        "A": ("channel", "state"),
        "B": ("batch", "group", "state", "time"),
        "C": ("batch", "group", "state", "time"),
        "D": ("channel",),
        "z": ("batch", "channel", "time"),
        "delta_bias": ("channel",),
    }
    _result_axes: ClassVar = {"y": ("batch", "channel", "time"), "last_state": ("batch", "channel", "state")}
    input_axes: Mapping[str, tuple[str | None, ...]] = {
        **_argument_axes,
        "dy": _result_axes["y"],
        "dlast_state": _result_axes["last_state"],
    }
    output_axes: Mapping[str, tuple[str, ...]] = {
        **_result_axes,
        **{f"d{name}": axes for name, axes in _argument_axes.items()},
    }
    optional = ("z", "D", "delta_bias")
    grouped = "channel"
    omissible = frozenset({"group"})

    def __init__(self, fn: Callable[..., Any], delta_softplus: bool, rounding: Rounding) -> None:
        self._fn, self._delta_softplus, self.rounding = fn, delta_softplus, rounding
        self.spec, self.theorem = "SelectiveScanFn()", theorems.SELECTIVE_SCAN_APPEND
        precision = BoundedArithmetic.finer_than(rounding).reference.name
        self.reference_name = f"the Python twin of the Lean runner's scan, {precision}"

    def _run_fn(self, arguments: Inputs) -> dict[str, Tensor]:
        returned = self._fn(**arguments, delta_softplus=self._delta_softplus, return_last_state=True)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise InvalidArgument(
                f"fn(…, return_last_state=True) returned a {type(returned).__name__}; return (y, last_state)."
            )
        y, last = returned
        u, A = arguments["u"], arguments["A"]
        return {
            "y": checked_output("y of fn(…)", y, tuple(u.shape)),
            "last_state": checked_output("last_state of fn(…)", last, (*u.shape[:2], A.shape[1])),
        }

    def expected(self, inputs: Inputs, dtypes: Mapping[str, torch.dtype]) -> Expected:
        """Run the scan of the runner, and its adjoint if there are cotangents."""
        arithmetic = BoundedArithmetic.finer_than(self.rounding)
        tape = Tape(arithmetic)
        arrays = {name: _time_second(to_numpy(x), self.input_axes[name]) for name, x in inputs.items()}
        arguments, cotangents = separated(arrays)
        variables = {name: tape.variable(array) for name, array in arguments.items()}
        with np.errstate(over="ignore", invalid="ignore"):
            y, last = selective_scan_of(tape, variables, self._delta_softplus)
        traced = {"y": y, "last_state": last}
        results, bounds = bounded_results(arithmetic, tape, variables, traced, cotangents, dtypes)
        axes = self.output_axes
        return Expected(
            {name: _time_last(result.value, axes[name]) for name, result in results.items()},
            {name: _time_last(result.rest, axes[name]) for name, result in results.items()},
            {name: _time_last(bound, axes[name]) for name, bound in bounds.items()},
            arithmetic.peak,
        )

    def over(
        self, arithmetic: KernelAdjoint, inputs: Mapping[str, Value], parameters: Mapping[str, Value]
    ) -> Ran:
        """Run the scan of the runner."""
        tape = Tape(arithmetic)
        moved = {name: _moved(x, self.input_axes[name], -1, 1) for name, x in inputs.items()}
        arguments, cotangents = separated(moved)
        variables = {name: tape.variable(x) for name, x in arguments.items()}
        y, last = selective_scan_of(tape, variables, self._delta_softplus)
        ran = adjoint_results(tape, variables, {"y": y, "last_state": last}, cotangents)
        axes = self.output_axes
        return Ran({name: _moved(x, axes[name], 1, -1) for name, x in ran.results.items()}, ran.values)

    def call(self, inputs: Inputs) -> str:
        """Return the call of ``check_refinement``."""
        names = ", ".join(f"{name!r}: {name}" for name in separated(inputs)[0])
        x = f"{{{names}, 'delta_softplus': {self._delta_softplus}}}"
        arguments = f"fn, scanproof.SelectiveScanFn(), {x}, {self._options(inputs)}"
        return f"scanproof.check_refinement({arguments}).require()"


def selective_scan_of(
    arithmetic: Arithmetic, given: Mapping[str, Value], delta_softplus: bool
) -> tuple[Value, Value]:
    """Run a selective scan with the arguments of ``selective_scan_fn``, time-major, from the zero state.

    Args:
        arithmetic: the arithmetic to compute in.
        given: u, delta and z (batch, time, channels), B and C (batch, time, groups, states), or (batch, time,
            states) for one group, A, D and delta_bias; D, z and delta_bias may be absent.
        delta_softplus: apply softplus to the step sizes.

    Returns:
        Outputs (batch, time, channels), and the last state (batch, channels, states).
    """
    u, dt = given["u"], given["delta"]
    if "delta_bias" in given:
        dt = dt + given["delta_bias"]
    if delta_softplus:
        dt = arithmetic.softplus(dt)
    A, B, C = (given[name] for name in "ABC")
    h0 = arithmetic.zeros((u.shape[0], u.shape[2], A.shape[1]))
    y, last = diagonal_selective_scan(arithmetic, dt, A, B, C, u, given.get("D"), h0)
    if "z" in given:
        y = y * arithmetic.silu(given["z"])
    return y, last


def separated(inputs: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the arguments by name, and the cotangents by the names of their outputs."""
    arguments = {name: given for name, given in inputs.items() if name not in COTANGENTS}
    return arguments, {COTANGENTS[name]: given for name, given in inputs.items() if name in COTANGENTS}


def to_numpy(tensor: Tensor) -> Floats:
    """Upcast a real tensor exactly."""
    array: Floats = tensor.detach().cpu().double().numpy()
    return array


def _moved(value: Value, axes: Sequence[str | None], source: int, to: int) -> Value:
    """Move the axis of time from a place to another, if it is the last axis by name."""
    return value.moved(lambda x: np.moveaxis(x, source, to)) if axes[-1] == "time" else value


def _time_second(array: Floats, axes: Sequence[str | None]) -> Floats:
    """Move the axis of time from the last place to the second."""
    return np.moveaxis(array, -1, 1) if axes[-1] == "time" else array


def _time_last(array: Floats, axes: Sequence[str | None]) -> Floats:
    """Move the axis of time from the second place to the last."""
    return np.moveaxis(array, 1, -1) if axes[-1] == "time" else array


def adjoint_results(
    tape: Tape,
    variables: Mapping[str, Traced],
    traced: Mapping[str, Traced],
    cotangents: Mapping[str, Value],
) -> Ran:
    """Return the outputs by name, and the gradients at the variables if there are cotangents."""
    results = {name: result.value for name, result in traced.items()}
    if cotangents:
        given = [(traced[name], cotangent) for name, cotangent in cotangents.items()]
        for (name, variable), parts in zip(
            variables.items(), tape.gradients(given, list(variables.values())), strict=True
        ):
            results[f"d{name}"] = tape.base.total(parts, variable.shape)
    return Ran(results, tape.values)


def bounded_results(
    arithmetic: BoundedArithmetic,
    tape: Tape,
    variables: Mapping[str, Traced],
    traced: Mapping[str, Traced],
    cotangents: Mapping[str, Floats],
    dtypes: Mapping[str, torch.dtype],
) -> tuple[dict[str, Bounded], dict[str, Floats]]:
    """Return the outputs and gradients that have a dtype, by name, with bounds for storage in that dtype."""
    results = {name: result.value for name, result in traced.items() if name in dtypes}
    bounds = {name: stored([result], result, dtypes[name]) for name, result in results.items()}
    at = {name: variable for name, variable in variables.items() if f"d{name}" in dtypes}
    if at:
        given = [(traced[name], cotangent) for name, cotangent in cotangents.items()]
        for (name, variable), parts in zip(at.items(), tape.gradients(given, list(at.values())), strict=True):
            found = gradient(arithmetic, parts, variable.shape, dtypes[f"d{name}"])
            results[f"d{name}"], bounds[f"d{name}"] = found
    return results, bounds


def gradient(
    arithmetic: BoundedArithmetic, parts: Sequence[Part], shape: tuple[int, ...], dtype: torch.dtype
) -> tuple[Bounded, Floats]:
    """Return a gradient, and its bound if the parts are stored one by one in a dtype, then added."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = arithmetic.total(parts, shape)
        return total, stored([arithmetic.total([part], shape) for part in parts], total, dtype)


def stored(parts: Sequence[Bounded], total: Bounded, dtype: torch.dtype) -> Floats:
    """Return the bound of a sum of parts that are rounded to a dtype before or after the addition."""
    own, computed = Rounding.of(dtype), total.arithmetic.rounding
    if own.unit_roundoff <= computed.unit_roundoff and own.underflow <= computed.underflow:
        return total.error
    grown = growth(own.unit_roundoff, len(parts))
    bound: Floats = total.error + sum(grown * part.magnitude + 2 * own.underflow for part in parts)
    return bound * (1 + 2.0**-45)


def checked_output(what: str, y: Any, shape: tuple[int, ...]) -> Tensor:
    """Return ``y`` if it is a real floating tensor of the expected shape.

    Raises:
        InvalidArgument: it is not.
    """
    if not isinstance(y, Tensor):
        raise InvalidArgument(f"{what} is a {type(y).__name__}; it must be a tensor of shape {shape}.")
    if not y.is_floating_point():
        raise InvalidArgument(f"{what} has dtype {y.dtype}; it must be a real floating dtype.")
    if tuple(y.shape) != shape:
        raise InvalidArgument(f"{what} has shape {tuple(y.shape)}; it must have shape {shape}.")
    return y
