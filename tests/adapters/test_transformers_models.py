"""Families of transformers through one path, and what streaming finds in the release that is pinned."""

from typing import Any

import pytest
import torch
from torch import Tensor

from scanproof import InvalidArgument, StreamingReport, Verdict, check_streaming
from scanproof.adapters.transformers_models import FAMILIES, CachedModel, small_model
from scanproof.foundation.precision import AtPrecision
from scanproof.streaming.report import StreamingWay
from verdicts import present

pytest.importorskip("transformers")
pytestmark = pytest.mark.usefixtures("_quiet")


def tokens(model_type: str, length: int = 13) -> Tensor:
    width = FAMILIES[model_type].width
    return torch.randn(2, length, width, generator=torch.Generator().manual_seed(1))


def streaming(
    model_type: str, length: int = 13, **options: Any
) -> tuple[dict[str, StreamingWay], StreamingReport]:
    model = CachedModel(small_model(model_type), **options)
    report = check_streaming(model, tokens(model_type, length), cuts=[1, 5, 6])
    return {row.check: row for row in report.ways}, report


@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_family_builds_runs_and_keeps_its_shape(model_type: str) -> None:
    model = CachedModel(small_model(model_type))
    x = tokens(model_type, 9)
    with torch.no_grad():
        y = model(x)
        cached, _ = model.extend(x, model.initial_state(x))
        with AtPrecision(torch.float64) as mode:
            promoted = model(mode.input(x))
    assert y.shape == x.shape
    assert y.std() > 0.1
    torch.testing.assert_close(cached, y, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(promoted.float(), y, rtol=1e-3, atol=1e-3)
    assert FAMILIES[model_type].length > (FAMILIES[model_type].chunk or 0)


def test_every_weight_is_random_and_seeds_decide() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (small_model("mamba2", seed=seed) for seed in (5, 5, 6))
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
    assert not first.training


def test_mamba_2_streams() -> None:
    rows, report = streaming("mamba2")
    assert report.verdict is Verdict.STREAMS, report.summary()
    assert rows["packed sequences"].verdict is Verdict.NOT_APPLICABLE
    assert any("float32" in cast for cast in report.casts)


def test_mamba_forgets_its_state_in_a_call_of_several_tokens() -> None:
    rows, _ = streaming("mamba")
    if rows["chunked prefill"].verdict is Verdict.STREAMS:
        pytest.skip("this transformers continues from the cached state")
    assert rows["chunked prefill"].verdict is Verdict.DIVERGES
    assert rows["steps"].verdict is Verdict.STREAMS
    assert rows["left padding"].verdict is Verdict.STREAMS
    assert rows["padded, then steps"].verdict is Verdict.STREAMS


def test_bamba_counts_positions_from_zero_in_every_call_unless_they_are_given() -> None:
    rows, _ = streaming("bamba")
    if rows["steps"].verdict is Verdict.STREAMS:
        pytest.skip("this transformers counts positions from the cache")
    assert rows["steps"].verdict is Verdict.DIVERGES
    given, report = streaming("bamba", positions=True)
    assert given["steps"].verdict is Verdict.STREAMS
    assert report.verdict is not Verdict.DIVERGES


def test_rwkv_mixes_the_rows_of_a_step() -> None:
    rows, _ = streaming("rwkv")
    if rows["steps"].verdict is Verdict.STREAMS:
        pytest.skip("this transformers steps batches")
    assert "shape (2, 26, 16) in place of (2, 13, 16)" in str(rows["steps"].worst)
    assert rows["left padding"].verdict is Verdict.NOT_APPLICABLE


def test_a_cache_of_states_and_keys_selects_rows_of_the_keys_alone() -> None:
    """Falcon-H1: rows that are selected are mixed with others; rows that a beam search reorders are not."""
    rows, _ = streaming("falcon_h1", positions=True)
    if rows["rows that end"].verdict is Verdict.STREAMS:
        pytest.skip("this transformers selects rows of states, too")
    assert present(rows["rows that end"].worst).case == "rows in reverse order"
    assert rows["rows that end"].verdict is Verdict.DIVERGES
    assert "after that the model raised RuntimeError" in rows["rows that end"].reason
    assert rows["rows reordered"].verdict is Verdict.STREAMS


def test_a_cache_that_raises_is_named() -> None:
    rows, _ = streaming("minimax", positions=True)
    if rows["rows that end"].verdict is Verdict.STREAMS:
        pytest.skip("this transformers selects rows of MiniMax's cache")
    assert rows["rows that end"].verdict is Verdict.INCONCLUSIVE
    assert "raised IndexError in MiniMaxCache.batch_select_indices" in rows["rows that end"].reason


@pytest.mark.parametrize("model_type", ["minimax", "recurrent_gemma"])
def test_states_that_a_beam_search_leaves_where_they_were(model_type: str) -> None:
    rows, _ = streaming(model_type, positions=True)
    if rows["rows reordered"].verdict is Verdict.STREAMS:
        pytest.skip("this transformers reorders every state")
    assert rows["rows reordered"].verdict is Verdict.DIVERGES
    assert rows["steps"].verdict is not Verdict.DIVERGES


def test_modules_that_keep_their_state_are_told_from_each_other() -> None:
    """RecurrentGemma: two states of one model do not see each other."""
    model = CachedModel(small_model("recurrent_gemma"))
    x = tokens("recurrent_gemma", 8)
    with torch.no_grad():
        _, a = model.extend(x[:, :4], model.initial_state(x))
        _, b = model.extend(x[:, 4:], model.initial_state(x))
        after_a, _ = model.step(x[:, 4:5], a)
        _, c = model.extend(x[:, :4], model.initial_state(x))
        alone, _ = model.step(x[:, 4:5], c)
    assert torch.equal(after_a, alone)
    assert len(model.tensors(b)) == len(model.tensors(a)) > 0


def test_a_type_that_is_not_there() -> None:
    with pytest.raises(InvalidArgument, match="no model type 'mamba9'"):
        small_model("mamba9")
