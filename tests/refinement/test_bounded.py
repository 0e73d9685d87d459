"""The bound holds for all orders tried, in every precision, and is not far larger than it must be."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from scanproof.refinement.arithmetic import EXACT, FLOAT64
from scanproof.refinement.bounded import Bounded, BoundedArithmetic
from scanproof.refinement.cases import random_fractions, random_spec
from scanproof.refinement.rounding import Rounding
from scanproof.refinement.runners import DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec, Spec

Scalar = type[np.floating[Any]]

DTYPES: dict[torch.dtype, Scalar] = {
    torch.float64: np.float64,
    torch.float32: np.float32,
    torch.float16: np.float16,
}
precisions = pytest.mark.parametrize(("torch_dtype", "dtype"), DTYPES.items(), ids=lambda d: str(d))


def in_dtype(
    rng: np.random.Generator, shape: int | tuple[int, ...], dtype: Scalar, spread: float = 1.0
) -> NDArray[np.float64]:
    """Random numbers that the dtype holds exactly, over several orders of magnitude."""
    return (rng.normal(size=shape) * np.exp(rng.normal(size=shape) * spread)).astype(dtype).astype(np.float64)


def within(got: ArrayLike, bounded: Bounded, at_least: float = 0.0) -> float:
    """Assert that a result is within its bound, and its greatest share of it at least something."""
    share = np.abs(np.asarray(got, dtype=np.float64) - bounded.value) / bounded.error
    assert np.all(share <= 1), f"{share.max():.3g} of the bound"
    assert share.max() >= at_least
    return share.max()


def random_order_sum(terms: Iterable[np.floating[Any]], rng: np.random.Generator) -> np.floating[Any]:
    """Add terms pairwise in a random binary tree; NumPy scalars round after every operation."""
    terms = list(terms)
    while len(terms) > 1:
        i, j = rng.choice(len(terms), 2, replace=False)
        terms[i] = terms[i] + terms[j]
        del terms[j]
    return terms[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 24), st.sampled_from(sorted(DTYPES, key=str)), st.booleans())
def test_sums_in_any_order(seed: int, n: int, torch_dtype: torch.dtype, with_plus: bool) -> None:
    rng, dtype = np.random.default_rng(seed), DTYPES[torch_dtype]
    x, y, extra = (in_dtype(rng, shape, dtype) for shape in (n, n, ()))
    ar = BoundedArithmetic(Rounding.of(torch_dtype))
    bound = ar.dot(ar.lift(x), ar.lift(y), ar.lift(extra) if with_plus else None)
    terms = [dtype(a) * dtype(b) for a, b in zip(x, y, strict=True)] + [dtype(extra)] * with_plus
    within(random_order_sum(terms, rng), bound)


Transition = tuple[Any, Any]
Split = Callable[[int, np.random.Generator], int]


def tree_scan(transitions: Sequence[Transition], rng: np.random.Generator, split: Split) -> Transition:
    """Combine transitions (a, b) by a binary tree whose shape ``split`` chooses; returns fl of the whole."""
    if len(transitions) == 1:
        return transitions[0]
    cut = split(len(transitions), rng)
    (a1, b1), (a2, b2) = tree_scan(transitions[:cut], rng, split), tree_scan(transitions[cut:], rng, split)
    return a2 * a1, a2 * b1 + b2


TREES: dict[str, Split] = {
    "random": lambda n, rng: int(rng.integers(1, n)),
    "sequential": lambda n, rng: n - 1,
    "reversed": lambda n, rng: 1,
    "balanced": lambda n, rng: n // 2,
}


@precisions
@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("decay", [0.5, 0.99, 1.0, 1.2, -0.9])
def test_scans_in_any_association(torch_dtype: torch.dtype, dtype: Scalar, tree: str, decay: float) -> None:
    rng = np.random.default_rng(0)
    T, runs = 32, 20
    for _ in range(runs):
        a = (decay * rng.uniform(0.9, 1.0, T)).astype(dtype)
        b, h0 = in_dtype(rng, T, dtype).astype(dtype), in_dtype(rng, (), dtype).astype(dtype)
        ar = BoundedArithmetic(Rounding.of(torch_dtype))
        bound = ar.scan(ar.lift(a[None, :, None]), ar.lift(b[None, :, None]), ar.lift(h0[None, None]))
        for t in range(T):
            leaves = [(dtype(1), h0), *zip(a[: t + 1], b[: t + 1], strict=True)]
            _, h = tree_scan(leaves, rng, TREES[tree])
            within(h, bound[0, t, 0])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12), st.sampled_from(sorted(DTYPES, key=str)))
def test_scans_with_inexact_leaves(seed: int, T: int, torch_dtype: torch.dtype) -> None:
    """Leaves that come from rounded operations themselves, and any tree over them."""
    rng, dtype = np.random.default_rng(seed), DTYPES[torch_dtype]
    p, q, r, s = (in_dtype(rng, T, dtype, 0.3).astype(dtype) for _ in range(4))
    ar = BoundedArithmetic(Rounding.of(torch_dtype))
    a, b = (ar.lift(x[None, :, None]) * ar.lift(y[None, :, None]) for x, y in ((p, q), (r, s)))
    bound = ar.scan(a, b, ar.zeros((1, 1)))
    for t in range(T):
        _, h = tree_scan(list(zip(p * q, r * s, strict=True))[: t + 1], rng, TREES["random"])
        within(h, bound[0, t, 0])


def test_scan_bound_grows_no_faster_than_the_roundings_allow() -> None:
    """For a = 1, b = 1 the bound is ((1 + u)^k - 1) t with t <= k <= 2t, plus what float64 adds."""
    u, T = 2.0**-24, 100
    ar = BoundedArithmetic(Rounding.of(torch.float32))
    ones = ar.lift(np.ones((1, T, 1)))
    bound = ar.scan(ones, ones, ar.zeros((1, 1)))
    t = np.arange(1, T + 1)
    error = bound.error[0, :, 0]
    assert np.all(error >= t * np.expm1(t * np.log1p(u)))
    assert np.all(error <= t * np.expm1(2 * t * np.log1p(u)) * 1.001)


def test_worst_tree_uses_up_a_good_part_of_the_bound() -> None:
    """Chop every result down by nearly u: the bound must be reached within a small factor."""
    u = 2.0**-24
    shrink = 1 - u
    for T in (4, 16, 64):
        h = 0.0
        for _ in range(T):
            h = (h * shrink + 1.0) * shrink
        ar = BoundedArithmetic(Rounding.of(torch.float32))
        ones = ar.lift(np.ones((1, T, 1)))
        within(h, ar.scan(ones, ones, ar.zeros((1, 1)))[0, -1, 0], at_least=0.4)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "silu": torch.nn.functional.silu,
}


@pytest.mark.parametrize("torch_dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_exact_and_of_inexact_arguments(torch_dtype: torch.dtype, name: str) -> None:
    rng = np.random.default_rng(0)
    at = np.concatenate(
        [rng.uniform(-60, 30, 4000), rng.uniform(-1, 1, 4000), 20 + rng.uniform(-1e-6, 1e-6, 100)]
    )
    x = torch.from_numpy(at).to(torch_dtype)
    y = torch.from_numpy(rng.normal(size=at.shape)).to(torch_dtype)
    ar = BoundedArithmetic(Rounding.of(torch_dtype))
    lifted_x, lifted_y = ar.lift(x.double().numpy()), ar.lift(y.double().numpy())
    exact_argument = getattr(ar, name)(lifted_x)
    not_vacuous = 0.0 if torch_dtype == torch.float64 else 0.05  # in float64 both libraries round alike
    within(FUNCTIONS[name](x).double().numpy(), exact_argument, not_vacuous)
    inexact_argument = getattr(ar, name)(lifted_x + lifted_y)
    within(FUNCTIONS[name](x + y).double().numpy(), inexact_argument)


@pytest.mark.parametrize(("name", "steepest"), [("exp", np.inf), ("sigmoid", 0.25), ("softplus", 1.0)])
@settings(max_examples=200, deadline=None)
@given(st.floats(3, 8), st.sampled_from([-1, 1]), st.floats(1, 5))
def test_functions_of_arguments_that_are_far_off(
    name: str, steepest: float, size: int, sign: int, error: float
) -> None:
    """A slope at the value is not the slope on the way to an end of the interval."""
    ar, x = BoundedArithmetic(EXACT_IMPLEMENTATION), sign * size
    bounded = getattr(ar, name)(Bounded(np.array([x]), np.array([error]), ar))
    for end in (x - error, x + error):
        within(getattr(FLOAT64, name)(np.array([end])), bounded)
    assert bounded.error <= steepest * error * (1 + 1e-12) + 1e-12, "no function moves further than its slope"


@pytest.mark.parametrize("torch_dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_parameters_that_the_implementation_computes_are_known_to_the_declared_ulps(
    torch_dtype: torch.dtype,
) -> None:
    a_log = torch.from_numpy(np.random.default_rng(0).uniform(-3, 3, 4000)).to(torch_dtype)
    rounding = Rounding.of(torch_dtype)
    A = -np.exp(a_log.double().numpy())
    bounded = BoundedArithmetic(rounding).lift_computed(A)
    within(-torch.exp(a_log).double().numpy(), bounded, 0.0 if torch_dtype == torch.float64 else 0.2)
    ends = 2 * rounding.exp_ulps * rounding.unit_roundoff * np.abs(A)
    assert np.all(bounded.error >= ends)
    assert torch_dtype == torch.float64 or np.all(bounded.error <= ends * 1.001)


def test_declared_ulps_are_used() -> None:
    x = np.linspace(-3, 3, 100)
    for name in FUNCTIONS:
        errors = []
        for ulps in (1.0, 2.0, 4.0):
            ar = BoundedArithmetic(Rounding.of(torch.float32, ulps=ulps))
            errors.append(getattr(ar, name)(ar.lift(x)).error)
        assert np.all(np.diff(errors, axis=0) > 0)


def test_softplus_jump_at_its_threshold_is_within_the_bound() -> None:
    """An argument just above 20 for one side and just below for the other: they differ by log1p(exp(-20))."""
    ar = BoundedArithmetic(Rounding.of(torch.float64))
    above = Bounded(np.array([np.nextafter(20.0, 21.0)]), np.array([1e-14]), ar)
    within(FLOAT64.softplus(np.array([20.0])), ar.softplus(above), at_least=0.5)


KINDS = [DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec]


def small(kind: type[Spec], seed: int, exact: bool = False) -> Spec:
    sizes = {"inputDim": 2, "innerDim": 2, "stateDim": 3, "outputDim": 2, "convWidth": 2, "dtRank": 1}
    axes = {axis for names in kind.axes.values() for axis in names}
    return random_spec(kind, {axis: sizes[axis] for axis in axes}, seed=seed, exact=exact)


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_float64_run(kind: type[Spec]) -> None:
    spec = small(kind, 0)
    x = np.random.default_rng(0).normal(size=(2, 6, 2))
    bounded, _ = spec.run(x, arithmetic=BoundedArithmetic(Rounding.of(torch.float32)))
    assert bounded.value.tobytes() == spec.run(x)[0].tobytes()


EXACT_IMPLEMENTATION = Rounding(unit_roundoff=0.0, underflow=0.0, largest=np.inf)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_the_exact_run_is_within_what_float64_itself_rounds(seed: int) -> None:
    """An implementation without any error leaves float64's own: every part of the bound but that is zero."""
    spec = small(DiagonalS4Spec, seed, exact=True)
    assert isinstance(spec, DiagonalS4Spec)
    rng = np.random.default_rng(seed)
    thirds = [random_fractions(shape, rng) * Fraction(1, 3) for shape in ((3,), (1, 6, 2))]
    a, x = (np.array(part, dtype=np.float64) for part in thirds)
    spec = replace(spec, a=a)
    exact, _ = spec.run(x, arithmetic=EXACT)
    bounded, _ = spec.run(x, arithmetic=BoundedArithmetic(EXACT_IMPLEMENTATION))
    for got, value, error in zip(exact.ravel(), bounded.value.ravel(), bounded.error.ravel(), strict=True):
        assert abs(got - Fraction(value)) <= Fraction(error)
    assert bounded.error.max() <= 1e-14


