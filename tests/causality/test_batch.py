from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import (
    BatchReport,
    CheckFailed,
    InvalidArgument,
    Verdict,
    certify,
    check_batch,
    draw_input,
)
from scanproof.report.verdict import gravest
from verdicts import assert_verdict, line, present

T = 5


@pytest.fixture
def x() -> Tensor:
    return torch.randn(3, T, 4, generator=torch.Generator().manual_seed(1))


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


def reads(i: int, j: int, amplitude: float = 1.0) -> Callable[[Tensor], Tensor]:
    """Let example i read example j, where the batch has both."""

    def fn(x: Tensor) -> Tensor:
        y = x.cumsum(1).clone()
        if max(i, j) < len(x):
            y[i, 2, 1] += amplitude * x[j, 3, 0]
        return y

    return fn


class ExpertChoice(nn.Module):
    """An expert takes the tokens of the batch that it scores highest, as many as it has room for."""

    def forward(self, x: Tensor) -> Tensor:
        scores = x[..., 0].flatten()
        chosen = torch.zeros_like(scores)
        chosen[scores.topk(len(scores) // 2).indices] = 1.0
        return x.cumsum(1) + chosen.unflatten(0, x.shape[:2])[..., None]


def batch_quantised(x: Tensor) -> Tensor:
    scale = x.detach().abs().max() / 7
    return x + ((x / scale).round() * scale - x).detach()


class TestPairs:
    @pytest.mark.parametrize("pair", [(i, j) for i in range(3) for j in range(3) if i != j])
    @pytest.mark.parametrize("amplitude", [1.0, 1e-5])
    def test_every_ordered_pair_is_named(self, pair: tuple[int, int], amplitude: float, x: Tensor) -> None:
        report = check_batch(reads(*pair, amplitude), x.double())
        assert_verdict(report, Verdict.LEAK)
        assert report.pairs == (pair,)
        assert report.worst is not None
        assert (report.worst.example, report.worst.index) == (pair[0], (pair[0], 2, 1))
        assert pair[1] in report.worst.sources
        assert report.worst.count == 1

    def test_several_pairs(self, x: Tensor) -> None:
        report = check_batch(lambda x: x + x.roll(1, 0) + x[:1].detach(), x)
        assert report.pairs == ((0, 2), (1, 0), (2, 0), (2, 1))

    def test_what_only_all_others_together_show(self) -> None:
        def agreement(x: Tensor) -> Tensor:  # whether the other two agree, each of which alone says nothing
            return x + (x.roll(1, 0) * x.roll(2, 0) != 0).all(2, keepdim=True).all(1, keepdim=True)

        x = torch.zeros(3, T, 4)
        x[0] = 1.0
        report = check_batch(agreement, x + 0.0, probes=["replace"], kinds=["noise"])
        assert report.verdict is Verdict.INCONCLUSIVE  # examples 1 and 2 have no output
        x[1:, 0] = 1.0
        report = check_batch(agreement, x, probes=["replace"], kinds=["noise"])
        assert_verdict(report, Verdict.LEAK)
        assert (0, 1) not in report.pairs
        assert report.worst is not None


BLIND: dict[str, Callable[[Tensor], Tensor]] = {
    "batch statistics, detached": lambda x: x - x.mean(0, keepdim=True).detach(),
    "argmax over the batch": lambda x: x + x.flatten(1).sum(1).argmax(),
    "expert choice": ExpertChoice(),
    "per-tensor quantisation": batch_quantised,
    "no_grad": lambda x: x + torch.no_grad()(torch.flip)(x, (0,)),
}


@pytest.mark.parametrize("name", BLIND)
def test_what_autograd_cannot_see(name: str, x: Tensor) -> None:
    fn = BLIND[name]
    assert present(certify(fn, x, cuts="all").batch).verdict is Verdict.INDEPENDENT
    report = check_batch(fn, x)
    assert_verdict(report, Verdict.LEAK)
    assert report.pairs


class TestBatchNorm:
    def test_in_train_mode_it_leaks_and_keeps_its_buffers(self, x: Tensor) -> None:
        norm = nn.BatchNorm1d(T)
        before = {name: buffer.clone() for name, buffer in norm.named_buffers()}
        report = check_batch(norm, x)
        assert_verdict(report, Verdict.LEAK)
        assert len(report.pairs) == 6
        for name, buffer in norm.named_buffers():
            assert torch.equal(buffer, before[name]), name

    def test_in_eval_mode_it_does_not(self, x: Tensor) -> None:
        norm = nn.BatchNorm1d(T)
        norm(x)
        assert_verdict(check_batch(norm.eval(), x), Verdict.INDEPENDENT)

    def test_where_one_example_is_too_few(self) -> None:
        x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
        report = check_batch(nn.BatchNorm1d(4), x)
        assert_verdict(report, Verdict.LEAK)
        alone = report.findings[2]
        assert alone.verdict is Verdict.INCONCLUSIVE
        assert "on a batch of one: Expected more than 1 value" in alone.reason


class TestPermuteAndAlone:
    def test_place_in_the_batch(self, x: Tensor) -> None:
        report = check_batch(lambda x: x + torch.arange(len(x))[:, None, None], x)
        assert [found.verdict.name for found in report.findings] == ["INDEPENDENT", "LEAK", "LEAK"]
        assert report.pairs == ()
        assert "another place" not in report.reason
        assert report.worst is not None
        assert report.worst.when == "the examples have the order 2, 1, 0"
        assert report.worst.index[0] == report.worst.example

    def test_the_size_of_the_batch(self, x: Tensor) -> None:
        report = check_batch(lambda x: x / len(x), x)
        assert [found.verdict.name for found in report.findings] == ["INDEPENDENT", "INDEPENDENT", "LEAK"]
        assert report.worst is not None
        assert report.worst.when == "it is alone in its batch"

    def test_a_batch_of_one_that_loses_its_axis(self, x: Tensor) -> None:
        report = check_batch(lambda x: x.sum(1).squeeze(), x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "has another shape" in report.reason or "as many examples" in report.reason

    def test_not_a_number_alone(self, x: Tensor) -> None:
        report = check_batch(lambda x: x / (len(x) - 1), x, probes=["alone"])
        assert_verdict(report, Verdict.LEAK)
        assert report.reason == "an output became NaN or infinite when its example was alone"

    def test_another_kernel_for_another_shape_is_no_leak(self) -> None:
        x = torch.randn(3, 40, 64, generator=torch.Generator().manual_seed(0))
        weight = torch.randn(64, 64, generator=torch.Generator().manual_seed(1))
        report = check_batch(lambda x: x @ weight, x)
        assert report.ok, report.summary()

    def test_rounding_that_the_batch_size_changes(self) -> None:
        def fn(x: Tensor) -> Tensor:  # the order of summation depends on the size of the batch
            return x.flip(2).sum(2) if len(x) == 1 else x.cumsum(2)[..., -1]

        x = torch.randn(2, 9, 33, generator=torch.Generator().manual_seed(0))
        report = check_batch(fn, x)
        assert [found.verdict.name for found in report.findings] == [
            "INDEPENDENT",
            "INDEPENDENT",
            "INDEPENDENT_TO_ROUNDING",
        ]
        assert report.findings[2].evidence is not None
        assert_verdict(check_batch(fn, (x.double() / 3).sin()), Verdict.INDEPENDENT_TO_ROUNDING)


class TestInputs:
    def test_token_ids(self) -> None:
        ids = torch.randint(0, 11, (3, T), generator=torch.Generator().manual_seed(1))
        table = nn.Embedding(11, 4)
        assert_verdict(check_batch(table, ids), Verdict.INDEPENDENT)
        report = check_batch(lambda ids: table(ids) + (ids == ids[:1]).sum(), ids, vocab_size=11)
        assert_verdict(report, Verdict.LEAK)
        assert len(report.pairs) == 6

    def test_outputs_without_positions(self, x: Tensor) -> None:
        assert_verdict(check_batch(lambda x: x.mean((1, 2)), x), Verdict.INDEPENDENT)
        assert_verdict(check_batch(lambda x: x.sum((1, 2)).softmax(0), x), Verdict.LEAK)
        assert_verdict(check_batch(lambda x: 1 + x[:, 0].argmax(-1), x), Verdict.INDEPENDENT)

    @pytest.mark.parametrize("batch_dim", [1, -2])
    def test_axes_can_be_anywhere(self, batch_dim: int, x: Tensor) -> None:
        leaky = reads(2, 0)
        report = check_batch(
            lambda z: leaky(z.transpose(0, 1)).transpose(0, 1), x.transpose(0, 1), batch_dim=batch_dim
        )
        assert report.pairs == ((2, 0),)
        assert report.worst is not None
        assert report.worst.index == (2, 2, 1)

    def test_several_inputs(self, x: Tensor) -> None:
        ids = torch.randint(0, 7, (3, T), generator=torch.Generator().manual_seed(2))
        table = nn.Embedding(7, 4)

        def fn(ids: Tensor, x: Tensor, scale: float = 1.0) -> Tensor:
            return scale * (table(ids) + x.cumsum(1))

        assert_verdict(check_batch(fn, (ids, x)), Verdict.INDEPENDENT)
        assert check_batch(fn, {"x": x, "ids": ids}, kwargs={"scale": 2.0}).ok
        report = check_batch(lambda ids, x: fn(ids, x) + ids[:1, :, None], (ids, x), vocab_size=7)
        assert report.pairs == ((1, 0), (2, 0))
        assert "x: (int64 (3, 5) on cpu, float32 (3, 5, 4) on cpu)" in report.call

    def test_one_of_several_outputs(self, x: Tensor) -> None:
        def fn(x: Tensor) -> dict[str, Tensor]:
            return {"tokens": x.cumsum(1), "pooled": x.mean(0)}

        assert_verdict(check_batch(fn, x, output="tokens"), Verdict.INDEPENDENT)
        assert check_batch(fn, x, output=lambda y: y["tokens"] + y["pooled"]).pairs
        with pytest.raises(InvalidArgument, match="output='logits' is not in what fn"):
            check_batch(fn, x, output="logits")

    def test_half_precision(self, x: Tensor) -> None:
        assert_verdict(check_batch(cumsum, x.bfloat16()), Verdict.INDEPENDENT)
        assert_verdict(check_batch(reads(1, 0), x.bfloat16()), Verdict.LEAK)

    def test_chosen_probes_and_kinds(self, x: Tensor) -> None:
        report = check_batch(cumsum, x, probes=["alone", "replace"], kinds=["zeros"])
        assert [found.probe for found in report.findings] == ["replace", "alone"]
        assert [found.cases for found in report.findings] == [6, 3]
        assert report.kinds == ("zeros",)

    def test_the_seed_repeats_the_contents(self, x: Tensor) -> None:
        check = partial(check_batch, reads(0, 1), x, kinds=["noise"])
        report = check(seed=3)
        assert report.seed == 3
        assert check(seed=report.seed) == report
        assert check().worst != report.worst


class TestInconclusive:
    def test_a_random_function(self, x: Tensor) -> None:
        report = check_batch(lambda x: nn.functional.dropout(x, 0.5), x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "it draws random numbers from torch" in report.reason
        assert report.reason.count("draws") == 1

    def test_a_function_that_is_random_now_and_then(self, x: Tensor) -> None:
        calls = iter(range(1000))
        report = check_batch(lambda x: x + (next(calls) >= 6), x)
        assert report.verdict is not Verdict.LEAK or "runs again" in report.reason

    def test_outputs_that_never_change(self, x: Tensor) -> None:
        report = check_batch(lambda x: torch.ones_like(x), x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "no output changed" in report.reason

    def test_zero_and_not_a_number(self, x: Tensor) -> None:
        assert "identically zero" in check_batch(lambda x: 0 * x, x).reason
        assert "in example 1" in check_batch(lambda x: x * torch.tensor([1, 0, 1])[:, None, None], x).reason
        assert "NaN" in check_batch(lambda x: x / 0 * 0, x).reason


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"x": torch.ones(1, 5, 3)}, "x has 1 example along batch_dim=0"),
            ({"x": torch.ones(0, 5, 3)}, "no entries"),
            ({"x": [1.0]}, "must be a torch.Tensor, got float"),
            ({"x": "x"}, "must be a torch.Tensor, got str"),
            ({"x": torch.ones(2, 5, dtype=torch.bool)}, "must be floating or integer"),
            ({"fn": 3}, "fn must be callable"),
            ({"fn": nn.Dropout(0.1)}, r"call \.eval\(\)"),
            ({"fn": lambda x: (x,)}, "must return one tensor, got tuple"),
            ({"fn": lambda x: x.to(torch.complex64)}, "must return a real tensor"),
            ({"fn": lambda x: x.sum()}, "as many examples"),
            ({"fn": lambda x: x[:1]}, "as many examples"),
            ({"batch_dim": 3}, "batch_dim must be the whole number of an axis of x"),
            ({"batch_dim": None}, "batch_dim must be"),
            ({"probes": []}, "probes must be some of 'replace', 'permute', 'alone'"),
            ({"probes": "alone"}, "probes must be"),
            ({"probes": ["order"]}, "probes must be"),
            ({"kinds": ["ones"]}, "kinds must be some of 'noise'"),
            (
                {"x": (torch.ones(2, 5), torch.ones(3, 5))},
                "same examples, but along batch_dim=0 they have 2 and 3",
            ),
            ({"x": ()}, "x holds no tensor"),
            ({"x": {"y": torch.ones(2, 5)}, "kwargs": {"y": 1}}, "y is in x and in kwargs="),
            ({"kwargs": 3}, "kwargs must map names"),
            ({"output": 1.5}, "output must be an index"),
            ({"vocab_size": 7}, "vocab_size=7 is for token ids"),
            ({"seed": 1.5}, "seed must be a whole number"),
            ({"seed": -1}, "seed must be"),
        ],
    )
    def test_are_invalid_arguments(self, arguments: dict[str, object], message: str) -> None:
        given: dict[str, Any] = {"fn": cumsum, "x": torch.randn(2, 5, 3), **arguments}
        with pytest.raises(InvalidArgument, match=message) as caught:
            check_batch(**given)
        assert str(caught.value).startswith("check_batch: ")
        assert "\n" not in str(caught.value)

    def test_an_error_of_the_function_says_at_which_batch(self, x: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:
            if x.abs().max() > 100:
                raise ValueError("out of range")
            return x

        with pytest.raises(ValueError, match="range") as caught:
            check_batch(fn, x)
        assert caught.value.__notes__ == ["raised by fn(x) when example 0 becomes large"]


def gated(x: Tensor) -> Tensor:
    """Read the mean over the batch behind a gate that positive numbers leave closed."""
    return x.cumsum(1) + torch.relu(-x).mean(0, keepdim=True).detach()


class TestDrawnInputs:
    def test_a_leak_behind_a_gate_that_x_leaves_closed(self, x: Tensor) -> None:
        options: dict[str, Any] = {"kinds": ["zeros", "permutation"]}
        assert_verdict(check_batch(gated, x.abs(), cases=1, **options), Verdict.INDEPENDENT)
        report = check_batch(gated, x.abs(), **options)
        assert_verdict(report, Verdict.LEAK)
        assert [tried.verdict for tried in report.cases] == [Verdict.INDEPENDENT, Verdict.LEAK]
        assert "  found at   : draw_input(x, 1, seq_dim=None), signs" in report.summary().splitlines()
        assert report.call.startswith(
            "check_batch(fn, draw_input(x, 1, seq_dim=None), kinds=('zeros',), cases=1, seed=0)"
        )
        drawn = draw_input(x.abs(), 1, seq_dim=None)
        again = check_batch(gated, drawn, kinds=["zeros"], cases=1)
        assert (again.verdict, again.worst) == (Verdict.LEAK, report.worst)

    def test_several_tensors_are_drawn_each_by_itself(self) -> None:
        x = {"a": torch.rand(3, 4), "b": torch.rand(3, 5, 2)}

        def fn(a: Tensor, b: Tensor) -> Tensor:
            return a.sum(1) + gated(b).sum((1, 2))

        report = check_batch(fn, x, kinds=["zeros"])
        assert_verdict(report, Verdict.LEAK)
        drawn = draw_input(x, 1, seq_dim=None)
        assert torch.equal(drawn["a"], draw_input(x["a"], 1))
        again = check_batch(fn, drawn, kinds=["zeros"], cases=1)
        assert again.worst == report.worst

    def test_token_ids_stay_within_the_vocabulary(self) -> None:
        ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
        table = torch.randn(7, 2)
        report = check_batch(lambda ids: table[ids], ids, vocab_size=7)
        assert_verdict(report, Verdict.INDEPENDENT)
        assert [tried.source for tried in report.cases[1:]] == [
            f"draw_input(x, {number}, seq_dim=None, vocab_size=7)" for number in (1, 2, 3)
        ]

    def test_what_raises_at_a_drawn_input_is_no_finding(self, x: Tensor) -> None:
        def positive(x: Tensor) -> Tensor:
            if (x < 0).any():
                raise ValueError("negative")
            return x.sqrt()

        report = check_batch(positive, x.abs(), kinds=["zeros"])
        assert_verdict(report, Verdict.INDEPENDENT)
        assert report.cases[1].reason == "fn raised ValueError: negative"

    def test_buffers_are_put_back_after_drawn_inputs_too(self) -> None:
        norm = nn.BatchNorm1d(4, affine=False).train()
        check_batch(norm, torch.randn(3, 4).abs(), kinds=["zeros"])
        assert norm.num_batches_tracked == 0
        assert not present(norm.running_mean).any()

    @pytest.mark.parametrize("cases", [0, True, 1.5])
    def test_wrong_numbers(self, x: Tensor, cases: Any) -> None:
        with pytest.raises(InvalidArgument, match="check_batch: cases must be a whole number"):
            check_batch(cumsum, x, cases=cases)


class TestReport:
    def test_summary_and_row(self, x: Tensor) -> None:
        report = check_batch(reads(0, 2), x)
        assert isinstance(report, BatchReport)
        text = report.summary()
        assert text.startswith("Batch(3 examples, noise, large, permutation, zeros)\n")
        assert line(text, "verdict").startswith("verdict    : LEAK: ")
        assert line(text, "pairs") == "pairs      : 0 <- 2 (1 of 6 ordered pairs)"
        assert line(text, "replace") == "replace    : 8 of 24 other batches change an example  -> LEAK"
        assert line(text, "worst").startswith("worst      : example 0 <- ")
        assert line(text, "worst").endswith("(1 of 20 entries change)")
        assert line(text, "enters in").startswith("enters in  : the code of reads.<locals>.")
        assert line(text, "cases") == "cases      : 1 input tried, 1 conclusive: x"
        assert line(text, "compared").endswith("float32 on cpu, seed 0")
        row = report.rows("leaky")[0]
        assert (row.check, row.verdict) == ("batch", Verdict.LEAK)
        assert row.evidence.startswith("example 0 <- ")
        passed = check_batch(cumsum, x).rows("sum")[0]
        assert passed.evidence == "every example kept every bit; 3 examples in 29 other batches, 31 calls"

    def test_is_frozen_and_has_no_truth_value_of_its_own(self, x: Tensor) -> None:
        with pytest.raises(AttributeError):
            check_batch(cumsum, x).examples = 3  # type: ignore[misc]
        assert "__bool__" not in vars(BatchReport)


class TestAssertion:
    def test_passes_and_returns_the_report(self, x: Tensor) -> None:
        assert check_batch(cumsum, x).require() == check_batch(cumsum, x)

    def test_message(self, x: Tensor) -> None:
        with pytest.raises(CheckFailed) as caught:
            check_batch(reads(0, 2), x, kinds=["zeros"], seed=4).require()
        text = str(caught.value)
        message, summary = text.split("\n\n", 1)
        assert message.startswith("batch: LEAK: ")
        assert line(message, "replace") == "replace: 2 of 6 other batches change an example"
        assert line(message, "permute") == "permute: 2 of 2 other batches change an example"
        assert line(message, "alone") == "alone: 1 of 3 other batches change an example"
        assert line(message, "Repeat").startswith(
            "Repeat : check_batch(fn, x, kinds=('zeros',), seed=4)  # fn: reads"
        )
        assert summary == caught.value.report.summary()
        assert caught.value.report.pairs == ((0, 2),)

    def test_inconclusive_does_not_pass(self, x: Tensor) -> None:
        with pytest.raises(CheckFailed, match="INCONCLUSIVE"):
            check_batch(torch.zeros_like, x).require()


def test_the_gravest_verdict() -> None:
    assert gravest([Verdict.CAUSAL, Verdict.INCONCLUSIVE, Verdict.TOLERATED]) is Verdict.INCONCLUSIVE
    assert gravest(Verdict) is Verdict.REFUTED
    assert max(map(gravest, [[v] for v in Verdict]), key=lambda v: not v.passed) is not None


@pytest.mark.parametrize("context", [torch.enable_grad, torch.inference_mode])
def test_nothing_of_the_caller_changes(x: Tensor, context: type[AbstractContextManager[None]]) -> None:
    before = x.clone()
    with context():
        assert_verdict(check_batch(lambda x: x.mul_(2).cumsum(1), x), Verdict.INDEPENDENT)
    assert torch.equal(x, before)


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    report = check_batch(reads(0, 1), torch.randn(2, 9, 4, device="cuda"))
    assert report.pairs == ((0, 1),)
    assert report.device == "cuda:0"
