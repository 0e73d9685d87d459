from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scanproof import (
    Alignment,
    CheckFailed,
    InvalidArgument,
    PrefixReport,
    Verdict,
    check_prefix,
    theorems,
)
from verdicts import assert_verdict, line
from zoo.injected import with_pair_leak

T = 9


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(3, T, 4, generator=rng)


def order_of_length(x: Tensor) -> Tensor:
    """Sum the channels from the left or from the right, as the length is odd or even."""
    channels = x.unbind(-1) if x.shape[1] % 2 else x.unbind(-1)[::-1]
    total = channels[0]
    for channel in channels[1:]:
        total = total + channel
    return total


class TestVerdict:
    def test_bit_for_bit(self, x: Tensor) -> None:
        report = check_prefix(cumsum, x)
        assert_verdict(report, Verdict.CAUSAL)
        assert report.ok
        assert report.worst is None
        assert (report.T, report.cuts, report.differing) == (T, tuple(range(1, T)), 0)
        assert report.theorem == theorems.RUNNER_APPEND

    def test_a_leak_is_reported_where_it_is_greatest(self, x: Tensor) -> None:
        leaky = with_pair_leak(with_pair_leak(cumsum, 1e-3, (0, 1, 0), (0, 6, 1)), 1e-2, (2, 3, 1), (2, 5, 0))
        report = check_prefix(leaky, x)
        assert_verdict(report, Verdict.LEAK)
        worst = report.worst
        assert worst is not None
        # output 3 reads input 5, so the prefixes 4 and 5 lack it
        assert (worst.cut, worst.index) == (4, (2, 3, 1))
        assert (worst.example, worst.t, worst.channel) == (2, 3, (1,))
        assert worst.size == pytest.approx(1e-2 * x[2, 5, 0].abs().item(), rel=1e-3)
        assert (worst.count, worst.entries) == (2, 3 * 4 * 4)
        assert report.differing == 5  # 2 … 6

    def test_a_leak_below_the_rounding_of_float32_in_float64(self, x: Tensor) -> None:
        report = check_prefix(with_pair_leak(cumsum, 1e-10, (0, 1, 0), (0, 6, 1)), x.double())
        assert_verdict(report, Verdict.LEAK)
        assert report.worst is not None
        assert report.worst.index == (0, 1, 0)

    def test_rounding_that_depends_on_the_length(self, x: Tensor) -> None:
        for given in (x / 3, x.double() / 3):
            report = check_prefix(order_of_length, given)
            assert report.differing > 0
            assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
            assert report.worst is not None
            assert report.worst.size > 0

    def test_rounding_that_float64_does_not_have(self, x: Tensor) -> None:
        report = check_prefix(
            lambda x: order_of_length(x) if x.dtype == torch.float32 else x.sum(-1), x.float()
        )
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
        assert report.evidence is not None
        assert report.evidence.high == 0 < report.evidence.low
        assert report.worst is not None
        assert report.worst.size == report.evidence.low

    def test_the_last_bit_of_a_matrix_product_is_no_leak(self, rng: torch.Generator) -> None:
        layer = nn.Linear(64, 64)
        report = check_prefix(layer, torch.randn(1, 150, 64, generator=rng))
        assert_verdict(report, Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING)

    def test_a_tolerance_is_absolute_and_said_to_be_used(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-3, (0, 1, 0), (0, 6, 1))
        size = 1e-3 * x[0, 6, 1].abs().item()
        assert_verdict(check_prefix(leaky, x, atol=2 * size), Verdict.TOLERATED)
        assert_verdict(check_prefix(leaky, x, atol=size / 2), Verdict.LEAK)

    def test_integer_outputs(self, x: Tensor) -> None:
        assert_verdict(check_prefix(lambda x: x.cumsum(1).argmax(-1), x), Verdict.CAUSAL)
        leaky = check_prefix(lambda x: (x > x.mean(1, keepdim=True)).long(), x)
        assert_verdict(leaky, Verdict.LEAK)
        assert leaky.worst is not None
        assert leaky.worst.size == 1

    def test_chosen_cuts(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-3, (0, 1, 0), (0, 6, 1))
        assert_verdict(check_prefix(leaky, x, cuts=[7, 8]), Verdict.CAUSAL)
        assert check_prefix(leaky, x, cuts=iter([4, 7])).cuts == (4, 7)
        assert_verdict(check_prefix(leaky, x, cuts=range(4, 7)), Verdict.LEAK)

    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
    def test_axes_can_be_anywhere(self, x: Tensor, order: tuple[int, ...]) -> None:
        leaky = with_pair_leak(cumsum, 1e-3, (2, 1, 3), (2, 6, 1))
        back = [order.index(axis) for axis in range(3)]
        for shift in (0, -3):
            report = check_prefix(
                lambda z: leaky(z.permute(back)).permute(order),
                x.permute(order),
                seq_dim=order.index(1) + shift,
                batch_dim=order.index(0) + shift,
            )
            assert report.worst is not None
            assert (report.worst.example, report.worst.t, report.worst.channel) == (2, 1, (3,))

    def test_an_unbatched_input(self, x: Tensor) -> None:
        report = check_prefix(lambda x: x + x.mean(0), x[0], seq_dim=0, batch_dim=None)
        assert_verdict(report, Verdict.LEAK)
        assert report.worst is not None
        assert report.worst.example is None


