"""What floats leave open, finite fields decide: for functions that refuse a second precision."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import Verdict, check_batch, check_perturbation, check_prefix
from scanproof.same import pairs

X = torch.randn(3, 11, 8, generator=torch.Generator().manual_seed(0))


class Sums(nn.Module):
    """Running sums by thirds of the sequence, and by examples; the module takes no float64.

    Another length or batch rounds in another order. A share of a mean over an axis leaks what it reads.
    """

    def __init__(self, leak: float, axis: int, constant: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))
        self.leak, self.axis, self.constant = leak, axis, constant

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.float64:
            raise TypeError("no kernel for float64")
        values, parts = x @ self.weight, []
        carried: Any = 0
        for part in values.split(max(1, x.shape[1] * x.shape[0] // 9), 1):
            parts.append(part.cumsum(1) + carried)
            carried = parts[-1][:, -1:]
        y = torch.cat(parts, 1)
        return y + self.leak * y.mean(self.axis, keepdim=True) + self.constant * x.shape[1]


CHECKS: dict[str, tuple[Callable[..., Any], int, Verdict]] = {
    "prefix": (check_prefix, 1, Verdict.CAUSAL_TO_ROUNDING),
    "alone": (
        lambda fn, x, **options: check_batch(fn, x, probes=["alone"], **options),
        0,
        Verdict.INDEPENDENT_TO_ROUNDING,
    ),
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_residue_of_the_same_function_is_rounding(check: str) -> None:
    call, axis, passed = CHECKS[check]
    report = call(Sums(0.0, axis), X, cases=1)
    assert report.verdict is passed, report.summary()
    assert "are equal at" in report.reason
    assert "no second precision" in report.reason


@pytest.mark.parametrize("check", [*CHECKS, "perturbation"])
def test_a_small_leak_is_found(check: str) -> None:
    call, axis, _ = CHECKS.get(check, (check_perturbation, 1, Verdict.LEAK))
    report = call(Sums(1e-6, axis), X, cases=1)
    assert report.verdict is Verdict.LEAK, report.summary()
    assert "entries differ at a random point of a field" in report.reason


def test_a_dependence_on_the_length_alone_is_no_leak() -> None:
    report = check_prefix(Sums(0.0, 1, constant=1e-6), X, cases=1)
    assert report.verdict is Verdict.INCONCLUSIVE, report.summary()


class LeaksOnce(Sums):
    """One position or one example reads the next one, if there is one, by less than float32 tells apart."""

    def __init__(self, at: int, axis: int) -> None:
        super().__init__(0.0, axis)
        self.at = at

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        if x.shape[self.axis] > self.at + 1:
            y = y.index_add(
                self.axis,
                torch.tensor([self.at]),
                x.narrow(self.axis, self.at + 1, 1),
                alpha=1e-6,
            )
        return y


@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize("check", CHECKS)
def test_a_leak_at_one_place_does_not_pass(check: str, at: int) -> None:
    call, axis, _ = CHECKS[check]
    x = torch.randn(8, 11, 8, generator=torch.Generator().manual_seed(0))
    assert not call(LeaksOnce(at, axis), x, cases=1).verdict.passed


def test_whole_numbers_stay_open() -> None:
    model = Sums(0.0, 1)
    report = check_prefix(lambda x: (model(x) * 1e5).long() + (x[:, -1:] > 0).long(), X, cases=1)
    assert report.verdict is Verdict.INCONCLUSIVE, report.summary()


def test_more_differences_than_are_decided_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MOST", 3)
    report = check_prefix(Sums(0.0, 1), X, cases=1)
    assert report.verdict is Verdict.INCONCLUSIVE, report.summary()


def test_what_cannot_be_recorded_stays_open() -> None:
    model = Sums(0.0, 1)
    calls: list[int] = []

    def fn(x: Tensor) -> Tensor:
        calls.append(1)
        return torch.from_numpy(model(x).detach().numpy())

    report = check_prefix(fn, X, cases=1)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "no second precision" in report.reason
