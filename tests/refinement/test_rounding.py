"""What is assumed of arithmetics, and the bounds that follow for scans in order and for TF32."""

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

import scanproof
from scanproof import (
    Cases,
    InvalidArgument,
    Rounding,
    SelectiveScanFn,
    Verdict,
    check_refinement,
    selective_scan,
)
from scanproof.refinement.bounded import Bounded, BoundedArithmetic
from scanproof.refinement.strategies import scan_inputs

Precision = torch.dtype | Literal["tf32", "bf16-mixed"]


def arithmetic(dtype: Precision = torch.float32, **options: Any) -> BoundedArithmetic:
    return BoundedArithmetic(Rounding.of(dtype, **options))


def scan(ar: BoundedArithmetic, a: NDArray[Any], b: NDArray[Any]) -> Bounded:
    return ar.scan(ar.lift(a[None, :, None]), ar.lift(b[None, :, None]), ar.zeros((1, 1)))


def test_sequential_bound_holds_for_sequential_scans_fused_or_not() -> None:
    rng = np.random.default_rng(0)
    ar, u = arithmetic(order="sequential"), 2.0**-24
    for decay in (0.5, 0.99, 1.0, -1.1):
        a, b = decay * rng.uniform(0.9, 1.0, 40), rng.normal(size=40)
        bound = scan(ar, a, b)
        for fused in (False, True):
            for _ in range(20):
                h = 0.0
                for t in range(40):
                    product = a[t] * h * (1 if fused else 1 + u * rng.choice([-1, 1]))
                    h = (product + b[t]) * (1 + u * rng.choice([-1, 1]))
                    assert abs(h - bound.value[0, t, 0]) <= bound.error[0, t, 0]


def test_sequential_bound_is_attained_up_to_a_small_factor() -> None:
    u = 2.0**-24
    bound = scan(arithmetic(order="sequential"), np.ones(50), np.ones(50))
    h = 0.0
    for _ in range(50):
        h = (h * (1 + u) + 1) * (1 + u)
    assert 0.95 < (h - 50) / bound.error[0, -1, 0] <= 1


def test_sequential_bound_is_tighter_where_terms_cancel() -> None:
    signs = np.where(np.arange(400) % 2, 1.0, -1.0)
    sequential, anyhow = (
        scan(arithmetic(order=order), np.ones(400), signs) for order in ("sequential", "any")
    )
    assert sequential.error[0, -1, 0] < anyhow.error[0, -1, 0] / 10


def test_inexact_coefficients_move_a_sequential_scan_within_its_bound() -> None:
    rng = np.random.default_rng(0)
    ar = BoundedArithmetic(Rounding(0.0, 0.0, np.inf, order="sequential"))
    a, b = rng.uniform(0.5, 1.0, 20), rng.uniform(0.5, 1.0, 20)
    off = 2.0**-10
    decays, added = (ar.lift(x[None, :, None]) for x in (a, b))
    for part in (decays, added):
        part.error = np.full(part.shape, off)
    bound = ar.scan(decays, added, ar.zeros((1, 1)))
    h = 0.0
    for t in range(20):
        h = (a[t] + off) * h + b[t] + off
    assert 0.999 < (h - bound.value[0, -1, 0]) / bound.error[0, -1, 0] <= 1


def scan_case(length: int = 100) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    normal = lambda *shape: torch.randn(*shape, generator=rng)  # noqa: E731
    case = {"u": normal(1, 2, length), "delta": normal(1, 2, length), "A": -0.01 * normal(2, 3).abs()}
    return {**case, "B": normal(1, 3, length), "C": normal(1, 3, length)}


def test_the_sequential_bound_decides_where_it_is_declared() -> None:
    case = scan_case()
    reports = {}
    for order in ("any", "sequential"):
        rounding = Rounding.of(torch.float32, order=order)
        reports[order] = check_refinement(
            selective_scan,
            SelectiveScanFn(),
            {**case, "delta_softplus": True},
            gradients=True,
            rounding=rounding,
        )
    for report in reports.values():
        assert report.verdict is Verdict.REFINES, report.summary()
    assert reports["any"].bound_theorem == "runDiagonalTransitions_error"
    assert reports["sequential"].bound_theorem == "Rounding.sequential_error"
    assert reports["any"].theorems[-1] == "diagonalScan_vjp_inputs_error"
    assert reports["sequential"].theorems[1:] == ("Rounding.sequential_error", "diagonalScan_adjoint")
    assert "scans token after token" in reports["sequential"].summary()
    assert reports["sequential"].worst.ratio >= reports["any"].worst.ratio


def test_of_many_roundings_fewer_are_probable() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.9, 1.0, 500), rng.normal(size=500)
    likely = replace(Rounding.of(torch.float32), confidence=4.0)
    anyhow, probable = (scan(BoundedArithmetic(r), a, b) for r in (Rounding.of(torch.float32), likely))
    assert np.all(probable.error <= anyhow.error)
    assert probable.error[0, -1, 0] < anyhow.error[0, -1, 0] / 3
    h, shares = np.float32(0), []
    for t in range(500):
        h = np.float32(a[t]) * h + np.float32(b[t])
        shares.append(abs(float(h) - probable.value[0, t, 0]) / probable.error[0, t, 0])
    assert np.median(shares) < 1


