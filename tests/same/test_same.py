"""check_same tells apart what differs in the formula, and nothing that differs only in rounding."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scanproof import InvalidArgument, SameReport, Verdict, check_same, theorems
from scanproof import selective_scan as sequential
from scanproof import selective_scan_associative as associative
from scanproof import selective_scan_chunked as chunked
from scanproof.programs.field.decide import WRONG, wrong_text
from scanproof.programs.field.draw import Parameters, Point
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.residues import Side
from scanproof.programs.program import Value
from scanproof.scans import states

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


def scan_case(length: int = 64) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((1, 2, length), (1, 2, length), (2, 3), (1, 3, length), (1, 3, length), (2,), (1, 2, length))
    u, delta, A, *rest = (torch.randn(shape, generator=generator) for shape in shapes)
    return u, delta.abs(), -A.abs(), *rest


def verdict(f: Callable[..., Any], g: Callable[..., Any], x: Any = X) -> Verdict:
    return check_same(f, g, x).verdict


def scanned(*x: Tensor, **options: bool) -> Any:
    return sequential(*x, **options)  # type: ignore[arg-type]  # the arguments vary


ORDERS: dict[str, Callable[..., Any]] = {
    **{f"chunks of {size}": partial(chunked, chunk_size=size) for size in (1, 5, 16, 64, 100)},
    "associative": associative,
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("softplus", [False, True])
def test_orders_of_a_scan_are_equal(order: str, softplus: bool) -> None:
    f, g = (
        partial(scan, delta_softplus=softplus, return_last_state=True) for scan in (scanned, ORDERS[order])
    )
    report = check_same(f, g, scan_case())
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert report.probability is not None
    assert report.probability < 1e-15
    assert report.exponentials


def pulled(scan: Callable[..., Any], *x: Tensor) -> tuple[Tensor, ...]:
    with torch.enable_grad():
        own = [tensor.detach().requires_grad_() for tensor in x]
        return torch.autograd.grad(scan(*own, delta_softplus=True).square().sum(), own)


def test_gradients_of_orders_of_a_scan_are_equal() -> None:
    x = scan_case(16)
    f = partial(pulled, sequential)
    for order in ("chunks of 5", "associative"):
        report = check_same(f, partial(pulled, ORDERS[order]), x)
        assert report.verdict is Verdict.EQUAL, report.summary()

    def wrong(*x: Tensor) -> list[Tensor]:
        return [each * (1 + 1e-12) for each in pulled(associative, *x)]

    assert check_same(f, wrong, x).verdict is Verdict.DIFFERENT


def test_a_scan_in_bfloat16_is_decided() -> None:
    x = tuple(tensor.bfloat16() for tensor in scan_case(20))
    assert verdict(sequential, partial(chunked, chunk_size=7), x) is Verdict.EQUAL


@pytest.mark.parametrize("seed", range(3))
def test_a_factor_below_rounding_is_seen(seed: int) -> None:
    report = check_same(sequential, lambda *x: scanned(*x) * (1 + 1e-12), scan_case(), seed=seed)
    assert report.verdict is Verdict.DIFFERENT
    assert report.worst is not None
    assert report.worst.f == report.worst.g
    assert report.worst.count == 128
    assert "the floats at x are equal" in report.summary()


def test_a_term_dropped_in_the_last_chunk_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def dropped(a: Tensor, b: Tensor, size: int) -> Tensor:
        h = states.chunked_states(a, b, size)
        last = states.sequential_states(a[..., -size:, :], b[..., -size:, :])
        return torch.cat([h[..., :-1, :], last[..., -1:, :]], -2)

    def wrong(*x: Tensor) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr("scanproof.scans.selective.chunked_states", dropped)
            return ORDERS["chunks of 16"](*x)

    report = check_same(sequential, wrong, scan_case())
    assert report.verdict is Verdict.DIFFERENT
    assert report.worst is not None
    assert report.worst.index[-1] == 63
    assert report.worst.count == 2


EQUAL: dict[str, tuple[Callable[[Tensor], Any], Callable[[Tensor], Any]]] = {
    "exp of a sum": (lambda x: (x + x[0]).exp(), lambda x: x.exp() * x[0].exp()),
    "exp of a negative": (lambda x: (-x).exp(), lambda x: 1 / x.exp()),
    "exp of a multiple": (lambda x: (3 * x).exp(), lambda x: x.exp() ** 3),
    "a quotient": (lambda x: x / x * x[0], lambda x: x[0].expand(3, 4)),
    "sigmoid": (torch.sigmoid, lambda x: 1 / (1 + torch.exp(-x))),
    "silu": (functional.silu, lambda x: x * torch.sigmoid(x)),
    "tanh": (torch.tanh, lambda x: 2 * torch.sigmoid(2 * x) - 1),
    "softmax": (lambda x: x.softmax(-1), lambda x: x.exp() / x.exp().sum(-1, keepdim=True)),
    "shifted softmax": (lambda x: x.softmax(-1), lambda x: (x - x[:, :1]).softmax(-1)),
    "exp of exp": (lambda x: x.exp().exp(), lambda x: (x.exp() * 2 / 2).exp()),
    "exp of sigmoid": (lambda x: x.sigmoid().exp(), lambda x: (1 / (1 + (-x).exp())).exp()),
    "expm1": (torch.expm1, lambda x: x.exp() - 1),
    "softplus": (functional.softplus, lambda x: torch.log1p(x.exp())),
    "rsqrt": (lambda x: (x * x).rsqrt(), lambda x: 1 / (x * x).sqrt()),
    "relu": (torch.relu, lambda x: torch.where(x > 0, x, 0.0)),
    "mean": (lambda x: x.mean(1), lambda x: x.sum(1) / 4),
    "causal attention": (
        lambda x: (x @ x.T).masked_fill(torch.ones(3, 3).triu(1).bool(), -torch.inf).softmax(-1) @ x,
        lambda x: ((e := (x @ x.T).exp().tril()) @ x) / e.sum(1, keepdim=True),
    ),
    "infinities": (
        lambda x: x + x.masked_fill(torch.eye(3, 4).bool(), -torch.inf),
        lambda x: (2 * x).masked_fill(torch.eye(3, 4).bool(), -torch.inf),
    ),
    "linear attention": (lambda x: (x @ x.T).tril() @ x, lambda x: (x[:, :, None] * x[:, None]).cumsum(0)
                         .transpose(1, 2).matmul(x[:, :, None])[..., 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_identities_hold(name: str) -> None:
    report = check_same(*EQUAL[name], X)
    assert report.verdict is Verdict.EQUAL, report.summary()


DIFFERENT: dict[str, tuple[Callable[[Tensor], Any], Callable[[Tensor], Any]]] = {
    "exp": (lambda x: x.exp(), lambda x: x.exp() * (1 + 1e-12)),
    "an exponent": (lambda x: x.exp(), lambda x: (x * (1 + 1e-9)).exp()),
    "one entry": (lambda x: x, lambda x: x + functional.pad(torch.full((1, 1), 1e-30), (3, 0, 2, 0))),
    "an infinity": (lambda x: x, lambda x: x.masked_fill(torch.eye(3, 4).bool(), -torch.inf)),
    "an infinity and zero": (lambda x: x * 0, lambda x: (x * 0).masked_fill(x > 0, -torch.inf)),
    "opposite branches": (torch.relu, lambda x: torch.where(x < 0, x, 0.0)),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_small_differences_are_seen(name: str) -> None:
    report = check_same(*DIFFERENT[name], X)
    assert report.verdict is Verdict.DIFFERENT, report.summary()
    assert report.probability is None


UNDECIDED: dict[str, tuple[Callable[[Tensor], Any], Callable[[Tensor], Any], str]] = {
    "an unknown operation": (torch.erfinv, torch.erfinv, "erfinv.default has no rule over a field"),
    "a law of exp within an exponent": (
        lambda x: (x + x[0]).exp().exp(), lambda x: (x.exp() * x[0].exp()).exp(), "exp within an exponent"
    ),
    "a pole": (lambda x: 1 / (x - x), lambda x: 1 / (x - x), "reciprocal.default divides by zero"),
    "a law of log": (lambda x: (x * x).log(), lambda x: 2 * x.log(), "unless a law of log makes them equal"),
    "memory": (
        lambda x: x * 1, lambda x: torch.cat([x[:2], torch.empty(1, 4)]), "program of g is not the function"
    ),
    "random numbers": (lambda x: x + torch.rand(3, 4), lambda x: x + torch.rand(3, 4), "random numbers"),
    "numbers that Python saw": (
        lambda x: x * x[0, 0].item(), lambda x: x * x[0, 0], "number that Python saw"
    ),
    "a kernel that PyTorch does not see": (
        lambda x: torch.from_numpy(x.numpy() * 2), lambda x: 2 * x, "numbers that Python saw"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_has_no_rule_is_named(name: str) -> None:
    f, g, why = UNDECIDED[name]
    report = check_same(f, g, X)
    assert report.verdict is Verdict.INCONCLUSIVE, report.summary()
    assert any(why in each for each in report.undecided), report.undecided
    assert why in report.reason
    assert report.worst is None
    assert report.probability is None


SEEN: dict[str, tuple[Callable[[Tensor], Any], Callable[[Tensor], Any]]] = {
    "log": (lambda x: (x * x).log(), lambda x: 2 * x.abs().log() * (1 + 1e-9)),
    "sqrt": (lambda x: (x * x).sqrt() + x, lambda x: x.abs() * (1 + 1e-9) + x),
    "erf": (torch.erf, lambda x: torch.erf(x + 1e-10)),
}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_difference_behind_a_function_without_laws_is_confirmed_in_float64(
    name: str, dtype: torch.dtype
) -> None:
    report = check_same(*SEEN[name], X.to(dtype))
    assert report.verdict is Verdict.DIFFERENT, report.summary()
    assert f"but no law of {name} is used; in float64 at x they differ by" in report.reason
    assert report.undecided == ()


def test_a_law_that_holds_is_not_refuted_in_float64() -> None:
    report = check_same(lambda x: (x * x).sqrt() + x, lambda x: x.abs() + x, X)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reason == "entries differ unless a law of sqrt makes them equal"


def test_a_difference_beside_an_undecided_output_is_a_difference() -> None:
    assert verdict(lambda x: (x.erfinv(), x), lambda x: (x.erfinv(), x * 2)) is Verdict.DIFFERENT


def test_parameters_are_drawn() -> None:
    """A bias of zeros does not hide that it is left out."""
    layer = nn.Linear(4, 2)
    nn.init.zeros_(layer.bias)
    report = check_same(layer, lambda x: x @ layer.weight.T, X)
    assert report.verdict is Verdict.DIFFERENT
    assert report.parameters == 2
    assert verdict(layer, lambda x: layer.bias + x @ layer.weight.T) is Verdict.EQUAL


def test_parameters_of_a_copy_are_the_same_while_they_are_equal() -> None:
    one, other = nn.Linear(4, 2), nn.Linear(4, 2)
    other.load_state_dict(one.state_dict())
    assert verdict(one, other) is Verdict.EQUAL
    with torch.no_grad():
        other.weight[0, 0] += 1
    assert verdict(one, other) is Verdict.DIFFERENT


def test_branches_are_those_of_the_floats_and_are_named() -> None:
    report = check_same(lambda x: torch.where(x.sum() > 100, x, 2 * x), lambda x: x + x, X)
    assert report.verdict is Verdict.EQUAL
    assert any(each.startswith("aten.gt.Scalar") for each in report.branches)
    assert "branches : as at x: aten.gt.Scalar" in report.summary()
    assert not check_same(lambda x: x + x, lambda x: 2 * x, X).branches


def test_functions_without_laws_are_named() -> None:
    report = check_same(torch.log, torch.log, X.abs())
    assert "no laws  : log taken as pseudo-random, the same on both sides" in report.summary()
    assert report.opaque == ("log",)


def test_whole_numbers_stay_as_they_are() -> None:
    ids = torch.tensor([2, 0])
    assert verdict(lambda x, ids: x[ids], lambda x, ids: x.index_select(0, ids), (X, ids)) is Verdict.EQUAL
    assert verdict(lambda x, ids: x[ids], lambda x, ids: x[ids + 1 - 1], (X, ids)) is Verdict.EQUAL
    assert verdict(lambda x, ids: x[ids], lambda x, ids: x[ids.flip(0)], (X, ids)) is Verdict.DIFFERENT


def test_inputs_by_name() -> None:
    report = check_same(lambda a, b: a * b, lambda a, b: b * a, {"a": X, "b": X})
    assert report.verdict is Verdict.EQUAL
    assert verdict(lambda a, b: a - b, lambda a, b: a * 0, {"a": X, "b": X}) is Verdict.DIFFERENT


def test_the_probability_comes_from_the_degree() -> None:
    one = check_same(lambda x: x**30, lambda x: x**29 * x, X)
    many = check_same(lambda x: x**60, lambda x: x**59 * x, X)
    assert (one.degree, many.degree) == (30, 60)
    assert len(one.primes) == len(many.primes) == 2
    assert one.probability is not None
    assert many.probability is not None
    assert one.probability < many.probability < WRONG
    assert not one.exponentials
    assert wrong_text(WRONG) in ("1.0e-15", "1.1e-15")


def test_a_degree_counts_exponentials_and_their_exponents() -> None:
    report = check_same(lambda x: (x * x).exp(), lambda x: (x * x).exp(), X)
    assert report.degree == 3


def test_each_program_finds_other_numbers_in_unwritten_memory() -> None:
    value, point = (
        Value(0, (4,), torch.float32, "computed", False, False),
        Point(0, 0, Parameters({}, {})),
    )
    found = [point.drawn(program, value) for program in (0, 0, 1)]
    one, again, other = (pair.value for pair in found if isinstance(pair, Pair))
    assert isinstance(one, Side)
    assert isinstance(again, Side)
    assert isinstance(other, Side)
    assert torch.equal(one.values, again.values)
    assert not torch.equal(one.values, other.values)


def test_a_degree_that_is_too_great_is_not_decided() -> None:
    def squared(x: Tensor) -> Tensor:
        for _ in range(50):
            x = x * x
        return x

    report = check_same(squared, squared, X)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert f"the degree is {2**50}" in report.reason


def test_a_report_passes_fails_and_is_written() -> None:
    equal, different = check_same(*EQUAL["silu"], X), check_same(*DIFFERENT["exp"], X)
    assert equal.require() is equal
    with pytest.raises(AssertionError, match=r"entr(y|ies) differ"):
        different.require()
    assert equal.theorems == (theorems.RANDOM_POINTS_ALL,)
    assert [row.theorem for row in different.rows()] == [theorems.SAME_EXPRESSIONS]
    assert different.document()["reports"][0]["fields"]["undecided"] == []
    assert equal.call.startswith("check_same(silu, <lambda>, x, seed=0)")
    again = check_same(*DIFFERENT["exp"], X, seed=different.seed)
    assert again == SameReport(**{**vars(different), "call": again.call})


def test_bad_input_is_said() -> None:
    with pytest.raises(InvalidArgument, match="return tensors of the same shapes"):
        check_same(lambda x: x, lambda x: x[0], X)
    with pytest.raises(InvalidArgument, match="x holds no tensor"):
        check_same(lambda x: x, lambda x: x, ())
    with pytest.raises(InvalidArgument, match="seed must be"):
        check_same(lambda x: x, lambda x: x, X, seed=-1)


def polynomial(random: Random, depth: int) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Return a random polynomial of the rows of a tensor, written in two ways."""
    if not depth:
        row, factor = random.randrange(3), random.choice((1.0, -2.0, 0.1, 3.7))
        return lambda x: x[row] * factor, lambda x: factor * x.unbind(0)[row]
    (a, a2), (b, b2), (c, c2) = (polynomial(random, depth - 1) for _ in range(3))
    return random.choice(
        (
            (lambda x: a(x) * (b(x) + c(x)), lambda x: a2(x) * c2(x) + b2(x) * a2(x)),
            (lambda x: a(x) - (b(x) - c(x)), lambda x: c2(x) + a2(x) - b2(x)),
            (lambda x: (a(x) + b(x)) ** 2, lambda x: a2(x) ** 2 + b2(x) * (2 * a2(x) + b2(x))),
        )
    )


@pytest.mark.parametrize("seed", range(12))
def test_polynomials_are_equal_to_what_they_expand_to_and_to_nothing_near(seed: int) -> None:
    random = Random(seed)
    f, g = polynomial(random, 1 + seed % 3)
    size = 10.0 ** -random.randrange(1, 40)
    row = random.randrange(3)
    assert verdict(f, g) is Verdict.EQUAL
    assert verdict(f, lambda x: g(x) + size) is Verdict.DIFFERENT
    assert verdict(f, lambda x: g(x) + size * x[row]) is Verdict.DIFFERENT
    assert verdict(lambda x: f(x).exp(), lambda x: (g(x) + size).exp()) is Verdict.DIFFERENT
    assert verdict(lambda x: f(x).exp(), lambda x: g(x).exp()) is Verdict.EQUAL
