"""The three evaluation orders are one function, differentiable and causal; wrong calls say what is wrong."""

from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from scan_case import SCANS, Scan, scan_case, scanned
from scanproof.errors import InvalidArgument
from scanproof.scans import selective_scan, selective_scan_associative, selective_scan_chunked
from verdicts import present

every_scan = pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)


def arguments(
    batch: int = 2,
    channels: int = 3,
    length: int = 7,
    states: int = 4,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    groups: int = 0,
) -> dict[str, Tensor]:
    return scan_case(batch, channels, length, states, seed=seed, dtype=dtype, groups=groups)


def by_hand(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
) -> tuple[Tensor, Tensor]:
    """The definition, one scalar at a time."""
    batch, channels, length = u.shape
    B, C = (x if x.ndim == 4 else x.reshape(batch, 1, A.shape[1], length) for x in (B, C))
    y = torch.zeros_like(u)
    last = torch.zeros(batch, channels, A.shape[1], dtype=u.dtype)
    for e in range(batch):
        for i in range(channels):
            for t in range(length):
                dt = delta[e, i, t] + (0 if delta_bias is None else delta_bias[i])
                if delta_softplus:
                    dt = functional.softplus(dt)
                total = 0 if D is None else D[i] * u[e, i, t]
                for n in range(A.shape[1]):
                    b, c = (x[e, i // (channels // x.shape[1]), n, t] for x in (B, C))
                    last[e, i, n] = torch.exp(dt * A[i, n]) * last[e, i, n] + dt * b * u[e, i, t]
                    total = total + c * last[e, i, n]
                y[e, i, t] = total * (1 if z is None else functional.silu(z[e, i, t]))
    return y, last


@every_scan
@pytest.mark.parametrize("delta_softplus", [False, True])
@pytest.mark.parametrize("left_out", [(), ("D",), ("z",), ("delta_bias",), ("D", "z", "delta_bias")])
def test_is_the_definition(scan: Scan, delta_softplus: bool, left_out: tuple[str, ...]) -> None:
    given = {name: value for name, value in arguments().items() if name not in left_out}
    if not delta_softplus:
        given["delta"] = given["delta"].abs()
    y, last = scan(**given, delta_softplus=delta_softplus, return_last_state=True)
    want_y, want_last = by_hand(**given, delta_softplus=delta_softplus)
    torch.testing.assert_close(y, want_y)
    torch.testing.assert_close(last, want_last)
    assert torch.equal(scan(**given, delta_softplus=delta_softplus), y)


@every_scan
@pytest.mark.parametrize(("of_B", "of_C"), [(1, 1), (2, 2), (4, 4), (0, 2), (2, 0)])
def test_consecutive_channels_share_a_group(scan: Scan, of_B: int, of_C: int) -> None:
    """B and C of (batch, groups, states, length); 0 stands for no axis of groups."""
    given = arguments(channels=4, groups=of_B)
    given["C"] = arguments(channels=4, groups=of_C)["C"]
    y, last = scan(**given, delta_softplus=True, return_last_state=True)
    want_y, want_last = by_hand(**given, delta_softplus=True)
    torch.testing.assert_close(y, want_y)
    torch.testing.assert_close(last, want_last)


@every_scan
def test_gradients_of_groups(scan: Scan) -> None:
    given = {name: v.requires_grad_() for name, v in arguments(1, 4, 3, 2, groups=2).items()}

    def both(*values: Tensor) -> tuple[Tensor, Tensor]:
        return scan(*values, delta_softplus=True, return_last_state=True)

    assert torch.autograd.gradcheck(both, tuple(given.values()))


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 4),
    length=st.integers(1, 40),
    states=st.integers(1, 4),
    chunk_size=st.integers(1, 45),
    seed=st.integers(0, 2**31),
)
def test_orders_agree(
    batch: int, channels: int, length: int, states: int, chunk_size: int, seed: int
) -> None:
    given_: dict[str, Any] = arguments(batch, channels, length, states, seed=seed)
    run: dict[str, Any] = {"delta_softplus": True, "return_last_state": True}
    y, last = selective_scan(**given_, **run)
    for other in (selective_scan_associative, partial(selective_scan_chunked, chunk_size=chunk_size)):
        other_y, other_last = other(**given_, **run)
        torch.testing.assert_close(other_y, y, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(other_last, last, rtol=1e-12, atol=1e-12)


@every_scan
@pytest.mark.parametrize("length", [1, 4, 7])
def test_gradients(scan: Scan, length: int) -> None:
    given = {name: v.requires_grad_() for name, v in arguments(1, 2, length, 2).items()}

    def both(*values: Tensor) -> tuple[Tensor, Tensor]:
        return scan(*values, delta_softplus=True, return_last_state=True)

    assert torch.autograd.gradcheck(both, tuple(given.values()))


@every_scan
def test_strong_decays_keep_value_and_gradient_finite(scan: Scan) -> None:
    """Decays that underflow to zero are where dividing by cumulated products fails."""
    given = arguments(length=32, dtype=torch.float32)
    given["A"] = (given["A"] * 1e4).requires_grad_()
    y = scan(**given, delta_softplus=True)
    y.sum().backward()
    assert torch.isfinite(y).all()
    assert torch.isfinite(present(given["A"].grad)).all()


@every_scan
@pytest.mark.parametrize("t", range(7))
def test_causal(scan: Scan, t: int) -> None:
    given = arguments()
    over_time = ("u", "delta", "B", "C", "z")
    for name in over_time:
        given[name].requires_grad_()
    scan(**given, delta_softplus=True)[..., t].sum().backward()
    for name in over_time:
        assert torch.count_nonzero(present(given[name].grad)[..., t + 1 :]) == 0
    assert torch.count_nonzero(present(given["u"].grad)[..., : t + 1]) > 0


@every_scan
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtypes(scan: Scan, dtype: torch.dtype) -> None:
    given = arguments(dtype=dtype)
    y, last = scan(**given, delta_softplus=True, return_last_state=True)
    assert y.dtype == dtype
    assert last.dtype == torch.promote_types(dtype, torch.float32)
    wide = {name: value.double() for name, value in given.items()}
    torch.testing.assert_close(y, scanned(**wide, delta_softplus=True)[0].to(dtype), rtol=1e-2, atol=1e-2)


@every_scan
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("u", torch.randn(3, 7), "u has shape (3, 7)"),
        ("u", torch.randn(2, 3, 0), "each at least 1"),
        ("u", torch.ones(2, 3, 7, dtype=torch.long), "u has dtype torch.int64"),
        ("u", None, "u is None; give a tensor (only D, z and delta_bias may be None)"),
        ("C", None, "C is None"),
        ("B", [[1.0]], "B is a list"),
        ("A", torch.randn(4, 3), "A has shape (4, 3); give (channels, states) with the 3 channels of u"),
        ("A", torch.randn(3, 4, dtype=torch.complex64), "A has dtype torch.complex64"),
        (
            "B",
            torch.randn(2, 7, 4),
            "B has shape (2, 7, 4); u and A ask for (batch, states, length) = (2, 4, 7)",
        ),
        ("C", torch.randn(4, 7), "C has shape (4, 7)"),
        ("B", torch.randn(2, 2, 4, 7), "B and C have 2 groups, u has 3 channels; the groups must divide the"),
        ("C", torch.randn(2, 0, 4, 7), "B and C have 0 groups"),
        (
            "C",
            torch.randn(2, 3, 7, 4),
            "C has shape (2, 3, 7, 4); u and A ask for (batch, groups, states, length) = (2, 3, 4, 7)",
        ),
        ("D", torch.randn(4), "D has shape (4,); u and A ask for (channels,) = (3,)"),
        ("z", torch.randn(2, 7, 3), "z has shape (2, 7, 3)"),
        ("delta", torch.randn(2, 3, 8), "delta has shape (2, 3, 8)"),
        ("delta_bias", torch.randn(3, 1), "delta_bias has shape (3, 1)"),
    ],
)
def test_wrong_calls(scan: Scan, name: str, value: object, says: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        scan(**{**arguments(), name: value})
    assert says in str(caught.value)


@every_scan
def test_both_have_as_many_groups(scan: Scan) -> None:
    given = {**arguments(channels=4, groups=2), "C": arguments(channels=4, groups=4)["C"]}
    with pytest.raises(InvalidArgument) as caught:
        scan(**given)
    assert "C has shape (2, 4, 4, 7); u and A ask for (batch, groups" in str(caught.value)


@pytest.mark.parametrize("chunk_size", [0, 2.5, "8"])
def test_chunk_size_is_checked(chunk_size: Any) -> None:
    given: dict[str, Any] = arguments()
    with pytest.raises(InvalidArgument, match=f"chunk_size is {chunk_size!r}"):
        selective_scan_chunked(**given, chunk_size=chunk_size)
