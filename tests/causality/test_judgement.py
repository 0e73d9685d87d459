"""Rounding is told from information by evidence: FFT convolutions, hidden casts, code chosen by dtype."""

from collections.abc import Callable
from math import ceil, log2
from typing import Any

import pytest
import torch
from torch import Tensor

from scanproof import Verdict, certify, check_perturbation, check_prefix, theorems
from scanproof.causality.diagnosis.pattern import LINES
from scanproof.causality.gradients.probes import SUSPECTS
from scanproof.foundation.judgement import Rerun, rerun_at
from scanproof.foundation.precision import AtPrecision
from verdicts import assert_verdict, pair_of
from zoo.convolution import fft_conv
from zoo.injected import with_pair_leak
from zoo.specimen import D

T = 37
DTYPES = [torch.float32, torch.float64]


@pytest.fixture
def kernel(rng: torch.Generator) -> Tensor:
    return torch.randn(T, D, generator=rng)


@pytest.fixture(params=DTYPES, ids=["float32", "float64"])
def x(request: pytest.FixtureRequest, rng: torch.Generator) -> Tensor:
    return torch.randn(2, T, D, generator=rng).to(request.param)


class TestFFTConvolution:
    def test_zero_padded_is_causal_to_rounding(self, x: Tensor, kernel: Tensor) -> None:
        report = certify(lambda x: fft_conv(x, kernel), x)
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
        assert report.ok
        evidence = report.temporal.evidence
        assert evidence is not None
        assert 0 < evidence.high < 1e-12 < 1e-8 < evidence.low < 1e-4
        assert evidence.low_dtype == "float32"
        assert "CAUSAL TO ROUNDING" in report.summary()
        assert report.worst is None

    def test_circular_is_a_leak(self, x: Tensor, kernel: Tensor) -> None:
        assert_verdict(certify(lambda x: fft_conv(x, kernel, padded=False), x), Verdict.LEAK)

    @pytest.mark.parametrize("amplitude", [1e-3, 1e-6, 1e-9])
    def test_a_leak_below_its_rounding_is_found_with_the_right_pair(
        self, x: Tensor, kernel: Tensor, amplitude: float
    ) -> None:
        noisy = lambda x: fft_conv(x, kernel)  # noqa: E731
        report = certify(with_pair_leak(noisy, amplitude, (1, 20, 3), (1, 30, 0)), x)
        assert report.temporal.verdict is Verdict.LEAK
        pair = pair_of(report)
        assert (pair.output_index, pair.input_index) == ((1, 20, 3), (1, 30, 0))
        assert pair.size == pytest.approx(amplitude, rel=1e-3)

    @pytest.mark.parametrize("t", range(0, T - 1, 5))
    def test_a_leak_of_one_cut_that_rounds_least_is_found(self, x: Tensor, kernel: Tensor, t: int) -> None:
        noisy = lambda x: fft_conv(x, kernel)  # noqa: E731
        report = certify(with_pair_leak(noisy, 1e-10, (0, t, 0), (0, t + 1, 0)), x)
        assert report.temporal.verdict is Verdict.LEAK
        pair = pair_of(report)
        assert (pair.t, pair.s) == (t, t + 1)

    def test_rounding_costs_one_more_sweep_and_a_few_rows(self, kernel: Tensor, rng: torch.Generator) -> None:
        single = torch.randn(1, T, D, generator=rng)
        cuts = T - 1
        assert certify(lambda x: fft_conv(x, kernel), single).vjps == cuts + SUSPECTS + cuts
        kernel = kernel.double()
        assert certify(lambda x: fft_conv(x, kernel), single.double()).vjps == cuts + SUSPECTS

    def test_a_leak_costs_a_few_more_rows_and_the_search_for_pair_shape_and_place(
        self, rng: torch.Generator
    ) -> None:
        single = torch.randn(1, T, D, generator=rng)
        leaky = with_pair_leak(lambda x: x.cumsum(1), 1e-3, (0, 3, 0), (0, 30, 0))
        for x in (single, single.double()):
            report = certify(leaky, x)
            assert_verdict(report, Verdict.LEAK)
            pair, shape, place = 2 * ceil(log2(x.numel())) + 2, 2 * LINES, 8
            assert report.vjps <= T - 1 + SUSPECTS + pair + shape + place

    def test_hidden_casts_are_promoted(self, x: Tensor, kernel: Tensor) -> None:
        report = certify(lambda x: fft_conv(x.float(), kernel.half().float()).to(x.dtype), x)
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)

    def test_bfloat16_around_float32(self, kernel: Tensor, rng: torch.Generator) -> None:
        x = torch.randn(2, T, D, generator=rng).bfloat16()
        report = certify(lambda x: fft_conv(x.float(), kernel).to(x.dtype), x)
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)


