"""The Lean runner itself over finite fields, in place of its Python twin, where the call gives an oracle."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from scanproof.programs.field.pair import Lost
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side
from scanproof.refinement.residues import Residues
from scanproof.refinement.words import LOST, FieldNumbers

if TYPE_CHECKING:
    from scanproof.refinement.problem import Problem


def by_lean(
    problem: "Problem",
    inputs: Mapping[str, Residues],
    parameters: Mapping[str, Residues],
    twin: Mapping[str, Residues],
    primes: Primes,
) -> dict[str, Residues]:
    """Return the outputs that Lean computes at the same residues; none if the reference is no oracle.

    Args:
        problem: the implementation and its reference.
        inputs: the inputs by name.
        parameters: the drawn parameters by name.
        twin: the outputs and the gradients of the twin; the degrees are those of the twin.
        primes: the primes of the point.
    """
    outputs = problem.outputs_of_lean(inputs, parameters, primes)
    return {name: _replaced(twin[name], found) for name, found in outputs.items()}


def _replaced(twin: Residues, lean: FieldNumbers) -> Residues:
    side = twin.pair.value
    if isinstance(side, Side):
        if (lean.values == LOST).any():
            side = Lost("an entry that the Lean runner cannot compute over residues")
        else:
            side = replace(side, values=torch.from_numpy(lean.values.copy()))
    return Residues(twin.floats, replace(twin.pair, value=side))
