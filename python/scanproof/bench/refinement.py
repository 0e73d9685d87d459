"""The command ``scanproof bench refinement``: what a bound and an exact answer cost.

The cost of a bound is relative to its reference in float64. The cost of both answers of ``check_refinement``
is relative to one run of the implementation.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from rich import box
from rich.table import Table

from scanproof.errors import InvalidArgument
from scanproof.refinement.adjoint import Tape
from scanproof.refinement.arithmetic import FLOAT64, AdjointArithmetic
from scanproof.refinement.bounded import BoundedArithmetic, Floats
from scanproof.refinement.check import check_refinement
from scanproof.refinement.problem import selective_scan_of
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.rounding import Rounding
from scanproof.refinement.scan_fn import SelectiveScanFn
from scanproof.report.console import output
from scanproof.scans import selective_scan, selective_scan_chunked

SIZES = ((2, 16, 256, 16), (2, 64, 512, 16))
"""Batch, channels, length, states."""


FORMS: dict[str, Callable[..., Any]] = {
    "token by token": selective_scan,
    "chunked": selective_scan_chunked,
}
"""Implementations whose answers are measured."""

CHANNELS, STATES = 8, 16
"""Sizes of the input at which they are measured."""


@dataclass(frozen=True)
class AnswerCost:
    """The cost of both answers about an implementation, at an input of one example.

    Attributes:
        form: the implementation.
        length: number of tokens.
        gradients: whether gradients were compared.
        run: seconds of one run of the implementation, forward alone.
        bound: time of the check against the bound, relative to ``run``.
        exact: time that the exact answer adds, relative to ``run``.
        verdict: the exact answer.
    """

    form: str
    length: int
    gradients: bool
    run: float
    bound: float
    exact: float
    verdict: str


@dataclass(frozen=True)
class Cost:
    """The cost of one size.

    Attributes:
        size: batch, channels, length, states.
        gradients: whether the adjoint ran as well.
        reference: seconds of the run in float64.
        bound: time of the run with a bound for float32, relative to ``reference``.
        exact_bound: time of the run with a bound for float64, in pairs of float64, relative to ``reference``.
    """

    size: tuple[int, int, int, int]
    gradients: bool
    reference: float
    bound: float
    exact_bound: float


def run_bench(*, as_json: bool, repeats: int, lengths: Sequence[int]) -> None:
    """Measure, and print.

    Raises:
        InvalidArgument: ``repeats`` or a length is below 1.
    """
    for option, number in (("--repeats", repeats), *(("--length", length) for length in lengths)):
        if number < 1:
            raise InvalidArgument(f"bench refinement: {option} must be at least 1, got {number}.")
    costs = [measure(size, gradients, repeats) for size in SIZES for gradients in (False, True)]
    answers = [
        measure_answers(form, length, gradients, repeats)
        for length in lengths
        for form in FORMS
        for gradients in (False, True)
    ]
    if as_json:
        costed: dict[str, Sequence[Any]] = {"bounds": costs, "answers": answers}
        print(
            json.dumps({name: [asdict(each) for each in found] for name, found in costed.items()}, indent=2)
        )
        return
    output().print(_table_of_bounds(costs))
    output().print(_table_of_answers(answers))


def _table_of_bounds(costs: Sequence[Cost]) -> Table:
    table = Table(
        title="Time of a selective scan with its bound, relative to the scan in float64", box=box.ROUNDED
    )
    for column in (
        "Batch, channels, length, states",
        "Run",
        "float64 alone",
        "with bound for float32",
        "with bound for float64",
    ):
        table.add_column(column)
    for cost in costs:
        run = "with gradients" if cost.gradients else "outputs"
        times = (f"{cost.reference:.3f} s", f"{cost.bound:.1f} x", f"{cost.exact_bound:.1f} x")
        table.add_row(", ".join(map(str, cost.size)), run, *times)
    return table


def _table_of_answers(answers: Sequence[AnswerCost]) -> Table:
    table = Table(
        title="Time of both answers of check_refinement, relative to one run of the implementation",
        box=box.ROUNDED,
    )
    for column in ("Selective scan", "Tokens", "Compared", "one run", "bound", "exact", "exact answer"):
        table.add_column(column)
    for cost in answers:
        table.add_row(
            cost.form,
            str(cost.length),
            "outputs, gradients" if cost.gradients else "outputs",
            f"{cost.run:.4f} s",
            f"{cost.bound:.0f} x",
            f"{cost.exact:.0f} x",
            cost.verdict,
        )
    return table


def measure_answers(form: str, length: int, gradients: bool, repeats: int) -> AnswerCost:
    """Time a run of an implementation and both checks in turn; the shortest times count."""
    fn, inputs = FORMS[form], _tensors(length)
    answered: dict[bool, RefinementReport] = {}

    def check(given: Mapping[str, torch.Tensor], exact: bool) -> None:
        answered[exact] = check_refinement(
            fn, SelectiveScanFn(), given, gradients=gradients, exact=exact, shrink=False
        )

    check(_tensors(2), True)  # the first call of an operation takes longer
    runs = (lambda: fn(**inputs), partial(check, inputs, False), partial(check, inputs, True))
    run, bound, both = _shortest(runs, repeats)
    exact = answered[True].exact.verdict.name
    return AnswerCost(form, length, gradients, run, bound / run, (both - bound) / run, exact)


def _tensors(length: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    tokens, states = (1, CHANNELS, length), (1, STATES, length)
    return {
        "u": torch.randn(tokens, generator=generator),
        "delta": torch.rand(tokens, generator=generator),
        "A": -torch.rand((CHANNELS, STATES), generator=generator),
        "B": torch.randn(states, generator=generator),
        "C": torch.randn(states, generator=generator),
    }


def _shortest(runs: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Time runs in turn, so that a change of load affects all of them; return the shortest times."""
    shortest = [float("inf")] * len(runs)
    for _ in range(repeats):
        for i, run in enumerate(runs):
            began = time.perf_counter()
            run()
            shortest[i] = min(shortest[i], time.perf_counter() - began)
    return shortest


