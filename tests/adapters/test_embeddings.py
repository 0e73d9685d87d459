from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import Alignment, InvalidArgument, Verdict, certify, check_perturbation, check_prefix
from scanproof.adapters.embeddings import from_ids

IDS = torch.randint(0, 23, (2, 11), generator=torch.Generator().manual_seed(0))


class Plain(nn.Module):
    """A model with an embedding of its own, that looks at the ids for their number only."""

    def __init__(self, ahead: float = 0.0, calls: int = 1) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.tokens, self.head = nn.Embedding(23, 6), nn.Linear(6, 23)
            self.positions = nn.Embedding(16, 6)
        self.ahead, self.calls = ahead, calls

    def forward(self, ids: Tensor, scale: float = 1.0) -> dict[str, Tensor]:
        for _ in range(self.calls):
            x = self.tokens(ids)
        h = (x + self.positions(torch.arange(ids.shape[1]))).cumsum(1)
        return {"logits": scale * self.head(h + self.ahead * h.flip(1))}


def language_model(name: str) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    sizes: dict[str, dict[str, Any]] = {
        "GPT2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32},
        "Llama": {
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
        },
        "Mamba": {"hidden_size": 16, "state_size": 4, "num_hidden_layers": 2, "time_step_rank": 2},
    }
    config = getattr(transformers, f"{name}Config")(vocab_size=23, **sizes[name])
    head = f"{name}LMHeadModel" if name == "GPT2" else f"{name}ForCausalLM"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = getattr(transformers, head)(config)
    return model.eval()


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("name", ["GPT2", "Llama", "Mamba"])
def test_language_models_of_transformers(name: str) -> None:
    model = language_model(name)
    fn, x = from_ids(model, IDS)
    assert x.shape == (2, 11, 16)
    kwargs = {"use_cache": False}
    assert torch.equal(fn(x, **kwargs).logits, model(IDS, **kwargs).logits)
    for cuts in ("all", "coded"):
        report = certify(fn, x, cuts=cuts, output="logits", kwargs=kwargs)
        assert report.verdict.passed, report.summary()
    assert certify(fn, x, alignment=one_later(), output="logits", kwargs=kwargs, cases=1).worst is not None
    for check in (check_prefix, check_perturbation):
        assert check(fn, x, output="logits", kwargs=kwargs).verdict.passed
    with pytest.raises(InvalidArgument, match=r"must return one tensor, got \w+ with keys 'logits'"):
        certify(fn, x, kwargs=kwargs)


def one_later() -> Alignment:
    return Alignment.shift(1)


class TestNamedEmbedding:
    def test_is_replaced(self) -> None:
        model = Plain()
        fn, x = from_ids(model, IDS, embedding="tokens")
        assert torch.equal(fn(x)["logits"], model(IDS)["logits"])
        assert torch.equal(fn(2 * x[:1, :4])["logits"], fn(2 * x)["logits"][:1, :4])
        assert torch.equal(fn(torch.cat([x, x]))["logits"], model(IDS.repeat(2, 1))["logits"])
        assert not model.tokens._forward_hooks

    @pytest.mark.parametrize("ahead", [0.0, 1e-3])
    def test_in_every_check(self, ahead: float) -> None:
        fn, x = from_ids(Plain(ahead), IDS, embedding="tokens")
        for check in (certify, check_prefix, check_perturbation):
            report = check(fn, x, output="logits", kwargs={"scale": 2.0})
            assert (report.verdict is Verdict.LEAK) == bool(ahead), report.summary()

    def test_that_is_called_more_than_once(self) -> None:
        fn, x = from_ids(Plain(calls=2), IDS, embedding="tokens")
        with pytest.raises(InvalidArgument, match="calls 'tokens' 2 times"):
            certify(fn, x, output="logits")

    def test_dropout_of_the_model_is_seen(self) -> None:
        model = nn.Sequential(nn.Embedding(23, 4), nn.Dropout(0.1))
        with pytest.raises(InvalidArgument, match=r"drops out at random .*\.eval\(\)"):
            certify(*from_ids(model, IDS, embedding="0"))
        assert certify(*from_ids(model.eval(), IDS, embedding="0")).ok


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": torch.relu}, "model must be a torch.nn.Module"),
        ({"ids": IDS.float()}, r"ids must be an integer tensor .* got torch.float32 \(2, 11\)"),
        ({"ids": IDS[0]}, r"got torch.int64 \(11,\)"),
        ({"ids": [1, 2]}, "got list"),
        ({"embedding": "tok"}, "no submodule 'tok'; pass embedding=, one of 'tokens', 'positions'"),
        ({}, "has no get_input_embeddings.* pass embedding=, one of 'tokens', 'positions'"),
    ],
)
def test_wrong_calls(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        from_ids(**{"model": Plain(), "ids": IDS, **arguments})
    assert str(caught.value).startswith("from_ids: ")
    assert "\n" not in str(caught.value)


def test_ids_are_told_where_to_go() -> None:
    with pytest.raises(
        InvalidArgument, match=r"adapters\.embeddings\.from_ids.*check_perturbation or check_prefix"
    ):
        certify(Plain(), IDS)
