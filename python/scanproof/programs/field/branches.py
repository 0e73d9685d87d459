"""Operations that compare floats and return one of them: they follow the branch of the float run."""

from typing import Any

import torch
from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.moves import either
from scanproof.programs.field.residues import Side, number
from scanproof.programs.field.table import BRANCHES, RINGS, entered


@entered(BRANCHES, "relu", "abs")
def _positive(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] > 0)


@entered(BRANCHES, "maximum")
def _greater(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] >= args["other"])


@entered(BRANCHES, "minimum")
def _smaller(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] <= args["other"])


@entered(BRANCHES, "softplus")
def _linear(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] * args["beta"] > args["threshold"])


@entered(RINGS, "relu")
def _relu(call: Call) -> Side:
    return either(_branch(call), call.side("self"), number(0, call.modulus))


@entered(RINGS, "abs")
def _abs(call: Call) -> Side:
    side = call.side("self")
    return either(_branch(call), side, -side)


@entered(RINGS, "maximum", "minimum")
def _chosen(call: Call) -> Side:
    return either(_branch(call), call.side("self"), call.side("other"))


def _branch(call: Call) -> Tensor:
    return torch.as_tensor(call.branch)
