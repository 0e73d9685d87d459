"""Whether an implementation refines a kernel of a family."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.refinement.check import (
    assert_passed,
    check_problem,
    named_cotangents,
    reject_beside_cases,
    rounding_of,
    search_problems,
)
from scanproof.refinement.gradients import recorded
from scanproof.refinement.kernels.adjoint import KernelTape
from scanproof.refinement.kernels.bounds import KernelBounds
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.problem import (
    Expected,
    Inputs,
    Problem,
    checked_output,
    pulled_back,
    separated,
    stored,
    to_numpy,
)
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.rounding import Format, Rounding
from scanproof.refinement.search import Cases


def check_kernel_refinement(
    impl: Callable[..., Any],
    kernel: Kernel,
    inputs: Mapping[str, Tensor] | None = None,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    cotangents: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    rounding: Format | Rounding | None = None,
    log_window: int = 0,
    gradient_log_window: int | None = None,
    shrink: bool = True,
) -> RefinementReport:
    """Check that ``impl`` computes a kernel of a family, up to rounding.

    Args:
        impl: function called with every input by name; returns y, or (y, last state, ...) in the order of
            ``kernel.outputs``, where None stands for what it does not return.
        kernel: the recurrence with its options, such as ``SsdScan(dt_softplus=True)``.
        inputs: tensors by name, of the shapes that ``kernel.inputs`` names.
        cases: in place of ``inputs``, how many to draw, or which (:class:`scanproof.Cases`).
        gradients: also compare the gradients at every floating input but ``kernel.marks``, vector-Jacobian
            products by autograd, with the adjoint of the recurrence, within bounds of their own.
        cotangents: what to pull back, by the names of outputs; one that is left out counts as zero. Default:
            drawn from ``seed``, for every output that ``impl`` returns.
        seed: seed of the cases and of the cotangents.
        rounding: what ``impl`` computes in, a dtype, ``"tf32"``, ``"bf16-mixed"`` or a :class:`Rounding`;
            default: the widest dtype among the floating inputs, at least float32. A coarser output dtype is
            allowed for by one more rounding.
        log_window: over how many tokens ``impl`` adds logarithms of decays in place of multiplying them: the
            size of its chunks, or 1 for a step that keeps a maximum in log space; 0: it multiplies decays.
        gradient_log_window: the same of what its backward pass adds up to the gradient at the logarithms, the
            whole length where it takes ``q dq - k dk`` and adds from the last token on; default:
            ``log_window``. A report that REFUTES names the option with which it would not.
        shrink: look for the smallest failing case, rerunning ``impl`` at most 400 times.

    Returns:
        The report, as of ``check_refinement``.

    Raises:
        InvalidArgument: the call is wrong; nothing was checked.

    >>> import torch
    >>> from scanproof import MinGru, check_kernel_refinement
    >>> gate, candidate = torch.randn(2, 9, 4), torch.randn(2, 9, 4)
    >>> def gru(gate, candidate):
    ...     h, states = torch.zeros(2, 4), []
    ...     for z, c in zip(gate.sigmoid().unbind(1), candidate.unbind(1)):
    ...         h = (1 - z) * h + z * c
    ...         states.append(h)
    ...     return torch.stack(states, 1)
    >>> check_kernel_refinement(gru, MinGru(), {"gate": gate, "candidate": candidate}).verdict.name
    'REFINES'
    """
    check = "check_kernel_refinement"
    if not callable(impl):
        raise InvalidArgument(f"{check}: impl is a {type(impl).__name__}; give a function or a module.")
    if not isinstance(kernel, Kernel):
        raise InvalidArgument(f"{check}: kernel is a {type(kernel).__name__}; give a kernel, as SsdScan().")
    for name, window in (("log_window", log_window), ("gradient_log_window", gradient_log_window)):
        if not (isinstance(window, int) and window >= 0) and (window is not None or name == "log_window"):
            raise InvalidArgument(f"{check}: {name} is {window!r}; give a whole number of at least 0.")

    pulling = gradients or cotangents is not None

    def prepare(given: Mapping[str, Tensor], seed: int) -> tuple[Problem, Inputs]:
        ordered = _checked(check, kernel, given)
        dtypes = [tensor.dtype for tensor in ordered.values() if tensor.is_floating_point()]
        assumed = rounding_of(rounding, reduce(torch.promote_types, dtypes, torch.float32))
        problem = KernelProblem(impl, kernel, assumed, log_window, gradient_log_window=gradient_log_window)
        if not pulling:
            return problem, ordered
        like = problem.returned(ordered) if cotangents is None else problem.like(ordered)
        return problem, {**ordered, **named_cotangents(check, gradients, cotangents, like, seed)}

    if cases is None:
        if not isinstance(inputs, Mapping):
            raise InvalidArgument(
                f"{check}: inputs is a {type(inputs).__name__}; give tensors by name, or cases=200."
            )
        return check_problem(*prepare(inputs, seed), shrink, seed if pulling and cotangents is None else None)
    from scanproof.strategies import kernel_inputs

    reject_beside_cases(check, {"inputs": inputs, "cotangents": cotangents})
    return search_problems(prepare, cases, kernel_inputs(kernel), shrink, seed)


def _checked(check: str, kernel: Kernel, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the inputs in the order of the kernel."""
    kernel.check_names(given)
    for name, tensor in given.items():
        if not isinstance(tensor, Tensor) or tensor.is_complex():
            what = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise InvalidArgument(f"{check}: {name} is {what}; give a real tensor.")
        if 0 in tensor.shape:
            raise InvalidArgument(f"{check}: {name} has shape {tuple(tensor.shape)}; give no empty axes.")
    kernel.sizes(given)
    return {name: given[name] for name in kernel.inputs if name in given}


