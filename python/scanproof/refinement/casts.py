"""Which casts in an implementation's code explain that it leaves the bound."""

from functools import reduce

import torch

from scanproof.foundation.precision import AtPrecision
from scanproof.refinement.compare import compare
from scanproof.refinement.problem import Inputs, Problem
from scanproof.report.verdict import Verdict


def casts_to_blame(problem: Problem, inputs: Inputs) -> tuple[str, ...]:
    """Run an implementation that was refuted once more, its casts lifted to the inputs' widest dtype.

    Returns:
        The casts that were lifted, as ``"to(float32)"``, if without them the implementation refines; none if
        it does not, or cannot be run without them.
    """
    dtypes = [tensor.dtype for tensor in inputs.values() if tensor.is_floating_point()]
    lifting = AtPrecision(reduce(torch.promote_types, dtypes))
    try:
        refines = compare(problem, inputs, within=lifting).verdict is Verdict.REFINES
    except Exception:  # whatever the implementation raises in a dtype it was not written for
        return ()
    return tuple(sorted(lifting.lifted)) if refines else ()