def test_tf32_allows_for_cut_factors_and_no_more() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 64, 64)).astype(np.float32)

    def cut(array: NDArray[np.float32]) -> NDArray[np.float64]:
        bits = array.view(np.uint32) & np.uint32(0xFFFFE000)
        return bits.view(np.float32).astype(np.float64)

    exact = x.astype(np.float64) @ y.astype(np.float64).T
    errors = np.abs(cut(x) @ cut(y).T - exact)
    bounds = {}
    for name in (torch.float32, "tf32"):
        ar = arithmetic(name)
        bounds[name] = ar.dot(ar.lift(x)[:, None], ar.lift(y)[None]).error
    assert np.all(errors <= bounds["tf32"])
    assert np.max(errors / bounds["tf32"]) > 0.05
    assert np.any(errors > bounds[torch.float32]), "float32 itself does not explain them"
    nearly = np.full(1, 1 + 2.0**-10 - 2.0**-23)
    ar = arithmetic("tf32")
    worst = ar.dot(ar.lift(nearly), ar.lift(nearly))
    assert 0.99 < abs(1.0 - worst.value) / worst.error <= 1, "both factors lose nearly 2^-10"
    product = [ar.lift(x) * ar.lift(y) for ar in (arithmetic(), arithmetic("tf32"))]
    assert np.array_equal(product[0].error, product[1].error), "products outside of sums stay in float32"


@pytest.mark.parametrize(
    "rounding",
    [
        Rounding.of(torch.float16),
        Rounding.of("tf32"),
        Rounding.of("bf16-mixed"),
        Rounding.of(torch.bfloat16, accumulator=torch.float32, order="sequential", ulps=1.5),
    ],
)
def test_source_text_makes_it_again(rounding: Rounding) -> None:
    made = eval(rounding.source(), {"torch": torch, "scanproof": scanproof})
    assert (made if isinstance(made, Rounding) else Rounding.of(made)) == rounding


def test_wrong_orders_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="order is 'tree'; give"):
        Rounding.of(torch.float32, order="tree")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"unit_roundoff": -1.0}, "unit_roundoff is -1.0; give a number that is at least 0 and below 1"),
        ({"unit_roundoff": 1.0}, "unit_roundoff is 1.0"),
        ({"unit_roundoff": "fine"}, "unit_roundoff is 'fine'"),
        ({"underflow": np.nan}, "underflow is nan; give a number that is finite and at least 0"),
        ({"largest": 0.0}, "largest is 0.0; give a number above 0"),
        ({"largest": np.nan}, "largest is nan"),
        ({"exp_ulps": -5}, "exp_ulps is -5"),
        ({"softplus_ulps": np.inf}, "softplus_ulps is inf"),
        ({"accumulator": -(2.0**-24)}, "accumulator is -"),
        ({"operands": np.nan}, "operands is nan"),
        ({"confidence": -1.0}, "confidence is -1.0"),
    ],
)
def test_wrong_numbers_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        replace(Rounding.of(torch.float32), **wrong)


@pytest.mark.parametrize("ulps", [-5, np.nan])
def test_wrong_ulps_are_refused(ulps: float) -> None:
    with pytest.raises(InvalidArgument, match="exp_ulps is"):
        Rounding.of(torch.float32, ulps=ulps)


@pytest.mark.parametrize("name", ["tf32", "bf16-mixed"])
def test_a_name_takes_no_other_accumulator(name: Literal["tf32", "bf16-mixed"]) -> None:
    with pytest.raises(InvalidArgument, match=r"accumulator is torch\.bfloat16.* leave accumulator out"):
        Rounding.of(name, accumulator=torch.bfloat16)


def test_other_names_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"rounding in 'bf16' is not modelled; .* \"bf16-mixed\""):
        Rounding.of("bf16")  # type: ignore[arg-type]


def by_exp2(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """A right scan as kernels on GPUs have it: exp(dt A) is exp2(dt (A log2 e))."""
    dt = delta if delta_bias is None else delta + delta_bias[:, None]
    dt = functional.softplus(dt) if delta_softplus else dt
    binary = A * math.log2(math.e)
    h, read = torch.zeros_like(A), []
    for t in range(u.shape[2]):
        h = torch.exp2(dt[:, :, t, None] * binary) * h + (dt * u)[:, :, t, None] * B[:, None, :, t]
        read.append((h * C[:, None, :, t]).sum(-1))
    y = torch.stack(read, 2)
    y = y if D is None else y + u * D[:, None]
    y = y if z is None else y * functional.silu(z)
    return (y, h) if return_last_state else y


def test_what_the_argument_of_exp_loses_is_allowed_for_where_it_is_declared() -> None:
    rounding = Rounding.of(torch.float64)
    declared = replace(rounding, exp_argument_roundings=2)
    assert "1 ulp of exp (its argument rounded 2 times)" in str(declared)
    verdicts = [
        check_refinement(
            by_exp2,
            SelectiveScanFn(),
            cases=Cases(7, inputs=scan_inputs(dtype=torch.float64)),
            seed=11,
            gradients=True,
            rounding=assumed,
            shrink=False,
        ).verdict
        for assumed in (rounding, declared)
    ]
    assert verdicts == [Verdict.REFUTED, Verdict.REFINES]
