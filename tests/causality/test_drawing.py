from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scanproof import (
    CheckFailed,
    InvalidArgument,
    Verdict,
    assert_strictly_causal,
    certify,
    check_batch,
    check_perturbation,
    check_prefix,
    draw_input,
)
from scanproof.causality.gradients import certificate
from scanproof.foundation.drawing import STRATEGIES, some_of
from scanproof.report.report import CheckReport
from verdicts import assert_verdict, pair_of
from zoo.models import MODELS
from zoo.specimen import Model

CHECKS: list[Callable[..., Any]] = [certify, partial(certify, cuts="coded"), check_prefix, check_perturbation]


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def gated(x: Tensor) -> Tensor:
    """Read the next position where a gate opens that is closed at positive inputs."""
    return x.cumsum(1) + torch.relu(-x).roll(-1, 1)


class TestDraws:
    @pytest.mark.parametrize("number", range(1, 14))
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_are_repeatable_and_like_x(self, number: int, dtype: torch.dtype) -> None:
        x = numbers(2, 9, 4).to(dtype)
        drawn = draw_input(x, number)
        assert (drawn.shape, drawn.dtype) == (x.shape, dtype)
        assert drawn.isfinite().all()
        assert torch.equal(drawn, draw_input(x, number))
        if number % 6 != 5:  # constant
            assert not torch.equal(drawn, draw_input(x, number, seed=1))
        assert not torch.equal(drawn, draw_input(x, number + 1))

    def test_do_what_their_names_say(self) -> None:
        x = numbers(2, 50, 40)
        drawn = {name: draw_input(x, number) for number, name in enumerate(STRATEGIES, 1)}
        assert torch.equal(drawn["signs"].abs(), x.abs())
        ratio = (drawn["scales"] / x).abs().log10()
        assert ratio.min() < -2 < 2 < ratio.max()
        assert (ratio - ratio[:, :1]).abs().max() < 1e-4  # one for each channel
        assert 0.2 < drawn["sparse"].ne(0).float().mean() < 0.3
        assert drawn["saturating"].abs().max() > 1000 * x.abs().max()
        assert torch.equal(drawn["constant"], x[:, :1].expand_as(x))
        assert torch.equal(drawn["shuffled"].sort(1).values, x.sort(1).values)

    def test_of_zeros_are_not_zero(self) -> None:
        assert all(draw_input(torch.zeros(1, 5, 2), number).any() for number in range(1, 5))

    def test_of_several_inputs_have_their_structure(self) -> None:
        x = {"a": numbers(2, 3, 9), "b": numbers(2, 9)}
        drawn = draw_input(x, 1, seq_dim=-1)
        assert list(drawn) == ["a", "b"]
        assert all(drawn[name].shape == x[name].shape for name in x)

    def test_of_token_ids_stay_within_the_vocabulary(self) -> None:
        ids = torch.randint(3, 9, (2, 40), generator=torch.Generator().manual_seed(0))
        assert set(draw_input(ids, 1).unique().tolist()) <= set(ids.unique().tolist())
        assert draw_input(ids, 1, vocab_size=100).max() > 9
        assert torch.equal(draw_input(ids, 2).sort(1).values, ids.sort(1).values)

    def test_without_shared_positions_are_along_the_first_axis_that_holds_no_examples(self) -> None:
        x = {"a": numbers(3, 5, 2), "b": numbers(3, 7)}
        constant = draw_input(x, 5, seq_dim=None)
        assert all(torch.equal(constant[name], x[name][:, :1].expand_as(x[name])) for name in x)

    @pytest.mark.parametrize("number", [0, -1, 1.5])
    def test_wrong_numbers(self, number: Any) -> None:
        with pytest.raises(InvalidArgument, match="draw_input: number must be"):
            draw_input(numbers(1, 3, 2), number)


class TestGates:
    @pytest.mark.parametrize("check", CHECKS)
    def test_a_leak_behind_a_gate_that_x_leaves_closed(self, check: Callable[..., Any]) -> None:
        x = numbers(2, 17, 3).abs()
        leaky = gated if check is not check_prefix else prefix_gated
        # reading sees what is behind a gate
        cuts: dict[str, Any] = {"cuts": "all"} if check is certify else {}
        alone = check(
            leaky, x, cases=1, **cuts, **({"kinds": "zeros"} if check is check_perturbation else {})
        )
        assert_verdict(alone, Verdict.CAUSAL)
        report = check(leaky, x, **cuts)
        assert_verdict(report, Verdict.LEAK)

    def test_the_report_says_where_and_its_call_repeats_it(self) -> None:
        x = numbers(2, 17, 3).abs()
        report = certify(gated, x)
        assert [tried.verdict for tried in report.cases] == [Verdict.CAUSAL, Verdict.LEAK]
        assert "  found at   : draw_input(x, 1), signs" in report.summary().splitlines()
        pair = pair_of(report)
        assert pair.s == pair.t + 1
        assert report.call.startswith("certify(fn, draw_input(x, 1), cuts='coded', cases=1, seed=0)")
        again = certify(
            gated,
            draw_input(x, 1),
            cuts="coded",
            cases=1,
            seed=report.seed,
        )
        assert (again.verdict, again.worst) == (Verdict.LEAK, report.worst)
        with pytest.raises(CheckFailed, match=r"draw_input\(x, 1\), signs"):
            assert_strictly_causal(gated, x)

    def test_examples_that_read_each_other_behind_a_gate(self) -> None:
        x = numbers(3, 9, 2).abs()
        leaky = lambda x: x.cumsum(1) + torch.relu(-x).roll(1, 0)  # noqa: E731
        assert certify(leaky, x, cases=1, cuts="all").ok
        report = certify(leaky, x, cuts="all")
        assert not report.is_batch_independent
        assert report.is_strictly_causal


