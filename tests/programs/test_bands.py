"""The picture of a program: what each module reads around its own position."""

import torch
from torch import Tensor, nn

from scanproof import certify
from scanproof.programs import Band, bands, record
from scanproof.programs.axes import Axes


class Taps(nn.Module):
    """Sums each position with some positions before it, and one ahead if it leaks."""

    def __init__(self, taps: int, ahead: int = 0) -> None:
        super().__init__()
        self.taps, self.ahead = taps, ahead

    def forward(self, x: Tensor) -> Tensor:
        padded = nn.functional.pad(x, (0, 0, self.taps - 1, self.ahead))
        return padded.unfold(1, self.taps + self.ahead, 1).sum(-1)


def of(model: nn.Module) -> tuple[Band, ...]:
    program = record(model, torch.randn(2, 12, 5, generator=torch.Generator().manual_seed(0)))
    return bands(program, Axes.of(program, 1, 0))


def test_modules_add_up() -> None:
    assert of(nn.Sequential(Taps(3), Taps(2))) == (Band("0 (Taps)", 2, 0), Band("1 (Taps)", 3, 0))


def test_the_future_enters_at_its_module() -> None:
    found = of(nn.Sequential(Taps(3), Taps(2, ahead=1), nn.Linear(5, 5)))
    assert [(band.module, band.ahead) for band in found] == [
        ("0 (Taps)", 0),
        ("1 (Taps)", 1),
        ("2 (Linear)", 1),
    ]


def test_a_mask_hides_the_future() -> None:
    class Attention(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)

    assert of(Attention()) == (Band("Attention", 11, 0),)


def test_the_report_has_them() -> None:
    report = certify(nn.Sequential(Taps(2, ahead=1)), torch.randn(2, 12, 5))
    assert report.reading is not None
    assert report.reading.given.bands == (Band("0 (Taps)", 1, 1),)
