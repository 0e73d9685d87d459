from collections.abc import Callable
from dataclasses import replace
from math import ceil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scanproof import CheckFailed, Verdict, assert_strictly_causal, certify
from scanproof.causality.gradients.coded import BITS, LIMIT, WINDOW, CodedSweep, coded_sweep, windows_of
from scanproof.causality.gradients.pullback import Pullback
from scanproof.foundation.alignment import SAME
from scanproof.foundation.contract import Axes
from verdicts import assert_verdict, pair_of
from zoo.attention import causal_attention
from zoo.convolution import causal_conv, fft_conv
from zoo.injected import with_pair_leak
from zoo.mixing import shifted
from zoo.scans import ema


def cumsum(x: Tensor) -> Tensor:
    return x.cumsum(1)


def conv(x: Tensor) -> Tensor:
    return causal_conv(x, torch.tensor([0.5, -1.0, 2.0]).expand(4, 1, 3))


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def sweep_of(jacobian: Tensor) -> CodedSweep:
    """Sweep the linear map whose matrix is ``jacobian`` (T, T)."""
    x = torch.ones(1, len(jacobian), 1, dtype=torch.float64)
    pullback = Pullback(lambda x: jacobian @ x, x, lambda y: y)
    return coded_sweep(
        pullback, SAME.order(len(jacobian), len(jacobian)), Axes(1, 0), torch.Generator().manual_seed(0)
    )


