"""Unmodified models of transformers, small and random: none reads a later position or another example."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof.programs import Reading, read

transformers = pytest.importorskip("transformers")

T = 37
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "vocab_size": 50}
ATTENTION = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 32}
MAMBA = {"state_size": 4}
MAMBA2 = {"state_size": 4, "num_heads": 4, "head_dim": 8, "n_groups": 1, "chunk_size": 8}
HYBRID = {"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_d_state": 4}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
DELTA = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "head_dim": 8,
    "layer_types": ["linear_attention", "full_attention"],
}


def ids() -> Tensor:
    return torch.randint(50, (2, T), generator=torch.Generator().manual_seed(0))


def small(name: str, **settings: Any) -> nn.Module:
    """Build a small random model from the names of its classes."""
    config = getattr(transformers, f"{name}Config")(**SMALL, **settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, f"{name}Model")(config).eval()


BUILD: dict[str, Callable[[], nn.Module]] = {
    "Mamba": lambda: small("Mamba", **MAMBA),
    "Mamba-2": lambda: small("Mamba2", **MAMBA2),
    "Falcon-H1": lambda: small("FalconH1", **ATTENTION, **HYBRID, mamba_chunk_size=8),
    "Llama, eager": lambda: small("Llama", **ATTENTION, attn_implementation="eager"),
    "Llama, sdpa": lambda: small("Llama", **ATTENTION, attn_implementation="sdpa"),
    "Mistral, sliding window": lambda: small("Mistral", **ATTENTION, sliding_window=5),
    "GPT-OSS, attention sinks": lambda: small("GptOss", **ATTENTION, **EXPERTS, head_dim=8),
    "Qwen3-Next, delta rule": lambda: small("Qwen3Next", **ATTENTION, **DELTA),
    **{
        f"Mixtral, {way}": partial(small, "Mixtral", **ATTENTION, **EXPERTS, experts_implementation=way)
        for way in ("eager", "batched_mm", "grouped_mm")
    },
}


def check(reading: Reading) -> None:
    assert reading.established, reading.summary()
    assert not reading.unknown
    assert reading.executed is not None
    assert reading.executed.same, reading.executed


@pytest.mark.parametrize("name", BUILD)
def test_models(name: str) -> None:
    check(read(BUILD[name](), ids()))


@pytest.mark.parametrize("way", ["eager", "sdpa"])
def test_a_mask_of_padding_is_read_like_the_ids(way: str) -> None:
    model = small("Llama", **ATTENTION, attn_implementation=way)
    mask = torch.ones_like(ids())
    mask[0, :5] = 0
    check(read(model, {"input_ids": ids(), "attention_mask": mask}))
    reading = read(model, {"input_ids": ids()}, kwargs={"attention_mask": mask})
    if way == "sdpa":
        check(reading)
    else:  # a query that may see nothing but the least float sees all keys alike
        assert {(each.example, each.at) for each in reading.answers[0].excess} == {(0, t) for t in range(5)}


def test_a_mixer() -> None:
    mamba = pytest.importorskip("transformers.models.mamba.modeling_mamba")
    mixer = mamba.MambaMixer(transformers.MambaConfig(**SMALL, **MAMBA), 0).eval()
    check(read(mixer, torch.randn(2, T, 16, generator=torch.Generator().manual_seed(0))))


def test_a_model_that_leaks_is_placed() -> None:
    model: Any = small("Llama", **ATTENTION)
    attention = model.layers[1].self_attn
    forward = attention.o_proj.forward
    attention.o_proj.forward = lambda x: forward(x + 1e-20 * x.flip(1))
    found = read(model, ids()).answer("positions")
    assert found is not None
    assert not found.established
    assert found.jump is not None
    assert (found.jump.operation, found.jump.module) == ("aten.flip", "layers.1.self_attn.o_proj (Linear)")


def test_a_cached_step_reads_what_came_before() -> None:
    model = small("Llama", **ATTENTION)
    with torch.no_grad():
        cache = model(ids()[:, :9], use_cache=True).past_key_values
    tensors = [(layer.keys, layer.values) for layer in cache.layers]

    def step(tokens: Tensor, held: list[tuple[Tensor, Tensor]]) -> Tensor:
        past = transformers.DynamicCache(held)
        return model(tokens, past_key_values=past).last_hidden_state

    check(read(step, (ids()[:, 9:13], tensors)))
    assert not read(lambda tokens, held: step(tokens, held).flip(1), (ids()[:, 9:13], tensors)).established
