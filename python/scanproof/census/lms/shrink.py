"""A small config of any model type of transformers, from the names of its fields.

The default config is walked, sub-configs included. A field whose name says that it is a width, a count of
layers or of heads, a window, … gets a small value. Lists with an entry a layer keep a layer of each kind, so
that every kind of layer of a hybrid is in the model. Every other field keeps its default.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig

WIDTH, HEADS, HEAD = 32, 4, 8
VOCABULARY = 96
LAYERS = 2

FIRST_TOKEN, LAST_TOKEN = 8, 64
"""Ids of ordinary tokens: from the first, below the last; special tokens are beside them."""

MOST_KINDS = 8
"""Most layers of a small model that has one of each kind."""

_RULES = {
    r"(\w+_)?vocab_size|vocab_size_per_layer_input": VOCABULARY,
    r"codebook_size|encoder_hash_byte_group_vocab": 64,
    r"\w*(position_embeddings|positions|max_seq_len|context_length|model_max_length|n_ctx)": 256,
    r"\w*(num|n|encoder|decoder)_((hidden|encoder|decoder|global)_)?(layers?|blocks)": LAYERS,
    r"depth|num_layers_per_stack": LAYERS,
    r"n_mamba_heads|mamba_(n|num)_heads": 2 * HEADS,
    r"\w*(key_value|kv)_heads": HEADS // 2,
    r"heads_per_ngram": 2,
    r"rotary_dim": HEAD // 2,
    r"qk_head_dim": 2 * HEAD,
    r"\w*(head_?dim|d_head|dim_head|head_size|d_kv|kv_channels)": HEAD,
    r"(\w+_)?heads?|num_query_groups": HEADS,
    r"\w*(_rank|lowrank)": 8,
    r"\w*num_shared_experts|n_shared_experts": 1,
    r"\w*(num|n)_(routed_|local_)?experts|zero_expert_num": 4,
    r"\w*experts_per_tok(en)?|moe_(k|topk)": 2,
    r"n_groups?|num_expert_group|o_groups|mamba_n_?groups": 2,
    r"topk_group|first_k_dense_replace": 1,
    r"\w*(state_size|d_state)": 4,
    r"time_step_rank|mamba_dt_rank": 4,
    r"\w*(sliding_window|window_size|local_attention|window_len)": 8,
    r"\w*chunk_(size|length)|block_size|ple_embed_dim": 8,
    r"index_topk|indexer_budget": 16,
    r"\w*(intermediate_size|ffn|dff|d_ff|dim_ff|mlp_dim|feed_forward|d_inner)\w*": 2 * WIDTH,
    r"\w*(hidden_size|d_model|n_embd|emb_dim|embed_dim|embedding_(dim|size)|dim_model|lru_width)\w*": WIDTH,
    r"adapter_input_size|\w*(proj|in|out|output|input)_dim": WIDTH,
}
"""Small values by what a field is, told by its name; the first rule that matches counts."""

_COMPILED = [(re.compile(pattern), value) for pattern, value in _RULES.items()]
_LAYERS = re.compile(r"num_hidden_layers|n_layers?|num_layers|num_decoder_layers|decoder_layers")
_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


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
        elif name.endswith(("_token_id", "_token_index")):
            if (token := _token(name, value, len(settings))) is not None:
                settings[name] = token
        elif _whole(value):
            small = HEADS if _as_many_kv_heads(name, fields) else small_value(name)
            if small is not None and value > small:
                settings[name] = small
    return settings | _layers(fields)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _as_many_kv_heads(name: str, fields: Mapping[str, Any]) -> bool:
    return name == "num_key_value_heads" and fields[name] == fields.get("num_attention_heads")


def _token(name: str, value: Any, number: int) -> int | None:
    """Return the special token of the small vocabulary for one of the vocabulary; None to leave it."""
    if isinstance(value, list):
        return _TOKENS.get(name)
    if not isinstance(value, int) or value < FIRST_TOKEN:
        return None
    return _TOKENS.get(name, LAST_TOKEN + number % (VOCABULARY - LAST_TOKEN))


def _layers(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the number of layers, and the lists with an entry a layer, for one layer of each kind."""
    name = next((name for name in fields if _LAYERS.fullmatch(name)), "")
    count = fields.get(name)
    lists = {key: held for key, held in fields.items() if isinstance(held, list) and len(held) == count}
    if not isinstance(count, int) or not lists:
        return {}
    first: dict[tuple[str, ...], int] = {}
    for layer in range(count):
        kind = tuple(held[layer] for held in lists.values() if isinstance(held[layer], str))
        first.setdefault(kind, layer)
    chosen = list(first.values())[:MOST_KINDS]
    rest = [layer for layer in range(count) if layer not in chosen]
    chosen = sorted(chosen + rest[: max(0, LAYERS - len(chosen))])
    return {name: len(chosen)} | {
        key: [_entry(key, held[layer]) for layer in chosen] for key, held in lists.items()
    }


def _entry(name: str, value: Any) -> Any:
    """Return an entry of a list with an entry a layer, small where it is a size."""
    small = small_value(name.removesuffix("_per_layer"))
    return min(value, small) if small is not None and _whole(value) else value
