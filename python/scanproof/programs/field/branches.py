"""Operations that compare floats and return one of them: they follow the branch of the float run."""

from typing import Any

import torch
from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.pair import either
from scanproof.programs.field.residues import Side, Undecided, number
from scanproof.programs.field.table import BRANCHES, RINGS, entered, moving


@entered(BRANCHES, "relu", "abs")
def _positive(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] > 0)


@entered(BRANCHES, "maximum", "fmax")
def _greater(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] >= args["other"])


@entered(BRANCHES, "minimum", "fmin")
def _smaller(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] <= args["other"])


@entered(BRANCHES, "softplus", "softplus_backward")
def _linear(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] * args["beta"] > args["threshold"])


@entered(BRANCHES, "nan_to_num")
def _finite(args: Any) -> Tensor:
    return torch.as_tensor(args["self"].isfinite())


@entered(BRANCHES, "hardshrink", "softshrink")
def _outside(args: Any) -> Tensor:
    """Return 0 within the limits, 1 above, and 2 below."""
    x, limit = args["self"], args["lambd"]
    return torch.as_tensor((x > limit) + 2 * (x < -limit).to(torch.uint8))


@entered(BRANCHES, "clamp_min")
def _above(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] >= args["min"])


@entered(BRANCHES, "clamp_max")
def _below(args: Any) -> Tensor:
    return torch.as_tensor(args["self"] <= args["max"])


@entered(BRANCHES, "clamp")
def _within(args: Any) -> Tensor:
    """Return 0 where an entry stays, 1 below the lower limit, and 2 above the upper limit, which prevails."""
    x, least, most = args["self"], args["min"], args["max"]
    taken = torch.zeros(x.shape, dtype=torch.uint8, device=x.device)
    if least is not None:
        taken = torch.where(x < least, 1, taken)
    kept = x if least is None else x.clamp(min=least)
    return taken if most is None else torch.where(kept > most, 2, taken)


@moving("relu")
def _relu(call: Call) -> Side:
    return either(call.taken, call.side("self"), number(0, call.modulus))


@moving("nan_to_num")
def _nan_to_num(call: Call) -> Side:
    if not call.taken.all():
        raise Undecided("takes a float that is not finite")
    return call.side("self")


@moving("hardshrink")
def _hardshrink(call: Call) -> Side:
    return either(call.taken > 0, call.side("self"), number(0, call.modulus))


@entered(RINGS, "softshrink")
def _softshrink(call: Call) -> Side:
    x, limit, zero = call.side("self"), call.side("lambd"), number(0, call.modulus)
    return either(call.taken == 1, x - limit, either(call.taken == 2, x + limit, zero))


@entered(RINGS, "abs")
def _abs(call: Call) -> Side:
    side = call.side("self")
    return either(call.taken, side, -side)


@moving("maximum", "minimum", "fmax", "fmin")
def _chosen(call: Call) -> Side:
    return either(call.taken, call.side("self"), call.side("other"))


@moving("clamp_min")
def _clamp_min(call: Call) -> Side:
    return either(call.taken, call.side("self"), call.side("min"))


@moving("clamp_max")
def _clamp_max(call: Call) -> Side:
    return either(call.taken, call.side("self"), call.side("max"))


@moving("clamp")
def _clamp(call: Call) -> Side:
    result = call.side("self")
    for taken, name in ((1, "min"), (2, "max")):
        limited = call.taken == taken
        if limited.any():  # a limit that no entry meets may be infinite
            result = either(limited, call.side(name), result)
    return result
