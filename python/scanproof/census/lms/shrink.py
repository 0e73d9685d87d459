"""A small config of any model type of transformers, from the names of its fields.

The default config is walked, sub-configs included. A field whose name says that it is a width, a count of
layers or of heads, a window, … gets a small value. Per-layer lists keep one layer of each kind, so that every
kind of layer of a hybrid is in the model. Every other field keeps its default.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig

WIDTH, HEADS, HEAD = 32, 4, 8
VOCABULARY = 96
LAYERS = 2

_RULES: tuple[tuple[str, int], ...] = (
    (r"(unpadded_|decoder_)?vocab_size|vocab_size_per_layer_input", VOCABULARY),
    (r"(pronunciation|shape)_vocab_size|audio_vocab_size", VOCABULARY),
    (r"codebook_size|encoder_hash_byte_group_vocab", 64),
    (r".*(position_embeddings|n_positions|max_seq_len|context_length|model_max_length|_ctx)", 256),
    (r"max_(source|target)_positions", 256),
    (r".*(num|n|conf_num|encoder|decoder)_(hidden_|encoder_|decoder_|global_)?(layers?|blocks)", LAYERS),
    (r"depth|num_layers_per_stack", LAYERS),
    (r"n?_?mamba_?(n|num)?_heads", 2 * HEADS),
    (r".*(key_value|kv)_heads", HEADS // 2),
    (r".*(num|n|encoder|decoder|mamba)_((query_)?attention_)?(query_groups|heads?)", HEADS),
    (r".*attention_heads|.*linear_num_heads|.*num_(key|value)_heads", HEADS),
    (r"heads_per_ngram", 2),
    (r"rotary_dim", HEAD // 2),
    (r"qk_head_dim", 2 * HEAD),
    (r".*(head_?dim|d_head|dim_head|head_size|d_kv|kv_channels|key_head_dim|value_head_dim)", HEAD),
    (r".*lora_rank|.*(lowrank|_rank)", 8),
    (r"(moe_)?num_shared_experts|n_shared_experts", 1),
    (r".*(num|n)_(routed_|local_)?experts|zero_expert_num", 4),
    (r".*experts_per_tok(en)?|.*moe_(k|topk|top_k)|top_k_experts", 2),
    (r"n_group|num_expert_group|o_groups|.*n_?groups", 2),
    (r"topk_group", 1),
    (r"(.*_)?(state_size|d_state)", 4),
    (r"(mamba_)?(dt_rank|time_step_rank)", 4),
    (r".*(sliding_window|window_size|local_attention|window_len)", 8),
    (r".*chunk_(size|length)|block_size|ple_embed_dim", 8),
    (r"index_topk|indexer_budget", 16),
    (r"first_k_dense_replace", 1),
    (r".*intermediate_size.*|.*(ffn|d_?ff|dim_ff|mlp_dim|feed_forward|n_inner|ffn_hidden).*", 2 * WIDTH),
    (r"d_inner", 2 * WIDTH),
    (r".*(hidden_size|d_model|n_embd|emb(ed(ding)?)?_(dim|size)|dim_model|lru_width).*", WIDTH),
    (
        r"adapter_input_size|.*(proj_dim|out_dim|output_dim|input_dim|projection_dim|hidden_dim|in_dim|out_hidden.*)",
        WIDTH,
    ),
)
"""What a field is, by its name, and its small value; the first rule that matches counts."""

_COMPILED = tuple((re.compile(pattern), value) for pattern, value in _RULES)
_LAYER_COUNT = re.compile(r"num_hidden_layers|n_layers?|num_layers|num_decoder_layers|decoder_layers")
_SPECIAL = re.compile(r".*_token_(id|index)$")

MOST_KINDS = 8
"""Most layers of a small model: one of each kind."""


def small_value(name: str) -> int | None:
    """Return the small value of a field of a config by its name; None if the name says nothing."""
    return next((value for pattern, value in _COMPILED if pattern.fullmatch(name)), None)


def small_settings(config: "PretrainedConfig") -> dict[str, Any]:
    """Return the arguments that make a small config of the kind of ``config``, which has its defaults.

    Only fields that change are in the result. A field that is None, or already as small, stays as it is.
    """
    from transformers import PretrainedConfig

    fields = {name: value for name, value in vars(config).items() if not name.startswith("_")}
    settings: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, PretrainedConfig):
            settings[name] = {**small_settings(value), "model_type": value.model_type}
        elif _SPECIAL.fullmatch(name):
            settings |= _special(name, value, len(settings))
        elif isinstance(value, int) and not isinstance(value, bool):
            small = HEADS if _one_kv_head_each(name, fields) else small_value(name)
            if small is not None and value > small:
                settings[name] = small
    return settings | _layers(fields)


def _one_kv_head_each(name: str, fields: Mapping[str, Any]) -> bool:
    return name == "num_key_value_heads" and fields[name] == fields.get("num_attention_heads")


def _special(name: str, value: Any, number: int) -> dict[str, Any]:
    """Return a token of the small vocabulary in place of a special token."""
    known = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    if not isinstance(value, int) or value < FIRST_TOKEN:
        return {name: known[name]} if isinstance(value, list) and name in known else {}
    return {name: known.get(name, LAST_TOKEN + number % (VOCABULARY - LAST_TOKEN))}


FIRST_TOKEN, LAST_TOKEN = 8, 64
"""Ids of ordinary tokens: from the first, below the last; special tokens are beside them."""


def _layers(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the number of layers, and lists with an entry a layer, with one layer of each kind."""
    count = next((name for name in fields if _LAYER_COUNT.fullmatch(name)), None)
    if count is None or not isinstance(fields[count], int):
        return {}
    lists = {
        name: value
        for name, value in fields.items()
        if isinstance(value, list) and len(value) == fields[count]
    }
    kinds: dict[str, int] = {}
    for layer in range(fields[count]):
        kinds.setdefault(
            repr([value[layer] for value in lists.values() if isinstance(value[layer], str)]), layer
        )
    chosen = sorted(kinds.values())[:MOST_KINDS]
    if not lists:
        return {}
    chosen += [layer for layer in range(fields[count]) if layer not in chosen][: max(0, LAYERS - len(chosen))]
    chosen.sort()
    return {count: len(chosen)} | {
        name: [_shrunk(name, value[layer]) for layer in chosen] for name, value in lists.items()
    }


def _shrunk(name: str, value: Any) -> Any:
    small = small_value(name.removesuffix("_per_layer"))
    whole = isinstance(value, int) and not isinstance(value, bool)
    return min(value, small) if whole and small is not None else value