class TestCodeChosenByDtype:
    """A leak that only the lower precision has must not pass as rounding because float64 has none."""

    @pytest.mark.parametrize(
        ("check", "amplitude", "verdict"),
        [
            (certify, 1e-7, Verdict.LEAK),
            (check_prefix, 1e-7, Verdict.INCONCLUSIVE),  # no bit changes when the future is replaced
            (certify, 1.0, Verdict.LEAK),
            (check_prefix, 1.0, Verdict.LEAK),
        ],
    )
    def test_is_not_rounding(
        self, check: Callable[..., Any], amplitude: float, verdict: Verdict, rng: torch.Generator
    ) -> None:
        def fn(x: Tensor) -> Tensor:
            return x + amplitude * x.sum(1, keepdim=True) if x.dtype == torch.float32 else x

        report = check(fn, torch.randn(2, T, D, generator=rng))
        assert report.verdict is verdict
        assert not report.ok

    def test_the_pair_is_the_one_of_the_lower_precision(self, rng: torch.Generator) -> None:
        def fn(x: Tensor) -> Tensor:
            hidden = x - x.detach()  # zero, with a gradient
            leaky = x + hidden.sum(1, keepdim=True)
            return leaky if x.dtype == torch.float32 else x

        report = certify(fn, torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.LEAK)
        assert report.temporal.evidence is not None
        assert report.temporal.evidence.high == 0
        pair = pair_of(report)
        assert (pair.t < pair.s, pair.size) == (True, 1.0)

    @pytest.mark.parametrize("check", [certify, check_prefix])
    def test_another_function_in_float64_is_no_evidence(
        self, check: Callable[..., Any], rng: torch.Generator
    ) -> None:
        def fn(x: Tensor) -> Tensor:
            low = x.dtype == torch.float32
            return x * (1 if low else 2) + (1e-6 if low else 1e-15) * x.sum(1, keepdim=True)

        report = check(fn, torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.LEAK)
        assert "run in float64, fn returns other outputs" in report.reason
        assert theorems.SAME_EXPRESSIONS in report.theorems


@torch.library.custom_op("scanproof_tests::convolve_in_float32", mutates_args=())
def convolve_in_float32(x: Tensor, kernel: Tensor) -> Tensor:
    return fft_conv(x.float(), kernel.float())


