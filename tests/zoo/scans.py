"""Recurrences and scans: sums over the past, in chunks, in trees, backwards by mistake."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from scan_case import Scan
from scanproof import selective_scan, selective_scan_associative, selective_scan_chunked

from .specimen import (
    CAUSAL,
    CHUNK,
    PASSES,
    D,
    Fault,
    Model,
    T,
    ahead,
    every,
    exactly,
    same_block,
)


def ema(x: Tensor) -> Tensor:
    state = torch.zeros_like(x[:, 0])
    out = []
    for token in x.unbind(1):
        state = 0.9 * state + token
        out.append(state)
    return torch.stack(out, 1)


def selective(x: Tensor, scan: Scan = selective_scan, dt: Tensor | None = None, **options: object) -> Tensor:
    """Scan selectively with everything read from x; ``dt`` in place of its softplus."""
    u = x.mT
    dt = softplus(u) if dt is None else dt
    A = -torch.ones(u.shape[1], 2, dtype=x.dtype, device=x.device)
    return scan(u, dt, A, u[:, :2], u[:, 2:], **options).mT


def chunked_sum(x: Tensor, inherits: str = "the chunks before") -> Tensor:
    """Sum chunk by chunk; the state that a chunk inherits may come from the wrong side."""
    parts = x.split(CHUNK, dim=1)
    totals = torch.cat([part.sum(1, keepdim=True) for part in parts], 1)
    states = {
        "the chunks before": pad(totals.cumsum(1), (0, 0, 1, 0)),
        "the chunks before, by subtraction": totals.cumsum(1) - totals,
        "its own end": totals.cumsum(1),
        "the chunks after": totals.flip(1).cumsum(1).flip(1) - totals,
    }[inherits]
    return torch.cat([part.cumsum(1) + states[:, i : i + 1] for i, part in enumerate(parts)], 1)


def chunked_decay(x: Tensor, over: str = "source") -> Tensor:
    """Scan with decays exp(-a_t) in chunks.

    What a chunk inherits decays by the sum of a up to the token; the sum over all of the chunk is not yet
    known there.
    """
    a = softplus(x)
    state, out = torch.zeros_like(x[:, :1]), []
    for part, decay in zip(x.split(CHUNK, dim=1), a.split(CHUNK, dim=1), strict=True):
        log = -decay.cumsum(1)
        between = (log[:, :, None] - log[:, None]).masked_fill(
            ~torch.ones(part.shape[1], part.shape[1], dtype=torch.bool).tril()[:, :, None], -torch.inf
        )
        inherited = log if over == "source" else log[:, -1:].expand_as(log)
        out.append(torch.einsum("btsd,bsd->btd", between.exp(), part) + inherited.exp() * state)
        state = (between[:, -1].exp() * part).sum(1, keepdim=True) + log[:, -1:].exp() * state
    return torch.cat(out, 1)


def hillis_steele(x: Tensor, wrong_level: int = 0) -> Tensor:
    """Sum in log2(T) steps of doubled distance; one level may reach to the wrong side."""
    distance = 1
    while distance < x.shape[1]:
        if distance == wrong_level:
            x = x + pad(x, (0, 0, 0, distance))[:, distance:]
        else:
            x = x + pad(x, (0, 0, distance, 0))[:, : x.shape[1]]
        distance *= 2
    return x


def hinted(x: Tensor) -> Tensor:
    """Gate a state by the token that comes next."""
    following = torch.cat([x[:, 1:], torch.zeros_like(x[:, :1])], 1)
    return ema(x) * following.sigmoid()


def irregular(x: Tensor, to_the_next: bool) -> Tensor:
    """Scan over irregular times: a state decays by the time since the last token, or until the next."""
    times = softplus(x[..., -1:]).cumsum(1)
    steps = times.diff(dim=1)
    edge = torch.zeros_like(times[:, :1])
    steps = torch.cat([steps, edge] if to_the_next else [edge, steps], 1)
    state, out = torch.zeros_like(x[:, :1]), []
    for token, step in zip(x.split(1, 1), steps.split(1, 1), strict=True):
        state = (-step).exp() * state + token
        out.append(state)
    return torch.cat(out, 1)


class Recurrent(nn.Module):
    """One of torch's recurrent layers, its outputs only."""

    def __init__(
        self, kind: type[nn.GRU] | type[nn.LSTM], bidirectional: bool = False, batch_first: bool = True
    ) -> None:
        super().__init__()
        self.layer = kind(D, D, batch_first=batch_first, bidirectional=bidirectional)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


