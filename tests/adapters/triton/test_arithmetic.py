"""bfloat16 and the factors of tensor cores, in NumPy; no Triton is needed."""

import numpy as np
import pytest
import torch
from torch import Tensor

from scanproof.adapters.triton.arithmetic import (
    half_towards_zero,
    narrowed,
    product,
    truncated_tf32,
    widened,
)

EVERY = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)


def bits(x: Tensor) -> np.ndarray:
    return x.view(torch.int16).numpy().view(np.uint16)


def same(a: np.ndarray, b: Tensor) -> bool:
    """Whether bit patterns are equal, where NaNs are equal to each other."""
    nan = b.isnan().numpy()
    return bool((a == bits(b))[~nan].all() and np.isnan(widened(a))[nan].all())


def test_every_bfloat16_is_widened_exactly() -> None:
    assert same(narrowed(widened(bits(EVERY))), EVERY)
    wide = torch.from_numpy(widened(bits(EVERY)).copy())
    assert torch.equal(wide.nan_to_num(7.0), EVERY.float().nan_to_num(7.0))


def test_float32_is_rounded_to_the_nearest_bfloat16_as_pytorch_does() -> None:
    x = torch.randint(-(1 << 31), 1 << 31, (200_000,), generator=torch.Generator().manual_seed(0))
    x = torch.cat([x.to(torch.int32).view(torch.float32), EVERY.float(), torch.tensor([3.4e38, -3.4e38])])
    assert same(narrowed(x.numpy()), x.bfloat16())


def test_float64_is_rounded_once() -> None:
    just_above_a_tie = 1 + 2.0**-8 + 2.0**-40  # rounding to float32 first makes it a tie, and then even
    assert widened(narrowed(np.array([just_above_a_tie]))).item() == 1 + 2.0**-7
    assert widened(narrowed(np.array([1 + 2.0**-8]))).item() == 1.0


def test_rounding_towards_zero() -> None:
    x = np.array([1 + 2.0**-7 - 2.0**-20, -1 - 2.0**-7 + 2.0**-20, np.nan, np.inf])
    assert widened(narrowed(x.astype(np.float32), nearest=False))[:2].tolist() == [1.0, -1.0]
    assert widened(narrowed(x, nearest=False))[:2].tolist() == [1.0, -1.0]
    assert half_towards_zero(np.array([1 + 2.0**-10 - 2.0**-20, -1.9999999])).tolist() == [1, -1.9990234375]


def test_tf32_keeps_ten_bits() -> None:
    x = np.array([1 + 2.0**-10, 1 + 2.0**-11, 1 + 2.0**-10 + 2.0**-11, -1 - 2.0**-11], np.float32)
    assert truncated_tf32(x).tolist() == [1 + 2.0**-10, 1.0, 1 + 2.0**-10, -1.0]


@pytest.mark.parametrize(
    ("precision", "least", "most"),
    [
        ("ieee", 0, 2.0**-20),
        ("tf32", 2.0**-14, 2.0**-8),
        ("tf32x3", 0, 2.0**-18),
        ("bf16x3", 2.0**-20, 2.0**-13),
        ("bf16x6", 0, 2.0**-18),
    ],
)
def test_products_lose_what_their_precision_loses(precision: str, least: float, most: float) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((32, 32)).astype(np.float32) for _ in range(2))
    exact = x.astype(np.float64) @ y.astype(np.float64)
    scale = np.abs(x).astype(np.float64) @ np.abs(y).astype(np.float64)
    error = float((np.abs(product(x, y, precision) - exact) / scale).max())
    assert least <= error <= most
