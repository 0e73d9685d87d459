"""Every family of Hugging Face transformers with a recurrent or linear-attention mixer, as a small model.

A small config with random parameters becomes a model. It takes embeddings as ``inputs_embeds`` and returns
hidden states; the cache that it returns is the state to continue from. Each family is an entry of settings in
``FAMILIES``, with a chunk below the length that the model is checked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.streaming.model import Unsupported, copied, tensors_in

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_COMMON: Mapping[str, Any] = {
    "vocab_size": 32,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
}
_LINEAR_THEN_FULL = ["linear_attention", "full_attention"]
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
_MAMBA = {"state_size": 4, "time_step_rank": 2}
_MAMBA_2 = {"mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 4, "mamba_n_groups": 2}
_DELTA = {"linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2, "head_dim": 8}
_KDA = {"linear_head_dim": 8, "linear_num_heads": 2, "kv_lora_rank": 8, "v_head_dim": 8}
_INKLING = {
    "head_dim": 8,
    "swa_num_attention_heads": 2,
    "swa_num_key_value_heads": 2,
    "swa_head_dim": 8,
    "sliding_window_size": 8,
    "d_rel": 4,
    "rel_extent": 16,
    "moe_intermediate_size": 16,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
}
_QWEN = {**_DELTA, "linear_num_value_heads": 4, "layer_types": _LINEAR_THEN_FULL}

HARD_CODED_CHUNK = 64
"""Chunk of several delta rules, a default argument that no config changes."""


@dataclass(frozen=True)
class Family:
    """Settings of a small model of a family.

    Attributes:
        settings: arguments of its config, in addition to those that all families share.
        chunk: chunk of its parallel form; None if it has none.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    chunk: int | None = None

    @property
    def length(self) -> int:
        """A number of positions that is greater than the chunk and not a multiple of it."""
        return 37 if self.chunk is None or self.chunk < 37 else self.chunk + 7

    @property
    def short(self) -> int:
        """A number of positions for runs over finite fields: one more than a small chunk, or few."""
        return 5 if self.chunk is None or self.chunk > 8 else self.chunk + 1

    @property
    def width(self) -> int:
        """Width of input and output."""
        return int(self.settings.get("hidden_size", _COMMON["hidden_size"]))


