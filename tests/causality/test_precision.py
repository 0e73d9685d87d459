import pytest
import torch
from torch import Tensor, nn

from scanproof.foundation.precision import AtPrecision, unit_roundoff, with_all_digits
from verdicts import present


def test_unit_roundoff_is_half_the_spacing_at_one() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        one, u = torch.ones((), dtype=dtype), unit_roundoff(dtype)
        assert one + u == one  # a tie, to even
        assert one + 2 * u > one


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_digits_are_added_after_those_that_there_are(dtype: torch.dtype, rng: torch.Generator) -> None:
    x = torch.randn(1000, generator=rng).to(dtype)
    for given in (x, x.double()) if dtype == torch.float32 else (x,):
        long = with_all_digits(given)
        assert long.dtype == torch.float64
        assert torch.equal(long.to(dtype), x)
        assert (long != given).float().mean() > 0.99
    assert torch.equal(with_all_digits(torch.zeros(3)), torch.zeros(3, dtype=torch.float64))


def test_numbers_that_fill_float64_stay(rng: torch.Generator) -> None:
    x = torch.randn(1000, dtype=torch.float64, generator=rng)
    torch.testing.assert_close(with_all_digits(x), x, rtol=2**-52, atol=0)


def test_inputs_enter_at_the_precision() -> None:
    x, ids = torch.randn(5), torch.arange(3)
    assert torch.equal(AtPrecision(torch.float64).input(x), x.double())
    assert torch.equal(AtPrecision(torch.float64, all_digits=True).input(x), with_all_digits(x))
    assert AtPrecision(torch.float64, all_digits=True).input(ids) is ids


def test_parameters_constants_casts_and_results_are_promoted() -> None:
    layer, constant = nn.Linear(3, 3), torch.randn(3)
    seen: list[Tensor] = []

    def fn(x: Tensor) -> None:
        seen.extend(
            [layer(x), x.float(), x.half(), x.to(torch.bfloat16), x.type(torch.float32), torch.zeros(3)]
        )
        seen.extend([x + constant, torch.ones(3, dtype=torch.float16), torch.fft.rfft(x.float()).abs()])
        assert layer.weight.dtype == x.dtype

    with AtPrecision(torch.float64):
        fn(torch.randn(3))
    assert {value.dtype for value in seen} == {torch.float64}
    assert layer.weight.dtype == constant.dtype == torch.float32


def test_a_promoted_layer_equals_the_layer_in_float64() -> None:
    layer, x = nn.LSTM(3, 3, batch_first=True), torch.randn(2, 5, 3)
    with torch.no_grad():
        with AtPrecision(torch.float64):
            promoted = layer(x)[0]
        assert torch.equal(promoted, layer.double()(x.double())[0])


def test_gradients_flow_through() -> None:
    layer, x = nn.Linear(3, 3), torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    with AtPrecision(torch.float64):
        layer(x).sum().backward()
    assert torch.equal(present(x.grad), layer.weight.double().sum(0).expand(2, 3))


def test_constants_made_of_integers_are_exact_to_the_precision_asked_for() -> None:
    with AtPrecision(torch.float64):
        third = torch.arange(1, 2) / 3
    assert third.item() == 1 / 3
    assert torch.get_default_dtype() == torch.float32


def test_the_default_dtype_comes_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), AtPrecision(torch.float64):
        raise ZeroDivisionError
    assert torch.get_default_dtype() == torch.float32


def test_integers_are_left_alone() -> None:
    with AtPrecision(torch.float64):
        assert torch.arange(3).dtype == torch.int64
        assert torch.zeros(3, dtype=torch.int32).long().dtype == torch.int64
        assert (torch.randn(3) > 0).dtype == torch.bool


def test_demotion_and_complex() -> None:
    with AtPrecision(torch.float32):
        assert torch.randn(3, dtype=torch.float64).double().dtype == torch.float32
        assert torch.fft.fft(torch.randn(3, dtype=torch.float64)).cdouble().dtype == torch.complex64


def test_writes_into_buffers_are_read_back_and_the_original_is_untouched() -> None:
    buffer = torch.zeros(4)
    x = torch.randn(4, dtype=torch.float64)
    with AtPrecision(torch.float64):
        buffer[1:] = x[1:]
        buffer.mul_(2)
        read = buffer.clone()
    assert torch.equal(read[1:], 2 * x[1:])
    assert torch.equal(buffer, torch.zeros(4))


def test_casts_that_are_kept_round() -> None:
    x = torch.tensor([1 / 3], dtype=torch.float64)
    with AtPrecision(torch.float64, kept=frozenset({torch.bfloat16})) as mode:
        y = x.bfloat16().float()
    assert y.dtype == torch.float64
    assert torch.equal(y, x.bfloat16().double())
    assert mode.met == {torch.float64, torch.bfloat16, torch.float32}
    assert mode.lifted == {"to(float32)"}


def test_the_coarsest_precision_met_is_reported() -> None:
    x = torch.randn(3, dtype=torch.float64)
    for fn, coarsest in (
        (lambda x: x + 1, torch.float64),
        (lambda x: x.float(), torch.float32),
        (lambda x: x.float() + x.bfloat16().float(), torch.bfloat16),
        (lambda x: x.to(torch.float16).double(), torch.float16),
    ):
        with AtPrecision(torch.float64) as mode:
            fn(x)
        assert mode.coarsest == coarsest
        assert not mode.unreached


def test_autocast_is_reached() -> None:
    x, weight = torch.randn(3, 3), torch.randn(3, 3)
    with AtPrecision(torch.float64) as mode, torch.autocast("cpu", torch.bfloat16):
        y = nn.functional.linear(x, weight)
    assert torch.equal(y, nn.functional.linear(x.double(), weight.double()))
    assert mode.coarsest == torch.bfloat16
    assert not mode.unreached


def test_operations_out_of_reach_are_named() -> None:
    with AtPrecision(torch.float64) as mode:
        y = torch.randn(3).type("torch.FloatTensor")
    assert y.dtype == torch.float64
    assert mode.unreached == {"type"}
