import pytest
import torch
from torch import Tensor

from scanproof import Verdict, certify
from scanproof.causality import pullback as module
from scanproof.causality.pullback import Pullback
from zoo.faults import FAULTS
from zoo.models import MODELS, D


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


def record(fn: object, x: Tensor) -> Pullback:
    return Pullback(fn, x, lambda y: y)


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(2, 6, D, generator=rng)


@pytest.mark.parametrize("fn", [*(m.fn for m in MODELS), *(f.fn for f in FAULTS), Opaque.apply])
def test_stacked_and_single_products_are_those_of_autograd(fn: object, x: Tensor) -> None:
    fn = fn.float() if isinstance(fn, torch.nn.Module) else fn
    pullback = record(fn, x)
    cotangents = pullback.draw(5, torch.Generator().manual_seed(0))
    leaf = x.clone().requires_grad_()
    y = fn(leaf)
    expected = [torch.autograd.grad(y, leaf, cotangent, retain_graph=True)[0] for cotangent in cotangents]
    torch.testing.assert_close(pullback.pull(cotangents), torch.stack(expected))
    torch.testing.assert_close(pullback.pull(cotangents[:1]), expected[0][None])
    assert pullback.vjps == 6


def test_an_operation_without_a_batching_rule_goes_one_by_one(x: Tensor) -> None:
    y = Opaque.apply(leaf := x.clone().requires_grad_())
    with pytest.raises(RuntimeError, match="Batching rule not implemented"):
        torch.autograd.grad(y, leaf, torch.ones(2, *y.shape), is_grads_batched=True)
    report = certify(Opaque.apply, x)
    assert report.verdict is Verdict.CAUSAL
    assert report.vjps == 5 + 2


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
    assert torch.equal(stacked.double(), torch.cat([double.draw(2, other), double.draw(1, other)]))
    assert stacked.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_cotangents_have_the_dtype_of_the_output(x: Tensor, dtype: torch.dtype) -> None:
    assert record(lambda x: x.to(dtype), x).draw(2, torch.Generator().manual_seed(0)).dtype == dtype


def test_cotangents_are_standard_normal() -> None:
    numbers = record(torch.Tensor.tanh, torch.zeros(1, 100, 100)).draw(10, torch.Generator().manual_seed(0))
    assert numbers.mean().abs() < 0.02
    assert numbers.std() == pytest.approx(1, abs=0.02)
    assert numbers[0].allclose(numbers[1]) is False


def test_a_small_memory_budget_splits_the_sweep_and_changes_nothing(
    x: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fn = next(fault.fn for fault in FAULTS if fault.name == "attention mask off by one")
    whole = certify(fn, x)
    monkeypatch.setattr(module, "BATCH_BYTES", 1)
    split = certify(fn, x)
    assert record(fn, x).rows == 1
    assert (split.pair, split.vjps, split.temporal.leaking) == (
        whole.pair,
        whole.vjps,
        whole.temporal.leaking,
    )
    assert split.temporal_total == pytest.approx(whole.temporal_total)
