"""Scans whose outputs are right and whose hand-written gradients are wrong."""

import torch
from torch import Tensor

from .forward import CHUNK, in_dtype
from .mutant import Mutant
from .scan import (
    HandWritten,
    Step,
    Values,
    adjoint,
    of_groups,
    shared,
    shifted,
    silu_slope,
    through_decays,
)

RIGHT = HandWritten()


def backward(name: str, **exchanged: Step) -> Mutant:
    return Mutant(name, HandWritten(**exchanged), backward=True)


def carried(function: Step) -> Step:
    """The adjoint, of which ``function`` makes what is carried to the step before."""

    def run(a: Tensor, incoming: Tensor, of_last: Tensor) -> Tensor:
        g, back = torch.empty_like(incoming), of_last
        for t in reversed(range(incoming.shape[2])):
            g[:, :, t] = incoming[:, :, t] + back
            back = function(a[:, :, t] * g[:, :, t], t)
        return g

    return run


def adjoint_of_shifted_decays(a: Tensor, incoming: Tensor, of_last: Tensor) -> Tensor:
    return adjoint(shifted(a, -1), incoming, of_last)


def decays_only(v: Values) -> Tensor:
    return (through_decays(v) * v.A[:, None]).sum(-1)


def additions_only(v: Values) -> Tensor:
    return (v.g * v.b).sum(-1) * v.u


def with_states_undone(v: Values) -> Tensor:
    """dt's gradient with the states before found by undoing steps: (h - b) / a."""
    undone = (v.h - v.dt[..., None] * v.b * v.u[..., None]) / v.a
    return (v.g * undone * v.a * v.A[:, None]).sum(-1) + additions_only(v)


def at_tiled(x: Tensor, B: Tensor) -> Tensor:
    """The gradient where groups are tiled over the channels."""
    return shared(x.unflatten(1, (-1, of_groups(B).shape[1])).transpose(1, 2).flatten(1, 2), B)


MUTANTS = (
    backward("gate's gradient missing", at_z=lambda v: torch.zeros_like(v.z)),
    backward(
        "gate's gradient that of sigmoid",
        at_z=lambda v: v.gy * v.y * torch.sigmoid(v.z) * (1 - torch.sigmoid(v.z)),
    ),
    backward(
        "gate's gradient without the skip",
        at_z=lambda v: v.gy * (v.y - (0 if v.D is None else v.D[:, None] * v.u)) * silu_slope(v.z),
    ),
    backward("gate not in the gradient of the output", out=lambda v: v.gy),
    backward("u's gradient without the skip", at_u=lambda v: (v.g * v.dt[..., None] * v.b).sum(-1)),
    backward(
        "u's gradient without the scan",
        at_u=lambda v: torch.zeros_like(v.u) if v.D is None else v.D[:, None] * v.dout,
    ),
    backward(
        "u's gradient without dt",
        at_u=lambda v: (v.g * v.b).sum(-1) + (0 if v.D is None else v.D[:, None] * v.dout),
    ),
    backward(
        "u's gradient of an ungated skip",
        at_u=lambda v: RIGHT.at_u(v) + (0 if v.D is None else v.D[:, None] * (v.gy - v.dout)),
    ),
    backward("dt's gradient without softplus' slope", at_raw=lambda v: v.at_dt),
    backward(
        "dt's gradient with softplus' slope at dt",
        at_raw=lambda v: v.at_dt * torch.sigmoid(v.dt) if v.softplus else v.at_dt,
    ),
    backward(
        "dt's gradient zero above softplus' threshold",
        at_raw=lambda v: (
            torch.where(v.raw > 20, 0.0, v.at_dt * torch.sigmoid(v.raw)) if v.softplus else v.at_dt
        ),
    ),
    backward("dt's gradient through the decays alone", at_dt=decays_only),
    backward("dt's gradient through the additions alone", at_dt=additions_only),
    backward(
        "dt's gradient of state 0 alone",
        at_dt=lambda v: (through_decays(v) * v.A[:, None])[..., 0] + additions_only(v),
    ),
    backward("states before found by undoing steps", at_dt=with_states_undone),
    backward("bias' gradient missing", at_bias=lambda v: torch.zeros_like(v.at_raw[0, :, 0])),
    backward("bias' gradient of example 0 alone", at_bias=lambda v: v.at_raw[0].sum(1)),
    backward("bias' gradient without softplus' slope", at_bias=lambda v: v.at_dt.sum((0, 2))),
    backward("A's gradient with the state after the step", before=lambda h: h),
    backward("A's gradient without dt", at_A=lambda v: through_decays(v).sum((0, 2))),
    backward("A's gradient without the decay", at_A=lambda v: (v.g * v.before * v.dt[..., None]).sum((0, 2))),
    backward(
        "A's gradient of example 0 alone", at_A=lambda v: (through_decays(v) * v.dt[..., None])[0].sum(1)
    ),
    backward("A's gradient taken for that of log(-A)", at_A=lambda v: RIGHT.at_A(v) * v.A),
    backward(
        "B's gradient of the first channel of a group alone",
        at_B=lambda v: shared(v.at_b, v.B, lambda x: x[:, :, 0]),
    ),
    backward("B's gradient with groups tiled", at_B=lambda v: at_tiled(v.at_b, v.B)),
    backward(
        "B's gradient summed over groups",
        at_B=lambda v: shared(v.at_b, v.B, lambda x: x.sum((1, 2), keepdim=True)[:, 0].expand_as(x[:, :, 0])),
    ),
    backward(
        "B's gradient summed over examples", at_B=lambda v: RIGHT.at_B(v).sum(0, keepdim=True).expand_as(v.B)
    ),
    backward("B's gradient without dt", at_B=lambda v: shared(v.g * v.u[..., None], v.B)),
    backward("B's gradient a mean over channels", at_B=lambda v: RIGHT.at_B(v) / v.u.shape[1]),
    backward("B's gradient summed in bfloat16", at_B=in_dtype(RIGHT.at_B, torch.bfloat16)),
    backward(
        "C's gradient of the state before",
        at_C=lambda v: shared(v.dout[..., None] * v.before, v.C),
    ),
    backward("C's gradient of an ungated output", at_C=lambda v: shared(v.gy[..., None] * v.h, v.C)),
    backward(
        "C's gradient of the first channel of a group alone",
        at_C=lambda v: shared(v.at_c, v.C, lambda x: x[:, :, 0]),
    ),
    backward("C's gradient with groups tiled", at_C=lambda v: at_tiled(v.at_c, v.C)),
    backward("D's gradient of an ungated output", at_D=lambda v: (v.gy * v.u).sum((0, 2))),
    backward("D's gradient of the last token alone", at_D=lambda v: (v.dout * v.u)[:, :, -1].sum(0)),
    backward("adjoint dropped at chunk boundaries", adjoint=carried(lambda g, t: g * (t % CHUNK > 0))),
    backward("adjoint with the decay of the token after", adjoint=adjoint_of_shifted_decays),
    backward("adjoint carried in float16", adjoint=carried(lambda g, t: g.half().to(g.dtype))),
    backward(
        "adjoint without the last state's gradient",
        adjoint=lambda a, incoming, of_last: adjoint(a, incoming, 0 * of_last),
    ),
    backward(
        "adjoint of the last token alone",
        adjoint=lambda a, incoming, of_last: adjoint(0 * a, incoming, of_last),
    ),
)
