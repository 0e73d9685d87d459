"""Scans whose outputs are wrong."""

import torch
from torch import Tensor
from torch.nn import functional

from .mutant import forward
from .scan import (
    Step,
    additions,
    decays,
    finish,
    gate,
    last,
    of_groups,
    per_channel,
    read,
    shifted,
    skip,
    states,
    steps,
)

CHUNK = 4


def biased(delta: Tensor, bias: Tensor | None) -> Tensor:
    return steps(delta, bias, False)


def softplus_as(function: Step) -> Step:
    return lambda delta, bias, softplus: function(biased(delta, bias)) if softplus else biased(delta, bias)


def softplus_before_bias(delta: Tensor, bias: Tensor, softplus: bool) -> Tensor:
    return biased(functional.softplus(delta) if softplus else delta, bias)


def in_dtype(step: Step, dtype: torch.dtype) -> Step:
    """Round what a step returns."""

    def run(*arguments: object) -> Tensor:
        x = step(*arguments)
        return x.to(dtype).to(x.dtype)

    return run


def at_starts(x: Tensor, function: Step) -> Tensor:
    """Change the first position of every chunk but the first one."""
    changed = x.clone()
    changed[:, :, CHUNK::CHUNK] = function(x[:, :, CHUNK::CHUNK])
    return changed


def carried(function: Step) -> Step:
    """States, of which ``function`` makes what is carried to the next step."""

    def run(a: Tensor, b: Tensor) -> Tensor:
        h, all_states = torch.zeros_like(b[:, :, 0]), []
        for t in range(b.shape[2]):
            h = a[:, :, t] * h + b[:, :, t]
            all_states.append(h)
            h = function(h, t)
        return torch.stack(all_states, 2)

    return run


def chunkwise(decay_of_chunk: Step) -> Step:
    """States by chunks, each from the state that the chunks before it leave."""

    def run(a: Tensor, b: Tensor) -> Tensor:
        h, all_states = torch.zeros_like(b[:, :, 0]), []
        for start in range(0, b.shape[2], CHUNK):
            chunk_a, chunk_b = a[:, :, start : start + CHUNK], b[:, :, start : start + CHUNK]
            local, products = states(chunk_a, chunk_b), torch.cumprod(chunk_a, 2)
            all_states.append(local + products * h[:, :, None])
            h = decay_of_chunk(products, chunk_a) * h + local[:, :, -1]
        return torch.cat(all_states, 2)

    return run


def divided(a: Tensor, b: Tensor) -> Tensor:
    products = torch.cumprod(a, 2)
    return products * torch.cumsum(b / products, 2)


def by_differences_of_sums(a: Tensor, b: Tensor) -> Tensor:
    """exp(L_t - L_s) of sums L of logarithms, as a chunked scan forms the decays between two tokens."""
    sums = torch.cumsum(torch.log(a), 2)
    between = torch.exp(sums[:, :, :, None] - sums[:, :, None])
    length = a.shape[2]
    seen = torch.ones(length, length, dtype=torch.bool).tril()[..., None]
    return torch.where(seen, between * b[:, :, None], 0.0).sum(3)


def from_the_example_before(a: Tensor, b: Tensor) -> Tensor:
    h = states(a, b)
    entering = torch.cat([torch.zeros_like(h[:1, :, -1:]), h[:-1, :, -1:]])
    return h + torch.cumprod(a, 2) * entering


def combined_in_the_wrong_order(a: Tensor, b: Tensor) -> Tensor:
    """Pairs combined by (a2 a1, a1 b2 + b1)."""
    total, so_far, all_states = torch.ones_like(a[:, :, 0]), torch.zeros_like(b[:, :, 0]), []
    for t in range(b.shape[2]):
        total, so_far = a[:, :, t] * total, total * b[:, :, t] + so_far
        all_states.append(so_far)
    return torch.stack(all_states, 2)


def ragged_chunk_from_zero(a: Tensor, b: Tensor) -> Tensor:
    full = a.shape[2] // CHUNK * CHUNK
    parts = [
        states(a[:, :, part], b[:, :, part])
        for part in (slice(full), slice(full, None))
        if a[:, :, part].numel()
    ]
    return torch.cat(parts, 2)