def assert_kernel_refines(
    impl: Callable[..., Any],
    kernel: Kernel,
    inputs: Mapping[str, Tensor] | None = None,
    *,
    cases: int | Cases | None = None,
    gradients: bool = False,
    cotangents: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    rounding: Format | Rounding | None = None,
    log_window: int = 0,
    gradient_log_window: int | None = None,
    shrink: bool = True,
) -> RefinementReport:
    """Run :func:`check_kernel_refinement`, and raise unless it REFINES; errors as ``assert_refines``."""
    return assert_passed(
        check_kernel_refinement(
            impl,
            kernel,
            inputs,
            cases=cases,
            gradients=gradients,
            cotangents=cotangents,
            seed=seed,
            rounding=rounding,
            log_window=log_window,
            gradient_log_window=gradient_log_window,
            shrink=shrink,
        )
    )


class KernelProblem(Problem):
    """A function with a family's arguments against its kernel."""

    def __init__(
        self,
        implementation: Callable[..., Any],
        kernel: Kernel,
        rounding: Rounding,
        log_window: int,
        constant: frozenset[str] = frozenset(),
        gradient_log_window: int | None = None,
    ) -> None:
        self._implementation, self._kernel, self._log_window = implementation, kernel, log_window
        self._gradient_log_window = log_window if gradient_log_window is None else gradient_log_window
        self.rounding, self.model = rounding, repr(kernel)
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
        self.grouped, self.omissible = kernel.grouped, kernel.omissible

    def like(self, arguments: Inputs) -> dict[str, Tensor]:
        """Return tensors without numbers, of the shapes of the outputs."""
        sizes = self._kernel.sizes(arguments)
        return {
            name: torch.empty([sizes[axis] for axis in axes], device="meta")
            for name, axes in self._kernel.outputs.items()
        }

    def returned(self, arguments: Inputs) -> dict[str, Tensor]:
        """Return the outputs that the implementation returns, recorded for autograd."""
        return recorded(self._run_implementation, arguments, self.differentiated(arguments))[0]

    def _run_implementation(self, arguments: Inputs) -> dict[str, Tensor]:
        returned = self._implementation(**arguments)
        results = returned if isinstance(returned, tuple | list) else (returned,)
        like = self.like(arguments)
        if len(results) > len(like) or not results or results[0] is None:
            raise InvalidArgument(f"impl(…) returned {len(results)} results; return ({', '.join(like)}).")
        return {
            name: checked_output(f"{name} of impl(…)", result, tuple(like[name].shape))
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
            results, bounds = pulled_back(arithmetic, tape, variables, traced, cotangents, dtypes)
        else:
            results = self._kernel.run(arguments, arithmetic)
            bounds = {name: stored([results[name]], results[name], dtype) for name, dtype in dtypes.items()}
        values = {name: results[name].value for name in dtypes}
        rests = {name: results[name].rest for name in dtypes}
        return Expected(values, rests, bounds, arithmetic.peak)

    def alternatives(self, inputs: Inputs) -> Iterator[tuple[str, Problem]]:
        """Yield the problem with sums of logarithms over all tokens, backwards alone and forwards, too."""
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
        """Return the call of ``assert_kernel_refines``."""
        names = ", ".join(f"{name!r}: {name}" for name in separated(inputs)[0])
        window, gradients = self._log_window, self._gradient_log_window
        options = f"log_window={window}, {self._options(inputs)}"
        if gradients != window:
            options = f"gradient_log_window={gradients}, {options}"
        return f"scanproof.assert_kernel_refines(impl, scanproof.{self._kernel!r}, {{{names}}}, {options})"
