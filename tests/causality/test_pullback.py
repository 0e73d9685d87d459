from collections.abc import Callable
from itertools import accumulate
from math import comb
from typing import Any

import pytest
import torch
from torch import Tensor

from scanproof import InvalidArgument, Verdict, certify
from scanproof.causality.gradients.copies import separating_halves
from scanproof.causality.gradients.pullback import FEWEST, Batching, Pullback
from verdicts import assert_verdict, pair_of
from zoo.attention import attention, lower
from zoo.injected import with_pair_leak
from zoo.models import MODELS
from zoo.scans import ema
from zoo.specimen import D, Model


class Opaque(torch.autograd.Function):
    """Cumulative sum whose backward no vectorised pass can go through, because it looks at the numbers."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.cumsum(1)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        if gradient.abs().max().item() == 0:
            return gradient
        return gradient.flip(1).cumsum(1).flip(1)


def record(fn: Callable[[Tensor], Tensor], x: Tensor, **options: Any) -> Pullback:
    return Pullback(fn, x, lambda y: y, **options)


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(2, 6, D, generator=rng)


OPAQUE = Model(name="opaque", fn=Opaque.apply)


@pytest.mark.parametrize(
    "model", [*(model for model in MODELS if "exact" in model.modes), OPAQUE], ids=lambda model: model.name
)
def test_stacked_and_single_products_are_those_of_autograd(model: Model) -> None:
    fn, x = model.at(torch.float32), model.x()
    pullback = record(fn, x)
    cotangents = pullback.draw(5, torch.Generator().manual_seed(0))
    leaf = x.clone().requires_grad_()
    y = fn(leaf)
    expected = [torch.autograd.grad(y, leaf, cotangent, retain_graph=True)[0] for cotangent in cotangents]
    torch.testing.assert_close(pullback.pull(cotangents), torch.stack(expected))
    torch.testing.assert_close(pullback.pull(cotangents[:1]), expected[0][None])
    assert pullback.vjps == 6


def leaky(x: Tensor) -> Tensor:
    """Opaque, with a leak of one pair in every example."""
    y = Opaque.apply(x)
    y[:, 30, 1] = y[:, 30, 1] + 1e-3 * x[:, 33, 2]
    return y


class TestWithoutABatchingRule:
    """Operations that no vectorised backward pass can go through."""

    @pytest.fixture
    def x(self, rng: torch.Generator) -> Tensor:
        return torch.randn(2, 40, D, generator=rng)

    def test_there_is_none_for_the_example(self, x: Tensor) -> None:
        y = Opaque.apply(leaf := x.clone().requires_grad_())
        with pytest.raises(RuntimeError, match="Batching rule not implemented"):
            torch.autograd.grad(y, leaf, torch.ones(2, *y.shape), is_grads_batched=True)

    def test_copies_of_the_batch_take_the_cotangents(self, x: Tensor) -> None:
        report = certify(Opaque.apply, x, cuts="all")
        assert_verdict(report, Verdict.CAUSAL)
        assert report.batching == Batching(39, copies=True)
        assert report.vjps == 39 + 2 + (2 + 8)  # two compare copies, eight tell them apart
        assert "up to 39 at once on copies of the batch" in report.summary()

    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
    def test_products_are_those_of_autograd_wherever_the_batch_is(
        self, x: Tensor, order: tuple[int, ...]
    ) -> None:
        back = [order.index(axis) for axis in range(3)]
        fn = lambda z: Opaque.apply(z.permute(back).tanh()).permute(order)  # noqa: E731
        z = x[:, :9].permute(order)
        copied = record(fn, z, batch_dim=order.index(0) - 3)
        cotangents = copied.draw(11, torch.Generator().manual_seed(0))
        alone = record(fn, z)
        torch.testing.assert_close(copied.pull(cotangents), alone.pull(cotangents))
        assert (copied.batching, alone.batching) == (Batching(11, copies=True), Batching())
        torch.testing.assert_close(copied.pull(cotangents[:8]), alone.pull(cotangents[:8]))
        assert copied.rows == 11

    def test_a_budget_bounds_the_copies(self, x: Tensor) -> None:
        pullback = record(Opaque.apply, x, batch_dim=0, memory_budget=9 * 12 * x.numel() * 4)
        pullback.pull(pullback.draw(20, torch.Generator().manual_seed(0)))
        assert pullback.rows == 9
        assert pullback.batching == Batching(9, copies=True)

    def test_leaks_are_found_in_copies(self, x: Tensor) -> None:
        report = certify(leaky, x, cuts="all")
        assert report.batching.copies
        assert_verdict(report, Verdict.LEAK)
        pair = pair_of(report)
        assert (pair.t, pair.s) == (30, 33)
        assert pair.size == pytest.approx(1e-3)

    def test_in_coded_mode(self, x: Tensor) -> None:
        x = torch.cat([x] * 10, 1)
        assert certify(Opaque.apply, x, cuts="coded").batching == Batching(10, copies=True)
        assert pair_of(certify(leaky, x, cuts="coded")).s == 33

    @pytest.mark.parametrize(
        "coupled",
        [
            lambda x: Opaque.apply(x) - x.mean(0, keepdim=True) + x.detach().mean(0, keepdim=True),
            lambda x: Opaque.apply(x) + x.roll(1, 0) - x.roll(1, 0).detach(),
            lambda x: Opaque.apply(x + (x - x.detach()).flip(0)),
        ],
        ids=["mean", "neighbour", "flip"],
    )
    def test_copies_that_read_each_other_are_not_used(
        self, x: Tensor, coupled: Callable[[Tensor], Tensor]
    ) -> None:
        for examples in (x, x[:1]):
            assert not certify(coupled, examples).batching.copies

    @pytest.mark.parametrize(
        "fn",
        [
            with_pair_leak(Opaque.apply, 1e-3, (1, 30, 1), (1, 33, 2)),
            lambda x: Opaque.apply(x) + torch.cat([x[:1] - x[:1].detach(), torch.zeros_like(x[1:])]),
            lambda x: Opaque.apply(x) * (1 + len(x)),
            lambda x: Opaque.apply(x).reshape(2, 40, D),
            lambda x: Opaque.apply(x + torch.randn(x.shape)),
        ],
        ids=["first example", "first example's gradient", "other outputs", "raises", "random"],
    )
    def test_copies_that_are_treated_otherwise_are_not_used(
        self, x: Tensor, fn: Callable[[Tensor], Tensor]
    ) -> None:
        report = certify(fn, x, cuts="all")
        assert report.batching == Batching()
        assert "VJPs, one at a time" in report.summary()

    def test_without_a_batch_axis_they_go_one_by_one(self, x: Tensor) -> None:
        report = certify(lambda x: Opaque.apply(x[None])[0], x[0], batch_dim=None, seq_dim=0)
        assert (report.verdict, report.batching) == (Verdict.CAUSAL, Batching())

    def test_few_cotangents_do_not_pay_for_copies(self, x: Tensor) -> None:
        report = certify(Opaque.apply, x[:, :FEWEST], cuts="all")
        assert (report.batching, report.vjps) == (Batching(), FEWEST - 1 + 2)


class TestRows:
    """How many cotangents go together."""

    def test_small_operations_share_their_overhead(self, x: Tensor) -> None:
        report = certify(ema, torch.cat([x] * 20, 1), cuts="all")
        assert report.batching == Batching(119)

    def test_large_operations_gain_nothing(self) -> None:
        x = torch.zeros(1, 64, 2048)
        assert record(lambda x: x.tanh().cumsum(1), x).rows == 1
        assert record(lambda x: Opaque.apply(x), x).rows == 2**26 // (10 * x.numel() * 4)  # whatever is in it

    def test_parts_of_the_graph_that_do_not_lead_to_the_input_do_not_count(self, x: Tensor) -> None:
        weight = torch.zeros(1000, 1000, requires_grad=True)
        plain, other = record(lambda x: x.tanh() + 1, x), record(lambda x: x.tanh() + weight.exp().sum(), x)
        assert plain.rows == other.rows

    @pytest.mark.parametrize("fn", [*(m.fn for m in MODELS if m.ids is None), Opaque.apply])
    def test_memory_stays_within_the_budget(self, fn: Callable[[Tensor], Tensor]) -> None:
        fn = fn.float() if isinstance(fn, torch.nn.Module) else fn
        x = torch.randn(1, 60, D, generator=torch.Generator().manual_seed(0))
        budget = 2**20
        pullback = record(fn, x, batch_dim=0, memory_budget=budget)
        cotangents = pullback.draw(pullback.rows, torch.Generator())
        pullback.pull(cotangents)
        assert allocated(lambda: pullback.pull(cotangents)) <= budget

    def test_running_out_of_memory_goes_one_by_one(self, x: Tensor) -> None:
        def exhausted(gradient: Tensor) -> Tensor:
            if torch._C._functorch.is_legacy_batchedtensor(gradient):
                raise torch.OutOfMemoryError
            return gradient

        def fn(x: Tensor) -> Tensor:
            y = x.cumsum(1)
            y.register_hook(exhausted)
            return y

        report = certify(fn, torch.cat([x] * 5, 1))
        assert (report.verdict, report.batching, report.vjps) == (Verdict.CAUSAL, Batching(), 29 + 2)


def allocated(run: Callable[[], object]) -> int:
    """Return the greatest number of bytes that tensors took at once while ``run`` ran."""
    with torch.profiler.profile(profile_memory=True) as profiler:
        run()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return max(accumulate((event.nbytes() for event in events), initial=0))


def test_a_fault_in_the_backward_is_raised(x: Tensor) -> None:
    def fault(gradient: Tensor) -> Tensor:
        raise ZeroDivisionError("in the backward")

    def fn(x: Tensor) -> Tensor:
        y = x.cumsum(1)
        y.register_hook(fault)
        return y

    with pytest.raises(ZeroDivisionError, match="in the backward"):
        certify(fn, x)


def test_cotangents_do_not_depend_on_the_number_of_rows_or_the_precision(x: Tensor) -> None:
    single, double = record(torch.Tensor.tanh, x), record(torch.Tensor.tanh, x.double())
    one, other = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    stacked = single.draw(3, one)
    assert torch.equal(stacked, torch.cat([double.draw(2, other), double.draw(1, other)]).float())
    assert stacked.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_cotangents_have_the_dtype_of_the_output(x: Tensor, dtype: torch.dtype) -> None:
    assert record(lambda x: x.to(dtype), x).draw(2, torch.Generator().manual_seed(0)).dtype == dtype


def test_cotangents_are_standard_normal() -> None:
    numbers = record(torch.Tensor.tanh, torch.zeros(1, 100, 100)).draw(10, torch.Generator().manual_seed(0))
    assert numbers.mean().abs() < 0.02
    assert numbers.std() == pytest.approx(1, abs=0.02)
    assert numbers[0].allclose(numbers[1]) is False


def test_a_small_memory_budget_splits_the_sweep_and_changes_nothing(x: Tensor) -> None:
    fn = lambda x: attention(x, lower(x, 1))  # noqa: E731
    whole = certify(fn, x)
    split = certify(fn, x, memory_budget=1)
    assert (whole.batching, split.batching) == (Batching(5), Batching())
    assert split.temporal_total == pytest.approx(whole.temporal_total)
    assert (split.worst, split.vjps, split.temporal.leaking) == (
        whole.worst,
        whole.vjps,
        whole.temporal.leaking,
    )
    assert "memory_budget=1" in split.call


@pytest.mark.parametrize("budget", [0, -1, 0.5, "1 GB", None])
def test_a_budget_must_be_a_number_of_bytes(x: Tensor, budget: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"memory_budget must be a whole number of bytes >= 1, got"):
        certify(torch.tanh, x, memory_budget=budget)


@pytest.mark.parametrize("count", [2, 3, 4, 6, 7, 20, 21, 39, 102])
def test_halves_separate_every_ordered_pair_and_are_as_few_as_can_be(count: int) -> None:
    halves = torch.stack(list(separating_halves(count)))
    separated = (halves[:, :, None] & ~halves[:, None, :]).any(0)
    assert torch.equal(separated, ~torch.eye(count, dtype=torch.bool))
    fewer = len(halves) - 1
    assert comb(fewer, fewer // 2) < count
