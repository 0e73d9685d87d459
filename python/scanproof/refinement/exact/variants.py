"""Other inputs, at which a reference takes other branches: the threshold of softplus, limits, maxima."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from scanproof.refinement.problem import Inputs, Problem

FACTORS = (-1.0, 7.0, 1.0 / 64.0, 45.0, 300.0)
"""What inputs are multiplied by. No factor is a power of another."""


def variants(problem: "Problem", inputs: "Inputs") -> Iterator["Inputs"]:
    """Yield the inputs times factors, within the domains of the reference; marks and cotangents stay."""
    for factor in FACTORS:
        yield problem.within({name: _scaled(problem, name, x, factor) for name, x in inputs.items()})


def _scaled(problem: "Problem", name: str, x: Tensor, factor: float) -> Tensor:
    kept = name in problem.constant or not x.is_floating_point()
    return x if kept else x * factor
