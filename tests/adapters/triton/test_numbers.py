"""What kernels compute under the changed interpreter, as a GPU rounds it."""

from collections.abc import Iterator
from itertools import accumulate
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from scanproof.adapters.triton import Watch, interpreted
from scanproof.adapters.triton.arithmetic import truncated_tf32
from scanproof.errors import NothingEstablished

N = 64


@pytest.fixture
def watch(kernels: ModuleType) -> Iterator[Watch]:
    with interpreted() as seen:
        yield seen


def numbers(seed: int, dtype: torch.dtype, n: int = N) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed)).to(dtype)


EXPECTED = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a, b: -a,
    "less": lambda a, b: torch.where(a < b, a, b),
    "max": torch.maximum,
    "clamp": lambda a, b: torch.minimum(torch.maximum(a, -b), b),
    "fma": lambda a, b: (a.double() * b.double() + b.double()).to(a.dtype),
    "cumsum": lambda a, b: torch.stack(list(accumulate(a))),
}


@pytest.mark.parametrize("which", EXPECTED)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_arithmetic_rounds_as_pytorch(
    kernels: ModuleType, watch: Watch, which: str, dtype: torch.dtype
) -> None:
    a, b = numbers(0, dtype), numbers(1, dtype)
    b = b.abs() if which == "clamp" else b
    out = torch.empty_like(a)
    kernels.calculate[(1,)](a, b, out, N, which)
    expected = EXPECTED[which](a, b)
    assert torch.equal(out, expected)


def test_the_interpreter_of_triton_itself_adds_bit_patterns(kernels: ModuleType) -> None:
    """If this fails, Triton has mended it."""
    a, b = numbers(0, torch.bfloat16), numbers(1, torch.bfloat16)
    out = torch.empty_like(a)
    kernels.calculate[(1,)](a, b, out, N, "add")
    assert not torch.equal(out, a + b)


@pytest.mark.parametrize("source", [torch.bfloat16, torch.float16, torch.float32, torch.int32])
@pytest.mark.parametrize("target", [torch.bfloat16, torch.float16, torch.float32, torch.int32])
def test_casts_round_as_pytorch(
    kernels: ModuleType, watch: Watch, source: torch.dtype, target: torch.dtype
) -> None:
    a = (1000 * numbers(2, torch.float32)).to(source)
    out = torch.empty(N, dtype=target)
    kernels.calculate[(1,)](a, a, out, N, "to")
    assert torch.equal(out, a.to(target))


@pytest.mark.parametrize("target", [torch.bfloat16, torch.float16])
def test_casts_towards_zero(kernels: ModuleType, watch: Watch, target: torch.dtype) -> None:
    a, out = numbers(2, torch.float32), torch.empty(N, dtype=target)
    kernels.calculate[(1,)](a, a, out, N, "rtz")
    assert (out.float().abs() <= a.abs()).all()
    assert not torch.equal(out, a.to(target))
    assert ((out.float() - a).abs() <= torch.finfo(target).eps * a.abs()).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("which", ["sum", "max", "reduce"])
def test_reductions(kernels: ModuleType, watch: Watch, which: str, dtype: torch.dtype) -> None:
    x, out = numbers(3, dtype), torch.empty(1, dtype=dtype)
    kernels.total[(1,)](x, out, N, which)
    expected = x.float().amax() if which == "max" else x.double().sum()
    loose = N * torch.finfo(dtype).eps * float(x.double().abs().sum()) * (which != "max")
    assert abs(float(out) - float(expected)) <= loose


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("which", ["scan", "reversed"])
def test_scans(kernels: ModuleType, watch: Watch, which: str, dtype: torch.dtype) -> None:
    x = numbers(4, dtype)
    out = torch.empty_like(x)
    kernels.total[(1,)](x, out, N, which)
    turned = x.flip(0) if which == "reversed" else x
    found = out.flip(0) if which == "reversed" else out
    assert torch.equal(found, torch.stack(list(accumulate(turned))))