FAMILIES: Mapping[str, Family] = {
    "bailing_hybrid": Family(
        {
            **_KDA,
            "qk_rope_head_dim": 4,
            "qk_nope_head_dim": 4,
            "moe_intermediate_size": 16,
            "num_experts": 8,
            "num_expert_group": 2,
            "topk_group": 1,
            "num_experts_per_token": 2,
            "layer_group_size": 2,
            "first_k_dense_replace": 1,
            "num_nextn_predict_layers": 0,
        },
        chunk=HARD_CODED_CHUNK,
    ),
    "bamba": Family({**_MAMBA_2, "mamba_chunk_size": 8, "attn_layer_indices": [1]}, chunk=8),
    "falcon_h1": Family({**_MAMBA_2, "mamba_chunk_size": 8, "mamba_d_ssm": 32}, chunk=8),
    "falcon_mamba": Family(_MAMBA),
    "glm5_next_text": Family(
        {
            **_KDA,
            "q_lora_rank": 8,
            "qk_nope_head_dim": 8,
            "moe_intermediate_size": 16,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "index_topk": 128,
            "index_head_dim": 8,
            "index_n_heads": 2,
            "hc_mult": 2,
            "layer_types": ["linear_attention", "full_attention"],
        },
        chunk=HARD_CODED_CHUNK,
    ),
    "granitemoehybrid": Family(
        {
            **_MAMBA_2,
            "mamba_chunk_size": 8,
            "layer_types": ["mamba", "attention"],
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "shared_intermediate_size": 16,
        },
        chunk=8,
    ),
    "inkling_text": Family({**_INKLING, "n_shared_experts": 1}),
    "inkling2_text": Family(_INKLING),
    "jamba": Family(
        {
            "num_hidden_layers": 4,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "mamba_d_state": 4,
            "mamba_dt_rank": 2,
            "use_mamba_kernels": False,
        }
    ),
    "kimi_linear": Family(
        {
            **_KDA,
            "qk_rope_head_dim": 4,
            "qk_nope_head_dim": 4,
            "moe_intermediate_size": 16,
            "num_experts": 4,
            "num_experts_per_token": 2,
            "layer_types": _LINEAR_THEN_FULL,
        },
        chunk=HARD_CODED_CHUNK,
    ),
    "lfm2": Family({"layer_types": ["conv", "full_attention"], "block_multiple_of": 8}),
    "lfm2_moe": Family({**_EXPERTS, "layer_types": ["conv", "full_attention"], "num_dense_layers": 1}),
    "lfm3": Family({"layer_types": ["conv", "full_attention"], "head_dim": 8, "sliding_window": 8}),
    "mamba": Family(_MAMBA),
    "mamba2": Family(
        {"state_size": 4, "num_heads": 4, "head_dim": 8, "n_groups": 2, "chunk_size": 8}, chunk=8
    ),
    "minimax": Family(
        {
            "layer_types": _LINEAR_THEN_FULL,
            "head_dim": 8,
            "block_size": 8,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
        },
        chunk=8,
    ),
    "nemotron_h": Family(
        {
            "num_hidden_layers": 3,
            "layers_block_type": ["linear_attention", "full_attention", "mlp"],
            "head_dim": 8,
            "ssm_state_size": 4,
            "mamba_num_heads": 4,
            "mamba_head_dim": 8,
            "n_groups": 2,
            "chunk_size": 8,
            "use_mamba_kernels": False,
        },
        chunk=8,
    ),
    "olmo_hybrid": Family(
        {
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 2,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "layer_types": _LINEAR_THEN_FULL,
        },
        chunk=HARD_CODED_CHUNK,
    ),
    "qwen3_5_moe_text": Family(
        {**_QWEN, **_EXPERTS, "shared_expert_intermediate_size": 16}, chunk=HARD_CODED_CHUNK
    ),
    "qwen3_5_text": Family(_QWEN, chunk=HARD_CODED_CHUNK),
    "qwen3_next": Family(
        {**_QWEN, **_EXPERTS, "shared_expert_intermediate_size": 16}, chunk=HARD_CODED_CHUNK
    ),
    "qwen4_exp_text": Family(
        {
            **_QWEN,
            **_EXPERTS,
            "shared_expert_intermediate_size": 16,
            "hc_count": 2,
            "hc_lowrank": 4,
            "ple_embed_dim": 8,
            "heads_per_ngram": 2,
            "ngram_vocab_size_base": 50,
            "make_ngram_vocab_size_divisible_by": 2,
            "split_ngram_parts": 1,
            "indexer_n_heads": 2,
            "indexer_kv_heads": 1,
            "indexer_head_dim": 8,
            "indexer_budget": 128,
            "indexer_compress_ratio": 4,
        },
        chunk=HARD_CODED_CHUNK,
    ),
    "recurrent_gemma": Family(
        {"num_hidden_layers": 3, "lru_width": 16, "attention_window_size": 8, "head_dim": 8}
    ),
    "rwkv": Family({"attention_hidden_size": 16, "context_length": 64}),
    "xlstm": Family(
        {
            "hidden_size": 128,
            "embedding_dim": 128,
            "num_blocks": 2,
            "num_heads": 2,
            "chunk_size": 8,
            "ffn_round_up_to_multiple_of": 8,
            "autocast_kernel_dtype": "float32",
        },
        chunk=8,
    ),
    "zamba": Family(
        {
            "num_hidden_layers": 6,
            "attention_hidden_size": 32,
            "attention_head_dim": 16,
            "n_mamba_heads": 2,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "mamba_d_state": 4,
            "mamba_dt_rank": 2,
            "use_mamba_kernels": False,
        }
    ),
    "zamba2": Family(
        {
            "num_hidden_layers": 4,
            "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
            "n_mamba_heads": 4,
            "mamba_headdim": 8,
            "mamba_d_state": 4,
            "mamba_ngroups": 2,
            "chunk_size": 8,
            "use_mamba_kernels": False,
        },
        chunk=8,
    ),
    "zaya": Family({"head_dim": 8, "moe_intermediate_size": 16, "num_experts": 4, "router_hidden_size": 8}),
}
"""Families of transformers 5.23, by model type."""


