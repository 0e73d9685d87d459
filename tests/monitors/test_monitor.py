import logging
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import CausalityMonitor, CheckFailed, InvalidArgument, Verdict
from verdicts import assert_verdict, present


class Model(nn.Module):
    """A running mean, dropout, and as much of the whole sequence's mean as ``leak`` says."""

    def __init__(self, leak: float = 0.0) -> None:
        super().__init__()
        self.inner, self.drop = nn.Linear(4, 4), nn.Dropout(0.5)
        self.frozen = nn.BatchNorm1d(4).eval()
        self.leak = leak

    def forward(self, x: Tensor) -> Tensor:
        h = self.drop(self.inner(x)).cumsum(1)
        return self.frozen(h.mT).mT + self.leak * x.mean(1, keepdim=True)


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(8, 16, 4, generator=rng)


def test_the_first_step_and_every_nth_after_it_check(x: Tensor) -> None:
    monitor = CausalityMonitor(Model(), every=3)
    checked = [monitor(x) is not None for _ in range(7)]
    assert checked == [True, False, False, True, False, False, True]
    assert monitor.step == 7


def test_it_is_random_or_coded_on_a_slice_and_other_cuts_each_time(x: Tensor) -> None:
    model = Model()
    monitor = CausalityMonitor(model, every=1)
    first, second = present(monitor(x)), present(monitor(x))
    assert first.mode == "random-K=4"
    assert first.seed != second.seed
    assert first.batch is None
    assert CausalityMonitor(model, every=1)(x) == first
    pairs = present(CausalityMonitor(Model(), examples=3, cuts="coded")(x))
    assert (pairs.mode, len(pairs.example_leaks)) == ("coded", 3)


def test_several_inputs(x: Tensor) -> None:
    add = lambda a, b: (a + b).cumsum(1)  # noqa: E731
    assert present(CausalityMonitor(add)((x, x))).verdict is Verdict.CAUSAL
    assert present(CausalityMonitor(add)({"a": x, "b": x})).verdict is Verdict.CAUSAL
    over_rows = CausalityMonitor(lambda x: x.cumsum(0), seq_dim=0, batch_dim=None)
    assert present(over_rows(x[0])).verdict is Verdict.CAUSAL


@pytest.mark.parametrize("leak", [0.0, 1.0])
def test_training_goes_on_as_if_nothing_had_been(x: Tensor, leak: float) -> None:
    def train(watched: bool) -> tuple[list[Tensor | None], Tensor, list[bool]]:
        torch.manual_seed(3)
        model = Model(leak).train()
        model.frozen.eval()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        monitor = CausalityMonitor(model, every=1, on_leak="log")
        for _ in range(3):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            if watched:
                monitor(x)
            optimizer.step()
        state: list[Tensor | None] = [value.clone() for value in model.state_dict().values()]
        modes = [part.training for part in model.modules()]
        gradients = [parameter.grad for parameter in model.parameters()]
        return state + gradients, torch.get_rng_state(), modes

    plain, state, modes = train(False)
    watched, state_after, modes_after = train(True)
    assert torch.equal(state, state_after)
    assert modes == modes_after
    for a, b in zip(plain, watched, strict=True):
        assert a is b or torch.equal(present(a), present(b))


def test_random_numbers_drawn_in_a_check_are_given_back(x: Tensor) -> None:
    state = torch.get_rng_state()
    CausalityMonitor(lambda x: x.cumsum(1) + torch.rand(()))(x)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_leak_is_raised_and_the_model_trains_on(x: Tensor) -> None:
    model = Model(leak=1.0).train()
    with pytest.raises(CheckFailed, match=r"^certificate: LEAK") as caught:
        CausalityMonitor(model)(x)
    assert caught.value.__notes__ == ["Found at step 1 of the CausalityMonitor."]
    assert "Repeat : certify(fn, x, cuts='rand', K=4, seed=0)" in str(caught.value)
    assert model.training
    assert model.drop.training


def test_a_leak_is_logged(x: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "scanproof.monitor"):
        report = CausalityMonitor(Model(leak=1.0), on_leak="log")(x)
    assert_verdict(present(report), Verdict.LEAK)
    assert "worst pair" in caplog.text


def test_inconclusive_is_logged_and_does_not_end_training(
    x: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    report = CausalityMonitor(lambda x: x * float("nan"))(x)
    assert_verdict(present(report), Verdict.INCONCLUSIVE)
    assert "NaN" in caplog.text


def test_a_closure_needs_its_module_named(x: Tensor) -> None:
    model = Model().train()
    CausalityMonitor(lambda x: model(x), module=model)(x)
    assert model.training


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"every": 0}, "every must be a whole number >= 1, got 0"),
        ({"examples": 0.5}, "examples must be a whole number >= 1, got 0.5"),
        ({"on_leak": "ignore"}, "on_leak must be 'raise' or 'log', got 'ignore'"),
        ({"cut": "all"}, "certify has no argument 'cut'"),
    ],
)
def test_a_wrong_option_is_refused_before_training(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        CausalityMonitor(Model(), **options)
