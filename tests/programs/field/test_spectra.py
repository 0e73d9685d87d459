"""Convolutions by Fourier transforms are those that are written as sums."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scanproof import Verdict, check_same

GENERATOR = torch.Generator().manual_seed(0)
U, KERNEL = torch.randn(2, 3, 10, generator=GENERATOR), torch.randn(3, 10, generator=GENERATOR)


def by_fft(u: Tensor, kernel: Tensor) -> Tensor:
    product = torch.fft.rfft(u, n=20) * torch.fft.rfft(kernel, n=20)
    return torch.fft.irfft(product, n=20)[..., :10]


def normalised(u: Tensor, kernel: Tensor) -> Tensor:
    product = torch.fft.rfft(u, n=20) * torch.fft.rfft(kernel, n=20, norm="forward").unsqueeze(0)
    return torch.fft.irfft(product * 2.0, n=20)[..., :10] * 10


def by_rows(u: Tensor, kernel: Tensor) -> Tensor:
    u, kernel = u.transpose(1, 2), kernel.T
    product = torch.fft.rfft(u, n=20, dim=1) * torch.fft.rfft(kernel, n=20, dim=0)
    return torch.fft.irfft(product, n=20, dim=1)[:, :10].transpose(1, 2)


def twice(u: Tensor, kernel: Tensor) -> Tensor:
    whole, half = torch.fft.rfft(u, n=20), torch.fft.rfft(u / 2, n=20)
    return torch.fft.irfft((whole + half - half) * torch.fft.rfft(kernel, n=20), n=20)[..., :10]


def direct(u: Tensor, kernel: Tensor) -> Tensor:
    return functional.conv1d(functional.pad(u, (9, 0)), kernel.flip(1)[:, None], groups=3)


FORMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "last axis": by_fft,
    "normalised": normalised,
    "first axis": by_rows,
    "sums": twice,
}


@pytest.mark.parametrize("name", FORMS)
def test_a_convolution_by_transforms_is_the_convolution(name: str) -> None:
    report = check_same(FORMS[name], direct, (U, KERNEL))
    assert report.verdict is Verdict.EQUAL, report.summary()
    wrong = check_same(FORMS[name], lambda u, kernel: direct(u, kernel) * (1 + 1e-12), (U, KERNEL))
    assert wrong.verdict is Verdict.DIFFERENT


def test_a_transform_that_is_too_short_is_seen() -> None:
    def wrapped(u: Tensor, kernel: Tensor) -> Tensor:
        product = torch.fft.rfft(u, n=18) * torch.fft.rfft(kernel, n=18)
        return torch.fft.irfft(product, n=18)[..., :10]

    report = check_same(wrapped, direct, (U, KERNEL))
    assert report.verdict is Verdict.DIFFERENT
    assert report.worst is not None
    assert report.worst.index[-1] == 0
    assert report.worst.count == 2 * 3


UNDECIDED: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "not transformed back": (torch.fft.rfft, "not transformed back"),
    "each frequency": (
        lambda u: torch.fft.irfft(torch.fft.rfft(u) * torch.arange(6.0), n=10),
        "each frequency by another number",
    ),
    "another length": (lambda u: torch.fft.irfft(torch.fft.rfft(u), n=8), "has no rule over a field"),
    "several axes": (lambda u: torch.fft.irfft2(torch.fft.rfft2(u)), "transforms several axes"),
    "one frequency": (lambda u: torch.view_as_real(torch.fft.rfft(u))[..., 0], "has no rule over a field"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDECIDED)
def test_other_uses_of_a_transform_are_named(name: str) -> None:
    fn, why = UNDECIDED[name]
    report = check_same(fn, fn, U)
    assert report.verdict is Verdict.INCONCLUSIVE, report.summary()
    assert why in report.reason