def small_model(model_type: str, *, seed: int = 0, **settings: Any) -> "PreTrainedModel":
    """Build a small model of a family in eval mode; every weight is random.

    Args:
        model_type: a key of ``FAMILIES``, or another model type of transformers, with its ``settings``.
        seed: seed of the parameters; the global generator is left as it was.
        settings: arguments of the config that replace those of ``FAMILIES``.

    Returns:
        The base model, without a head: embeddings (batch, T, hidden_size) to hidden states. Experts run one
        by one (``experts_implementation="eager"``), because grouped matrix products do not take float64.

    Raises:
        InvalidArgument: the installed transformers has no such type.
        MissingDependency: transformers is not installed.
    """
    try:
        from transformers import CONFIG_MAPPING, AutoModel
    except ImportError as missing:
        raise MissingDependency(
            "transformers is missing; pip install 'scanproof[transformers]'."
        ) from missing
    try:
        config_kind = CONFIG_MAPPING[model_type]
    except KeyError:
        raise InvalidArgument(
            f"small_model: the installed transformers has no model type {model_type!r}; "
            f"known here are {', '.join(FAMILIES)}."
        ) from None
    family = FAMILIES.get(model_type, Family())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = config_kind(**{**_COMMON, **family.settings, **settings})
        model: PreTrainedModel = AutoModel.from_config(config, experts_implementation="eager")
        randomise(model)
    model.eval()
    return model


