"""Whether a program holds numbers that a float may have rounded, such as 0.1 or a table of cosines."""

from typing import Any

import torch
from torch import Tensor

from scanproof.programs.program import Program, Value


def holds_rounded_constants(program: Program) -> bool:
    """Return whether an operation takes a constant with more digits than bfloat16 holds."""
    return any(
        _rounded(argument) for node in program.used for argument in (*node.args, *node.kwargs.values())
    )


def _rounded(argument: Any) -> bool:
    if isinstance(argument, Value):
        return argument.source == "constant" and argument.tensor is not None and _long(argument.tensor)
    if isinstance(argument, list | tuple):
        return any(_rounded(each) for each in argument)
    return isinstance(argument, float) and _long(torch.tensor(argument, dtype=torch.float64))


def _long(tensor: Tensor) -> bool:
    if not tensor.is_floating_point():
        return False
    short = tensor.detach().to(torch.bfloat16).to(tensor.dtype)
    return not torch.equal(short.nan_to_num(), tensor.detach().nan_to_num())