class TestSweep:
    @pytest.mark.parametrize("T", [2, 3, 95, 96, 97, 192, 193, 1024])
    def test_two_products_per_window_of_96(self, T: int) -> None:
        report = certify(cumsum, numbers(1, T, 2), cuts="coded")
        assert_verdict(report, Verdict.CAUSAL)
        assert report.vjps == 2 * ceil(T / 96)
        assert [t for window in windows_of(T) for t in range(*window)] == list(range(T))

    @pytest.mark.parametrize("distance", range(1, 200, 7))
    @pytest.mark.parametrize("parity", [0, 1])
    def test_no_distance_of_a_leak_escapes(self, distance: int, parity: int) -> None:
        jacobian = torch.eye(210, dtype=torch.float64)
        jacobian[5, 5 + distance + parity] = 1e-10
        assert sweep_of(jacobian).flagged == ((0, 96),)

    @pytest.mark.parametrize("distance", [1, 2, 3, 4, 95])
    def test_a_leak_of_the_same_distance_everywhere(self, distance: int) -> None:
        # nothing to compare with: every position leaks as much as its neighbour
        jacobian = torch.eye(200, dtype=torch.float64).tril() + 1e-10 * torch.ones(200, 200).triu(distance)
        assert sweep_of(jacobian - 1e-10 * torch.ones(200, 200).triu(distance + 1)).flagged

    def test_beyond_the_window_anything_but_zero_is_flagged(self) -> None:
        jacobian = torch.eye(200, dtype=torch.float64)
        jacobian[10, 96] = 1e-300
        assert sweep_of(jacobian).flagged == ((0, 96),)
        jacobian[100, 199] = 1e-300
        assert sweep_of(jacobian).flagged == ((0, 96), (96, 192))

    def test_the_residue_is_what_the_identity_says(self) -> None:
        eye = torch.eye(8, dtype=torch.float64)
        assert sweep_of(eye).residue == 0
        below = torch.diag_embed(torch.ones(7, dtype=torch.float64), -1)
        assert 0.5 < sweep_of(eye + below).residue / 2.0 ** -(2 * BITS + 1) < 2
        above = 1e-12 * torch.diag_embed(torch.ones(7, dtype=torch.float64), 1)
        assert 0.5 < sweep_of(eye + above).residue / 1e-12 < 2

    def test_the_detection_limit_is_where_it_is_said_to_be(self) -> None:
        def flagged(amplitude: float) -> bool:
            jacobian = torch.eye(50, dtype=torch.float64)
            jacobian[20, 21] = amplitude
            return bool(sweep_of(jacobian).flagged)

        assert flagged(2 * LIMIT)  # u is at least half of the greatest u
        assert not flagged(LIMIT / 2)

    def test_each_example_is_measured_by_itself(self) -> None:
        scales = torch.tensor([1e12, 1.0])[:, None, None]
        leaky = with_pair_leak(lambda x: x * scales.to(x.dtype), 1e-8, (1, 2, 0), (1, 3, 0))
        report = certify(leaky, numbers(2, 9, 1).double(), cuts="coded")
        assert_verdict(report, Verdict.LEAK)

    def test_a_budget_of_memory_splits_the_sweep_and_changes_nothing(self) -> None:
        whole = certify(ema, numbers(1, 300, 4), cuts="coded")
        split = certify(ema, numbers(1, 300, 4), cuts="coded", memory_budget=1)
        assert (whole.batching.rows, split.batching.rows) == (8, 1)
        assert replace(split, batching=whole.batching, call=whole.call) == whole

    @settings(max_examples=60, deadline=None)
    @given(st.integers(2, 230), st.integers(0, 2**32), st.integers(0, 10), st.booleans(), st.data())
    def test_random_matrices(self, T: int, seed: int, digits: int, leaks: bool, data: st.DataObject) -> None:
        generator = torch.Generator().manual_seed(seed)
        jacobian = torch.randn(T, T, generator=generator, dtype=torch.float64).tril(-1) + torch.eye(T)
        if leaks:
            t = data.draw(st.integers(0, T - 2))
            jacobian[t, data.draw(st.integers(t + 1, T - 1))] = 10.0**-digits
        flagged = sweep_of(jacobian).flagged
        assert (
            flagged == (((first := t // WINDOW * WINDOW), min(first + WINDOW, T)),) if leaks else not flagged
        )


class TestVerdict:
    @pytest.mark.parametrize(
        ("T", "t", "s", "amplitude"),
        [
            *((200, 7, 8, amplitude) for amplitude in (1e-2, 1e-5, 1e-8, 1e-10)),
            *((200, 95, 96, amplitude) for amplitude in (1e-2, 1e-10)),
            (1024, 500, 502, 1e-2),
            (1024, 500, 501, 1e-10),
            (1024, 100, 1000, 1e-10),
        ],
    )
    @pytest.mark.parametrize("fn", [causal_attention, conv, ema], ids=["attention", "convolution", "scan"])
    def test_a_small_leak_in_a_long_sequence(
        self, fn: Callable[[Tensor], Tensor], T: int, t: int, s: int, amplitude: float
    ) -> None:
        report = certify(with_pair_leak(fn, amplitude, (0, t, 1), (0, s, 2)), numbers(1, T, 4), cuts="coded")
        assert_verdict(report, Verdict.LEAK)
        pair = pair_of(report)
        assert (pair.t, pair.s) == (t, s)
        assert pair.size == pytest.approx(amplitude, rel=1e-4)
        assert report.coded is not None
        first = t // WINDOW * WINDOW
        assert report.coded.flagged == ((first, min(first + WINDOW, T)),)
        assert report.cuts_probed == WINDOW

    def test_an_fft_convolution_is_settled_by_exact_cuts(self) -> None:
        kernel = numbers(130, 2)
        report = certify(lambda x: fft_conv(x, kernel), numbers(1, 130, 2), cuts="coded")
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
        assert report.coded is not None
        assert (len(report.coded.flagged), report.cuts_probed) == (2, 129)
        circular = certify(lambda x: fft_conv(x, kernel, padded=False), numbers(1, 130, 2), cuts="coded")
        assert_verdict(circular, Verdict.LEAK)

    def test_only_the_window_that_rounds_is_settled(self) -> None:
        kernel = numbers(10, 2)

        def fn(x: Tensor) -> Tensor:
            return torch.cat([x[:, :100], fft_conv(x[:, 100:110], kernel), x[:, 110:]], 1)

        report = certify(fn, numbers(1, 200, 2), cuts="coded")
        assert report.coded is not None
        assert report.coded.flagged == ((96, 192),)
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
        assert report.cuts_probed == 96
        assert report.coded.cuts == tuple(range(97, 193))

    def test_outputs_that_are_delayed(self) -> None:
        report = certify(shifted, numbers(1, 200, 2), cuts="coded")
        assert_verdict(report, Verdict.CAUSAL)
        assert report.vjps == 2 * 3 + 1  # the scale of outputs that do not read their own input
        leaky = certify(
            with_pair_leak(shifted, 1e-10, (0, 9, 0), (0, 10, 0)), numbers(1, 200, 2), cuts="coded"
        )
        assert_verdict(leaky, Verdict.LEAK)

    def test_examples_are_probed_as_ever(self) -> None:
        report = certify(lambda x: x.cumsum(1) + 1e-6 * x.flip(0), numbers(3, 9, 2), cuts="coded")
        assert report.is_strictly_causal
        assert not report.is_batch_independent

    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
    def test_axes_can_be_anywhere(self, order: tuple[int, ...]) -> None:
        leaky = with_pair_leak(cumsum, 1e-9, (1, 3, 2), (1, 5, 0))
        back = [order.index(axis) for axis in range(3)]
        report = certify(
            lambda z: leaky(z.permute(back)).permute(order),
            numbers(2, 9, 3).permute(order),
            cuts="coded",
            seq_dim=order.index(1),
            batch_dim=order.index(0) - 3,
        )
        pair = pair_of(report)
        assert (pair.t, pair.s, pair.output_example) == (3, 5, 1)

    def test_an_unbatched_input(self) -> None:
        x = numbers(9)
        assert certify(lambda x: x.cumsum(0), x, cuts="coded", seq_dim=0, batch_check=False).ok
        assert not certify(lambda x: x.flip(0), x, cuts="coded", seq_dim=0, batch_dim=None).ok


class NarrowBackward(torch.autograd.Function):
    """A cumulative sum whose backward casts to float32, out of reach of any precision asked for."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.cumsum(1)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient.float().flip(1).cumsum(1).flip(1).to(gradient.dtype)


class TestWithoutFloat64:
    def test_a_backward_that_casts_is_settled_by_exact_cuts(self) -> None:
        for T in (20, 150):
            report = certify(NarrowBackward.apply, numbers(1, T, 2), cuts="coded")
            assert_verdict(report, Verdict.CAUSAL)
            assert report.cuts_probed == T - 1
            leaky = with_pair_leak(NarrowBackward.apply, 1e-3, (0, 3, 0), (0, 9, 0))
            assert_verdict(certify(leaky, numbers(1, T, 2), cuts="coded"), Verdict.LEAK)

    def test_a_function_that_refuses_float64(self) -> None:
        def fn(x: Tensor) -> Tensor:
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return x.cumsum(1)

        report = certify(fn, numbers(1, 9, 2), cuts="coded")
        assert_verdict(report, Verdict.CAUSAL)
        assert report.cuts_probed == 8
        assert "no coded sweep, because run in float64, fn raised TypeError" in report.summary()
        assert certify(with_pair_leak(fn, 1e-3, (0, 1, 0), (0, 2, 0)), numbers(1, 9, 2), cuts="coded").worst

    def test_a_leak_of_the_given_precision_alone_is_found(self) -> None:
        def fn(x: Tensor) -> Tensor:
            return x.flip(1) if x.dtype == torch.float32 else x.cumsum(1)

        assert_verdict(certify(fn, numbers(1, 9, 2), cuts="coded"), Verdict.LEAK)


@pytest.mark.parametrize(
    ("fn", "reason"),
    [
        (lambda x: x * 0, "identically zero"),
        (lambda x: x.cumsum(1).detach(), "detached"),
        (lambda x: x * float("nan"), "NaN"),
        (lambda x: x.cumsum(1) + (x * 0).sqrt(), "gradients hold NaN"),
        (lambda x: torch.ones_like(x) + x * 0, "zero gradient"),
        (lambda x: x.round() + 1, "zero gradient"),
    ],
)
def test_nothing_to_test(fn: Callable[[Tensor], Tensor], reason: str) -> None:
    report = certify(fn, numbers(1, 9, 2), cuts="coded")
    assert_verdict(report, Verdict.INCONCLUSIVE)
    assert reason in report.reason
    assert not report.ok
    with pytest.raises(CheckFailed, match="INCONCLUSIVE"):
        assert_strictly_causal(fn, numbers(1, 9, 2), cuts="coded")


class TestReport:
    def test_of_a_bound(self) -> None:
        report = certify(cumsum, numbers(2, 200, 2), cuts="coded")
        assert report.summary().splitlines()[:5] == [
            "CausalCertificate(T=200, coded cuts)",
            "  temporal   : residue=4.547e-13  limit=1.455e-11  -> CAUSAL ABOVE THE LIMIT",
            "  cross-batch: leak=0.000e+00  frac=0.000e+00  -> BATCH-INDEPENDENT",
            "  coded      : 6 coded VJPs in float64, window 96, detection limit 1.5e-11",
            "  verdict    : CAUSAL: no pair above 1.5e-11 of the gradient nearby, and exactly zero beyond "
            "each window; cross-batch: every probe was exactly zero",
        ]
        assert report.detection_probability == 1.0
        assert report.mode == "coded"
        assert not report.exhaustive
        assert report.rows("sum")[0].evidence.endswith(
            "3 coded windows, 0 cuts, 2 ordered pairs of examples, 8 VJPs, up to 6 at once"
        )

    def test_of_a_leak(self) -> None:
        leaky = with_pair_leak(cumsum, 1e-9, (0, 100, 1), (0, 150, 0))
        with pytest.raises(CheckFailed) as caught:
            assert_strictly_causal(leaky, numbers(1, 200, 2), cuts="coded")
        text = str(caught.value)
        assert "50 of 96 cuts have gradient at a later input" in text
        assert "Repeat : certify(fn, x, cuts='coded', seed=0)" in text
        assert "1 of 3 windows decided by 96 exact cuts" in text
        assert "worst pair : t=100 <- s=150: |dy[0, 100, 1] / dx[0, 150, 0]| = 1.000e-09" in text

    def test_the_seed_repeats_it(self) -> None:
        first, second = (certify(ema, numbers(1, 20, 2), cuts="coded", seed=seed) for seed in (42, 43))
        assert first.coded != second.coded
        assert certify(ema, numbers(1, 20, 2), cuts="coded", seed=second.seed) == second