def _save(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.dtype, ctx.kernel = inputs[0].dtype, inputs[1]


convolve_in_float32.register_autograd(
    lambda ctx, gradient: (convolve_in_float32(gradient.flip(1), ctx.kernel).flip(1).to(ctx.dtype), None),
    setup_context=_save,
)


class TestSameProbe:
    def test_both_precisions_pull_back_the_same_cotangents(self, x: Tensor) -> None:
        evidence = certify(lambda x: x + 1e-3 * x.flip(1), x).temporal.evidence
        assert evidence is not None
        assert evidence.high == pytest.approx(evidence.low, rel=1e-5)

    def test_prefixes_name_the_place_that_float64_sees(self, kernel: Tensor, rng: torch.Generator) -> None:
        leaky = with_pair_leak(lambda x: fft_conv(x, kernel), 1e-8, (1, 20, 3), (1, 30, 0))
        report = check_prefix(leaky, torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.LEAK)
        assert report.worst is not None
        assert report.worst.index == (1, 20, 3)


class TestOutOfReach:
    """A kernel that rounds to float32 inside, whatever it is given."""

    def test_is_named_and_nothing_is_claimed(self, x: Tensor, kernel: Tensor) -> None:
        report = certify(lambda x: convolve_in_float32(x, kernel).to(x.dtype), x)
        assert_verdict(report, Verdict.INCONCLUSIVE)
        lower = "convolve_in_float32.default returns a lower precision than the float64 it is given"
        assert lower in report.reason
        assert report.worst is not None

    def test_a_large_leak_through_it_is_a_leak(self, x: Tensor, kernel: Tensor) -> None:
        report = certify(lambda x: convolve_in_float32(x + x.flip(1), kernel).to(x.dtype), x)
        assert_verdict(report, Verdict.LEAK)


class TestAutocast:
    def there_and_back(self, x: Tensor) -> Tensor:
        """Return x, by way of an orthogonal mixing of positions and back, rounded to bfloat16 on the way."""
        n = x.shape[1]
        angle = torch.arange(n)[:, None] * (2 * torch.arange(n)[None, :] + 1) * torch.pi / (2 * n)
        mixing = angle.cos() * (2 / n) ** 0.5
        mixing[0] /= 2**0.5
        with torch.autocast("cpu", torch.bfloat16):
            return torch.matmul(mixing.T, torch.matmul(mixing, x)).to(x.dtype)

    def test_its_rounding_is_rounding(self, rng: torch.Generator) -> None:
        report = certify(self.there_and_back, torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)
        evidence = report.temporal.evidence
        assert evidence is not None
        assert evidence.high < 1e-5 < 1e-3 < evidence.low

    def test_a_leak_under_it_is_a_leak(self, rng: torch.Generator) -> None:
        leaky = with_pair_leak(self.there_and_back, 1e-5, (0, 5, 0), (0, 30, 1))
        report = certify(leaky, torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.LEAK)
        pair = pair_of(report)
        assert (pair.t, pair.s) == (5, 30)


@torch.library.custom_op("scanproof_tests::mirror_in_float32", mutates_args=())
def mirror_in_float32(x: Tensor, amplitude: float) -> Tensor:
    if x.dtype != torch.float32:
        raise TypeError("compiled for float32 only")
    return x + amplitude * x.flip(1)


mirror_in_float32.register_autograd(
    lambda ctx, gradient: (mirror_in_float32(gradient, ctx.amplitude), None),
    setup_context=lambda ctx, inputs, output: setattr(ctx, "amplitude", inputs[1]),
)


class TestNoSecondPrecision:
    def only_float32(self, amplitude: float) -> Callable[[Tensor], Tensor]:
        class Kernel(torch.autograd.Function):
            @staticmethod
            def forward(ctx: object, x: Tensor) -> Tensor:
                if x.dtype != torch.float32:
                    raise TypeError("compiled for float32 only")
                return x + amplitude * x.flip(1)

            @staticmethod
            def backward(ctx: object, gradient: Tensor) -> Tensor:
                return gradient + amplitude * gradient.flip(1)

        return Kernel.apply

    @pytest.mark.parametrize("check", [certify, check_prefix])
    def test_finite_fields_find_a_small_leak(self, check: Callable[..., Any], rng: torch.Generator) -> None:
        report = check(self.only_float32(1e-6), torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.LEAK)
        assert theorems.SAME_EXPRESSIONS in report.theorems

    @pytest.mark.parametrize("check", [certify, check_prefix])
    def test_a_small_residue_of_a_kernel_is_inconclusive_with_the_reason(
        self, check: Callable[..., Any], rng: torch.Generator
    ) -> None:
        report = check(lambda x: mirror_in_float32(x, 1e-6), torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert "run in float64, fn raised TypeError: compiled for float32 only" in report.reason

    @pytest.mark.parametrize("check", [certify, check_prefix])
    def test_a_large_residue_is_a_leak(self, check: Callable[..., Any], rng: torch.Generator) -> None:
        report = check(self.only_float32(0.5), torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.LEAK)

    def test_the_pair_is_named_even_so(self, rng: torch.Generator) -> None:
        pair = pair_of(certify(self.only_float32(1e-6), torch.randn(2, T, D, generator=rng)))
        assert pair.t + pair.s == T - 1

    def test_no_residue_needs_no_second_precision(self, rng: torch.Generator) -> None:
        assert_verdict(certify(self.only_float32(0.0), torch.randn(2, T, D, generator=rng)), Verdict.CAUSAL)


class TestSumsThatFloat64HoldsExactly:
    """A float32 input has so few digits that its sums do not round in float64."""

    @pytest.mark.parametrize("check", [certify, check_prefix, check_perturbation])
    def test_their_rounding_is_rounding(self, check: Callable[..., Any], rng: torch.Generator) -> None:
        def fn(x: Tensor) -> Tensor:
            return x.sum(1, keepdim=True) - (x.flip(1).cumsum(1).flip(1) - x)

        report = check(fn, torch.randn(2, T, D, generator=rng))
        assert_verdict(report, Verdict.CAUSAL_TO_ROUNDING)

    def test_digits_are_added_only_where_float64_finds_nothing(self) -> None:
        def probe(mode: AtPrecision) -> Rerun:
            asked.append(mode.input(torch.ones(1)).item())
            return Rerun(residues[len(asked) - 1], torch.float32, frozenset())

        for dtype, residues, calls in (
            (torch.float64, [1e-12], 1),
            (torch.float64, [0.0, 1e-16], 2),
            (torch.float32, [0.0], 1),
        ):
            asked: list[float] = []
            found = rerun_at(dtype, probe)
            assert not isinstance(found, str)
            assert found.residue == residues[-1]
            assert [one == 1 for one in asked] == [True, False][:calls]

    def test_a_precision_that_overflows_says_nothing(self) -> None:
        found = rerun_at(torch.float32, lambda mode: Rerun(torch.inf, mode.dtype, frozenset()))
        assert found == "run in float32, outputs are not finite"

        def fn(x: Tensor) -> Tensor:  # large values overflow in float32 alone
            return x + x.sum(1, keepdim=True) ** 15

        x = torch.randn(2, 5, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        assert_verdict(check_perturbation(fn, x), Verdict.LEAK)

    def test_another_function_at_those_digits_says_nothing(self) -> None:
        found = rerun_at(
            torch.float64,
            lambda mode: Rerun(0.0, mode.dtype, frozenset()) if mode.input(torch.ones(1)) == 1 else "no",
        )
        assert found == Rerun(0.0, torch.float64, frozenset())
