"""A function with the arguments of a kernel, compared with that kernel."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.programs.field.primes import Primes
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.gradients import COTANGENTS, recorded
from scanproof.refinement.kernels.adjoint import KernelTape
from scanproof.refinement.kernels.arithmetic import KernelAdjoint
from scanproof.refinement.kernels.bounds import KernelBounds
from scanproof.refinement.kernels.constants import are_constant
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.problem import (
    Expected,
    Inputs,
    Problem,
    Ran,
    adjoint_results,
    bounded_results,
    checked_output,
    separated,
    stored,
    to_numpy,
)
from scanproof.refinement.residues import Residues, sent
from scanproof.refinement.rounding import Rounding
from scanproof.refinement.words import FieldNumbers, FieldWords


class KernelProblem(Problem):
    """A function with the arguments of a kernel, compared with that kernel."""

    def __init__(
        self,
        fn: Callable[..., Any],
        kernel: Kernel,
        rounding: Rounding,
        log_window: int,
        constant: frozenset[str] = frozenset(),
        gradient_log_window: int | None = None,
        reference: Oracle | None = None,
    ) -> None:
        self._reference = reference
        self._fn, self._kernel, self._log_window = fn, kernel, log_window
        self._gradient_log_window = log_window if gradient_log_window is None else gradient_log_window
        self.rounding, self.spec = rounding, repr(kernel)
        self.theorem = kernel.theorem
        self.bound_theorem = "" if log_window or gradient_log_window else kernel.bound_theorem
        precision = KernelBounds.finer_than(rounding).reference.name
        self.reference_name = f"the Python twin of the Lean recurrence, {precision}"
        cotangents = {f"d{name}": axes for name, axes in kernel.outputs.items()}
        gradients = {
            f"d{name}": tuple(axis or f"{name}[{place}]" for place, axis in enumerate(axes))
            for name, axes in kernel.inputs.items()
        }
        self.input_axes = {**kernel.inputs, **cotangents}
        self.output_axes = {**kernel.outputs, **gradients}
        self.optional, self.constant = tuple(kernel.optional), kernel.marks | constant
        self._repeated = constant
        self.grouped, self.omissible = kernel.grouped, kernel.omissible

    def admits(self, inputs: Inputs) -> bool:
        """Return whether the constant inputs are the same for every example and token."""
        return are_constant(self._kernel, separated(inputs)[0], self._repeated)

    def like(self, arguments: Inputs) -> dict[str, Tensor]:
        """Return meta tensors with the shapes of the outputs."""
        sizes = self._kernel.sizes(arguments)
        return {
            name: torch.empty([sizes[axis] for axis in axes], device="meta")
            for name, axes in self._kernel.outputs.items()
        }

    def returned(self, arguments: Inputs) -> dict[str, Tensor]:
        """Return the outputs that the implementation returns, recorded for autograd."""
        return recorded(self._run_fn, arguments, self.differentiated(arguments))[0]

    def _run_fn(self, arguments: Inputs) -> dict[str, Tensor]:
        returned = self._fn(**arguments)
        results = returned if isinstance(returned, tuple | list) else (returned,)
        like = self.like(arguments)
        if len(results) > len(like) or not results or results[0] is None:
            raise InvalidArgument(f"fn(…) returned {len(results)} results; return ({', '.join(like)}).")
        return {
            name: checked_output(f"{name} of fn(…)", result, tuple(like[name].shape))
            for name, result in zip(like, results, strict=False)
            if result is not None
        }

    def expected(self, inputs: Inputs, dtypes: Mapping[str, torch.dtype]) -> Expected:
        """Run the recurrence with bounds, and its adjoint if there are cotangents."""
        arithmetic = KernelBounds.finer_than(self.rounding, self._log_window, self._gradient_log_window)
        arguments, cotangents = separated({name: to_numpy(tensor) for name, tensor in inputs.items()})
        if cotangents:
            tape = KernelTape(arithmetic)
            variables, traced = self._kernel.trace(arguments, tape)
            results, bounds = bounded_results(arithmetic, tape, variables, traced, cotangents, dtypes)
        else:
            results = self._kernel.run(arguments, arithmetic)
            bounds = {name: stored([results[name]], results[name], dtype) for name, dtype in dtypes.items()}
        values = {name: results[name].value for name in dtypes}
        rests = {name: results[name].rest for name in dtypes}
        return Expected(values, rests, bounds, arithmetic.peak)

    def within(self, inputs: Inputs) -> Inputs:
        """Return inputs within the domains of the kernel."""
        arguments, _ = separated(inputs)
        return {**inputs, **self._kernel.into_domains(arguments)}

    def over(
        self, arithmetic: KernelAdjoint, inputs: Mapping[str, Value], parameters: Mapping[str, Value]
    ) -> Ran:
        """Run the recurrence."""
        tape = KernelTape(arithmetic)
        arguments, cotangents = separated(inputs)
        arrays = {name: x.floats for name, x in arguments.items()}
        variables, traced = self._kernel.recurrence.trace_values(arguments, arrays, tape)
        return adjoint_results(tape, variables, traced, cotangents)

    def outputs_of_lean(
        self, inputs: Mapping[str, Residues], parameters: Mapping[str, Residues], primes: Primes
    ) -> Mapping[str, FieldNumbers]:
        """Run the Lean definition over residues, if the call gives an oracle."""
        if self._reference is None:
            return {}
        arguments = {
            name: x.floats if name in self._kernel.marks else sent(x)
            for name, x in inputs.items()
            if name not in COTANGENTS
        }
        return self._reference.run_kernel(self._kernel, arguments, FieldWords(primes))

    def alternatives(self, inputs: Inputs) -> Iterator[tuple[str, Problem]]:
        """Yield problems with sums of logarithms over all tokens: in the backward pass, then in both."""
        time = self._kernel.sizes(separated(inputs)[0]).get("time", 0)
        if separated(inputs)[1] and self._gradient_log_window < time:
            backwards = copy(self)
            backwards._gradient_log_window = time
            yield f"gradient_log_window={time}", backwards
        if self._log_window < time:
            whole = copy(self)
            whole._log_window = whole._gradient_log_window = time
            yield f"log_window={time}", whole

    def call(self, inputs: Inputs) -> str:
        """Return the call of ``check_refinement``."""
        names = ", ".join(f"{name!r}: {name}" for name in separated(inputs)[0])
        window, gradients = self._log_window, self._gradient_log_window
        options = f"log_window={window}, {self._options(inputs)}"
        if gradients != window:
            options = f"gradient_log_window={gradients}, {options}"
        if self._repeated:
            options = f"constant={{{', '.join(map(repr, sorted(self._repeated)))}}}, {options}"
        return f"scanproof.check_refinement(fn, scanproof.{self._kernel!r}, {{{names}}}, {options}).require()"
