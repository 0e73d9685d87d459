"""A function of a real package: the kernel that it should refine, and the form that ``certify`` takes."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scanproof.refinement.check import check_problem, check_refinement
from scanproof.refinement.gradients import draw_cotangents
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.problem import KernelProblem
from scanproof.refinement.kernels.tokens import token_function
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.rounding import Rounding
from scanproof.streaming.model import Unsupported

Implementation = Callable[..., Any]
"""Takes the inputs of a kernel by name; returns y, or y and the parts of the last state."""


@dataclass(frozen=True)
class Subject:
    """One function of a package, and the kernel that it should refine.

    Attributes:
        name: ``package.module:function``, with its options if there are several.
        package: the distribution that it comes from.
        load: imports the function and returns it with the signature of the kernel.
        kernel: the kernel that it should refine.
        log_window: argument of ``check_refinement``.
        gradient_log_window: argument of ``check_refinement``.
        sizes: sizes of axes that differ from those of ``random_inputs``.
        without: inputs that it does not take.
        constant: inputs that must be the same for every example and token, which the kernel does not need.
        given: for an input that it computes itself: makes the input of the kernel from a drawn one. Gradients
            at such inputs are not compared.
        multiple: it takes only lengths that are multiples of this.
        block: its greatest block of tokens; the census of kernels takes lengths off and on multiples of it.
        dtype: dtype of its inputs in the census of kernels: bfloat16 if it takes no other.
        packed: whether it takes several sequences in one row by ``cu_seqlens``.
        odd: sizes of axes that are no powers of two; empty if it takes none.
        no_gradient: whether gradients cannot be pulled through it, because it overwrites the state it read.
        folder: overlay that holds the package; None if the package is installed.
        departs: how it differs from the recurrence, in a sentence; empty if it does not.
    """

    name: str
    package: str
    load: Callable[[], Implementation]
    kernel: Kernel
    log_window: int = 0
    gradient_log_window: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    without: frozenset[str] = frozenset({"seq_idx"})
    constant: frozenset[str] = frozenset()
    given: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    multiple: int = 1
    block: int = 16
    dtype: torch.dtype = torch.float32
    packed: bool = False
    odd: Mapping[str, int] = field(default_factory=lambda: {"state": 5, "channel": 3})
    no_gradient: bool = False
    folder: Path | None = None
    departs: str = ""

    @property
    def version(self) -> str:
        """Version of the package, or ``"not installed"``."""
        return version_in(self.package, self.folder)

    def inputs(self, seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
        """Return random inputs that it takes."""
        return random_inputs(
            self.kernel,
            seed=seed,
            dtype=dtype,
            without=self.without,
            constant=self.constant,
            **self.sizes,
        )

    def refinement(self, seed: int = 0) -> RefinementReport:
        """Check that it refines its kernel at random inputs in float32."""
        return check_refinement(
            self.load(),
            self.kernel,
            self.inputs(seed),
            log_window=self.log_window,
            constant=self.constant,
            shrink=False,
        )

    def gradient_refinement(self, seed: int = 0) -> RefinementReport:
        """Check the gradients of every output that autograd reaches, at random inputs in float32.

        Inputs that must be constant are not differentiated.

        Raises:
            Unsupported: no gradients can be pulled through it.
        """
        if self.no_gradient:
            raise Unsupported("no gradients can be pulled through it")
        rounding = Rounding.of(torch.float32)
        problem = KernelProblem(self.load(), self.kernel, rounding, self.log_window, self.constant)
        inputs = self.inputs(seed)
        reached = {name: y for name, y in problem.returned(inputs).items() if y.requires_grad}
        cotangents = {f"d{name}": drawn for name, drawn in draw_cotangents(reached, seed).items()}
        given = {**inputs, **cotangents}
        return check_problem(problem, given, problem.call(given), exact=True, shrink=False, seed=seed)

    def function(self, seed: int = 0) -> tuple[Callable[..., Tensor], dict[str, Tensor]]:
        """Return the map from its inputs with an axis of time, by name, to y, and such inputs.

        All other inputs are fixed; initial states and resets are left out. The function first maps its inputs
        into the domains of the kernel, where chunked forms do not overflow. ``certify`` and ``audit`` take
        this pair.
        """
        implementation, inputs = self.load(), self.inputs(seed)
        tokens, inputs = token_function(implementation, self.kernel.inputs, inputs, self.constant)
        return lambda **given: tokens(**self.kernel.into_domains(given)), inputs


def version_in(package: str, folder: Path | None) -> str:
    """Return the version of a package in a folder, or installed; ``"not installed"`` if it is missing."""
    path = sys.path if folder is None else [str(folder)]
    found = next(iter(distributions(name=package, path=path)), None)
    return "not installed" if found is None else found.version