def test_a_scan_of_pairs_is_the_recurrence(kernels: ModuleType, watch: Watch) -> None:
    a, b = numbers(5, torch.float32, N * 4).reshape(N, 4).sigmoid(), numbers(6, torch.float32, N * 4)
    b, h, expected = b.reshape(N, 4), torch.zeros(4), []
    out = torch.empty_like(b)
    kernels.recurrence[(1,)](a, b, out, N, 4)
    for t in range(N):
        h = a[t] * h + b[t]
        expected.append(h)
    torch.testing.assert_close(out, torch.stack(expected))


@pytest.mark.parametrize("precision", ["default", "allowed", "not allowed", "tf32", "ieee", "tf32x3"])
def test_a_product_takes_the_factors_that_the_kernel_asks_for(
    kernels: ModuleType, watch: Watch, precision: str
) -> None:
    x, y = (numbers(seed, torch.float32, 256).reshape(16, 16) for seed in (7, 8))
    out = torch.empty_like(x)
    kernels.multiply[(1,)](x, y, out, 16, precision)
    exact = x.double() @ y.double()
    short = torch.from_numpy(truncated_tf32(x.numpy()).astype(np.float64)) @ torch.from_numpy(
        truncated_tf32(y.numpy()).astype(np.float64)
    )
    takes_tf32 = precision in ("default", "allowed", "tf32")
    torch.testing.assert_close(out.double(), short if takes_tf32 else exact, rtol=1e-5, atol=1e-5)
    assert (float((out - exact).abs().max()) > 1e-4) is takes_tf32


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_products_of_half_precision_add_up_in_float32(
    kernels: ModuleType, watch: Watch, dtype: torch.dtype
) -> None:
    x, y = (numbers(seed, dtype, 256).reshape(16, 16) for seed in (9, 10))
    out = torch.empty(16, 16)
    kernels.multiply[(1,)](x, y, out, 16, "default")
    torch.testing.assert_close(out.double(), x.double() @ y.double(), rtol=1e-5, atol=1e-5)


def test_float8_is_refused(kernels: ModuleType, watch: Watch) -> None:
    with pytest.raises(NothingEstablished, match="float8"):
        kernels.eighth[(1,)](torch.ones(8), torch.ones(8), 8)
    x = torch.ones(8).to(torch.float8_e4m3fn)
    with pytest.raises(NothingEstablished, match="float8"):
        kernels.copy[(1,)](x, torch.ones(8), 8, 0, 8)


def test_idioms_of_kernels(kernels: ModuleType, watch: Watch) -> None:
    x = numbers(11, torch.float32, 3 * 8)
    out = torch.empty_like(x)
    kernels.idioms[(1,)](x, out, 3, 8)
    torch.testing.assert_close(out, x.abs() + x.exp() + x.tanh())


def test_an_autotuner_takes_a_configuration_by_its_number(kernels: ModuleType) -> None:
    for number, tile in enumerate((8, 16, 8)):
        out = torch.zeros(1)
        with interpreted(Watch(configuration=number)) as watch:
            kernels.tuned[(1,)](out)
        assert out.item() == tile
        assert watch.configurations == {"tuned": ("N=8", "N=16")}


def test_code_around_kernels_finds_a_gpu(kernels: ModuleType) -> None:
    before = torch.empty, torch.cuda.current_device, torch.cuda.device
    with interpreted():
        x = torch.zeros(3, device="cuda")
        assert (x.device.type, x.is_cuda) == ("cpu", True)
        with torch.cuda.device(x.device.index):
            assert torch.cuda.current_device() == 0
        assert torch.cuda.get_device_properties(0).multi_processor_count
        assert torch.cuda.get_device_capability() >= (8, 0)
        assert torch.empty(2).isnan().all()
        assert x.new_empty(2, dtype=torch.bfloat16).isnan().all()
    assert (torch.empty, torch.cuda.current_device, torch.cuda.device) == before
    assert not torch.zeros(3).is_cuda


def launched_alone(kernels: ModuleType) -> Any:
    out = torch.empty(8)
    kernels.copy[(1,)](torch.ones(8), out, 8, 0, 8)
    return out


def test_contexts_nest_and_end(kernels: ModuleType) -> None:
    with interpreted() as outer:
        with interpreted() as inner:
            assert launched_alone(kernels).sum() == 8
        assert launched_alone(kernels).sum() == 8
    assert launched_alone(kernels).sum() == 8
    assert dict(outer.launches) == dict(inner.launches) == {"copy": 1}
