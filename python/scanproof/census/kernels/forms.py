"""The answers about two forms of one recurrence: whether both have the same outputs and gradients."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import isnan
from typing import Any, ClassVar

import torch
from torch import Tensor

from scanproof.adapters.kernels.launched.forms import Forms, Function
from scanproof.adapters.triton.watch import Watch
from scanproof.census.answers import answer
from scanproof.census.kernels.answers import memory
from scanproof.census.kernels.cases import SIZES
from scanproof.census.subject import Answer
from scanproof.errors import InvalidArgument
from scanproof.report.report import Report
from scanproof.report.row import Row
from scanproof.report.verdict import Verdict
from scanproof.streaming.model import Unsupported

BLOCK = 64
_SIZES = {**SIZES, "batch": 1}
"""Sizes of axes: one example, because some of these kernels take minutes under the interpreter."""

SAME = 1e-4
"""Greatest difference, as a share of the greatest entry, that counts as rounding; no theorem bounds it."""

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Difference:
    """The greatest difference of two forms.

    Attributes:
        where: the tensor.
        share: the difference, as a share of the greatest entry of the tensor.
    """

    where: str
    share: float

    def __str__(self) -> str:
        return f"{self.where} of the two forms differs by {self.share:.2g} of its greatest entry"


@dataclass(frozen=True, kw_only=True)
class FormsReport(Report):
    """How far two forms differ.

    Attributes:
        worst: the greatest difference.
    """

    check: ClassVar = "forms"

    worst: Difference

    @property
    def verdict(self) -> Verdict:
        """CLEAN if rounding may explain the difference; otherwise FAULTY."""
        return Verdict.CLEAN if self.worst.share <= SAME else Verdict.FAULTY

    @property
    def reason(self) -> str:
        """The difference, in words."""
        return f"{self.worst}; up to {SAME:.0e} counts as rounding, which no theorem bounds"

    def summary(self) -> str:
        """Return the verdict and its reason."""
        return f"forms: {self.verdict.name}: {self.reason}"

    def rows(self, subject: str = "") -> tuple[Row, ...]:
        """Return the row of the table."""
        row = Row(subject=subject, check=self.check, verdict=self.verdict, evidence=self.reason, theorem="")
        return (row,)


def form_answers(pair: Forms, seed: int) -> Iterator[Answer]:
    """Yield whether both forms agree in outputs and gradients, and what is seen of memory."""
    from scanproof.adapters.triton.interpreter import interpreted

    watch = Watch(exact_products=True)
    with interpreted(watch):
        chunked, recurrent = (_launching(watch, form) for form in (pair.chunked(), pair.recurrent()))
        off, on = (pair.inputs(seed, time, _SIZES) for time in (BLOCK + 3, BLOCK))
        cases: Mapping[str, Callable[[Function], Tensors]] = {
            "T off a block": partial(_outputs, off),
            "T on a block": partial(_outputs, on),
            "gradients": partial(_gradients, off, seed, states_alone=False),
            "gradients of the last state": partial(_gradients, on, seed, states_alone=True),
        }
        for name, run in cases.items():
            yield answer(name, partial(_compared, run, chunked, recurrent))

        def refine() -> FormsReport:
            return _compared(cases["T off a block"], chunked, recurrent)

        yield from memory(watch, lambda: cases["T off a block"](chunked), refine, refine(), refine)


def _launching(watch: Watch, form: Function) -> Function:
    """Return a form that raises ``InvalidArgument`` where it launches no kernel."""

    def launching(**inputs: Tensor) -> Any:
        before = watch.launches.total()
        returned = form(**inputs)
        if watch.launches.total() == before:
            raise InvalidArgument("one of the forms launches no Triton kernel")
        return returned

    return launching


def _compared(run: Callable[[Function], Tensors], chunked: Function, recurrent: Function) -> FormsReport:
    """Compare two forms.

    Raises:
        InvalidArgument: they return other tensors, or nothing but zeros.
    """
    first, second = run(chunked), run(recurrent)
    shapes, others = ({name: tuple(x.shape) for name, x in each.items()} for each in (first, second))
    if shapes != others:
        raise InvalidArgument(f"by chunks the shapes are {shapes}, and token after token {others}")
    if not any(x.any() for each in (first, second) for x in each.values()):
        raise InvalidArgument(f"all numbers of {', '.join(shapes)} are zero in both forms")
    shares = {name: _share(x, second[name]) for name, x in first.items()}
    where = max(shares, key=lambda name: (isnan(shares[name]), shares[name]))
    return FormsReport(worst=Difference(where, shares[where]))


def _share(x: Tensor, y: Tensor) -> float:
    return float((x - y).abs().max() / y.abs().max().clamp(min=1e-30))


def _outputs(inputs: Mapping[str, Tensor], fn: Function) -> Tensors:
    with torch.no_grad():
        return _flat(fn(**inputs))


def _gradients(inputs: Mapping[str, Tensor], seed: int, fn: Function, *, states_alone: bool) -> Tensors:
    """Return the gradients at every input, of all outputs or of the last states alone."""
    leaves = {name: x.clone().requires_grad_() for name, x in inputs.items()}
    rng = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        returned = {name: y for name, y in _flat(fn(**leaves)).items() if not (states_alone and name == "y")}
    cotangents = {name: torch.randn(y.shape, generator=rng) for name, y in returned.items()}
    reached = [name for name, y in returned.items() if y.requires_grad]
    if not reached:
        raise Unsupported("autograd reaches no output of one of the forms")
    try:
        pulled = torch.autograd.grad(
            [returned[name] for name in reached],
            list(leaves.values()),
            [cotangents[name] for name in reached],
            materialize_grads=True,
        )
    except NotImplementedError as missing:
        raise Unsupported("one of the forms has no backward pass") from missing
    return {f"d{name}": gradient for name, gradient in zip(leaves, pulled, strict=True)}


def _flat(returned: Any) -> Tensors:
    """Return y and the last states, which may be a tuple of tuples, by name."""
    y, *rest = returned if isinstance(returned, tuple) else (returned,)
    states: list[Tensor] = []
    while rest:
        each = rest.pop(0)
        if isinstance(each, tuple | list):
            rest = [*each, *rest]
        elif each is not None:
            states.append(each)
    return {"y": y, **{f"state {number}": state for number, state in enumerate(states, 1)}}