def tiled(B: Tensor, like: Tensor) -> Tensor:
    """Channel i has group i mod groups, as by repeat in place of repeat_interleave."""
    groups = of_groups(B)
    return groups.repeat(1, like.shape[1] // groups.shape[1], 1, 1)


def zero_order_hold(dt: Tensor, A: Tensor, B: Tensor, u: Tensor) -> Tensor:
    return torch.expm1(dt[..., None] * A[:, None]) / A[:, None] * per_channel(B, u) * u[..., None]


def as_if_contiguous(x: Tensor) -> Tensor:
    """Read the memory of a tensor in the order of its axes, whatever its strides."""
    span = 1 + sum((size - 1) * stride for size, stride in zip(x.shape, x.stride(), strict=True))
    memory = x.as_strided((span,), (1,))
    return memory.repeat(-(-x.numel() // span))[: x.numel()].reshape(x.shape)


STEPS = (
    forward("softplus before the bias", steps=softplus_before_bias),
    forward("bias left out", steps=lambda delta, bias, softplus: steps(delta, None, softplus)),
    forward(
        "bias added a second time, after softplus", steps=lambda d, bias, s: biased(steps(d, bias, s), bias)
    ),
    forward("bias subtracted", steps=lambda d, bias, s: steps(d, None if bias is None else -bias, s)),
    forward(
        "bias of channel 0 for all",
        steps=lambda d, bias, s: steps(d, None if bias is None else bias[:1].expand_as(bias), s),
    ),
    forward("softplus left out", steps=lambda delta, bias, softplus: biased(delta, bias)),
    forward("softplus even if not asked for", steps=lambda delta, bias, softplus: steps(delta, bias, True)),
    forward("softplus without threshold", steps=softplus_as(lambda x: torch.log1p(torch.exp(x)))),
    forward(
        "softplus by log(1 + exp)",
        steps=softplus_as(lambda x: torch.where(x > 20, x, torch.log(1 + torch.exp(x)))),
    ),
    forward("softplus with threshold 8", steps=softplus_as(lambda x: functional.softplus(x, threshold=8))),
    forward(
        "softplus clamped at its threshold", steps=softplus_as(lambda x: functional.softplus(x.clamp(max=20)))
    ),
    forward("softplus as relu", steps=softplus_as(torch.relu)),
    forward("steps at least 1e-4", steps=lambda *x: steps(*x).clamp(min=1e-4)),
    forward("steps in bfloat16", steps=in_dtype(steps, torch.bfloat16)),
    forward("steps of the token before", steps=lambda *x: shifted(steps(*x))),
)

DECAYS = (
    forward("A negated", decays=lambda dt, A: decays(dt, -A)),
    forward("A taken as negative", decays=lambda dt, A: decays(dt, -A.abs())),
    forward("A of state 0 for all states", decays=lambda dt, A: decays(dt, A[:, :1].expand_as(A))),
    forward("decay of the token before", decays=lambda dt, A: shifted(decays(dt, A))),
    forward("decay of the token after", decays=lambda dt, A: shifted(decays(dt, A), -1)),
    forward("decay 1 + dt A (Euler)", decays=lambda dt, A: 1 + dt[..., None] * A[:, None]),
    forward("decay by exp2", decays=lambda dt, A: torch.exp2(dt[..., None] * A[:, None])),
    forward("decays in bfloat16", decays=in_dtype(decays, torch.bfloat16)),
    forward("decays in float16", decays=in_dtype(decays, torch.float16)),
    forward(
        "decays squared at chunk boundaries", decays=lambda dt, A: at_starts(decays(dt, A), torch.square)
    ),
    forward("decays 1 at chunk boundaries", decays=lambda dt, A: at_starts(decays(dt, A), torch.ones_like)),
    forward("decays at least 1e-3", decays=lambda dt, A: decays(dt, A).clamp(min=1e-3)),
    forward("decays at most 1", decays=lambda dt, A: decays(dt, A).clamp(max=1)),
)

ADDITIONS = (
    forward("dt not applied to B", additions=lambda dt, B, u: additions(torch.ones_like(dt), B, u)),
    forward("dt applied to B twice", additions=lambda dt, B, u: additions(dt * dt, B, u)),
    forward("dt of the token before applied to B", additions=lambda dt, B, u: additions(shifted(dt), B, u)),
    forward("B of the token before", additions=lambda dt, B, u: additions(dt, shifted(B, axis=-1), u)),
    forward("B of example 0 for all", additions=lambda dt, B, u: additions(dt, B[:1].expand_as(B), u)),
    forward("B of group 0 for all", additions=lambda dt, B, u: additions(dt, of_groups(B)[:, :1], u)),
    forward("groups of B tiled", additions=lambda dt, B, u: additions(dt, tiled(B, u), u)),
    forward("B read as if contiguous", additions=lambda dt, B, u: additions(dt, as_if_contiguous(B), u)),
    forward("u of the token before", additions=lambda dt, B, u: additions(dt, B, shifted(u))),
    forward("additions in bfloat16", additions=in_dtype(additions, torch.bfloat16)),
    forward("first token left out", additions=lambda dt, B, u: shifted(shifted(additions(dt, B, u), -1))),
)

STATES = (
    forward("state dropped at chunk boundaries", states=carried(lambda h, t: h * ((t + 1) % CHUNK > 0))),
    forward("state dropped before the ragged last chunk", states=ragged_chunk_from_zero),
    forward("state carried in float16", states=carried(lambda h, t: h.half().to(h.dtype))),
    forward("state carried in bfloat16", states=carried(lambda h, t: h.bfloat16().to(h.dtype))),
    forward(
        "state in bfloat16 at chunk boundaries",
        states=carried(lambda h, t: h if (t + 1) % CHUNK else h.bfloat16().to(h.dtype)),
    ),
    forward("state clamped to 100", states=carried(lambda h, t: h.clamp(-100, 100))),
    forward(
        "state below 1e-6 flushed to zero", states=carried(lambda h, t: torch.where(h.abs() < 1e-6, 0.0, h))
    ),
    forward("state from the example before", states=from_the_example_before),
    forward(
        "decay of a chunk short of its first token", states=chunkwise(lambda p, a: p[:, :, -1] / a[:, :, 0])
    ),
    forward(
        "decay of a chunk short of its last token",
        states=chunkwise(lambda p, a: p[:, :, -2] if p.shape[2] > 1 else torch.ones_like(p[:, :, 0])),
    ),
    forward("decay of a chunk squared", states=chunkwise(lambda p, a: p[:, :, -1] ** 2)),
    forward("transitions combined in the wrong order", states=combined_in_the_wrong_order),
    forward("division by cumulated decays", states=divided),
    forward("decays as differences of sums", states=by_differences_of_sums),
)

OUTPUTS = (
    forward("groups of C tiled", read=lambda h, C: read(h, tiled(C, h))),
    forward("C of the token before", read=lambda h, C: read(h, shifted(C, axis=-1))),
    forward("state before the update is read", read=lambda h, C: read(shifted(h), C)),
    forward("mean over states", read=lambda h, C: read(h, C) / h.shape[-1]),
    forward("states summed in bfloat16", read=in_dtype(read, torch.bfloat16)),
    forward("last of the states left out", read=lambda h, C: read(h[..., :-1], C[..., :-1, :])),
    forward("D left out", finish=lambda y, u, D, z: finish(y, u, None, z)),
    forward("D on the scan's output", finish=lambda y, u, D, z: finish(y, y, D, z)),
    forward("D after the gate", finish=lambda y, u, D, z: skip(gate(y, z), u, D)),
    forward(
        "D of channel 0 for all",
        finish=lambda y, u, D, z: finish(y, u, None if D is None else D[:1].expand_as(D), z),
    ),
    forward("gate left out", finish=lambda y, u, D, z: finish(y, u, D, None)),
    forward(
        "gate by sigmoid", finish=lambda y, u, D, z: skip(y, u, D) * (1 if z is None else torch.sigmoid(z))
    ),
    forward(
        "gate by gelu", finish=lambda y, u, D, z: skip(y, u, D) * (1 if z is None else functional.gelu(z))
    ),
    forward(
        "gate of the token before",
        finish=lambda y, u, D, z: finish(y, u, D, None if z is None else shifted(z)),
    ),
    forward("output in bfloat16", finish=in_dtype(finish, torch.bfloat16)),
    forward("last state before the last token", last=lambda h: last(shifted(h))),
    forward(
        "last state of the last full chunk", last=lambda h: h[:, :, max(h.shape[2] // CHUNK * CHUNK, 1) - 1]
    ),
    forward("last state in bfloat16", last=in_dtype(last, torch.bfloat16)),
)

MUTANTS = (*STEPS, *DECAYS, *ADDITIONS, *STATES, *OUTPUTS)
