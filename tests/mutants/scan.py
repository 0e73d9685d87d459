# ruff: noqa: N815 (A, B, C and D are the names in the signature)
"""A selective scan whose steps can be exchanged one by one, and one with a backward pass written by hand.

Both are right as they stand; each mutant exchanges one step. Within the steps tensors have axes (batch,
channel, time) or (batch, channel, time, state); B and C have (batch, state, time) or (batch, group, state,
time), as in the signature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Step = Callable[..., Any]
NAMES = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")


def steps(delta: Tensor, bias: Tensor | None, softplus: bool) -> Tensor:
    dt = delta if bias is None else delta + bias[:, None]
    return functional.softplus(dt) if softplus else dt


def decays(dt: Tensor, A: Tensor) -> Tensor:
    return torch.exp(dt[..., None] * A[:, None])


def additions(dt: Tensor, B: Tensor, u: Tensor) -> Tensor:
    return dt[..., None] * per_channel(B, u) * u[..., None]


def states(a: Tensor, b: Tensor) -> Tensor:
    h, all_states = torch.zeros_like(b[:, :, 0]), []
    for t in range(b.shape[2]):
        h = a[:, :, t] * h + b[:, :, t]
        all_states.append(h)
    return torch.stack(all_states, 2)


def read(h: Tensor, C: Tensor) -> Tensor:
    return (h * per_channel(C, h)).sum(-1)


def skip(y: Tensor, u: Tensor, D: Tensor | None) -> Tensor:
    return y if D is None else y + D[:, None] * u


def gate(y: Tensor, z: Tensor | None) -> Tensor:
    return y if z is None else y * functional.silu(z)


def finish(y: Tensor, u: Tensor, D: Tensor | None, z: Tensor | None) -> Tensor:
    return gate(skip(y, u, D), z)


def last(h: Tensor) -> Tensor:
    return h[:, :, -1]


def of_groups(B: Tensor) -> Tensor:
    """Return B or C with its axis of groups."""
    return B if B.ndim == 4 else B[:, None]


def per_channel(B: Tensor, like: Tensor) -> Tensor:
    """Return B or C of every channel, (batch, channel, time, state)."""
    groups = of_groups(B).transpose(2, 3)
    return groups.repeat_interleave(like.shape[1] // groups.shape[1], 1)


def shared(x: Tensor, B: Tensor, over: Step = lambda x: x.sum(2)) -> Tensor:
    """Return the gradient at B or C, whose part of each channel is (batch, channel, time, state)."""
    return over(x.unflatten(1, (of_groups(B).shape[1], -1))).transpose(2, 3).reshape(B.shape)


def shifted(x: Tensor, by: int = 1, axis: int = 2) -> Tensor:
    """Move entries along an axis, to later places or (negative) to earlier ones; zeros move in."""
    width = x.shape[axis]
    moved = torch.zeros_like(x)
    if abs(by) < width:
        target, source = (by, 0) if by > 0 else (0, -by)
        moved.narrow(axis, target, width - abs(by)).copy_(x.narrow(axis, source, width - abs(by)))
    return moved


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The scan, token after token."""

    steps: Step = steps
    decays: Step = decays
    additions: Step = additions
    states: Step = states
    read: Step = read
    finish: Step = finish
    last: Step = last

    def __call__(
        self,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None = None,
        z: Tensor | None = None,
        delta_bias: Tensor | None = None,
        delta_softplus: bool = False,
        return_last_state: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        arguments: list[Any] = [*widened(u, delta, A, B, C, D, z, delta_bias), delta_softplus]
        y, h = self.forward(*arguments)
        return (y.to(u.dtype), h) if return_last_state else y.to(u.dtype)

    def forward(
        self,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        z: Tensor | None,
        bias: Tensor | None,
        softplus: bool,
    ) -> tuple[Tensor, Tensor]:
        dt = self.steps(delta, bias, softplus)
        h = self.states(self.decays(dt, A), self.additions(dt, B, u))
        return self.finish(self.read(h, C), u, D, z), self.last(h)


def widened(*tensors: Tensor | None) -> list[Tensor | None]:
    """Return the tensors in their widest dtype, at least float32."""
    dtype = reduce(torch.promote_types, (x.dtype for x in tensors if x is not None), torch.float32)
    return [None if x is None else x.to(dtype) for x in tensors]


class Values(dict[str, Any]):
    """What a backward pass has at hand: inputs by name, and dt, raw, a, b, h, before, out, dout, g."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def adjoint(a: Tensor, incoming: Tensor, of_last: Tensor) -> Tensor:
    """Return the gradients at all states: that of the last one, and what the outputs add, carried back."""
    g, carried = torch.empty_like(incoming), of_last
    for t in reversed(range(incoming.shape[2])):
        g[:, :, t] = incoming[:, :, t] + carried
        carried = a[:, :, t] * g[:, :, t]
    return g


def silu_slope(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 + z * (1 - s))


def softplus_slope(raw: Tensor) -> Tensor:
    return torch.where(raw > 20, 1.0, torch.sigmoid(raw))


def through_decays(v: Values) -> Tensor:
    """Gradient at dt A."""
    return v.g * v.before * v.a


@dataclass(frozen=True, kw_only=True)
class HandWritten(Scan):
    """The scan with a backward pass of its own: one step for the gradient at each input."""

    adjoint: Step = adjoint
    before: Step = shifted
    out: Step = lambda v: gate(v.gy, v.z)
    at_u: Step = lambda v: skip((v.g * v.dt[..., None] * v.b).sum(-1), v.dout, v.D)
    at_dt: Step = lambda v: (through_decays(v) * v.A[:, None]).sum(-1) + (v.g * v.b).sum(-1) * v.u
    at_raw: Step = lambda v: v.at_dt * softplus_slope(v.raw) if v.softplus else v.at_dt
    at_A: Step = lambda v: (through_decays(v) * v.dt[..., None]).sum((0, 2))
    at_B: Step = lambda v: shared(v.at_b, v.B)
    at_C: Step = lambda v: shared(v.at_c, v.C)
    at_D: Step = lambda v: (v.dout * v.u).sum((0, 2))
    at_z: Step = lambda v: v.gy * v.y * silu_slope(v.z)
    at_bias: Step = lambda v: v.at_raw.sum((0, 2))

    def forward(self, *arguments: Any) -> tuple[Tensor, Tensor]:
        return _Function.apply(self, *arguments)

    def values(
        self,
        gy: Tensor,
        gh: Tensor,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        z: Tensor | None,
        bias: Tensor | None,
        softplus: bool,
    ) -> Values:
        v = Values(gy=gy, u=u, A=A, B=B, C=C, D=D, z=z, softplus=softplus)
        v["raw"] = delta if bias is None else delta + bias[:, None]
        v["dt"] = steps(delta, bias, softplus)
        v["a"] = decays(v.dt, A)
        v["b"] = per_channel(B, u)
        v["h"] = states(v.a, additions(v.dt, B, u))
        v["before"] = self.before(v.h)
        v["y"] = skip(read(v.h, C), u, D)
        v["dout"] = self.out(v)
        v["g"] = self.adjoint(v.a, v.dout[..., None] * per_channel(C, u), gh)
        v["at_b"] = v.g * (v.dt * u)[..., None]
        v["at_c"] = v.dout[..., None] * v.h
        v["at_dt"] = self.at_dt(v)
        v["at_raw"] = self.at_raw(v)
        return v

    def gradients(self, v: Values, bias: Tensor | None) -> tuple[Tensor | None, ...]:
        return (
            *(self.at_u(v), v.at_raw, self.at_A(v), self.at_B(v), self.at_C(v)),
            None if v.D is None else self.at_D(v),
            None if v.z is None else self.at_z(v),
            None if bias is None else self.at_bias(v),
        )


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scan: HandWritten, *arguments: Any) -> tuple[Tensor, Tensor]:
        *tensors, ctx.softplus = arguments
        ctx.scan = scan
        ctx.save_for_backward(*tensors)
        return Scan.forward(scan, *arguments)

    @staticmethod
    def backward(ctx: Any, gy: Tensor, gh: Tensor) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        v = ctx.scan.values(gy, gh, *tensors, ctx.softplus)
        return None, *ctx.scan.gradients(v, tensors[-1]), None
