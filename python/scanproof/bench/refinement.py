"""The command ``scanproof bench refinement``: the cost of a bound relative to its reference in float64."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from rich import box
from rich.table import Table

from scanproof.errors import InvalidArgument
from scanproof.refinement.adjoint import Tape
from scanproof.refinement.arithmetic import FLOAT64, AdjointArithmetic
from scanproof.refinement.bounded import BoundedArithmetic, Floats
from scanproof.refinement.problem import selective_scan_of
from scanproof.refinement.rounding import Rounding
from scanproof.report.console import output

SIZES = ((2, 16, 256, 16), (2, 64, 512, 16))
"""Batch, channels, length, states."""


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


def run_bench(*, as_json: bool, repeats: int) -> None:
    """Measure, and print.

    Raises:
        InvalidArgument: ``repeats`` is below 1.
    """
    if repeats < 1:
        raise InvalidArgument(f"bench refinement: --repeats must be at least 1, got {repeats}.")
    costs = [measure(size, gradients, repeats) for size in SIZES for gradients in (False, True)]
    if as_json:
        print(json.dumps([asdict(cost) for cost in costs], indent=2))
        return
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
    output().print(table)


def measure(size: tuple[int, int, int, int], gradients: bool, repeats: int) -> Cost:
    """Time the three runs in turn, so that a change of load affects all of them; the shortest times count."""
    arrays = _arrays(*size)
    runs: list[Callable[[], AdjointArithmetic]] = [
        lambda: FLOAT64,
        lambda: BoundedArithmetic.finer_than(Rounding.of(torch.float32)),
        lambda: BoundedArithmetic.finer_than(Rounding.of(torch.float64)),
    ]
    shortest = [float("inf")] * len(runs)
    for _ in range(repeats):
        for i, arithmetic in enumerate(runs):
            began = time.perf_counter()
            _run(arithmetic(), arrays, gradients)
            shortest[i] = min(shortest[i], time.perf_counter() - began)
    reference, bound, exact_bound = shortest
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