def exact_share(got: NDArray[Any] | list[Fraction], bounded: Bounded) -> Fraction:
    """Share of the bound that exactly computed numbers are away from the value; exact itself."""
    pairs = zip(np.asarray(got).ravel(), bounded.value.ravel(), bounded.error.ravel(), strict=True)
    return max(abs(Fraction(g) - Fraction(v)) / Fraction(e) for g, v, e in pairs)


def fractions_of(*arrays: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (EXACT.lift(array) for array in arrays)


def test_float64_rounding_of_the_value_itself_is_counted() -> None:
    rng = np.random.default_rng(0)
    T = 300
    a, b, x, y = rng.uniform(0.999, 1.0, T), *rng.normal(size=(3, T))
    ar = BoundedArithmetic(EXACT_IMPLEMENTATION)
    h0 = np.zeros((1, 1))
    scan = ar.scan(ar.lift(a[None, :, None]), ar.lift(b[None, :, None]), ar.lift(h0))
    exact_a, exact_b, exact_x, exact_y = fractions_of(a[None, :, None], b[None, :, None], x, y)
    assert 1e-3 < exact_share(EXACT.scan(exact_a, exact_b, EXACT.lift(h0)), scan) <= 1
    assert 1e-4 < exact_share(EXACT.dot(exact_x, exact_y), ar.dot(ar.lift(x), ar.lift(y))) <= 1
    assert 0.1 < exact_share(exact_x * exact_y, ar.lift(x) * ar.lift(y)) <= 1
    assert 0.1 < exact_share(exact_x + exact_y, ar.lift(x) + ar.lift(y)) <= 1


def test_float64_rounding_of_functions_is_counted() -> None:
    """Against 60 decimal digits."""
    x = np.random.default_rng(0).uniform(-30, 19, 500)
    ar = BoundedArithmetic(EXACT_IMPLEMENTATION)
    with localcontext(prec=60):
        exp = [Decimal(v).exp() for v in x.tolist()]
        true = {
            "exp": exp,
            "sigmoid": [e / (1 + e) for e in exp],
            "softplus": [(1 + e).ln() for e in exp],
        }
        for name, want in true.items():
            share = exact_share([Fraction(v) for v in want], getattr(ar, name)(ar.lift(x)))
            assert 0.01 < share <= 1, name


@pytest.mark.parametrize("inexact", [("a",), ("b",), ("c",), ("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("direction", ["outward", "inward", "mixed"])
def test_inexact_operands_move_a_result_within_the_bound_and_nearly_all_of_it(
    inexact: tuple[str, ...], direction: str
) -> None:
    """Positive operands, each moved to an end of its interval; moving all outward attains the bound."""
    rng = np.random.default_rng(0)
    sign = {"outward": np.ones(7), "inward": -np.ones(7), "mixed": np.where(np.arange(7) % 2, 1.0, -1.0)}
    ar = BoundedArithmetic(EXACT_IMPLEMENTATION)
    values = {"a": rng.uniform(0.5, 1, 7), "b": rng.uniform(0.5, 1, 7), "c": rng.uniform(0.5, 1, 7)}
    errors = {name: 2.0**-10 * (name in inexact) * np.ones(7) for name in values}
    a, b, c = (Bounded(values[name], errors[name], ar) for name in "abc")
    moved = [EXACT.lift(values[n]) + EXACT.lift(errors[n]) * EXACT.lift(sign[direction]) for n in "abc"]
    exact_a, exact_b, exact_c = moved
    results = {
        "scan": (
            EXACT.scan(exact_a[None, :, None], exact_b[None, :, None], exact_c[:1, None]),
            ar.scan(a[None, :, None], b[None, :, None], c[:1, None]),
        ),
        "dot": (EXACT.dot(exact_a, exact_b, exact_c[0]), ar.dot(a, b, c[0])),
        "product": (exact_a * exact_b * exact_c, ar.product(a, b, c)),
        "sum": (exact_a + exact_b + exact_c, a + b + c),
    }
    for exact, bounded in results.values():
        share = exact_share(exact, bounded)
        assert share <= 1
        assert direction != "outward" or share > Fraction(99, 100)


def test_underflow_is_counted() -> None:
    """Products of float16 numbers whose results are subnormal or zero."""
    rng = np.random.default_rng(0)
    ar = BoundedArithmetic(Rounding.of(torch.float16))
    tiny = np.float16(2.0**-13)
    a, b = (rng.uniform(1, 2, 32).astype(np.float16) * tiny for _ in range(2))
    within(a * b, ar.lift(a) * ar.lift(b), at_least=0.1)
    within(random_order_sum(a * b, rng), ar.dot(ar.lift(a), ar.lift(b)))
    decays = np.full(32, 0.75, dtype=np.float16)
    bound = ar.scan(
        ar.lift(decays[None, :, None]), ar.lift(b[None, :, None] * 0 + 2.0**-24), ar.zeros((1, 1))
    )
    h = np.float16(0)
    for t in range(32):
        h = decays[t] * h + np.float16(2.0**-24)
        within(h, bound[0, t, 0])
    assert abs(float(h) - bound.value[0, -1, 0]) > 2.0**-25, "float16 rounds here as nowhere else"


def test_products_of_three_whose_first_product_underflows() -> None:
    """In float32, subnormal numbers kept and flushed to zero: a large factor makes the loss visible."""
    rng = np.random.default_rng(0)
    ar = BoundedArithmetic(Rounding.of(torch.float32))
    x = (rng.uniform(1, 2, 100) * 2.0**100).astype(np.float32)
    y, z = ((rng.uniform(1, 2, 100) * 2.0**-72).astype(np.float32) for _ in range(2))
    for factors in ((x, y, z), (y, x, z), (y, z, x)):
        bounded = ar.product(*(ar.lift(factor) for factor in factors))
        for got in ((x * y) * z, x * (y * z), (x * z) * y, 0 * x):
            within(got, bounded)


def test_half_precision_sums_accumulated_in_single_precision() -> None:
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.normal(size=(64, 64))).bfloat16() for _ in range(2))
    got = (x.float() @ y.float().T).bfloat16().double().numpy()
    errors = {}
    for accumulator in (None, torch.float32):
        ar = BoundedArithmetic(Rounding.of(torch.bfloat16, accumulator=accumulator))
        bound = ar.dot(ar.lift(x.double().numpy())[:, None], ar.lift(y.double().numpy())[None])
        within(got, bound)
        errors[accumulator] = bound.error.mean()
    assert errors[torch.float32] < errors[None] / 20


def test_peak_is_an_upper_bound_of_every_intermediate() -> None:
    ar = BoundedArithmetic(Rounding.of(torch.float32))
    ar.scan(ar.lift(np.full((1, 5, 1), 10.0)), ar.lift(np.ones((1, 5, 1))), ar.zeros((1, 1)))
    assert ar.peak >= 1e5, "the product of all decays is an intermediate of a tree"
    ar.dot(ar.lift(np.array([1e20, -1e20])), ar.lift(np.array([1e10, 1e10])))
    assert ar.peak >= 1e30, "partial sums count even where the sum cancels"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_roundings_of_dtypes(dtype: torch.dtype) -> None:
    rounding = Rounding.of(dtype)
    u = torch.tensor(rounding.unit_roundoff, dtype=dtype)
    one = torch.ones((), dtype=dtype)
    assert one + u == one
    assert one + 2 * u > one
    assert rounding.largest == torch.finfo(dtype).max
    assert 0 < rounding.underflow <= torch.finfo(dtype).smallest_normal
