from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scanproof import Alignment, InvalidArgument, LeakMap, certify, leak_map
from scanproof.causality.diagnosis.rules import Blocks, Distances
from verdicts import line, present
from zoo.convolution import fft_conv
from zoo.faults import FAULTS
from zoo.injected import with_pair_leak
from zoo.models import MODELS
from zoo.specimen import D, Fault, Model, T
from zoo.truth import by_gradient

EXACT = [fault for fault in FAULTS if "exact" in fault.seen_by and fault.temporal and fault.T < 100]
CAUSAL = [model for model in MODELS if "exact" in model.modes and model.T < 100]


def fault_named(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(2, T, D, generator=rng)


class TestValues:
    @pytest.mark.parametrize("fault", EXACT, ids=lambda fault: fault.name)
    def test_later_pairs_are_those_of_the_truth(self, fault: Fault) -> None:
        pairs, _ = by_gradient(fault, seed=1)
        found = leak_map(fault.at(torch.float64), fault.x(torch.float64), alignment=fault.alignment)
        assert found.values.shape == found.read.shape == (len(found.reaches), fault.T)
        assert set(map(tuple, found.read.nonzero().tolist())) == pairs
        assert found.pattern is not None
        assert found.pattern.pairs == len(pairs)

    @pytest.mark.parametrize("model", CAUSAL, ids=lambda model: model.name)
    def test_models_read_nothing_later(self, model: Model) -> None:
        found = leak_map(model.at(torch.float32), model.x(), alignment=model.alignment)
        assert not found.read.any()
        assert found.pattern is None
        assert found.worst() == ()

    @settings(max_examples=30, deadline=None)
    @given(st.integers(2, 10), st.integers(0, 2**32), st.sampled_from([torch.float32, torch.float64]))
    def test_of_a_linear_map(self, length: int, seed: int, dtype: torch.dtype) -> None:
        generator = torch.Generator().manual_seed(seed)
        weights = torch.randn(length, length, generator=generator, dtype=dtype)
        weights[torch.rand(length, length, generator=generator) < 0.5] = 0.0
        weights[0, 0] = 1.0
        x = torch.randn(1, length, 1, generator=generator, dtype=dtype)
        found = leak_map(lambda x: weights @ x, x)
        assert torch.equal(found.values != 0, weights != 0)
        assert torch.equal(found.read, (weights != 0).triu(1))
        ratio = found.values.double() / weights.abs().double()
        spread = ratio.nan_to_num(0.0).amax(1) - ratio.nan_to_num(torch.inf).amin(1)  # one weight for a row
        assert (spread[(weights != 0).any(1)].abs() < 1e-4).all()

    def test_a_leak_beside_rounding(self, x: Tensor) -> None:
        kernel = torch.randn(64, D, generator=torch.Generator().manual_seed(0))
        leaky = with_pair_leak(lambda x: fft_conv(x, kernel), 1e-5, (0, 3, 1), (0, 9, 2))
        for given_x in (x, x.double()):
            found = leak_map(leaky, given_x)
            assert (found.values.triu(1) > 0).sum() > 20
            assert found.read.nonzero().tolist() == [[3, 9]]
            assert str(found.pattern) == "one pair: output 3 reads input 9; seen on all 12 outputs"

    def test_worst_pairs_come_first(self, x: Tensor) -> None:
        leaky = with_pair_leak(with_pair_leak(cumsum, 0.1, (0, 3, 1), (0, 9, 2)), 9.0, (1, 2, 1), (1, 4, 2))
        first, second = leak_map(leaky, x).worst()
        assert (first.t, first.s, second.t, second.s) == (2, 4, 3, 9)
        assert first.size > second.size > 0
        assert leak_map(lambda x: x.flip(1), x).worst(3) == leak_map(lambda x: x.flip(1), x).worst()[:3]

    def test_a_small_memory_budget_changes_nothing(self, x: Tensor) -> None:
        fault = fault_named("no mask")
        whole, split = leak_map(fault.fn, x), leak_map(fault.fn, x, memory_budget=1)
        torch.testing.assert_close(whole.values, split.values)
        assert torch.equal(whole.read, split.read)


class TestCalls:
    def test_alignment_axes_inputs_and_outputs(self, x: Tensor) -> None:
        def fn(a: Tensor, *, b: Tensor, gain: float) -> dict[str, Tensor]:
            y = (a + b).flip(0).unfold(0, 2, 2).mean(-1)
            return {"y": gain * y}

        given_x = x.transpose(0, 1)[:12]
        found = leak_map(
            lambda a, b, gain: fn(a, b=b, gain=gain),
            (given_x, given_x),
            seq_dim=0,
            batch_dim=1,
            alignment=Alignment.patches(2),
            output="y",
            kwargs={"gain": 2.0},
        )
        assert found.values.shape == (6, 12)
        assert found.reaches.tolist() == [2, 4, 6, 8, 10, 12]
        expected = torch.zeros(6, 12, dtype=torch.bool)
        for t in range(3):
            expected[t, [10 - 2 * t, 11 - 2 * t]] = True
        assert torch.equal(found.read, expected)
        assert found.pattern is not None
        assert found.pattern.looked_at == "all 5 outputs, where t is the last input that an output may read"

    def test_the_seed_repeats_it(self, x: Tensor) -> None:
        first, second = (leak_map(cumsum, x, seed=seed) for seed in (5, 6))
        assert not torch.equal(first.values, second.values)
        again = leak_map(cumsum, x, seed=second.seed)
        assert torch.equal(again.values, second.values)
        assert first.call.startswith("leak_map(fn, x, seed=5)  # fn: cumsum")

    def test_its_pattern_is_that_of_the_certificate(self, x: Tensor) -> None:
        for fn in (lambda x: x.roll(-1, 1), lambda x: x.flip(1), lambda x: x.softmax(1)):
            assert certify(fn, x).pattern == leak_map(fn, x).pattern

    @pytest.mark.parametrize(
        ("fn", "message"),
        [
            (lambda x: x.cumsum(1).detach(), "leak_map: fn\\(x\\) is detached from x"),
            (lambda x: x * 0, "leak_map: fn\\(x\\) is identically zero"),
            (lambda x: x.cumsum(1) + (x * 0).sqrt(), "leak_map: gradients hold NaN"),
            (lambda x: (x,), "leak_map: fn\\(x\\) must return one tensor"),
        ],
    )
    def test_nothing_to_look_at(self, fn: Callable[..., Any], message: str, x: Tensor) -> None:
        with pytest.raises(InvalidArgument, match=message) as caught:
            leak_map(fn, x)
        assert "\n" not in str(caught.value)


class TestPicture:
    def test_every_position(self) -> None:
        picture = leak_map(lambda x: x.roll(-1, 1), torch.ones(1, 5, 2)).picture()
        assert picture.splitlines() == [
            "       s 0 4",
            "  t 0  .#",
            "  t 1  ..#",
            "  t 2  ...#",
            "  t 3  ....#",
            "  t 4  +....",
        ]

    def test_a_leak_is_never_lost_where_a_character_stands_for_several_positions(self) -> None:
        x = torch.randn(1, 200, 1, generator=torch.Generator().manual_seed(0))
        found = leak_map(with_pair_leak(cumsum, 1e-6, (0, 131, 0), (0, 190, 0)), x)
        lines = found.picture(lines=10, columns=20).splitlines()
        assert len(lines) == 11
        assert max(map(len, lines[1:])) == len("  t 180  ") + 20
        (line,) = [line for line in lines if "#" in line]
        assert line.startswith("  t 120  ")
        assert line.index("#") == len("  t 120  ") + 19

    def test_summary(self, x: Tensor) -> None:
        fault = fault_named("Walsh-Hadamard within blocks")
        found = leak_map(fault.fn, x)
        assert isinstance(found, LeakMap)
        assert isinstance(present(found.pattern).rule, Blocks)
        text = found.summary()
        assert text.startswith("LeakMap(13 outputs, 13 inputs): 18 of 78 later pairs are read\n")
        assert line(text, "pattern") == f"pattern    : {found.pattern}"
        assert line(text, "worst").startswith("worst      : t=")
        assert line(text, "worst").count(" <- ") == 3
        assert line(text, "probed") == f"probed     : {found.vjps} VJPs; float32 on cpu, seed 0"
        assert f"\n{found.picture()}\n" in text
        assert line(text, "# reads a later input")
        clean = leak_map(cumsum, x).summary()
        assert clean.startswith("LeakMap(13 outputs, 13 inputs): 0 of 78 later pairs are read\n")
        assert line(clean, "probed").startswith("probed     : 13 VJPs; ")
        assert "pattern" not in clean


def test_an_upsampled_output_is_taken_together_with_those_of_its_input() -> None:
    x = torch.randn(1, 6, 2, generator=torch.Generator().manual_seed(0))
    fn = lambda x: x.roll(-1, 1).repeat_interleave(2, 1)  # noqa: E731
    found = leak_map(fn, x, alignment=Alignment.upsample(2))
    assert found.read.sum() == 10
    assert found.pattern is not None
    assert found.pattern.rule == Distances(6, (1,))


def test_a_budget_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="leak_map: memory_budget must be a whole number of bytes"):
        leak_map(lambda x: x.cumsum(1), torch.ones(1, 4, 2), memory_budget=0)