class TestInconclusive:
    @pytest.mark.parametrize("poison", [float("nan"), float("inf")])
    def test_non_finite_outputs(self, x: Tensor, poison: float) -> None:
        for bad_length in (T, 5):

            def fn(x: Tensor, bad_length: int = bad_length) -> Tensor:
                y = x.cumsum(1)
                if x.shape[1] == bad_length:
                    y[1, 2, 3] = poison
                return y

            report = check_prefix(fn, x)
            assert_verdict(report, Verdict.INCONCLUSIVE)
            assert "index [1, 2, 3]" in report.reason
            assert ("k=5" in report.reason) == (bad_length == 5)

    def test_zero_outputs(self, x: Tensor) -> None:
        assert "identically zero" in check_prefix(lambda x: x * 0, x).reason
        assert_verdict(check_prefix(lambda x: x * 0, x), Verdict.INCONCLUSIVE)

    def test_a_random_function(self, x: Tensor) -> None:
        report = check_prefix(lambda x: nn.functional.dropout(x, 0.5), x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "something else when it runs again" in report.reason

    def test_a_function_that_keeps_state(self, x: Tensor) -> None:
        class Cache(nn.Module):
            past = 0.0

            def forward(self, x: Tensor) -> Tensor:
                self.past = self.past + x.sum().item()
                return x + self.past

        assert_verdict(check_prefix(Cache(), x), Verdict.INCONCLUSIVE)


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"x": torch.ones(2, 5, dtype=torch.bool)}, "floating or integer, got torch.bool"),
            ({"x": torch.ones(2, 1, 3)}, "T >= 2"),
            ({"x": torch.ones(5)}, "wrong rank"),
            ({"x": torch.ones(5, 3), "seq_dim": 0}, "batch_dim=None"),
            ({"cuts": "some"}, r"1 <= k < T = 5, got 'some'"),
            ({"cuts": []}, "cuts must be"),
            ({"cuts": [0]}, "cuts must be"),
            ({"cuts": [5]}, "cuts must be"),
            ({"cuts": [2.0]}, "cuts must be"),
            ({"cuts": 5}, "cuts must be"),
            ({"cuts": None}, "cuts must be"),
            ({"cuts": np.array([4, 5])}, "cuts must be"),
            ({"atol": -1.0}, "atol must be"),
            ({"atol": "1e-3"}, "atol must be"),
            ({"seq_dim": 1.5}, r"seq_dim must be the whole number of an axis of x, got 1\.5"),
            ({"seq_dim": None}, "seq_dim must be"),
            ({"batch_dim": "0"}, "batch_dim must be"),
            ({"fn": nn.Dropout(0.1)}, r"call \.eval\(\)"),
            ({"fn": lambda x: (x,)}, "must return one tensor, got tuple"),
            ({"fn": lambda x: x[:, :3]}, "as many positions"),
            (
                {"fn": lambda x: x if x.shape[1] > 2 else x[..., :1]},
                "with k=1 must have the shape of that prefix",
            ),
        ],
    )
    def test_are_invalid_arguments(self, arguments: dict[str, object], message: str) -> None:
        given: dict[str, Any] = {"fn": cumsum, "x": torch.randn(2, 5, 3), **arguments}
        with pytest.raises(InvalidArgument, match=message) as caught:
            check_prefix(**given)
        assert str(caught.value).startswith("check_prefix: ")
        assert "\n" not in str(caught.value)

    def test_an_error_of_the_function_says_at_which_prefix(self, x: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:
            if x.shape[1] < 3:
                raise ValueError("kernel is wider than the input")
            return x

        with pytest.raises(ValueError, match="wider") as caught:
            check_prefix(fn, x)
        assert caught.value.__notes__ == ["raised by fn(x[:k]) with k=1; choose cuts= that fn accepts"]
        assert check_prefix(fn, x, cuts=range(3, T)).ok


class TestReport:
    def test_summary_and_row(self, x: Tensor) -> None:
        report = check_prefix(with_pair_leak(cumsum, 1e-3, (0, 1, 0), (0, 6, 1)), x)
        assert isinstance(report, PrefixReport)
        text = report.summary()
        assert text.startswith("Prefix(T=9, 8 prefixes)\n")
        assert line(text, "verdict").startswith("verdict    : LEAK: ")
        worst = line(text, "worst")
        assert worst.startswith("worst      : k=2, t=1 <- s=6: |fn(x[:k])[0, 1, 0] - fn(x)[0, 1, 0]| = ")
        assert worst.endswith("(1 of 24 entries differ)")
        pattern = "one pair: output 1 reads input 6; seen on all 8 inputs"
        assert line(text, "pattern") == f"pattern    : {pattern}"
        assert line(text, "enters in") == "enters in  : the code of with_pair_leak.<locals>.leaky"
        assert line(text, "cases") == "cases      : 1 input tried, 1 conclusive: x"
        assert line(text, "compared") == "compared   : 8 prefixes, 5 differ; float32 on cpu, seed 0"
        assert line(text, "theorem") == f"theorem    : {theorems.RUNNER_APPEND}"
        row = report.rows("leaky")[0]
        assert (row.check, row.verdict, row.theorem) == (
            "prefix",
            Verdict.LEAK,
            theorems.RUNNER_APPEND,
        )
        assert row.evidence.startswith("k=2, t=1 <- s=6: ")
        assert "; one pair: output 1 reads input 6; enters in " in row.evidence
        assert check_prefix(cumsum, x).rows("sum")[0].evidence == (
            "every prefix is reproduced bit for bit; 8 prefixes, 0 differ"
        )

    def test_is_frozen_and_has_no_truth_value_of_its_own(self, x: Tensor) -> None:
        with pytest.raises(AttributeError):
            check_prefix(cumsum, x).T = 3  # type: ignore[misc]
        assert "__bool__" not in vars(PrefixReport)


class TestShape:
    def test_a_dependence_on_the_length_alone_reads_every_later_input(self, x: Tensor) -> None:
        report = check_prefix(lambda x: x.cumsum(1) / x.shape[1], x)
        assert report.pattern is not None
        assert str(report.pattern.rule).startswith("everything: every output reads every later input")
        assert report.worst is not None
        assert report.worst.s == T - 1

    def test_of_outputs_that_see_patches(self) -> None:
        def next_one_too(x: Tensor) -> Tensor:
            return nn.functional.pad(x, (0, 0, 0, 1)).unfold(1, 4, 3).sum(-1)

        x = torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(2))
        report = check_prefix(next_one_too, x, alignment=Alignment.patches(3))
        assert_verdict(report, Verdict.LEAK)
        assert report.pattern is not None
        assert str(report.pattern.rule) == "off by one: output t reads input t + 1"

    def test_lengths_that_the_function_does_not_take_leave_the_verdict(self, x: Tensor) -> None:
        blocks = lambda x: (x.unflatten(1, (-1, 3)) + x.unflatten(1, (-1, 3)).mean(1, True)).flatten(1, 2)  # noqa: E731
        report = check_prefix(blocks, x, cuts=[3, 6])
        assert_verdict(report, Verdict.LEAK)
        assert report.worst is not None
        assert report.worst.s is None
        assert report.pattern is None

    def test_is_not_of_what_rounds(self, x: Tensor) -> None:
        assert check_prefix(order_of_length, x).pattern is None

    def test_other_kernels_at_other_lengths_are_no_part_of_it(self) -> None:
        def leaky(x: Tensor) -> Tensor:
            y = order_of_length(x).cumsum(1)[..., None].clone()
            y[:, 3:4] += x[:, 6:7].sum((1, 2))[:, None, None] if x.shape[1] > 6 else 0.0
            return y

        report = check_prefix(leaky, torch.randn(2, T, 4, dtype=torch.float64))
        assert report.pattern is not None
        assert str(report.pattern.rule) == "one pair: output 3 reads input 6"