class FlippedOnce(Recurrent):
    """Runs over the reversed sequence and leaves its outputs reversed."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flip(1))


def build() -> tuple[list[Model], list[Fault]]:
    with torch.random.fork_rng():
        torch.manual_seed(14)
        gru, lstm, both_ways = Recurrent(nn.GRU), Recurrent(nn.LSTM), Recurrent(nn.GRU, bidirectional=True)
        flipped_once = FlippedOnce(nn.GRU)
    positions = torch.arange(1, 65)[:, None]
    models = [
        Model(name="cumsum", fn=lambda x: x.cumsum(1), prefix=CAUSAL),
        Model(name="cummax", fn=lambda x: x.cummax(1).values, prefix=CAUSAL),
        Model(name="logcumsumexp", fn=lambda x: x.logcumsumexp(1)),
        Model(name="running mean", fn=lambda x: x.cumsum(1) / positions[: x.shape[1]], prefix=CAUSAL),
        Model(name="exponential moving average", fn=ema, prefix=CAUSAL),
        Model(name="GRU", fn=gru),
        Model(name="LSTM", fn=lstm),
        Model(name="selective scan", fn=selective),
        Model(
            name="selective scan, chunked",
            fn=lambda x: selective(x, selective_scan_chunked, chunk_size=CHUNK),
        ),
        Model(name="selective scan, associative", fn=lambda x: selective(x, selective_scan_associative)),
        Model(name="chunked sum", fn=chunked_sum),
        Model(name="chunked decay", fn=chunked_decay),
        Model(name="scan by doubling", fn=hillis_steele),
        Model(name="irregular time steps", fn=lambda x: irregular(x, to_the_next=False)),
        Model(
            name="total minus what comes after",
            fn=lambda x: x.sum(1, keepdim=True) - (x.flip(1).cumsum(1).flip(1) - x),
            certificate=PASSES,
            perturbation=PASSES,
        ),
        Model(
            name="chunked sum, state by subtraction",
            fn=lambda x: chunked_sum(x, "the chunks before, by subtraction"),
            certificate=PASSES,
            perturbation=PASSES,
        ),
        Model(
            name="cumsum of 2,048", fn=lambda x: x.cumsum(1), T=2048, examples=1, modes=frozenset({"coded"})
        ),
    ]
    faults = [
        Fault(name="cumsum from the end", fn=lambda x: x.flip(1).cumsum(1).flip(1), reads=every),
        Fault(
            name="cumsum off by one",
            fn=lambda x: torch.cat([x.cumsum(1)[:, 1:], x.sum(1, keepdim=True)], 1),
            reads=ahead(1),
        ),
        Fault(
            name="total minus the sum so far",
            fn=lambda x: x + x.sum(1, keepdim=True) - x.cumsum(1),
            reads=every,
        ),
        Fault(
            name="chunk state from its own end",
            fn=lambda x: chunked_sum(x, "its own end"),
            reads=same_block(),
        ),
        Fault(
            name="chunk state from the chunks after",
            fn=lambda x: chunked_sum(x, "the chunks after"),
            reads=lambda t, s: t // CHUNK < s // CHUNK,
        ),
        Fault(
            name="decay summed over the destination",
            fn=lambda x: chunked_decay(x, "destination"),
            reads=lambda t, s: t // CHUNK == s // CHUNK > 0,
        ),
        Fault(name="bidirectional GRU", fn=both_ways, reads=every),
        Fault(name="flipped once", fn=flipped_once, reads=lambda t, s: s >= T - 1 - t),
        Fault(
            name="scan by doubling, one level the wrong way",
            fn=lambda x: hillis_steele(x, wrong_level=4),
            reads=lambda t, s: s <= t + 4 < T,
        ),
        Fault(
            name="step sizes normalised over time",
            fn=lambda x: selective(x, dt=x.mT.softmax(-1)),
            reads=every,
        ),
        Fault(name="final state added", fn=lambda x: ema(x) + 0.1 * ema(x)[:, -1:], reads=every),
        Fault(name="gated by the next token", fn=hinted, reads=exactly(1)),
        Fault(
            name="time step to the next token",
            fn=lambda x: irregular(x, to_the_next=True),
            reads=lambda t, s: s == t + 1 > 1,
        ),
    ]
    return models, faults


MODELS, FAULTS = build()
