import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import (
    CausalCertificate,
    CheckFailed,
    InvalidArgument,
    Verdict,
    assert_strictly_causal,
    certify,
    theorems,
)
from verdicts import assert_verdict, line, pair_of, present
from zoo.attention import Block, causal_attention
from zoo.batches import read_neighbour_example
from zoo.injected import with_pair_leak


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


class Attention(nn.Module):
    """An attention that holds its rate as a number, as those of transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_dropout = 0.1
        self.has_dropout = True

    def forward(self, x: Tensor) -> Tensor:
        rate = self.attention_dropout if self.training else 0.0
        return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True, dropout_p=rate)


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(3, 10, 4, generator=rng)


class TestDropIn:
    """The arguments, report fields and summary lines of causal-certificate 0.1.0."""

    def test_every_argument_is_accepted(self, x: Tensor) -> None:
        report = certify(
            cumsum,
            x,
            cuts="all",
            K=4,
            batch_check=False,
            seq_dim=1,
            batch_dim=0,
            threshold=1e-9,
            generator=torch.Generator().manual_seed(3),
        )
        assert report.ok
        assert assert_strictly_causal(cumsum, x, threshold=1e-9, cuts="rand", K=3).cuts_probed == 3

    def test_every_field_of_a_clean_report(self, x: Tensor) -> None:
        report = certify(cumsum, x, cuts="all")
        assert isinstance(report, CausalCertificate)
        assert (report.T, report.cuts_probed, report.exhaustive, report.batch_checked) == (10, 9, True, True)
        assert report.temporal_leak == report.crossbatch_leak == 0.0
        assert report.temporal_total > 0
        assert report.crossbatch_total > 0
        assert report.temporal_fraction == report.crossbatch_fraction == 0.0
        assert report.is_strictly_causal
        assert report.is_batch_independent
        assert report.ok
        assert report.threshold == 0.0
        assert report.extra == {}

    def test_leak_and_total_are_gradient_energies(self, x: Tensor) -> None:
        # y_0 = x_1 and y_1 = 0: the one cut of T = 2 sends its whole energy across
        x = x[:1, :2]
        report = certify(lambda x: torch.cat([x[:, 1:], x[:, 1:].detach()], 1), x)
        assert report.temporal_leak == report.temporal_total > 0
        assert report.temporal_fraction == 1.0

    def test_summary_of_a_clean_report_opens_with_the_known_lines(self, x: Tensor) -> None:
        assert certify(cumsum, x, cuts="all").summary().splitlines()[:3] == [
            "CausalCertificate(T=10, exhaustive cuts)",
            "  temporal   : leak=0.000e+00  frac=0.000e+00  -> STRICTLY CAUSAL",
            "  cross-batch: leak=0.000e+00  frac=0.000e+00  -> BATCH-INDEPENDENT",
        ]

    def test_summary_of_leaks(self, x: Tensor) -> None:
        text = certify(lambda x: x + x.mean((0, 1), keepdim=True), x).summary()
        assert line(text, "temporal").endswith("-> LEAK")
        assert line(text, "cross-batch:").endswith("-> BATCH LEAK")

    def test_summary_of_random_cuts(self, x: Tensor) -> None:
        text = certify(cumsum, x[:1], cuts="rand", K=5).summary()
        assert text.startswith("CausalCertificate(T=10, random-K=5 cuts)\n  temporal   : ")
        assert "\n  (random-K is a monitor; use cuts='all' for a certificate)\n" in text

    def test_one_example_is_not_checked_against_others(self, x: Tensor) -> None:
        report = certify(cumsum, x[:1])
        assert not report.batch_checked
        assert report.is_batch_independent
        assert (report.crossbatch_leak, report.crossbatch_total, report.crossbatch_fraction) == (
            0.0,
            0.0,
            0.0,
        )
        assert "cross-batch" not in report.summary()

    def test_axes_can_be_anywhere(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 0.5, (2, 1, 3), (0, 6, 2))
        for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)):
            back = [order.index(axis) for axis in range(3)]
            fn = lambda z, order=order, back=back: leaky(z.permute(back)).permute(order)  # noqa: E731
            for shift in (0, -3):
                report = certify(
                    fn, x.permute(order), seq_dim=order.index(1) + shift, batch_dim=order.index(0) + shift
                )
                pair = pair_of(report)
                assert (pair.t, pair.s) == (1, 6)
                assert (pair.output_example, pair.input_example) == (2, 0)

    def test_an_unbatched_input(self, x: Tensor) -> None:
        for arguments in ({"batch_check": False}, {"batch_dim": None}):
            report = certify(lambda x: x.cumsum(0), x[0], seq_dim=0, **arguments)
            assert_verdict(report, Verdict.CAUSAL)
            assert report.batch is None
        pair = pair_of(certify(lambda x: x.flip(0), x[0, :, 0], seq_dim=0, batch_check=False))
        assert pair.output_example is None
        assert pair.t + pair.s == 9


class TestPeerFalseCertificates:
    """Inputs that a pooled energy fraction, or a probe of one example, certifies."""

    def test_a_single_pair_at_t_512(self) -> None:
        x = torch.randn(1, 512, 2, generator=torch.Generator().manual_seed(0))
        report = certify(with_pair_leak(cumsum, 0.1, (0, 300, 0), (0, 301, 1)), x, cuts="all")
        assert report.temporal_fraction < 1e-9
        assert_verdict(report, Verdict.LEAK)
        assert report.temporal.leaking == 1
        assert str(report.worst) == "t=300 <- s=301: |dy[0, 300, 0] / dx[0, 301, 1]| = 1.000e-01"

    def test_a_uniform_leak(self) -> None:
        x = torch.randn(1, 128, 2, generator=torch.Generator().manual_seed(0))
        report = certify(lambda x: x.cumsum(1) + 1e-4 * x.mean(1, keepdim=True), x)
        assert report.temporal_fraction < 1e-9
        assert_verdict(report, Verdict.LEAK)

    @pytest.mark.parametrize("poison", [float("nan"), float("inf"), -float("inf")])
    @pytest.mark.parametrize("where", [slice(None), (1, 3, 2)], ids=["everywhere", "one entry"])
    def test_non_finite_outputs(self, x: Tensor, poison: float, where: slice | tuple[int, int, int]) -> None:
        def fn(x: Tensor) -> Tensor:
            y = x.cumsum(1)
            y[where] = poison
            return y

        report = certify(fn, x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert ("NaN" if poison != poison else "infinite") in report.reason
        assert ("index [1, 3, 2]" if where != slice(None) else "index [0, 0, 0]") in report.reason
        assert not report.ok
        assert not report.is_strictly_causal
        assert not report.is_batch_independent
        assert not report.temporal_fraction <= 1e-9

    def test_non_finite_gradients(self, x: Tensor) -> None:
        # sqrt(0) is finite and has an infinite slope: 0 * inf in the backward
        report = certify(lambda x: x.cumsum(1) + (x * 0).sqrt(), x, cuts="all")
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "gradients hold NaN" in report.reason

    @pytest.mark.parametrize(
        ("fn", "reason"),
        [
            (lambda x: x * 0, "identically zero,"),
            (lambda x: torch.cat([x[:2], x[2:] * 0]), "identically zero in example 2"),
            (lambda x: x.cumsum(1).detach(), "detached"),
            (lambda x: torch.ones_like(x), "detached"),
            (lambda x: x.argmax(-1), "detached"),
            (lambda x: torch.no_grad()(cumsum)(x), "detached"),
            (nn.Parameter(torch.ones(3, 10, 4)).expand_as, "do not read x"),
            (lambda x: torch.cat([x[:, :-1].detach(), x[:, -1:]], 1), "zero gradient"),
            (lambda x: torch.cat([x[:2], x[2:].detach()]), "outputs of example 2 have zero gradient"),
        ],
    )
    def test_nothing_to_test(self, x: Tensor, fn: Callable[[Tensor], Tensor], reason: str) -> None:
        report = certify(fn, x, cuts="all")
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert reason in report.reason
        assert not report.ok
        with pytest.raises(CheckFailed, match="INCONCLUSIVE"):
            assert_strictly_causal(fn, x, cuts="all")

    @pytest.mark.parametrize(("reader", "source"), [(a, b) for a in range(3) for b in range(3) if a != b])
    def test_every_ordered_pair_of_examples(self, x: Tensor, reader: int, source: int) -> None:
        def fn(x: Tensor) -> Tensor:
            y = x.cumsum(1).clone()
            y[reader] = y[reader] + 1e-6 * x[source]
            return y

        report = certify(fn, x)
        assert_verdict(report, Verdict.LEAK)
        assert report.is_strictly_causal
        assert not report.is_batch_independent
        assert report.batch is not None
        assert report.batch.leaking == 1
        pair = report.batch.worst
        assert pair is not None
        assert (pair.output_example, pair.input_example) == (reader, source)
        assert pair.size == pytest.approx(1e-6)
        leaks = {(i, j) for i in range(3) for j in range(3) if i != j and report.example_leaks[i][j] > 0}
        assert leaks == {(reader, source)}
        assert f"example {reader} <- example {source}" in report.summary()

    def test_batch_norm_in_train_mode(self, x: Tensor) -> None:
        report = certify(lambda x: nn.functional.batch_norm(x.mT, None, None, training=True).mT, x)
        assert not report.is_batch_independent
        assert report.batch is not None
        assert report.batch.leaking == 3

    def test_a_leak_within_each_example_leaves_them_independent(self, x: Tensor) -> None:
        report = certify(lambda x: x.flip(1), x)
        assert not report.is_strictly_causal
        assert report.is_batch_independent

    @pytest.mark.cuda
    def test_a_model_on_a_gpu(self) -> None:
        model = Block().eval().cuda()
        x = torch.randn(2, 9, 4, device="cuda")
        report = certify(lambda x: causal_attention(model.norm(x)), x)
        assert report.verdict.passed
        assert report.device == "cuda:0"
        leaky = certify(with_pair_leak(causal_attention, 1e-3, (0, 2, 0), (0, 7, 0)), x)
        pair = pair_of(leaky)
        assert (pair.t, pair.s) == (2, 7)

    def test_cotangents_have_the_device_and_dtype_of_the_output(self, x: Tensor) -> None:
        seen = set()

        def fn(x: Tensor) -> Tensor:
            y = x.to(torch.bfloat16).cumsum(1)
            y.register_hook(lambda cotangent: seen.add((cotangent.device, cotangent.dtype)))
            return y

        with torch.device("meta"):  # tensors created without a device land on another one
            assert_verdict(certify(fn, x, cases=1, cuts="all"), Verdict.CAUSAL)
            assert_verdict(
                certify(with_pair_leak(cumsum, 1e-3, (0, 2, 0), (0, 7, 0)), x, cuts="all"), Verdict.LEAK
            )
        assert seen == {(x.device, torch.bfloat16)}


class TestRandomCuts:
    @pytest.mark.parametrize(("T", "K"), [(2, 1), (10, 8), (129, 8)])
    def test_detection_probability(self, T: int, K: int) -> None:
        report = certify(cumsum, torch.randn(1, T, 1), cuts="rand", K=K)
        assert report.detection_probability == pytest.approx(1 - (1 - 1 / (T - 1)) ** K)
        assert f"probability {report.detection_probability:.3f}" in report.summary()
        assert report.cuts_probed == K

    def test_detection_probability_is_the_rate_of_detection(self) -> None:
        x = torch.randn(1, 9, 1, generator=torch.Generator().manual_seed(0))
        leaky = with_pair_leak(cumsum, 1e-3, (0, 4, 0), (0, 5, 0))
        generator = torch.Generator().manual_seed(11)
        reports = [certify(leaky, x, cuts="rand", K=3, generator=generator) for _ in range(200)]
        rate = sum(report.verdict is Verdict.LEAK for report in reports) / len(reports)
        assert rate == pytest.approx(reports[0].detection_probability, abs=0.1)  # 3 standard deviations

    @pytest.mark.parametrize("s", [1, 2, 3])
    def test_every_cut_can_be_drawn(self, s: int) -> None:
        leaky = with_pair_leak(cumsum, 1e-3, (0, s - 1, 0), (0, s, 0))
        assert_verdict(certify(leaky, torch.randn(1, 4, 1), cuts="rand", K=60), Verdict.LEAK)

    def test_all_cuts_detect_with_certainty(self, x: Tensor) -> None:
        assert certify(cumsum, x).detection_probability == 1.0


class TestSeed:
    def test_default(self, x: Tensor) -> None:
        assert certify(cumsum, x).seed == 0

    def test_a_fresh_generator_is_reported_by_its_seed(self, x: Tensor) -> None:
        assert certify(cumsum, x, generator=torch.Generator().manual_seed(42)).seed == 42

    def test_the_seed_repeats_the_report_of_a_used_generator(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-3, (0, 4, 0), (0, 5, 0))
        generator = torch.Generator().manual_seed(42)
        first, second = (certify(leaky, x, cuts="rand", generator=generator) for _ in range(2))
        assert first.seed == 42
        assert second.seed != 42
        assert first.temporal_total != second.temporal_total
        again = certify(leaky, x, cuts="rand", generator=torch.Generator().manual_seed(second.seed))
        assert again == second


class TestThreshold:
    def test_a_small_share_is_tolerated_and_said_to_be(self, x: Tensor) -> None:
        leaky = with_pair_leak(lambda x: x, 1e-3, (0, 4, 0), (0, 5, 0))
        tolerant = certify(leaky, x, threshold=0.1, cuts="all")
        assert_verdict(tolerant, Verdict.TOLERATED)
        assert tolerant.ok
        assert tolerant.temporal.residue > 0
        assert_verdict(certify(leaky, x, threshold=1e-5, cuts="all"), Verdict.LEAK)

    def test_each_cut_is_judged_on_its_own(self, x: Tensor) -> None:
        # a leak that is large in its own cut and nothing beside the gradients of later cuts
        def fn(x: Tensor) -> Tensor:
            y = torch.cat([1e-6 * x[:, :1], 1e6 * x[:, 1:]], 1)
            y[:, 0] = y[:, 0] + 1e-7 * x[:, 1]
            return y

        assert_verdict(certify(fn, x, threshold=1e-3), Verdict.LEAK)


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"x": torch.ones(2, 5, dtype=torch.long), "cuts": "all"}, "floating tensor, got torch.int64"),
            ({"lengths": (0,)}, "lengths must hold whole numbers >= 1"),
            ({"batch_sizes": (2.5,)}, "batch_sizes must hold whole numbers >= 1"),
            ({"x": torch.ones(2, 5, dtype=torch.cfloat)}, "must be real, got torch.complex64"),
            ({"x": [1.0, 2.0]}, r"x\[0\] of several inputs must be a floating torch.Tensor, got float"),
            ({"x": torch.ones(5)}, "wrong rank"),
            ({"x": torch.ones(2, 5), "seq_dim": 2}, "wrong rank"),
            ({"x": torch.ones(2, 5), "batch_dim": 1}, "the same axis"),
            ({"x": torch.ones(2, 5), "batch_dim": -1}, "the same axis"),
            ({"x": torch.ones(2, 1, 3)}, "T >= 2"),
            ({"x": torch.ones(0, 5, 3)}, "no entries"),
            ({"cuts": "some"}, "'all', 'rand', 'coded', got 'some'"),
            ({"cuts": "rand", "K": 0}, "K must be at least 1"),
            ({"threshold": -1e-9}, "threshold must be"),
            ({"threshold": float("nan")}, "threshold must be"),
            ({"threshold": float("inf")}, "threshold must be"),
            ({"threshold": "a"}, "threshold must be"),
            ({"K": "a", "cuts": "rand"}, "K must be"),
            ({"generator": 3}, "generator must be a torch.Generator, got 3"),
            ({"fn": None}, "fn must be callable"),
            ({"fn": lambda x: (x, x)}, "must return one tensor, got tuple"),
            ({"fn": lambda x: x[:, 1:]}, "as many positions as its input along seq_dim=1, got 4 for 5"),
            ({"fn": lambda x: x[1:]}, "as many examples as its input along batch_dim=0, got 1 for 2"),
            ({"fn": lambda x: x.sum()}, "fn.x. has the wrong rank"),
            ({"fn": lambda x: torch.fft.fft(x)}, "must return a real tensor, got torch.complex64"),
        ],
    )
    def test_are_invalid_arguments(self, arguments: dict[str, object], message: str) -> None:
        given: dict[str, Any] = {"fn": cumsum, "x": torch.randn(2, 5, 3), **arguments}
        with pytest.raises(InvalidArgument, match=message) as caught:
            certify(**given)
        text = str(caught.value)
        assert text.startswith("certify: ")
        assert "\n" not in text

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1)), "submodule '1'"),
            (nn.Dropout(0.5), "the module itself"),
            (nn.Sequential(nn.AlphaDropout(0.1)), "submodule '0'"),
            (nn.Sequential(nn.MultiheadAttention(4, 2, dropout=0.2)), "submodule '0'"),
            (nn.GRU(4, 4, num_layers=2, dropout=0.3), "the module itself"),
            (Attention(), "the module itself"),
        ],
    )
    def test_dropout_in_train_mode(self, module: nn.Module, name: str, x: Tensor) -> None:
        for fn in (module, module.forward, partial(module), partial(partial(module.forward))):
            with pytest.raises(InvalidArgument, match=rf"{name} of \w+ drops out at random .*\.eval\(\)"):
                certify(fn, x)

    def test_train_mode_without_dropout_is_fine(self, x: Tensor) -> None:
        assert certify(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0)).train(), x).ok
        assert certify(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).eval(), x).ok
        assert certify(Attention().eval(), x).ok


class TestSideEffects:
    def test_nothing_of_the_caller_changes(self, x: Tensor) -> None:
        model, before = nn.Linear(4, 4), x.clone()
        x.requires_grad_()
        state = torch.random.get_rng_state()
        certify(lambda x: model(x).cumsum(1).flip(1), x)
        assert torch.equal(x, before)
        assert x.grad is None
        assert all(
            parameter.grad is None and parameter.dtype == torch.float32 for parameter in model.parameters()
        )
        assert torch.equal(torch.random.get_rng_state(), state)

    @pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
    def test_gradients_are_on_whatever_the_caller_set(
        self, x: Tensor, context: type[AbstractContextManager[None]]
    ) -> None:
        with context():
            assert_verdict(certify(cumsum, x.clone()), Verdict.CAUSAL)

    def test_a_function_that_writes_into_its_input(self, x: Tensor) -> None:
        before = x.clone()
        assert_verdict(certify(lambda x: x.mul_(2).cumsum(1), x), Verdict.CAUSAL)
        assert torch.equal(x, before)

    def test_errors_of_the_function_pass_through(self, x: Tensor) -> None:
        with pytest.raises(RuntimeError, match=r"shapes cannot be multiplied"):
            certify(nn.Linear(5, 5), x)


class TestReport:
    def test_counts_and_provenance(self, x: Tensor) -> None:
        report = certify(cumsum, x.double(), cuts="all")
        assert report.vjps == 9 + 3
        assert (report.dtype, report.device) == ("float64", "cpu")
        assert report.theorem == theorems.RUNNER_AGREE
        assert report.theorem in report.summary()

    def test_is_frozen_and_has_no_truth_value_of_its_own(self, x: Tensor) -> None:
        report = certify(cumsum, x)
        with pytest.raises(AttributeError):
            report.T = 3  # type: ignore[misc]
        assert "__bool__" not in vars(CausalCertificate)

    def test_the_reason_is_that_of_the_graver_family(self, x: Tensor) -> None:
        report = certify(with_pair_leak(cumsum, 1e-3, (0, 4, 0), (0, 5, 0)), x)
        assert report.reason == report.temporal.reason

    def test_energies_of_half_precision_do_not_overflow(self, x: Tensor) -> None:
        report = certify(lambda x: 300 * x, x.half(), cuts="all")
        assert 0 < report.temporal_total < float("inf")

    def test_both_families_are_named_when_both_fail_differently(self, x: Tensor) -> None:
        report = certify(lambda x: x + x.flip(1) + 1e-3 * x.flip(0), x)
        assert report.temporal.verdict is present(report.batch).verdict is Verdict.LEAK
        assert report.temporal.reason in report.reason
        assert f"cross-batch: {present(report.batch).reason}" in report.reason

    def test_row(self, x: Tensor) -> None:
        row = certify(cumsum, x, cuts="all").rows("running sum")[0]
        assert (row.subject, row.check, row.verdict) == ("running sum", "certificate", Verdict.CAUSAL)
        probed = "9 cuts, 6 ordered pairs of examples, 12 VJPs, up to 9 at once"
        assert row.evidence == f"every probe was exactly zero; {probed}"
        assert row.theorem == theorems.RUNNER_AGREE
        leak = certify(with_pair_leak(cumsum, 1e-3, (0, 4, 0), (0, 5, 0)), x, cuts="all").rows("leaky")[0]
        assert leak.evidence.startswith("t=4 <- s=5: ")


class TestAssertion:
    def test_passes_and_returns_the_report(self, x: Tensor) -> None:
        assert assert_strictly_causal(cumsum, x) == certify(cumsum, x)

    def test_message(self, x: Tensor) -> None:
        leaky = with_pair_leak(cumsum, 1e-3, (0, 4, 1), (0, 5, 2))
        with pytest.raises(CheckFailed) as caught:
            assert_strictly_causal(leaky, x, K=3, seed=5, cuts="all")
        error = caught.value
        assert isinstance(error, AssertionError)
        text = str(error)
        assert text.startswith("certificate: LEAK: ")
        found = "1 of 9 cuts have gradient at a later input; greatest entry: "
        assert line(text, "1 of 9").startswith(found)
        assert line(text, "Allowed").startswith("Allowed: exactly 0")
        assert line(text, "Repeat") == (
            "Repeat : certify(fn, x, cuts='all', K=3, seed=5)"
            "  # fn: with_pair_leak.<locals>.leaky, x: float32 (3, 10, 4) on cpu"
        )
        assert "worst pair : t=4 <- s=5: |dy[0, 4, 1] / dx[0, 5, 2]| = 1.000e-03" in str(error)
        assert theorems.RUNNER_AGREE in str(error)
        assert error.report.verdict is Verdict.LEAK

    def test_message_of_a_batch_leak(self, x: Tensor) -> None:
        with pytest.raises(CheckFailed, match="2 of 3 examples have gradient at another example"):
            assert_strictly_causal(read_neighbour_example, x)

    def test_survives_pickling(self, x: Tensor) -> None:
        with pytest.raises(CheckFailed) as caught:
            assert_strictly_causal(read_neighbour_example, x, cuts="all")
        copy = pickle.loads(pickle.dumps(caught.value))
        assert str(copy) == str(caught.value)
        assert copy.report == caught.value.report
