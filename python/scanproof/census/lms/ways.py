"""The ways in which a causal language model is called: plainly, with padding on the left, from a cache."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from scanproof.streaming.model import Unsupported

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LENGTH = 37
PADS = 3
"""Positions of padding on the left of the first example; the second has none."""

PIECE = 3
"""Tokens of the call that goes on from the cache, after which one token follows."""

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


WAYS = tuple(Way(attention, call) for attention in ("eager", "sdpa") for call in ("plain", "padded", "cached"))


def function(model: "PreTrainedModel", call: str) -> Callable[[Tensor], Tensor]:
    """Return a function from token ids (batch, T) to logits (batch, T, vocabulary).

    - plain: one call without a cache.
    - padded: one call with a mask for padding on the left of the first example. Logits at padding are 0, as
      they have no meaning.
    - cached: a prefill, then a call with some tokens that goes on from the cache of the prefill, then a call
      with one token, all in one function. So what a call leaves in the cache is read, too.

    Raises:
        Unsupported: the model cannot be called so.
    """
    return {"plain": _plain, "padded": _padded, "cached": _cached}[call](model)


def logits_of(output: Any) -> Tensor:
    """Return the logits of what a model returns."""
    logits: Tensor = output.logits if hasattr(output, "logits") else output[0]
    return logits


def padding(examples: int, length: int) -> Tensor:
    """Return the mask of the padded call, (examples, length): 0 at padding, else 1; every other is padded."""
    mask = torch.ones(examples, length, dtype=torch.long)
    mask[::2, :PADS] = 0
    return mask


def _plain(model: "PreTrainedModel") -> Callable[[Tensor], Tensor]:
    def plain(ids: Tensor) -> Tensor:
        return logits_of(model(input_ids=ids, use_cache=False))

    return plain


def _padded(model: "PreTrainedModel") -> Callable[[Tensor], Tensor]:
    from inspect import signature

    if "attention_mask" not in signature(model.forward).parameters:
        raise Unsupported("it takes no attention_mask")

    def padded(ids: Tensor) -> Tensor:
        mask = padding(*ids.shape)
        logits = logits_of(model(input_ids=ids, attention_mask=mask, use_cache=False))
        return torch.where(mask[..., None] == 1, logits, 0.0)

    return padded


def _cached(model: "PreTrainedModel") -> Callable[[Tensor], Tensor]:
    def cached(ids: Tensor) -> Tensor:
        prefill = ids.shape[1] - PIECE - 1
        cache: dict[str, Any] = {}
        logits = []
        for piece in ids.split([prefill, PIECE, 1], 1):
            output = model(input_ids=piece, use_cache=True, **cache)
            cache = {name: held for name in CACHES if (held := getattr(output, name, None)) is not None}
            if not cache:
                raise Unsupported("it returns no cache")
            logits.append(logits_of(output))
        return torch.cat(logits, 1)

    return cached
