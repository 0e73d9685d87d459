"""Attention: which keys a query may see, and what else carries them to it."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from .specimen import (
    CHUNK,
    D,
    Fault,
    Model,
    ahead,
    every,
    same_block,
    seeded,
)


def attention(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attend where a boolean ``mask`` is true; a number is added to the scores."""
    return scaled_dot_product_attention(x, x, x, attn_mask=mask)


def causal_attention(x: Tensor) -> Tensor:
    return scaled_dot_product_attention(x, x, x, is_causal=True)


def lower(x: Tensor, diagonal: int = 0) -> Tensor:
    """Return a causal mask, shape (T, T); with ``diagonal=1`` it shows one key too many."""
    return torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril(diagonal)


def blocks(x: Tensor, size: int = CHUNK) -> Tensor:
    """Return the number of the block of each position, shape (T,)."""
    return torch.arange(x.shape[1], device=x.device) // size


def scores(x: Tensor) -> Tensor:
    return x @ x.mT / math.sqrt(x.shape[-1])


def added(x: Tensor, size: float) -> Tensor:
    """Attend with ``-size`` added to the scores of later keys."""
    return attention(x, torch.zeros_like(scores(x)[0]).masked_fill(~lower(x), -size))


def windowed(x: Tensor, ahead_instead: bool = False) -> Tensor:
    """See the last four keys, or the next four."""
    near = lower(x) & ~lower(x, -CHUNK)
    return attention(x, near.mT if ahead_instead else near)


def bidirectional_prefix(x: Tensor, length: int = 5) -> Tensor:
    positions = torch.arange(x.shape[1], device=x.device)
    return attention(x, lower(x) | (positions < length) & (positions[:, None] < length))


def masked_after_softmax(x: Tensor) -> Tensor:
    return scores(x).softmax(-1).tril() @ x


def strict(x: Tensor, guard: float) -> Tensor:
    """See earlier keys only; the first row has none, and gets equal weights ``guard`` in place of NaN."""
    weights = scores(x).masked_fill(~lower(x, -1), -torch.inf)
    return torch.where(lower(x, -1).any(-1)[:, None], weights.softmax(-1), guard) @ x


def half_of_the_heads(x: Tensor) -> Tensor:
    """Leave one of two heads without its mask."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([causal_attention(first), attention(second)], -1)


def keys_one_too_early(x: Tensor) -> Tensor:
    return scaled_dot_product_attention(x, x.roll(-1, 1), x.roll(-1, 1), is_causal=True)


def linear_attention(x: Tensor, causal: bool = True) -> Tensor:
    """Attend with positive features instead of a softmax, normalised."""
    q = k = torch.nn.functional.elu(x) + 1
    outer = torch.einsum("btd,bte->btde", k, x)
    states, norms = (outer.cumsum(1), k.cumsum(1)) if causal else (outer.sum(1, True), k.sum(1, True))
    return torch.einsum("btd,bsde->bte" if not causal else "btd,btde->bte", q, states) / (q * norms).sum(
        -1, keepdim=True
    )


def chunked_linear_attention(x: Tensor, chunk: int = CHUNK, masked: bool = True) -> Tensor:
    state = x.new_zeros(x.shape[0], x.shape[2], x.shape[2])
    out = []
    for part in x.split(chunk, dim=1):
        weights = part @ part.mT
        out.append(part @ state + (weights.tril() if masked else weights) @ part)
        state = state + part.mT @ part
    return torch.cat(out, 1)


def compressed_memory(x: Tensor, finished: bool = True) -> Tensor:
    """Attend to means of blocks: of those that have ended, or of the one that is being written, too."""
    ragged = -x.shape[1] % CHUNK
    memory = pad(x, (0, 0, 0, ragged)).unflatten(1, (-1, CHUNK)).mean(2)
    visible = blocks(x)[:, None] >= torch.arange(memory.shape[1], device=x.device) + finished
    weights = (x @ memory.mT).masked_fill(~visible, -torch.inf)
    memory_of = torch.where(visible.any(-1)[:, None], weights.softmax(-1), 0.0) @ memory
    return x + memory_of


def alibi(x: Tensor) -> Tensor:
    positions = torch.arange(x.shape[1], dtype=x.dtype, device=x.device)
    return attention(x, (positions - positions[:, None]).masked_fill(~lower(x), -torch.inf))


def padded_keys(x: Tensor) -> Tensor:
    """Hide the first key, which is padding, from all but itself."""
    keys = lower(x)
    keys[1:, 0] = False
    return attention(x, keys)


class Block(nn.Module):
    """A pre-norm transformer block with a causal mask."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(D)
        self.attention = nn.MultiheadAttention(D, 2, dropout=0.1, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(D, 8), nn.GELU(), nn.Dropout(0.1), nn.Linear(8, D))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        x = x + self.attention(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.norm(x))


