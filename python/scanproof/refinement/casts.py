"""Which casts in the code of an implementation explain an output outside the bound."""

from functools import reduce

import torch

from scanproof.foundation.precision import AtPrecision
from scanproof.refinement.compare import compare
from scanproof.refinement.problem import Inputs, Problem
from scanproof.report.verdict import Verdict


def casts_to_blame(problem: Problem, inputs: Inputs) -> tuple[str, ...]:
    """Run a refuted implementation again, with its casts changed to the widest dtype of the inputs.

    Returns:
        The casts that were changed, such as ``"to(float32)"``, if the implementation refines without them.
        The tuple is empty if the implementation does not refine, or cannot run, without its casts.
    """
    dtypes = [tensor.dtype for tensor in inputs.values() if tensor.is_floating_point()]
    lifting = AtPrecision(reduce(torch.promote_types, dtypes))
    try:
        refines = compare(problem, inputs, within=lifting).verdict is Verdict.REFINES
    except Exception:  # the implementation may raise anything in a dtype that it was not written for
        return ()
    return tuple(sorted(lifting.lifted)) if refines else ()
