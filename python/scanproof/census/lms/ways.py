"""The ways in which a causal language model is called: plainly, with padding on the left, from a cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from scanproof.adapters.transformers_models import OWN_STATE
from scanproof.streaming.model import Unsupported

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LENGTH = 71
"""Positions: beyond every chunk and window of the small models (64 in delta rules), and no multiple."""

PADS = 3
"""Positions of padding on the left of the first example; the second has none."""

PIECES, STEPS = (3, 1), (1, 1)
"""Tokens of the calls that go on from the cache: several and one, or one by one."""

CACHES = ("past_key_values", "cache_params", "state", "mems", "past_buckets_states")
"""Names of a cache, as a field of an output and as an argument of a model."""


@dataclass(frozen=True)
class Way:
    """One way to call a model.

    Attributes:
        attention: implementation of attention.
        call: ``"plain"``, ``"padded"`` or ``"cached"``.
    """

    attention: str
    call: str

    @property
    def name(self) -> str:
        """Its name in results and tables."""
        return f"{self.attention}, {self.call}"


WAYS = tuple(
    Way(attention, call) for attention in ("eager", "sdpa") for call in ("plain", "padded", "cached")
)


def function(
    model: "PreTrainedModel", call: str, pieces: Sequence[int] = PIECES
) -> Callable[[Tensor], Tensor]:
    """Return a function from token ids (batch, T), or embeddings (batch, T, width), to logits (batch, T, …).

    - plain: one call without a cache.
    - padded: one call with a mask for padding on the left of the first example. Logits at padding are 0, as
      they have no meaning.
    - cached: a prefill, then calls that go on from the cache that it returns, all in one function. So what a
      call leaves in the cache is read, too.

    Args:
        model: the model.
        call: the way to call it.
        pieces: the tokens of each call after the prefill.

    Raises:
        Unsupported: the model cannot be called so.
    """
    if call == "plain":
        return lambda x: logits_of(model(**_named(x), use_cache=False))
    if call == "cached":
        return lambda x: _in_pieces(model, x, pieces)
    if "attention_mask" not in signature(model.forward).parameters:
        raise Unsupported("it takes no attention_mask")

    def padded(x: Tensor) -> Tensor:
        mask = padding(*x.shape[:2])
        logits = logits_of(model(**_named(x), attention_mask=mask, use_cache=False))
        return torch.where(mask[..., None] == 1, logits, 0.0)

    return padded


def logits_of(output: Any) -> Tensor:
    """Return the logits of what a model returns."""
    logits: Tensor = output.logits if hasattr(output, "logits") else output[0]
    return logits


def padding(examples: int, length: int) -> Tensor:
    """Return the mask of the padded call, (examples, length): 0 at padding, else 1; every other is padded."""
    mask = torch.ones(examples, length, dtype=torch.long)
    mask[::2, :PADS] = 0
    return mask


def _named(x: Tensor) -> dict[str, Tensor]:
    return {"inputs_embeds" if x.is_floating_point() else "input_ids": x}


def _in_pieces(model: "PreTrainedModel", x: Tensor, pieces: Sequence[int]) -> Tensor:
    cache = _first_cache(model)
    logits = []
    for piece in x.split([x.shape[1] - sum(pieces), *pieces], 1):
        output = model(**_named(piece), use_cache=True, **cache)
        returned = {name: getattr(output, name, None) for name in CACHES}
        cache = {name: held for name, held in returned.items() if held is not None} or cache
        if not cache:
            raise Unsupported("it returns no cache")
        logits.append(logits_of(output))
        if logits[-1].shape[1] != piece.shape[1]:
            raise Unsupported(
                f"a call with {piece.shape[1]} tokens returns logits at {logits[-1].shape[1]} positions"
            )
    return torch.cat(logits, 1)


def _first_cache(model: "PreTrainedModel") -> dict[str, Any]:
    """Return the cache of the first call: none, but for a model that also keeps states in its modules."""
    from transformers import DynamicCache

    if any(hasattr(module, name) for module in model.modules() for name in OWN_STATE):
        return {"past_key_values": DynamicCache(config=model.config)}
    return {}