class TestAssertion:
    def test_passes_and_returns_the_report(self, x: Tensor) -> None:
        assert check_prefix(cumsum, x).require() == check_prefix(cumsum, x)

    def test_message(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-3, (0, 1, 0), (0, 6, 1))
        with pytest.raises(CheckFailed) as caught:
            check_prefix(leaky, x, cuts=[2, 8], atol=1e-9).require()
        text = str(caught.value)
        assert text.startswith("prefix: LEAK: ")
        assert line(text, "1 of 2") == "1 of 2 prefixes differ"
        assert line(text, "Allowed").startswith("Allowed: absolute difference 1e-09, or rounding")
        assert line(text, "Repeat").startswith(
            "Repeat : check_prefix(fn, x, cuts=(2, 8), atol=1e-09, seed=0)  # fn: with_pair_leak"
        )
        assert caught.value.report.worst.index == (0, 1, 0)

    def test_inconclusive_does_not_pass(self, x: Tensor) -> None:
        with pytest.raises(CheckFailed, match="INCONCLUSIVE"):
            check_prefix(torch.zeros_like, x).require()


@pytest.mark.parametrize("context", [torch.enable_grad, torch.inference_mode])
def test_nothing_of_the_caller_changes(x: Tensor, context: type[AbstractContextManager[None]]) -> None:
    before = x.clone()
    with context():
        assert_verdict(check_prefix(lambda x: x.mul_(2).cumsum(1), x.clone()), Verdict.CAUSAL)
        assert_verdict(check_prefix(lambda x: x.mul_(2).cumsum(1), x), Verdict.CAUSAL)
    assert torch.equal(x, before)


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    report = check_prefix(
        with_pair_leak(cumsum, 1e-2, (0, 1, 0), (0, 6, 1)), torch.randn(2, 9, 4, device="cuda")
    )
    assert_verdict(report, Verdict.LEAK)
    assert report.device == "cuda:0"


