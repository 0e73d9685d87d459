"""Reconstructions, in our own code, of faults that were in releases; each cites what is public about it."""

import torch
from torch import Tensor

from history.mixer import HEADS, INNER, MODEL, Cache, Mixer


class DestinationAxis(Mixer):
    """Mamba-2 of transformers 4.44.0-4.47.1: decays between chunks summed over the chunk they lead to.

    Issue 34817, mended in 4.48.0 by pull request 35154. Each chunk's own state is passed on, times decays
    of later chunks: values are wrong, and the past reads the future. While one chunk holds the sequence no
    output is wrong.
    """

    def passed(self, decays: Tensor, states: Tensor) -> Tensor:
        return torch.einsum("bnij,bjnpk->bjnpk", decays, states)


class DestinationAxisOfSums(Mixer):
    """Zamba2 and Nemotron-H of transformers until 5.14.1: the same, written with a broadcast and a sum.

    Issues 47475 and 47246, found in 2026, 18 months after the first was mended: fixes do not reach copies.
    """

    def passed(self, decays: Tensor, states: Tensor) -> Tensor:
        return (decays.movedim(1, 3)[..., None, None] * states[:, None]).sum(1)


class ClampedByAnInitialiser(Mixer):
    """Mamba-2 of the same releases: dt clamped from below by a constant of its initialisation.

    The limit that was meant is 0; prefill and step share the fault, so decoding agrees with it.
    """

    def limited(self, dt: Tensor) -> Tensor:
        return dt.clamp(min=0.1)


class MixedRows(Mixer):
    """The cached step of the same releases: the gate had lost an axis, and broadcast rows over rows.

    A batch of one is right; in a batch every row is gated by the last one.
    """

    def gate_of_step(self, gate: Tensor) -> Tensor:
        batch = gate.shape[0]
        return gate.squeeze(1).expand(batch, batch, INNER)[:, -1:]


class Tiled(Mixer):
    """B and C of groups tiled over heads, transformers 4.44.0-4.51.3: pull request 37533.

    Head h read group h mod groups in the prefill; the step was right. One group, or one for each head, hides
    it.
    """

    def kernel(self, B: Tensor, C: Tensor, **inputs: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # by name alone
        B, C = (each.repeat(1, 1, HEADS // each.shape[2], 1) for each in (B, C))
        return super().kernel(B=B, C=C, **inputs)


class MaskIgnored(Mixer):
    """An attention mask that is taken and not read: issue 31540."""

    def masked(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return x


class MaskSkippedForOne(Mixer):
    """A mask that is skipped for a batch of one: pull request 46773."""

    def masked(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return super().masked(x, mask if len(x) > 1 else None)


class ForgetsOnExtend(Mixer):
    """Several tokens with a cache, run from an empty one: pull requests 45513 and 46741."""

    def extend(self, x: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        return self.run(x, cache if x.shape[1] == 1 else self.initial_state(x))


class StepsOnce(Mixer):
    """Several tokens with a cache, taken for one: the first makes a step, dt and the rest are dropped.

    Pull requests 46084 and 46741: a state was taken for a sign of one token, whatever came.
    """

    def extend(self, x: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        y, cache = self.step(x[:, :1], cache)
        return torch.cat([y, y.new_zeros(len(x), x.shape[1] - 1, MODEL)], 1), cache


class BeamsSwapStates(Mixer):
    """Beams that are reordered, and states that stay where they were: issue 46612.

    The beam search of ``generate`` looked for a cache under one name alone, and Mamba's has another.
    """

    def reorder(self, cache: Cache, rows: list[int]) -> Cache:
        return cache