def measure(size: tuple[int, int, int, int], gradients: bool, repeats: int) -> Cost:
    """Time the three runs in turn; the shortest times count."""
    arrays = _arrays(*size)
    kinds: list[Callable[[], AdjointArithmetic]] = [
        lambda: FLOAT64,
        lambda: BoundedArithmetic.finer_than(Rounding.of(torch.float32)),
        lambda: BoundedArithmetic.finer_than(Rounding.of(torch.float64)),
    ]
    runs = [partial(lambda kind: _run(kind(), arrays, gradients), kind) for kind in kinds]
    reference, bound, exact_bound = _shortest(runs, repeats)
    return Cost(size, gradients, reference, bound / reference, exact_bound / reference)


def _run(arithmetic: AdjointArithmetic, arrays: dict[str, Floats], gradients: bool) -> None:
    if not gradients:
        selective_scan_of(arithmetic, {name: arithmetic.lift(x) for name, x in arrays.items()}, True)
        return
    tape = Tape(arithmetic)
    variables = {name: tape.variable(x) for name, x in arrays.items()}
    results = selective_scan_of(tape, variables, True)
    pulled = tape.gradients([(y, np.ones(y.shape)) for y in results], list(variables.values()))
    for variable, parts in zip(variables.values(), pulled, strict=True):
        arithmetic.total(parts, variable.shape)


def _arrays(batch: int, channels: int, length: int, states: int) -> dict[str, Floats]:
    rng = np.random.default_rng(0)
    per_token, per_state = (batch, length, channels), (batch, length, states)
    return {
        "u": rng.normal(size=per_token),
        "delta": rng.normal(size=per_token),
        "A": -np.exp(rng.normal(size=(channels, states))),
        "B": rng.normal(size=per_state),
        "C": rng.normal(size=per_state),
        "D": rng.normal(size=channels),
        "z": rng.normal(size=per_token),
        "delta_bias": rng.normal(size=channels),
    }
