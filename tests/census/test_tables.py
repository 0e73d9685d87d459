"""A difference that tables of angles in float32 explain is told apart from a wrong position.

Rotary attention depends on differences of positions alone, so a model may count positions from any number.
Llama computes its angles from positions, and finite fields know the laws of angles. GPT-J stores a table of
sines and cosines, each rounded to float32, so its formula changes a little with the first position. MiniMax
stores tables of decays that its steps compute anew.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("transformers")

from transformers import DynamicCache

from scanproof import Verdict, check_streaming
from scanproof.adapters.transformers_models import CachedModel, small_model
from scanproof.streaming.report import StreamingWay

SETTINGS = {
    "llama": {"num_key_value_heads": 2},
    "gptj": {"n_embd": 16, "n_layer": 2, "n_head": 2, "rotary_dim": 8, "n_positions": 64},
}


class Counting(nn.Module):
    """A model that counts positions from zero in one pass, and from ``first`` when it decodes.

    Args:
        model_type: the model.
        first: the position of the first token with a cache.
        late: is added to positions after the first call.
    """

    def __init__(self, model_type: str, first: int = 0, late: int = 0) -> None:
        super().__init__()
        self.model = small_model(model_type, **SETTINGS[model_type])
        self.first, self.late = first, late
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Return hidden states of one pass."""
        y: Tensor = self.model(inputs_embeds=x, use_cache=False).last_hidden_state
        return y

    def initial_state(self, x: Tensor) -> DynamicCache:
        """Return an empty cache."""
        return DynamicCache(config=self.model.config)

    def step(self, x: Tensor, state: DynamicCache) -> tuple[Tensor, DynamicCache]:
        """Feed one token."""
        return self._extended(x, state)

    def prefill(self, x: Tensor) -> tuple[Tensor, DynamicCache]:
        """Feed the first tokens."""
        return self._extended(x, self.initial_state(x))

    def _extended(self, x: Tensor, state: DynamicCache) -> tuple[Tensor, DynamicCache]:
        seen = state.get_seq_length()
        begin = self.first + seen + (self.late if seen else 0)
        positions = torch.arange(begin, begin + x.shape[1]).expand(len(x), -1)
        found: Any = self.model(inputs_embeds=x, past_key_values=state, position_ids=positions)
        return found.last_hidden_state, state


def decoded(model: Counting | CachedModel) -> StreamingWay:
    x = torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(0))
    ways = check_streaming(model, x, cuts=[2], exact=True).ways
    return next(way for way in ways if way.check == "prefill, then steps")


def test_angles_that_are_computed_are_the_same_function_from_any_position() -> None:
    way = decoded(Counting("llama", first=3))
    assert (way.verdict, way.exact.verdict) == (Verdict.STREAMS, Verdict.EQUAL), way.exact


def test_tables_that_are_stored_differ_by_no_more_than_their_rounding() -> None:
    assert decoded(Counting("gptj")).exact.verdict is Verdict.EQUAL
    way = decoded(Counting("gptj", first=3))
    assert way.exact.verdict is Verdict.DIFFERENT
    assert way.exact.constants
    assert not way.verdict.found


def test_decays_that_are_stored_differ_by_no_more_than_their_rounding() -> None:
    way = decoded(CachedModel(small_model("minimax"), positions=True))
    assert (way.exact.verdict, way.exact.constants) == (Verdict.DIFFERENT, True), way.exact
    assert way.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("model_type", SETTINGS)
def test_a_wrong_position_is_a_wrong_formula(model_type: str) -> None:
    way = decoded(Counting(model_type, late=1))
    assert way.exact.verdict is Verdict.DIFFERENT
    assert not way.exact.constants
    assert way.verdict is Verdict.DIVERGES