def randomise(model: nn.Module) -> None:
    """Give matrices normal entries of variance 1 / inputs, and change all other parameters a little.

    The initial values of a library are near zero, or near one, or equal. With them a parameter in the wrong
    place could go unnoticed, and outputs would hardly vary.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape)
            if parameter.dim() > 1:
                inputs = parameter.shape[-1] if parameter.shape[-1] > 1 else parameter[0].numel()
                parameter.copy_(noise / inputs**0.5)
            else:
                parameter.add_(0.1 * noise)


_CACHES = ("past_key_values", "cache_params", "state")
"""Names of the cache, as an argument of a model and as a field of its output."""

OWN_STATE = ("conv1d_state", "recurrent_states")
"""Attributes in which modules of RecurrentGemma keep their state between calls."""


@dataclass(frozen=True)
class CachedState:
    """The state that goes to the next call.

    Attributes:
        cache: cache of the model; None before the first token.
        own: states that modules keep as attributes, in the order of ``modules()``.
        mask: which positions so far are real, (batch, T); None if all are.
        seen: number of positions so far, with padding.
    """

    cache: Any = None
    own: tuple[Any, ...] = ()
    mask: Tensor | None = None
    seen: int = 0


class CachedModel(nn.Module):
    """A model of transformers as a ``StreamingModel``: it takes embeddings, and its cache is the state.

    Args:
        model: a base model that takes ``inputs_embeds`` and returns ``last_hidden_state`` and a cache.
        positions: pass ``position_ids`` in every call, as ``generate`` does; otherwise only with a mask.

    Attributes:
        takes_positions: whether the model has an argument ``position_ids``.
    """

    def __init__(self, model: "PreTrainedModel", *, positions: bool = False) -> None:
        super().__init__()
        self.model, self.training = model, model.training
        arguments = signature(model.forward).parameters
        self._cache = next((name for name in _CACHES if name in arguments), None)
        self.takes_positions = "position_ids" in arguments
        self._given = positions and self.takes_positions
        self._holders = [
            (module, name) for module in model.modules() for name in OWN_STATE if hasattr(module, name)
        ]

    def forward(self, x: Tensor) -> Tensor:
        """Return hidden states (batch, T, width) of embeddings (batch, T, width), without a cache."""
        y: Tensor = self.model(inputs_embeds=x, use_cache=False).last_hidden_state
        return y

    def initial_state(self, x: Tensor) -> CachedState:
        """Return the state before the first token."""
        return CachedState(own=(None,) * len(self._holders))

    def step(self, x: Tensor, state: CachedState) -> tuple[Tensor, CachedState]:
        """Feed one token."""
        return self.extend(x, state)

    def extend(self, x: Tensor, state: CachedState) -> tuple[Tensor, CachedState]:
        """Feed several tokens from any state."""
        mask = state.mask
        if mask is not None and state.seen:
            mask = torch.cat([mask, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)], 1)
        if self._cache == "cache_params":  # a model without attention: ``generate`` drops its mask
            mask = None
        return self._run(x, replace(state, mask=mask))

    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, CachedState]:
        """Run rows padded on the left, with the mask and the positions that ``generate`` makes."""
        if "attention_mask" not in signature(self.model.forward).parameters:
            raise Unsupported("the model takes no attention_mask")
        if self._cache == "state":
            raise Unsupported("RWKV documents that its attention_mask is not used")
        return self._run(x, replace(self.initial_state(x), mask=mask))

    def packed(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        """Raise ``Unsupported``: sequences cannot be packed here."""
        raise Unsupported("transformers packs sequences (seq_idx, cu_seqlens) only with kernels for a GPU")

    def select(self, state: CachedState, rows: Sequence[int]) -> CachedState:
        """Return the state of some rows, by ``batch_select_indices`` of the cache."""
        cache = copied(state.cache)
        if state.own or not hasattr(cache, "batch_select_indices"):
            raise Unsupported("the cache does not select rows")
        if not all(hasattr(layer, "batch_select_indices") for layer in cache.layers):
            raise Unsupported("layers of the cache do not select rows")
        cache.batch_select_indices(torch.tensor(list(rows)))
        mask = None if state.mask is None else state.mask[list(rows)]
        return replace(state, cache=cache, mask=mask)

    def reorder(self, state: CachedState, rows: Sequence[int]) -> CachedState:
        """Return the state with its rows reordered, as the beam search of ``generate`` does.

        It calls ``reorder_cache`` of the cache, and leaves states alone that modules keep as attributes.
        """
        cache = copied(state.cache)
        if not hasattr(cache, "reorder_cache"):
            raise Unsupported("the cache cannot be reordered, so generate refuses a beam search")
        cache.reorder_cache(torch.tensor(list(rows)))
        mask = None if state.mask is None else state.mask[list(rows)]
        return replace(state, cache=cache, mask=mask)

    def tensors(self, state: CachedState) -> list[Tensor]:
        """Return the tensors of the layers of the cache, and of states that modules keep."""
        return tensors_in(getattr(state.cache, "layers", state.cache)) + tensors_in(state.own)

    def _run(self, x: Tensor, state: CachedState) -> tuple[Tensor, CachedState]:
        if self._cache is None:
            raise Unsupported("the model takes no cache")
        given: dict[str, Any] = {self._cache: self._cache_for(state)}
        if state.mask is not None:
            given["attention_mask"] = state.mask.long()
        if self._given or (state.mask is not None and self.takes_positions):
            given["position_ids"] = self._position_ids(x, state)
        for (module, name), value in zip(self._holders, state.own, strict=True):
            setattr(module, name, value)
        returned = self.model(inputs_embeds=x, use_cache=True, **given)
        own = tuple(getattr(module, name) for module, name in self._holders)
        cache = getattr(returned, self._cache, None) or given[self._cache]
        seen = state.seen + x.shape[1]
        return returned.last_hidden_state, CachedState(cache, own, state.mask, seen)

    def _position_ids(self, x: Tensor, state: CachedState) -> Tensor:
        mask = state.mask
        if mask is None:
            mask = torch.ones(len(x), state.seen + x.shape[1], dtype=torch.bool, device=x.device)
        positions = (mask.long().cumsum(-1) - 1).masked_fill(~mask, 0)
        return positions[:, -x.shape[1] :]

    def _cache_for(self, state: CachedState) -> Any:
        """Return the cache of a state, or an empty cache if the model does not return its own cache."""
        if state.cache is None and self._holders:
            from transformers import DynamicCache

            return DynamicCache(config=self.model.config)
        return state.cache
