"""check_same decides blocks of transformers, also in bfloat16."""

from typing import Any

import pytest
import torch

from scanproof import Verdict, check_same


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.randn(1, 12, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_mamba_block_gives_a_prefix_what_it_gives_the_whole(x: torch.Tensor, dtype: torch.dtype) -> None:
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    block: Any = MambaMixer(MambaConfig(hidden_size=8, state_size=4, num_hidden_layers=1), 0).eval().to(dtype)
    whole, x = (lambda x: block(x)[:, :8]), x.to(dtype)
    report = check_same(whole, lambda x: block(x[:, :8]), x)
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert report.opaque == ("exp within an exponent", "log")
    assert check_same(whole, lambda x: block(x[:, 1:9]), x).verdict is not Verdict.EQUAL


def test_a_mamba2_block_does_not_depend_on_its_chunks(x: torch.Tensor) -> None:
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    sizes: Any = {"hidden_size": 8, "state_size": 4, "num_heads": 4, "head_dim": 4, "n_groups": 1}
    blocks: list[Any] = [Mamba2Mixer(Mamba2Config(**sizes, chunk_size=chunk), 0).eval() for chunk in (4, 5)]
    blocks[1].load_state_dict(blocks[0].state_dict())
    report = check_same(blocks[0], blocks[1], x)
    assert report.verdict is Verdict.EQUAL, report.summary()


SMALL: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "vocab_size": 50}
ATTENTION: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 32}
DELTA: dict[str, Any] = {
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
MODELS: dict[str, dict[str, Any]] = {
    "Mamba": {"state_size": 4},
    "Mamba2": {"state_size": 4, "num_heads": 4, "head_dim": 8, "n_groups": 1, "chunk_size": 4},
    "Llama": ATTENTION,
    "Mixtral": {**ATTENTION, "num_local_experts": 4, "num_experts_per_tok": 2},
    "Qwen3Next": {**ATTENTION, **DELTA},
    "GptOss": {**ATTENTION, "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2},
}


def model(name: str, **settings: Any) -> Any:
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = getattr(transformers, f"{name}Config")(**SMALL, **settings)
        return getattr(transformers, f"{name}Model")(config).eval()


@pytest.fixture(scope="module")
def ids() -> torch.Tensor:
    return torch.randint(50, (1, 10), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_gives_a_prefix_what_it_gives_the_whole(name: str, ids: torch.Tensor) -> None:
    own = model(name, **MODELS[name])

    def whole(ids: torch.Tensor) -> torch.Tensor:
        return own(ids).last_hidden_state[:, :8]

    report = check_same(whole, lambda ids: own(ids[:, :8]).last_hidden_state, ids)
    assert report.verdict is Verdict.EQUAL, report.summary()
    slightly = check_same(whole, lambda ids: whole(ids) + 1e-9, ids)
    assert slightly.verdict is Verdict.DIFFERENT, slightly.summary()


def pulled(own: Any, ids: torch.Tensor) -> list[torch.Tensor]:
    with torch.enable_grad():
        states = own(ids).last_hidden_state
        return list(torch.autograd.grad((states * states).sum(), list(own.parameters())))


def test_two_implementations_of_attention_are_equal_and_so_are_their_gradients(ids: torch.Tensor) -> None:
    eager, fused = (model("Llama", **ATTENTION, attn_implementation=way) for way in ("eager", "sdpa"))
    assert check_same(eager, fused, ids).verdict is Verdict.EQUAL
    own = dict(eager.named_parameters())
    for name in own:
        parent, _, last = name.rpartition(".")
        setattr(fused.get_submodule(parent), last, own[name])
    report = check_same(lambda ids: pulled(eager, ids), lambda ids: pulled(fused, ids), ids)
    assert report.verdict is Verdict.EQUAL, report.summary()

    def wrong(ids: torch.Tensor) -> list[torch.Tensor]:
        *others, last = pulled(fused, ids)
        return [*others, last + 1e-9]

    assert check_same(lambda ids: pulled(eager, ids), wrong, ids).verdict is Verdict.DIFFERENT


def test_the_gradients_of_a_mamba2_block_do_not_depend_on_its_chunks(x: torch.Tensor) -> None:
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    sizes: Any = {"hidden_size": 8, "state_size": 4, "num_heads": 4, "head_dim": 4, "n_groups": 1}
    blocks: list[Any] = [Mamba2Mixer(Mamba2Config(**sizes, chunk_size=chunk), 0).eval() for chunk in (4, 5)]
    parameters = list(blocks[0].parameters())
    blocks[1]._parameters.update(blocks[0]._parameters)
    blocks[1]._modules.update(blocks[0]._modules)

    def pull(block: Any, x: torch.Tensor) -> list[torch.Tensor]:
        with torch.enable_grad():
            return list(torch.autograd.grad(block(x).square().sum(), parameters))

    report = check_same(lambda x: pull(blocks[0], x), lambda x: pull(blocks[1], x), x)
    assert report.verdict is Verdict.EQUAL, report.summary()
