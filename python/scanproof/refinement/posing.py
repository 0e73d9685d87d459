"""How a function and a spec become a problem: what is called, what is compared, and what is drawn."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.gradients import COTANGENTS, draw_cotangents
from scanproof.refinement.kernels.constants import are_constant, checked_constant
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.problem import KernelProblem
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.problem import (
    BlockProblem,
    Inputs,
    Problem,
    Reference,
    ScanProblem,
    checked_output,
)
from scanproof.refinement.rounding import Format, Rounding
from scanproof.refinement.runners import Spec
from scanproof.refinement.scan_fn import SelectiveScanFn
from scanproof.scans.selective import check_arguments

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

CHECK = "check_refinement"


@dataclass(frozen=True, kw_only=True)
class Posing(ABC):
    """A function, and how its outputs and gradients are compared.

    Attributes:
        fn: the function.
        gradients: whether gradients are compared.
        cotangents: the cotangents by the names of outputs; None if cotangents are drawn.
        rounding: the arithmetic of ``fn``; None for the dtype of its inputs.
    """

    fn: Callable[..., Any]
    gradients: bool
    cotangents: Mapping[str, Tensor] | None
    rounding: Format | Rounding | None

    @abstractmethod
    def prepare(self, x: Any, seed: int) -> tuple[Problem, Inputs]:
        """Return the problem at an input, and its tensors by name, cotangents included.

        Raises:
            InvalidArgument: ``x`` does not fit the spec.
        """

    @abstractmethod
    def strategy(self) -> "SearchStrategy[Any]":
        """Return the strategy that draws inputs."""

    def _pulled(self, like: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
        """Return the cotangents by their names among the inputs; cotangents that are not given are drawn."""
        if self.cotangents is not None:
            given = self.cotangents
            if not given or not set(given) <= set(like):
                raise InvalidArgument(
                    f"{CHECK}: cotangents has {sorted(given)}; give a tensor for one or more of "
                    f"{sorted(like)}."
                )
            for name, tensor in given.items():
                checked_output(f"{CHECK}: the cotangent of {name}", tensor, tuple(like[name].shape))
        elif not self.gradients:
            return {}
        else:
            given = draw_cotangents(like, seed)
        return {name: given[output] for name, output in COTANGENTS.items() if output in given}


@dataclass(frozen=True, kw_only=True)
class BlockPosing(Posing):
    """A block, x (batch, T, inputDim) -> y (batch, T, outputDim)."""

    spec: Spec
    reference: Reference | None

    def prepare(self, x: Any, seed: int) -> tuple[Problem, Inputs]:
        """Return the problem at ``x``."""
        self._check(x)
        problem = BlockProblem(self.fn, self.spec, rounding_of(self.rounding, x.dtype), self.reference)
        like = {"y": x.new_empty((*x.shape[:2], self.spec.dims["outputDim"]))}
        return problem, {"x": x, **self._pulled(like, seed)}

    def strategy(self) -> "SearchStrategy[Any]":
        """Return the strategy that draws inputs of blocks."""
        from scanproof.refinement.strategies import block_inputs

        return block_inputs(self.spec.dims["inputDim"])

    def _check(self, x: Any) -> None:
        if not isinstance(x, Tensor) or not x.is_floating_point():
            what = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise InvalidArgument(f"{CHECK}: x is {what}; give a real floating tensor.")
        wanted = self.spec.dims["inputDim"]
        if x.ndim != 3 or x.shape[2] != wanted or 0 in x.shape:
            raise InvalidArgument(
                f"{CHECK}: x has shape {tuple(x.shape)}; give (batch, T, inputDim = {wanted}), all above 0."
            )


@dataclass(frozen=True, kw_only=True)
class KernelPosing(Posing):
    """A function with the inputs of a kernel."""

    kernel: Kernel
    log_window: int
    gradient_log_window: int | None
    constant: frozenset[str]
    reference: Oracle | None

    def prepare(self, x: Any, seed: int) -> tuple[Problem, Inputs]:
        """Return the problem at the tensors ``x``."""
        ordered = self._checked(x)
        dtypes = [tensor.dtype for tensor in ordered.values() if tensor.is_floating_point()]
        assumed = rounding_of(self.rounding, reduce(torch.promote_types, dtypes, torch.float32))
        problem = KernelProblem(
            self.fn,
            self.kernel,
            assumed,
            self.log_window,
            self.constant,
            self.gradient_log_window,
            self.reference,
        )
        if not (self.gradients or self.cotangents is not None):
            return problem, ordered
        like = problem.returned(ordered) if self.cotangents is None else problem.like(ordered)
        return problem, {**ordered, **self._pulled(like, seed)}

    def strategy(self) -> "SearchStrategy[Any]":
        """Return the strategy that draws inputs of the kernel."""
        from scanproof.refinement.strategies import kernel_inputs

        return kernel_inputs(self.kernel, constant=self.constant)

    def _checked(self, given: Any) -> dict[str, Tensor]:
        """Return the tensors in the order of the kernel."""
        if not isinstance(given, Mapping):
            raise InvalidArgument(
                f"{CHECK}: x is a {type(given).__name__}; give tensors by name, or cases=200."
            )
        self.kernel.check_names(given)
        for name, tensor in given.items():
            if not isinstance(tensor, Tensor) or tensor.is_complex():
                what = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
                raise InvalidArgument(f"{CHECK}: {name} is {what}; give a real tensor.")
            if 0 in tensor.shape:
                raise InvalidArgument(f"{CHECK}: {name} has shape {tuple(tensor.shape)}; give sizes above 0.")
        self.kernel.sizes(given)
        for name in sorted(self.constant):
            if not are_constant(self.kernel, given, {name}):
                raise InvalidArgument(
                    f"{CHECK}: {name} is in constant=, but differs between examples or tokens; give the same "
                    "numbers at every example and token."
                )
        return {name: given[name] for name in self.kernel.inputs if name in given}


@dataclass(frozen=True, kw_only=True)
class ScanPosing(Posing):
    """A function with the signature of ``selective_scan_fn``."""

    def prepare(self, x: Any, seed: int) -> tuple[Problem, Inputs]:
        """Return the problem at the arguments ``x``."""
        if not isinstance(x, Mapping):
            raise InvalidArgument(
                f"{CHECK}: x is a {type(x).__name__}; give the arguments by name, or cases=200."
            )
        tensors = {name: value for name, value in x.items() if name != "delta_softplus" and value is not None}
        dtype = check_arguments(tensors)
        softplus = bool(x.get("delta_softplus"))
        problem = ScanProblem(self.fn, softplus, rounding_of(self.rounding, dtype))
        u, states = tensors["u"], tensors["A"].shape[1]
        like = {"y": u, "last_state": u.new_empty((*u.shape[:2], states), dtype=dtype)}
        return problem, {**tensors, **self._pulled(like, seed)}

    def strategy(self) -> "SearchStrategy[Any]":
        """Return the strategy that draws inputs of selective scans."""
        from scanproof.refinement.strategies import scan_inputs

        return scan_inputs()


def is_spec(value: object) -> bool:
    """Whether ``value`` can be the reference of a refinement check."""
    return isinstance(value, Spec | MambaCheckpoint | Kernel | SelectiveScanFn)


def posed(
    fn: Callable[..., Any],
    spec: Spec | MambaCheckpoint | Kernel | SelectiveScanFn,
    gradients: bool,
    cotangents: Mapping[str, Tensor] | None,
    rounding: Format | Rounding | None,
    reference: Reference | None,
    log_window: int,
    gradient_log_window: int | None,
    constant: Collection[str],
) -> Posing:
    """Return how ``fn`` is compared with ``spec``.

    Raises:
        InvalidArgument: ``spec`` is no spec, or an option does not apply to this spec.
    """
    spec = spec.spec() if isinstance(spec, MambaCheckpoint) else spec
    if not isinstance(spec, Spec | Kernel | SelectiveScanFn):
        raise InvalidArgument(
            f"{CHECK}: spec is a {type(spec).__name__}; give a spec or a kernel of this package, for example "
            "SsdScan()."
        )
    for name, window in (("log_window", log_window), ("gradient_log_window", gradient_log_window)):
        if not (isinstance(window, int) and window >= 0) and (window is not None or name == "log_window"):
            raise InvalidArgument(f"{CHECK}: {name} is {window!r}; give a whole number of at least 0.")
        if window and not isinstance(spec, Kernel):
            raise InvalidArgument(
                f"{CHECK}: {name} applies to kernels, but spec is a {type(spec).__name__}; leave {name} out."
            )
    if constant and not isinstance(spec, Kernel):
        raise InvalidArgument(
            f"{CHECK}: constant applies to kernels, but spec is a {type(spec).__name__}; leave constant out."
        )
    if isinstance(spec, SelectiveScanFn) and reference is not None:
        raise InvalidArgument(
            f"{CHECK}: reference= applies to blocks and kernels, but spec is a SelectiveScanFn; give "
            "SelectiveScan(), or leave reference= out."
        )
    if isinstance(spec, Kernel) and not isinstance(reference, Oracle | None):
        raise InvalidArgument(
            f"{CHECK}: reference is a {type(reference).__name__}; for a kernel, give an Oracle, or leave "
            "reference= out."
        )
    if reference is not None and (isinstance(reference, type) or not hasattr(reference, "run")):
        raise InvalidArgument(
            f"{CHECK}: reference is {reference!r}; give an object with run(spec, x), such as the oracle of "
            "Oracle.start()."
        )
    if isinstance(spec, Spec):
        return BlockPosing(
            fn=fn,
            gradients=gradients,
            cotangents=cotangents,
            rounding=rounding,
            spec=spec,
            reference=reference,
        )
    if isinstance(spec, Kernel):
        return KernelPosing(
            fn=fn,
            gradients=gradients,
            cotangents=cotangents,
            rounding=rounding,
            kernel=spec,
            log_window=log_window,
            gradient_log_window=gradient_log_window,
            constant=checked_constant(CHECK, spec, constant),
            reference=cast(Oracle | None, reference),
        )
    return ScanPosing(fn=fn, gradients=gradients, cotangents=cotangents, rounding=rounding)


def rounding_of(given: Format | Rounding | None, default: torch.dtype) -> Rounding:
    """Return the assumptions about the arithmetic of an implementation."""
    if isinstance(given, Rounding):
        if given.confidence is not None:
            raise InvalidArgument(
                "rounding has a confidence, which is for diagnostics only; give a Rounding without it."
            )
        return given
    return Rounding.of(default if given is None else given)
