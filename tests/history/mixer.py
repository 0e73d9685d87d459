"""A small mixer in the manner of Mamba-2, right; releases went wrong in one method each."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CHUNK = 4
HEADS, GROUPS, WIDTH, STATES, TAPS = 4, 2, 3, 5, 4
INNER = HEADS * WIDTH
CHANNELS = INNER + 2 * GROUPS * STATES
MODEL = 6


@dataclass
class Cache:
    """The last inputs of the convolution, newest last, and the state of the scan."""

    inputs: Tensor
    h: Tensor


class Mixer:
    """Projection, causal convolution, Mamba-2's scan by chunks of 4, gate, projection."""

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(3)

        def draw(*shape: int) -> Tensor:
            return torch.randn(shape, generator=rng) / shape[-1] ** 0.5

        self.project = draw(CHANNELS + INNER + HEADS, MODEL)
        self.taps = draw(CHANNELS, TAPS)
        self.dt_bias, self.D = draw(HEADS) - 2, draw(HEADS)
        self.A = -draw(HEADS).exp()
        self.out = draw(MODEL, INNER)

    def __call__(self, x: Tensor) -> Tensor:
        return self.prefill(x)[0]

    def initial_state(self, x: Tensor) -> Cache:
        batch = x.shape[0]
        return Cache(x.new_zeros(batch, TAPS - 1, CHANNELS), x.new_zeros(batch, HEADS, WIDTH, STATES))

    def prefill(self, x: Tensor) -> tuple[Tensor, Cache]:
        return self.run(x, self.initial_state(x))

    def extend(self, x: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        return self.run(x, cache)

    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Cache]:
        return self.run(x, self.initial_state(x), mask)

    def clone(self, cache: Cache) -> Cache:
        return Cache(cache.inputs.clone(), cache.h.clone())

    def reorder(self, cache: Cache, rows: list[int]) -> Cache:
        return Cache(cache.inputs[rows], cache.h[rows])

    def run(self, x: Tensor, cache: Cache, mask: Tensor | None = None) -> tuple[Tensor, Cache]:
        mixed, gate, dt = self.projected(self.masked(x, mask))
        mixed, inputs = self.convolved(mixed, cache)
        mixed = self.masked(mixed, mask)
        y, h = self.scanned(mixed, dt, cache.h)
        return self.finished(y, gate), Cache(inputs, h)

    def step(self, x: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        mixed, gate, dt = self.projected(x)
        mixed, inputs = self.convolved(mixed, cache)
        x, B, C = self.split(mixed)
        dt = self.step_size(dt)[..., None, None]
        B, C = (self.by_head(each)[..., None, :] for each in (B, C))
        decay = (dt * self.A.to(x)[:, None, None]).exp()[:, 0]
        h = decay * cache.h + (dt * B * x[..., None])[:, 0]
        y = (h[:, None] * C).sum(-1) + self.D.to(x)[:, None] * x
        return self.finished(y.flatten(2), self.gate_of_step(gate)), Cache(inputs, h)

    def masked(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return x if mask is None else x * mask[..., None]

    def projected(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x @ self.project.to(x).T).split([CHANNELS, INNER, HEADS], -1)

    def convolved(self, x: Tensor, cache: Cache) -> tuple[Tensor, Tensor]:
        seen = torch.cat([cache.inputs, x], 1)
        windows = seen.unfold(1, TAPS, 1)
        return functional.silu((windows * self.taps.to(x)).sum(-1)), seen[:, -(TAPS - 1) :]

    def split(self, mixed: Tensor) -> tuple[Tensor, ...]:
        x, B, C = mixed.split([INNER, GROUPS * STATES, GROUPS * STATES], -1)
        return x.unflatten(-1, (HEADS, WIDTH)), *(each.unflatten(-1, (GROUPS, STATES)) for each in (B, C))

    def scanned(self, mixed: Tensor, dt: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        x, B, C = self.split(mixed)
        weights = {"A": self.A.to(x), "D": self.D.to(x)[:, None], "dt_bias": self.dt_bias.to(x)}
        y, h = self.kernel(x=x, dt=dt, B=B, C=C, initial_state=h, **weights)
        return y.flatten(2), h

    def kernel(
        self,
        x: Tensor,
        dt: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor,
        dt_bias: Tensor,
        initial_state: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return outputs and the last state, with the signature of the kernel ``SsdScan``."""
        time = x.shape[1]
        filler = -time % CHUNK
        dt = self.limited(functional.softplus(dt + dt_bias))
        B, C = self.by_head(B), self.by_head(C)

        def chunks(tensor: Tensor) -> Tensor:
            padding = [0, 0] * (tensor.ndim - 2) + [0, filler]
            return functional.pad(tensor, padding).unflatten(1, (-1, CHUNK))

        added = x * dt[..., None]
        logs, added, B, C = chunks(dt * A), chunks(added), chunks(B), chunks(C)
        within = segment_sums(logs.movedim(2, -1)).exp()
        inside = torch.einsum("bctnk,bcsnk,bcnts,bcsnp->bctnp", C, B, within, added)
        sums = logs.cumsum(2)
        states = torch.einsum("bcsnk,bcsn,bcsnp->bcnpk", B, (sums[:, :, -1:] - sums).exp(), added)
        states = torch.cat([initial_state[:, None], states], 1)
        totals = functional.pad(sums[:, :, -1], (0, 0, 1, 0)).movedim(1, -1)
        states = self.passed(segment_sums(totals).exp(), states)
        across = torch.einsum("bctnk,bcnpk,bctn->bctnp", C, states[:, :-1], sums.exp())
        y = (inside + across).flatten(1, 2)[:, :time]
        return y + D * x, states[:, -1]

    def passed(self, decays: Tensor, states: Tensor) -> Tensor:
        """Return the states at the starts of chunks: sums over those before; decays are (…, to, from)."""
        return torch.einsum("bnij,bjnpk->binpk", decays, states)

    def by_head(self, grouped: Tensor) -> Tensor:
        return grouped.repeat_interleave(HEADS // grouped.shape[2], dim=2)

    def step_size(self, dt: Tensor) -> Tensor:
        return self.limited(functional.softplus(dt + self.dt_bias.to(dt)))

    def limited(self, dt: Tensor) -> Tensor:
        return dt

    def gate_of_step(self, gate: Tensor) -> Tensor:
        return gate

    def finished(self, y: Tensor, gate: Tensor) -> Tensor:
        return (y * functional.silu(gate)) @ self.out.to(y).T


def segment_sums(logs: Tensor) -> Tensor:
    """Return the sums of ``logs`` over s < r <= t, -inf above the diagonal: (…, t, s)."""
    time = logs.shape[-1]
    below = torch.ones(time, time, dtype=torch.bool).tril(-1)
    sums = logs[..., :, None].expand(*logs.shape, time).masked_fill(~below, 0).cumsum(-2)
    return sums.masked_fill(~torch.ones_like(below).tril(), -torch.inf)