class TestTokenIds:
    embedding = torch.randn(11, 4, generator=torch.Generator().manual_seed(3))

    @pytest.fixture
    def ids(self, rng: torch.Generator) -> Tensor:
        return torch.randint(0, 11, (2, T), generator=rng)

    def test_causal(self, ids: Tensor) -> None:
        report = check_prefix(lambda ids: self.embedding[ids].cumsum(1), ids, vocab_size=11)
        assert_verdict(report, Verdict.CAUSAL)
        assert [tried.strategy for tried in report.cases] == ["", "other ids", "shuffled", "other ids"]
        assert "vocab_size=11" in report.call

    def test_rounding_is_told_from_other_ids(self, ids: Tensor) -> None:
        """Another order of a sum: float32 alone differs, and no replaced future changes a bit."""
        report = check_prefix(lambda ids: order_of_length(self.embedding[ids]), ids)
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)

    def test_leaks(self, ids: Tensor) -> None:
        def of_length(ids: Tensor) -> Tensor:
            return self.embedding[ids] / ids.shape[1]

        def of_a_later_id(ids: Tensor) -> Tensor:
            return self.embedding[ids] + (ids == ids[0, -1]).any(1).float()[:, None, None]

        assert_verdict(check_prefix(of_length, ids), Verdict.LEAK)
        assert_verdict(check_prefix(of_a_later_id, ids), Verdict.LEAK)

    def test_outputs_may_be_integers(self, ids: Tensor) -> None:
        assert_verdict(check_prefix(lambda ids: ids.cumsum(1), ids), Verdict.CAUSAL)
        assert_verdict(check_prefix(lambda ids: ids + ids.flip(1).cumsum(1), ids), Verdict.LEAK)

    def test_a_wrong_call(self, x: Tensor) -> None:
        with pytest.raises(InvalidArgument, match="check_prefix: x holds only the id 1"):
            check_prefix(lambda ids: self.embedding[ids], torch.ones(2, T, dtype=torch.long))
        with pytest.raises(InvalidArgument, match="vocab_size=4 is for token ids"):
            check_prefix(cumsum, x, vocab_size=4)
