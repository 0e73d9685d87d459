"""Settings that field names do not give, by model type, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Special:
    """What a model type needs beside the small values of its fields.

    Attributes:
        reason: why.
        settings: arguments of its config; those of sub-configs as dicts.
        part: name of the sub-config that the language model is built from; empty for the config itself.
    """

    reason: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""


_NO_HEAD_DIM = "its config has no head_dim, and its attention needs one"
_NO_EXPERTS = "its config says nothing about experts, and its layers need them"
_PLAIN_DECODER = "the language model is its decoder"
_INDEXER = "its config says nothing about n-grams and the indexer, and its layers need them"
_INDEXED: Mapping[str, Any] = {
    "ngram_vocab_size_base": 50,
    "make_ngram_vocab_size_divisible_by": 2,
    "split_ngram_parts": 1,
    "ple_embed_dim": 8,
    "indexer_n_heads": 2,
    "indexer_kv_heads": 1,
    "indexer_head_dim": 8,
    "indexer_budget": 16,
    "indexer_compress_ratio": 4,
}

_SLIDING: Mapping[str, Any] = {
    "swa_num_attention_heads": 4,
    "swa_num_key_value_heads": 4,
    "swa_head_dim": 16,
    "swa_q_lora_rank": 8,
    "swa_kv_lora_rank": 8,
    "swa_qk_nope_head_dim": 8,
    "swa_qk_rope_head_dim": 8,
    "swa_v_head_dim": 8,
}
_OWN_WIDTHS = "its layers with a window have widths of their own, which are no fields"
_KINDS = "otherwise it would have no layer with attention"

SPECIAL: Mapping[str, Special] = {
    "bamba": Special(_KINDS, {"attn_layer_indices": [1]}),
    "cohere_compass_text": Special(
        "its config has no angles for its kinds of layers",
        {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 10000.0}}},
    ),
    "dbrx": Special(
        "its attention reads rope_theta and a bound, which its config has not",
        {"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8.0, "kv_n_heads": 2}},
    ),
    "deepseek_v2": Special(_NO_EXPERTS, {"num_experts_per_tok": 2}),
    "dots1": Special(
        _NO_EXPERTS,
        {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1},
    ),
    "dots3_note": Special(_OWN_WIDTHS, {"text_config": _SLIDING}),
    "dots3_note_text": Special(_OWN_WIDTHS, _SLIDING),
    "gemma3n_text": Special(
        "its last layers share the cache of earlier ones, a layer of each kind",
        {
            "num_hidden_layers": 4,
            "num_kv_shared_layers": 2,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "intermediate_size": [64] * 4,
            "activation_sparsity_pattern": [0.95, 0.95, 0.0, 0.0],
        },
    ),
    "granitemoehybrid": Special(_KINDS, {"layer_types": ["mamba", "attention"], "num_local_experts": 4}),
    "hrm_text": Special(
        "its number of layers follows from those of a stack",
        {"num_hidden_layers": 2, "num_layers_per_stack": None},
    ),
    "hunyuan_v1_dense": Special(_NO_HEAD_DIM, {"head_dim": 8}),
    "hunyuan_v1_moe": Special(_NO_HEAD_DIM, {"head_dim": 8, "num_experts": 4, "moe_topk": 2}),
    "jamba": Special(
        _KINDS,
        {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 0},
    ),
    "lfm2_moe": Special(
        "its config does not say which layers are convolutions",
        {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2, "num_dense_layers": 1},
    ),
    "mamba2": Special("its heads must make up its inner width", {"num_heads": 8}),
    "ministral": Special(_NO_HEAD_DIM, {"head_dim": 8}),
    "musicgen": Special(_PLAIN_DECODER, {"decoder": {"num_codebooks": 1}}, part="decoder"),
    "musicgen_melody": Special(_PLAIN_DECODER, {"decoder": {"num_codebooks": 1}}, part="decoder"),
    "nemotron": Special("its config has no number of key heads", {"num_key_value_heads": 2}),
    "qwen4_exp": Special(_INDEXER, {"text_config": _INDEXED}),
    "qwen4_exp_text": Special(_INDEXER, _INDEXED),
    "recurrent_gemma": Special(_KINDS, {"num_hidden_layers": 3}),
    "reformer": Special(
        "the factors of its positions must fit its width and its length",
        {"axial_pos_shape": [16, 16], "axial_pos_embds_dim": [16, 16]},
    ),
    "xlnet": Special("it is causal with this kind of attention only", {"attn_type": "uni"}),
    "xlstm": Special(
        "its kernels fix the widths of a head",
        {"hidden_size": 128, "embedding_dim": 128, "num_heads": 2, "autocast_kernel_dtype": "float32"},
    ),
    "xmod": Special("it needs a language", {"default_language": "en_XX"}),
    "zamba": Special(
        "its layers share weights with the second hybrid layer, and its attention is twice as wide",
        {
            "attention_hidden_size": 64,
            "attention_head_dim": 16,
            "num_hidden_layers": 4,
            "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
        },
    ),
    "zamba2": Special(
        "its layers share weights with the second hybrid layer, and its attention is twice as wide",
        {
            "attention_hidden_size": 64,
            "attention_head_dim": 16,
            "mamba_headdim": 8,
            "num_hidden_layers": 4,
            "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
            "n_mamba_heads": 8,
        },
    ),
}
