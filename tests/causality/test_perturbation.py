from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from scanproof import (
    CheckFailed,
    InvalidArgument,
    PerturbationReport,
    Verdict,
    certify,
    check_perturbation,
    theorems,
)
from scanproof.causality.outputs import perturbation as module
from scanproof.causality.outputs.replacement import KINDS, Kind, Replacement
from scanproof.foundation.contract import Axes
from verdicts import assert_verdict, line
from zoo.attention import causal_attention
from zoo.batches import read_neighbour_example
from zoo.convolution import fft_conv
from zoo.injected import with_pair_leak

T = 13


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(2, T, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def ids() -> Tensor:
    return torch.randint(0, 11, (2, T), generator=torch.Generator().manual_seed(1))


class StraightThrough(torch.autograd.Function):
    """A mean over the sequence, hidden by a backward that says it is the identity."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x - x.mean(1, keepdim=True)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def expert_choice(x: Tensor) -> Tensor:
    """Let an expert choose the three tokens that it scores highest in the whole sequence."""
    chosen = x[..., 0].topk(3, dim=1).indices
    return x + torch.zeros_like(x).scatter(1, chosen[..., None].expand(-1, -1, x.shape[-1]), 1.0)


AUTOGRAD_BLIND = {
    "detach": lambda x: x.cumsum(1) - x.mean(1, keepdim=True).detach(),
    "round": lambda x: x.cumsum(1) + x.sum(1, keepdim=True).round(),
    "argmax": lambda x: x.cumsum(1) + x.argmax(1, keepdim=True),
    "expert-choice top-k": expert_choice,
    "integer path": lambda x: x.cumsum(1) + (x * 8).long().flip(1),
    "a backward that hides it": StraightThrough.apply,
    "no_grad": lambda x: x.cumsum(1) + torch.no_grad()(torch.flip)(x, (1,)),
    "an event that is rare": lambda x: x.cumsum(1) + (x.abs().amax(1, keepdim=True) > 100).to(x.dtype),
}


@pytest.mark.parametrize("name", AUTOGRAD_BLIND)
def test_what_autograd_cannot_see(name: str, x: Tensor) -> None:
    fn = AUTOGRAD_BLIND[name]
    assert_verdict(certify(fn, x, cuts="all"), Verdict.CAUSAL)
    report = check_perturbation(fn, x)
    assert_verdict(report, Verdict.LEAK)
    with pytest.raises(CheckFailed, match="LEAK"):
        check_perturbation(fn, x).require()


class TestVerdict:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_finds_a_plain_leak(self, kind: Kind, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-2, (1, 3, 2), (1, 9, 0))
        report = check_perturbation(leaky, x, kinds=[kind])
        assert_verdict(report, Verdict.LEAK)
        worst = report.worst
        assert worst is not None
        assert (worst.index, worst.example, worst.t, worst.channel) == ((1, 3, 2), 1, 3, (2,))
        assert (worst.kind, worst.sources) == (kind, (9, 9))
        assert worst.count == 1
        if kind != "permutation":
            assert report.differing == 6  # cuts 4 … 9

    def test_the_size_is_that_of_the_change(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-2, (1, 3, 2), (1, 9, 0))
        worst = check_perturbation(leaky, x, kinds=["zeros"]).worst
        assert worst is not None
        assert worst.size == pytest.approx(1e-2 * x[1, 9, 0].abs().item(), rel=1e-3)

    def test_rounding_does_not_narrow_what_takes_two_positions(self, x: Tensor) -> None:
        kernel = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))

        def fn(x: Tensor) -> Tensor:
            y = fft_conv(x, kernel)
            y[:, 3] += ((x[:, 9].abs() > 100) & (x[:, 11].abs() > 100)).to(x.dtype)
            return y

        worst = check_perturbation(fn, x.double(), kinds=["large"]).worst
        assert worst is not None
        assert worst.t == 3
        first, last = worst.sources
        assert first <= 9
        assert last >= 11

    def test_chosen_cuts(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-2, (1, 3, 2), (1, 9, 0))
        assert_verdict(check_perturbation(leaky, x, cuts=[1, 3, 10]), Verdict.CAUSAL)
        assert check_perturbation(leaky, x, cuts=iter([2, 9])).cuts == (2, 9)
        assert_verdict(check_perturbation(leaky, x, cuts=[9]), Verdict.LEAK)

    def test_rounding_across_positions_is_no_leak(self, x: Tensor) -> None:
        kernel = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
        for given_x in (x, x.double()):
            report = check_perturbation(lambda x: fft_conv(x, kernel), given_x)
            assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
            assert report.differing > 0
            leaky = with_pair_leak(lambda x: fft_conv(x, kernel), 1e-3, (0, 3, 0), (0, 4, 0))
            assert_verdict(check_perturbation(leaky, given_x), Verdict.LEAK)

    def test_a_past_that_turns_nan_is_a_leak(self, x: Tensor) -> None:
        def masked_by_product(x: Tensor) -> Tensor:  # 0 * inf
            mask = torch.ones(x.shape[1], x.shape[1]).tril()[None, :, :, None].to(x.dtype)
            return (mask * x[:, None].exp()).sum(2)

        report = check_perturbation(masked_by_product, x)
        assert_verdict(report, Verdict.LEAK)
        assert report.worst is not None
        assert (report.worst.kind, report.worst.size) == ("large", float("inf"))
        assert_verdict(check_perturbation(masked_by_product, x, kinds=["noise", "zeros"]), Verdict.CAUSAL)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_large_values_do_not_overflow_attention(self, x: Tensor, dtype: torch.dtype) -> None:
        report = check_perturbation(causal_attention, x.to(dtype))
        assert_verdict(report, Verdict.CAUSAL)

    def test_large_values_do_not_overflow_masked_scores_in_half_precision(self, x: Tensor) -> None:
        def attention(x: Tensor) -> Tensor:  # inf plus a mask of -inf would be NaN, in the past
            mask = torch.full((T, T), -torch.inf, dtype=x.dtype).triu(1)
            return (8 * x @ x.mT + mask).softmax(-1) @ x

        assert_verdict(check_perturbation(attention, x.half()), Verdict.CAUSAL)

    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
    def test_axes_can_be_anywhere(self, x: Tensor, order: tuple[int, ...]) -> None:
        leaky = with_pair_leak(cumsum, 1e-2, (1, 3, 2), (1, 9, 0))
        back = [order.index(axis) for axis in range(3)]
        report = check_perturbation(
            lambda z: leaky(z.permute(back)).permute(order),
            x.permute(order),
            seq_dim=order.index(1),
            batch_dim=order.index(0) - 3,
        )
        assert report.worst is not None
        assert (report.worst.example, report.worst.t, report.worst.channel) == (1, 3, (2,))
        assert report.worst.sources == (9, 9)

    def test_an_unbatched_input(self, x: Tensor) -> None:
        report = check_perturbation(lambda x: x + x.mean(0), x[0], seq_dim=0, batch_dim=None)
        assert_verdict(report, Verdict.LEAK)
        assert report.copies == 1

    @settings(max_examples=60, deadline=None)
    @given(st.integers(2, 20), st.integers(0, 2**32), st.data())
    def test_an_injected_pair_is_named(self, length: int, seed: int, data: st.DataObject) -> None:
        x = torch.randn(2, length, 3, generator=torch.Generator().manual_seed(seed))
        t = data.draw(st.integers(0, length - 2))
        s = data.draw(st.integers(t + 1, length - 1))
        assert_verdict(check_perturbation(causal_attention, x), Verdict.CAUSAL)
        report = check_perturbation(with_pair_leak(causal_attention, 0.1, (1, t, 2), (1, s, 0)), x)
        assert_verdict(report, Verdict.LEAK)
        assert report.worst is not None
        assert (report.worst.index, report.worst.sources) == ((1, t, 2), (s, s))


class TestTokenIds:
    @pytest.fixture
    def model(self) -> Callable[[Tensor], Tensor]:
        table = torch.randn(11, 4, generator=torch.Generator().manual_seed(2))
        return lambda ids: causal_attention(table[ids])

    def test_of_a_causal_model(self, model: Callable[[Tensor], Tensor], ids: Tensor) -> None:
        for vocab_size in (None, 11):
            report = check_perturbation(model, ids, vocab_size=vocab_size)
            assert_verdict(report, Verdict.CAUSAL)
            assert report.dtype == "int64"

    def test_of_a_leak(self, model: Callable[[Tensor], Tensor], ids: Tensor) -> None:
        leaks = {
            "logits": lambda ids: model(ids) + 1e-3 * model(ids.flip(1)),
            "ids of both": lambda ids: ids.cumsum(1) + ids.flip(1),
            "count of an id": lambda ids: ids + (ids == 10).sum(1, keepdim=True),
        }
        for fn in leaks.values():
            assert_verdict(check_perturbation(fn, ids, vocab_size=11), Verdict.LEAK)

    def test_rounding(self, ids: Tensor) -> None:
        table, kernel = torch.randn(11, 4), torch.randn(64, 4)
        report = check_perturbation(lambda ids: fft_conv(table[ids], kernel), ids)
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)

    def test_ids_stay_within_the_vocabulary(self, ids: Tensor) -> None:
        some = ids[:, :6]
        seen: set[int] = set()

        def fn(ids: Tensor) -> Tensor:
            seen.update(ids.flatten().tolist())
            return ids.cumsum(1)

        check_perturbation(fn, some)
        assert seen == set(some.flatten().tolist())
        check_perturbation(fn, some, vocab_size=30)
        assert max(seen) == 29
        assert min(seen) == 0

    @pytest.mark.parametrize(
        ("ids", "vocab_size", "message"),
        [
            (torch.zeros(2, 5, dtype=torch.long), None, "only the id 0"),
            (torch.full((2, 5), 7), 7, "above every id, got 7 for ids 7 … 7"),
            (torch.full((2, 5), -1), 7, "above every id"),
            (torch.zeros(2, 5, dtype=torch.long), 1, "at least 2"),
            (torch.ones(2, 5), 7, "is for token ids"),
            (torch.ones(2, 5, dtype=torch.bool), None, "floating or integer, got torch.bool"),
        ],
    )
    def test_wrong_calls(self, ids: Tensor, vocab_size: int | None, message: str) -> None:
        with pytest.raises(InvalidArgument, match=message):
            check_perturbation(cumsum, ids, vocab_size=vocab_size)


class TestReplacement:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_past_stays_and_the_future_changes(self, kind: Kind, x: Tensor, ids: Tensor) -> None:
        for given_x in (x, ids, x.bfloat16()):
            made = Replacement("check", given_x, Axes(1, 0), None, torch.Generator().manual_seed(0))
            for cut in range(1, T - 1):
                future = made.future(kind, cut)
                assert torch.equal(future[:, :cut], given_x[:, :cut])
                assert future.dtype == given_x.dtype
                assert future.isfinite().all()
                assert torch.equal(future, made.future(kind, cut))
        made = Replacement("check", x, Axes(1, 0), None, torch.Generator().manual_seed(0))
        assert not torch.equal(made.future(kind, 1)[:, 1:], x[:, 1:])

    def test_noise_replaces_every_entry(self, x: Tensor, ids: Tensor) -> None:
        for given_x, vocab_size in ((x, None), (ids, None), (ids, 11)):
            made = Replacement("check", given_x, Axes(1, 0), vocab_size, torch.Generator().manual_seed(0))
            assert (made.future("noise", 3)[:, 3:] != given_x[:, 3:]).all()

    def test_a_permutation_holds_the_same_positions(self, x: Tensor) -> None:
        future = Replacement("check", x, Axes(1, 0), None, torch.Generator().manual_seed(0)).future(
            "permutation", 4
        )
        rows = sorted(map(tuple, future[0, 4:].tolist()))
        assert rows == sorted(map(tuple, x[0, 4:].tolist()))


class TestCopies:
    def test_go_together_where_they_stay_apart(self, x: Tensor) -> None:
        report = check_perturbation(cumsum, x)
        assert report.copies == report.probes == 47
        assert report.calls < 10

    def test_examples_that_read_each_other_go_one_by_one(self, x: Tensor) -> None:
        per_tensor = lambda x: x.cumsum(1) / x[:, 0].abs().max()  # noqa: E731
        for fn in (read_neighbour_example, per_tensor):
            report = check_perturbation(fn, x)
            assert_verdict(report, Verdict.CAUSAL)
        assert check_perturbation(read_neighbour_example, x).copies == 1

    @pytest.mark.parametrize("ahead", [1, -1])
    def test_what_copies_read_of_each_other_is_not_counted(self, ahead: int, x: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:  # every pair of examples reads the pair beside it
            pairs = (torch.arange(len(x) // 2) + ahead).clamp(0, len(x) // 2 - 1)
            neighbour = torch.stack([2 * pairs, 2 * pairs + 1], 1).flatten()
            y = x.cumsum(1) + 1e-3 * x[neighbour].mean(1, keepdim=True) - 1e-3 * x.mean(1, keepdim=True)
            y[:, 3] = y[:, 3] + 100 * x[:, 9]
            return y

        report = check_perturbation(fn, x[:, :12], kinds=["noise"])
        assert_verdict(report, Verdict.LEAK)
        assert (report.copies, report.differing) == (1, 6)  # cuts 4 … 9

    def test_copies_that_read_each_other_on_a_rare_event(self, x: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:
            return x.cumsum(1) + (x[2:].abs() > 100).any()

        report = check_perturbation(fn, x)
        assert (report.verdict, report.copies) == (Verdict.CAUSAL, 1)

    def test_a_leak_of_one_place_in_the_batch_is_not_lost(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-1, (0, 3, 1), (0, 9, 2))
        report = check_perturbation(leaky, x)
        assert (report.verdict, report.copies) == (Verdict.LEAK, 1)

    def test_a_function_for_one_batch_size(self, x: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:
            return x.reshape(2, T, 4).cumsum(1)

        report = check_perturbation(fn, x)
        assert (report.verdict, report.copies) == (Verdict.CAUSAL, 1)

    def test_a_small_memory_budget_changes_nothing_but_the_calls(self, x: Tensor) -> None:
        leaky = AUTOGRAD_BLIND["detach"]
        whole = check_perturbation(leaky, x)
        ends = 2 * x.numel() * 4
        for budget, copies in ((1, 1), (5 * module.COPY_BYTES * ends, 5)):
            split = check_perturbation(leaky, x, memory_budget=budget)
            assert f"memory_budget={budget}" in split.call
            assert split.copies == copies
            assert (split.verdict, split.differing) == (whole.verdict, whole.differing)
            assert split.calls > whole.calls


class TestInconclusive:
    def test_random_numbers_are_named(self, x: Tensor) -> None:
        report = check_perturbation(lambda x: nn.functional.dropout(x, 0.5), x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "something else when it runs again" in report.reason
        assert "random numbers from torch" in report.reason
        with pytest.raises(CheckFailed, match="INCONCLUSIVE"):
            check_perturbation(lambda x: nn.functional.dropout(x, 0.5), x).require()

    def test_state_is_named(self, x: Tensor) -> None:
        calls = []

        def fn(x: Tensor) -> Tensor:
            calls.append(1)
            return x + len(calls)

        report = check_perturbation(fn, x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "state kept between calls" in report.reason

    def test_a_function_that_is_random_only_now_and_then(self, x: Tensor) -> None:
        calls = []

        def fn(x: Tensor) -> Tensor:
            calls.append(1)
            return x + (len(calls) if len(calls) > 6 else 0)

        report = check_perturbation(fn, x, kinds=["noise"])
        assert_verdict(report, Verdict.INCONCLUSIVE)

    @pytest.mark.parametrize(
        ("fn", "reason"),
        [
            (lambda x: x * 0, "identically zero"),
            (torch.ones_like, "no output changed"),
            (lambda x: x / 0, "infinite"),
            (lambda x: x * float("nan"), "NaN"),
        ],
    )
    def test_nothing_to_test(self, fn: Callable[[Tensor], Tensor], reason: str, x: Tensor) -> None:
        report = check_perturbation(fn, x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert reason in report.reason

    def test_a_future_that_cannot_change(self) -> None:
        report = check_perturbation(lambda x: x + 1, torch.zeros(1, 5, 2), kinds=["zeros", "permutation"])
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "no kind changes x from position 1 on" in report.reason

    def test_a_difference_with_no_second_precision(self, x: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return x.cumsum(1) + 1e-4 * x.mean(1, keepdim=True)

        report = check_perturbation(fn, x)
        assert_verdict(report, Verdict.LEAK)  # finite fields need no second precision
        assert "fn raised TypeError: float32 only" in report.reason
        assert theorems.SAME_EXPRESSIONS in report.theorems


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"cuts": "some"}, "1 <= k < T = 13"),
            ({"cuts": []}, "cuts must be"),
            ({"cuts": [0]}, "cuts must be"),
            ({"cuts": [13]}, "cuts must be"),
            ({"kinds": []}, "kinds must be"),
            ({"kinds": ["odd"]}, "'noise', 'large', 'permutation', 'zeros', got"),
            ({"fn": nn.Dropout(0.1)}, r"call \.eval\(\)"),
            ({"fn": lambda x: (x,)}, "must return one tensor, got tuple"),
            ({"x": torch.ones(2, 1, 3)}, "T >= 2"),
        ],
    )
    def test_are_invalid_arguments(self, arguments: dict[str, object], message: str, x: Tensor) -> None:
        given_arguments: dict[str, Any] = {"fn": cumsum, "x": x, **arguments}
        with pytest.raises(InvalidArgument, match=message) as caught:
            check_perturbation(**given_arguments)
        assert str(caught.value).startswith("check_perturbation: ")
        assert "\n" not in str(caught.value)


class TestReport:
    def test_summary_and_row(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-2, (1, 3, 2), (1, 9, 0))
        report = check_perturbation(leaky, x, kinds=["zeros"], seed=4)
        assert isinstance(report, PerturbationReport)
        text = report.summary()
        assert text.startswith("Perturbation(T=13, 12 cuts, zeros)\n")
        assert line(text, "verdict").startswith("verdict    : LEAK: ")
        assert line(text, "worst").startswith("worst      : t=3 <- s=9: fn(x)[1, 3, 2] changes by ")
        pattern = "one pair: output 3 reads input 9; seen on all 12 inputs"
        assert line(text, "pattern") == f"pattern    : {pattern}"
        origin = line(text, "enters in")
        assert origin.startswith("enters in  : the code of with_pair_leak.<locals>.leaky, ")
        assert line(text, "cases") == "cases      : 1 input tried, 1 conclusive: x"
        compared = line(text, "compared")
        assert compared.startswith("compared   : 12 replaced futures, 6 changed the past in")
        assert compared.endswith("float32 on cpu, seed 4")
        assert line(text, "theorem") == f"theorem    : {theorems.RUNNER_AGREE}"
        row = report.rows("leaky")[0]
        assert (row.check, row.verdict, row.theorem) == (
            "perturbation",
            Verdict.LEAK,
            theorems.RUNNER_AGREE,
        )
        assert row.evidence.startswith("t=3 <- s=9: ")
        assert check_perturbation(cumsum, x).rows("sum")[0].evidence == (
            "no replaced future changed a bit of the past; 47 replaced futures, 0 changed the past"
        )
        assert "__bool__" not in vars(PerturbationReport)

    def test_message(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-2, (1, 3, 2), (1, 9, 0))
        with pytest.raises(CheckFailed) as caught:
            check_perturbation(leaky, x, cuts=[2, 8], kinds=["zeros"]).require()
        text = str(caught.value)
        assert text.startswith("perturbation: LEAK: ")
        assert line(text, "1 of 2") == "1 of 2 replaced futures changed an earlier output"
        assert line(text, "Allowed").startswith("Allowed: equal bits, or rounding")
        assert line(text, "Repeat").startswith(
            "Repeat : check_perturbation(fn, x, cuts=(2, 8), kinds=('zeros',), seed=0)  # fn: with_pair_leak"
        )

    def test_the_seed_repeats_it(self, x: Tensor) -> None:
        leaky = AUTOGRAD_BLIND["detach"]
        first, second = (check_perturbation(leaky, x, seed=seed) for seed in (42, 43))
        assert first.worst != second.worst
        again = check_perturbation(leaky, x, seed=second.seed)
        assert again == second
        assert check_perturbation(cumsum, x).require() == check_perturbation(cumsum, x)


@pytest.mark.parametrize("context", [torch.enable_grad, torch.inference_mode])
def test_nothing_of_the_caller_changes(x: Tensor, context: type[AbstractContextManager[None]]) -> None:
    before, state = x.clone(), torch.random.get_rng_state()
    with context():
        assert_verdict(check_perturbation(lambda x: x.mul_(2).cumsum(1), x), Verdict.CAUSAL)
    assert torch.equal(x, before)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    x = torch.randn(2, 9, 4, device="cuda")
    assert_verdict(check_perturbation(causal_attention, x), Verdict.CAUSAL)
    report = check_perturbation(AUTOGRAD_BLIND["detach"], x)
    assert (report.verdict, report.device) == (Verdict.LEAK, "cuda:0")