def prefix_gated(x: Tensor) -> Tensor:
    return x.cumsum(1) + torch.relu(-x).flip(1).cumsum(1).flip(1)


class TestTheGivenInputDecides:
    def test_drawn_inputs_that_say_nothing_are_counted(self) -> None:
        x = numbers(2, 9, 2).abs()
        report = certify(lambda x: x.cumsum(1).log(), x, cuts="all")  # NaN at other signs
        assert_verdict(report, Verdict.CAUSAL)
        assert [tried.informative for tried in report.cases][:2] == [True, False]
        assert (
            " conclusive: x, signs (coded cuts), scales (coded cuts), sparse (coded cuts)\n"
            in report.summary()
        )

    def test_reports_say_what_of_the_check_is_made_at_drawn_inputs(self) -> None:
        x = numbers(2, 41, 2)
        cumsum = lambda x: x.cumsum(1)  # noqa: E731
        parts: dict[Callable[..., CheckReport], str] = {
            check_prefix: "signs (5 of 40 prefixes)",
            check_perturbation: "signs (5 of 40 cuts, noise)",
            check_batch: "signs (noise)",
        }
        for check, part in parts.items():
            assert part in check(cumsum, x).summary()
        assert ": x, signs, scales, sparse\n" in certify(cumsum, x, cuts="coded").summary()

    def test_a_function_that_refuses_them_is_not_blamed(self) -> None:
        def fn(x: Tensor) -> Tensor:
            if (x < 0).any():
                raise ValueError("positive numbers only")
            return x.cumsum(1)

        given: dict[Callable[..., Any], dict[str, Any]] = {
            check_perturbation: {"kinds": ("zeros",)},
            certify: {"cuts": "all"},
        }
        for check in CHECKS:
            options = given.get(check, {})
            report = check(fn, numbers(2, 9, 2).abs(), **options)
            assert_verdict(report, Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING)
            assert "positive numbers only" in report.cases[1].reason

    def test_nothing_at_x_stays_inconclusive(self) -> None:
        report = certify(lambda x: torch.relu(x).cumsum(1), -numbers(2, 9, 2).abs())
        assert_verdict(report, Verdict.INCONCLUSIVE)
        assert not report.cases[0].informative
        assert report.cases[1].verdict is Verdict.CAUSAL

    def test_a_leak_at_x_tries_no_other(self) -> None:
        assert len(certify(lambda x: x.flip(1), numbers(2, 9, 2)).cases) == 1

    def test_random_cuts_are_a_monitor_of_x_alone(self) -> None:
        x = numbers(2, 9, 2)
        assert len(certify(lambda x: x.cumsum(1), x, cuts="rand").cases) == 1
        assert len(certify(lambda x: x.cumsum(1), x, cuts="rand", cases=3).cases) == 3

    @pytest.mark.parametrize("check", CHECKS)
    @pytest.mark.parametrize("cases", [0, -1, 1.5, "4", True])
    def test_wrong_numbers(self, check: Callable[..., Any], cases: Any) -> None:
        with pytest.raises(InvalidArgument, match="cases must be a whole number >= 1"):
            check(lambda x: x, numbers(1, 4, 2), cases=cases)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**60))
def test_every_seed_repeats(seed: int) -> None:
    x = numbers(1, 7, 2).abs()
    report = certify(gated, x, seed=seed)
    assert_verdict(report, Verdict.LEAK)
    assert f"draw_input(x, {len(report.cases) - 1}" in report.call
    assert (f", seed={seed})" in report.cases[1].source) == (seed != 0)


@pytest.mark.parametrize("model", [m for m in MODELS if m.ids is None and m.T < 50], ids=lambda m: m.name)
def test_causal_models_pass_at_drawn_inputs(model: Model) -> None:
    fn, x = model.at(torch.float32), model.x()
    checks: tuple[Callable[..., Any], ...] = (certify, check_prefix, check_perturbation)
    for check in checks:
        cuts: dict[str, Any] = {"cuts": "all"} if check is certify else {}  # reading leaves algebra open
        report = check(fn, x, alignment=model.alignment, cases=7, **cuts)
        assert report.verdict.passed, report.summary()
        assert len(report.cases) <= 7
    assert check_batch(fn, x, cases=7).verdict.passed


def test_a_screen_that_examples_disturb_settles_nothing() -> None:
    coupled = lambda x: x.cumsum(1) / (1 + x[:, 0].detach().abs().mean())  # noqa: E731
    assert certify(coupled, numbers(2, 9, 2), cuts="all").ok


def test_drawn_inputs_go_together_only_where_cotangents_do(monkeypatch: pytest.MonkeyPatch) -> None:
    screened: list[int] = []

    def screen(draws: list[Tensor], *_: object) -> dict[str, Any]:
        screened.append(len(draws))
        return {}

    monkeypatch.setattr(certificate, "screen", screen)
    cumsum, x = lambda x: x.cumsum(1), numbers(1, 9, 2)
    alone = certify(cumsum, x, memory_budget=1, cuts="all")
    assert (alone.batching.rows, screened) == (1, [])
    assert all(tried.verdict is Verdict.CAUSAL for tried in alone.cases)
    assert certify(cumsum, x, cuts="all").batching.rows > 1
    assert screened == [3]


@pytest.mark.parametrize("count", [1, 3, 4, 12, 100])
def test_each_drawn_input_has_other_cuts(count: int) -> None:
    cuts = tuple(range(1, count + 1))
    chosen = [some_of(cuts, number) for number in range(1, 9)]
    assert all(len(few) >= min(4, count) for few in chosen)
    assert set().union(*chosen) == set(cuts)
