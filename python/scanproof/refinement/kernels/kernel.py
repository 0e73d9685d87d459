"""The base of every kernel: named inputs with named axes, and a run in any arithmetic."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.refinement.adjoint import Traced
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.adjoint import KernelTape
from scanproof.refinement.kernels.arithmetic import FLOAT64, KernelArithmetic
from scanproof.refinement.kernels.domains import Domain
from scanproof.refinement.shapes import as_array, axes_of, bind_axes

Array = NDArray[Any]
Returned = TypeVar("Returned")
Axes = Mapping[str, tuple[str | None, ...]]


class Kernel(ABC):
    """A recurrence whose arguments are tensors over all tokens, as in kernel libraries.

    Instances hold options, and :meth:`run` takes the tensors. The axes have the same names in all families:
    ``head``, ``state`` for the axis of keys and queries, ``channel`` for the axis of values, ``feature`` for
    the axis over which a norm is taken.

    Attributes:
        theorem: the Lean theorem about the recurrence, in namespace ``Scanproof``.
        bound_theorem: the Lean theorem behind the bound of the state; empty if there is none.
        inputs: names of the axes of each input; None for an axis that may have size 1 in place of its full
            size.
        optional: inputs that may be left out.
        outputs: names of the axes of each output, ``y`` first, then the parts of the last state.
        marks: inputs that say where sequences begin; they have no gradients.
        grouped: the axis whose consecutive entries share a group; empty if there are no groups.
        omissible: axes that inputs may leave out if the size of the axis is 1.
    """

    theorem: ClassVar[str]
    bound_theorem: ClassVar[str]
    inputs: ClassVar[Axes]
    optional: ClassVar[frozenset[str]]
    outputs: ClassVar[Mapping[str, tuple[str, ...]]]
    marks: ClassVar[frozenset[str]] = frozenset()
    grouped: ClassVar[str] = ""
    omissible: ClassVar[frozenset[str]] = frozenset()

    @property
    def domains(self) -> Mapping[str, Domain]:
        """The domain of each input by name; an input without a domain may hold any numbers."""
        return {}

    @property
    def multiples(self) -> Mapping[str, int]:
        """The numbers that must divide the sizes of axes, by the names of the axes."""
        return {}

    @property
    def recurrence(self) -> "Kernel":
        """The same function as a recurrence, token by token, where the options name another form."""
        return self

    def into_domains(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return inputs by name, each brought into its domain; entries inside a domain stay the same."""
        domains = self.domains
        return {name: domains[name].brought(x) if name in domains else x for name, x in inputs.items()}

    def within_domains(self, fn: Callable[..., Returned]) -> Callable[..., Returned]:
        """Return a function of inputs by name that brings them into their domains, then calls ``fn``.

        Checks of causality draw inputs and replace futures without regard to the meaning of a tensor.
        Positive logarithms of decays, for example, make a correct chunked implementation overflow, which
        looks like a leak. Give such a check the returned function:
        ``check_perturbation(kernel.within_domains(fn), inputs)``. At inputs inside the domains, both
        functions return the same. The numbers of each token are brought in independently of other tokens, so
        the returned function is as causal as ``fn``.
        """

        @wraps(fn)
        def within(**inputs: Tensor) -> Returned:
            return fn(**self.into_domains(inputs))

        return within

    def run(self, inputs: Mapping[str, Array], arithmetic: KernelArithmetic = FLOAT64) -> dict[str, Value]:
        """Run the recurrence, token after token.

        Args:
            inputs: arrays by name; optional inputs may be left out.
            arithmetic: the arithmetic to compute in.

        Returns:
            The outputs by name. A run with the last state as its initial state continues this run.

        Raises:
            InvalidArgument: an input is missing or unknown, or shapes do not fit each other.
        """
        arrays = self._checked(inputs)
        return self._results(arithmetic, {name: arithmetic.lift(x) for name, x in arrays.items()}, arrays)

    def trace(
        self, inputs: Mapping[str, Array], tape: KernelTape
    ) -> tuple[dict[str, Traced], dict[str, Traced]]:
        """Run the recurrence on a tape.

        Returns:
            The inputs that have gradients, as variables of the tape, and the outputs, both by name.

        Raises:
            InvalidArgument: as in :meth:`run`.
        """
        arrays = self._checked(inputs)
        return self.trace_values(arrays, arrays, tape)

    def trace_values(
        self, inputs: Mapping[str, Value], arrays: Mapping[str, Array], tape: KernelTape
    ) -> tuple[dict[str, Traced], dict[str, Traced]]:
        """Run the recurrence on a tape, from values of its arithmetic and the same numbers as arrays."""
        variables = {name: tape.variable(x) for name, x in inputs.items() if name not in self.marks}
        marks = {name: tape.lift(x) for name, x in inputs.items() if name in self.marks}
        return variables, self._results(tape, {**variables, **marks}, arrays)

    def _checked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        owner = type(self).__name__
        self.check_names(inputs)
        arrays = {name: as_array(owner, name, inputs[name]) for name in self.inputs if name in inputs}
        self.sizes(arrays)
        return arrays

    def _results(
        self, ar: KernelArithmetic, lifted: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> dict[str, Value]:
        with np.errstate(over="ignore", invalid="ignore"):
            return dict(zip(self.outputs, self._run(ar, lifted, arrays), strict=True))

    def check_names(self, given: Mapping[str, Any]) -> None:
        """Raise unless all required inputs of this kernel are given, and no unknown ones.

        Raises:
            InvalidArgument: an input is missing or unknown.
        """
        missing = [name for name in self.inputs if name not in given and name not in self.optional]
        unknown = [name for name in given if name not in self.inputs]
        if missing or unknown:
            raise InvalidArgument(
                f"{type(self).__name__} takes {', '.join(self.inputs)} (optional:"
                f" {', '.join(sorted(self.optional)) or 'none'}); missing: {missing}, unknown: {unknown}."
            )

    def sizes(self, inputs: Mapping[str, Any]) -> dict[str, int]:
        """Return the size of every named axis.

        Raises:
            InvalidArgument: two inputs contradict each other, the groups do not divide what is grouped, or
                the size of an axis is no multiple of its number in :attr:`multiples`.
        """
        owner, axes = type(self).__name__, {}
        for name in self.inputs:
            if name in inputs:
                named = tuple(axis or f"{name}[{place}]" for place, axis in enumerate(self.inputs[name]))
                axes[name] = axes_of(inputs[name], named, self.omissible)
        sizes = bind_axes(owner, inputs, axes)
        if "group" in sizes and (sizes["group"] == 0 or sizes[self.grouped] % sizes["group"]):
            raise InvalidArgument(
                f"{owner}: {sizes[self.grouped]} {self.grouped}s, {sizes['group']} groups; give a number of"
                f" groups that divides the number of {self.grouped}s."
            )
        for axis, number in self.multiples.items():
            if sizes[axis] % number:
                raise InvalidArgument(
                    f"{owner}: the axis {axis} has {sizes[axis]} entries; give a multiple of {number}."
                )
        return sizes

    @abstractmethod
    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        """Return the outputs in order; ``arrays`` are the inputs before conversion to the arithmetic."""


def stack(ar: KernelArithmetic, values: Sequence[Value], axis: int) -> Value:
    """Join values of the same shape along a new axis, the last (-1) or the second to last (-2)."""
    index = (..., None) if axis == -1 else (..., None, slice(None))
    return ar.concatenate([value[index] for value in values], axis=axis)


def last(states: Value, initial: Value) -> Value:
    """Return the state after the last token."""
    return states[:, -1] if states.shape[1] else initial


def reading(ar: KernelArithmetic, q: Value, states: Value) -> Value:
    """Return ``sum over n of q[n] states[n, p]`` for states (..., state, channel)."""
    return ar.dot(q[..., None, :], states.swapaxes(-1, -2))


def outer(k: Value, v: Value) -> Value:
    """Return the products ``k[n] v[p]``, (..., state, channel)."""
    return k[..., :, None] * v[..., None, :]


def constant(ar: KernelArithmetic, value: float) -> Value:
    """Return a constant; implementations round it to their precision."""
    return ar.lift_computed(np.asarray(value))