class Decoder(nn.Module):
    """Two layers over token ids, the second without its mask when ``leaks``."""

    def __init__(self, ids: int, leaks: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(ids, D)
        self.leaks = leaks

    def forward(self, ids: Tensor) -> Tensor:
        x = causal_attention(self.embedding(ids))
        return attention(x) if self.leaks else causal_attention(x)


def build() -> tuple[list[Model], list[Fault]]:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        block, decoder, leaky_decoder = Block().eval(), Decoder(11, leaks=False), Decoder(11, leaks=True)
    gate = seeded(3, D)
    models = [
        Model(name="causal attention", fn=causal_attention),
        Model(name="causal attention, a mask of -inf", fn=lambda x: added(x, torch.inf)),
        Model(name="causal attention, a mask of -1e9", fn=lambda x: added(x, 1e9)),
        Model(name="sliding window", fn=windowed),
        Model(name="earlier keys only, the empty row is 0", fn=lambda x: strict(x, 0.0)),
        Model(name="ALiBi", fn=alibi),
        Model(name="padding on the left", fn=padded_keys),
        Model(name="linear attention", fn=linear_attention),
        Model(name="chunked linear attention", fn=chunked_linear_attention),
        Model(name="memory of finished blocks", fn=compressed_memory),
        Model(name="transformer block", fn=block),
        Model(name="gated attention that saturates", fn=lambda x: causal_attention(x) * (100 * x).sigmoid()),
        Model(
            name="decoder of token ids",
            fn=decoder,
            ids=11,
            modes=frozenset({"perturbation", "prefix", "batch"}),
        ),
        Model(
            name="causal attention over 200 positions",
            fn=causal_attention,
            T=200,
            examples=1,
            modes=frozenset({"coded"}),
        ),
    ]
    faults = [
        Fault(name="no mask", fn=attention, reads=every),
        Fault(name="mask off by one", fn=lambda x: attention(x, lower(x, 1)), reads=ahead(1)),
        Fault(name="mask with the wrong sign", fn=lambda x: attention(x, lower(x).mT), reads=every),
        Fault(
            name="mask of zeros and ones, added",
            fn=lambda x: attention(x, lower(x).to(x.dtype)),
            reads=every,
        ),
        Fault(name="mask of -10, added", fn=lambda x: added(x, 10.0), reads=every),
        Fault(name="masked after the softmax", fn=masked_after_softmax, reads=every),
        Fault(
            name="sliding window on the wrong side",
            fn=lambda x: windowed(x, ahead_instead=True),
            reads=ahead(CHUNK - 1),
        ),
        Fault(name="bidirectional prefix", fn=bidirectional_prefix, reads=lambda t, s: max(t, s) < 5),
        Fault(
            name="mask of whole blocks",
            fn=lambda x: attention(x, blocks(x)[:, None] >= blocks(x)),
            reads=same_block(),
        ),
        Fault(
            name="an empty row sees all",
            fn=lambda x: strict(x, 1 / x.shape[1]),
            reads=lambda t, s: t == 0,
        ),
        Fault(name="one head of two without its mask", fn=half_of_the_heads, reads=every),
        Fault(name="keys one position too early", fn=keys_one_too_early, reads=ahead(1)),
        Fault(
            name="linear attention over the whole sequence",
            fn=lambda x: linear_attention(x, causal=False),
            reads=every,
        ),
        Fault(
            name="chunked linear attention, chunks without a mask",
            fn=lambda x: chunked_linear_attention(x, masked=False),
            reads=same_block(),
        ),
        Fault(
            name="memory of unfinished blocks",
            fn=lambda x: compressed_memory(x, finished=False),
            reads=same_block(),
        ),
        Fault(
            name="no mask in the second layer, token ids",
            fn=leaky_decoder,
            ids=11,
            modes=frozenset({"perturbation", "prefix", "batch"}),
            reads=every,
            seen_by=frozenset({"perturbation", "prefix"}),
        ),
        Fault(
            name="no mask, gated down to 1e-6",
            fn=lambda x: causal_attention(x) + 1e-6 * gate.to(x.dtype) * attention(x),
            reads=every,
        ),
    ]
    return models, faults


MODELS, FAULTS = build()
