"""exp of a logarithm is exact, so a scan in log space is the scan."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scanproof import Verdict, check_same
from scanproof.programs.field import pairs
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.primes import draw_primes
from scanproof.programs.field.residues import Side

X = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)) + 0.5
MASK = torch.ones(4, 4).tril().bool()


def states(a: Tensor, b: Tensor) -> Tensor:
    h, seen = torch.zeros_like(b[:, 0]), []
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        seen.append(h)
    return torch.stack(seen, 1)


def in_logs(log_a: Tensor, log_b: Tensor) -> Tensor:
    """Run a scan in log space, as minGRU does."""
    grown = log_a.cumsum(1)
    return (grown + torch.logcumsumexp(log_b - grown, 1)).exp()


def by_matrix(log_a: Tensor, b: Tensor) -> Tensor:
    """Run a scan by a matrix of decays, as Mamba-2 does."""
    grown = log_a.cumsum(1)
    spans = (grown[:, :, None] - grown[:, None]).masked_fill(~MASK, -torch.inf)
    return (spans.exp() @ b[:, :, None])[..., 0]


def gated(x: Tensor) -> Tensor:
    return states(torch.sigmoid(-x), torch.sigmoid(x) * x.exp())


Formula = Callable[[Tensor], Tensor]
EQUAL: dict[str, tuple[Formula, Formula]] = {
    "exp of log": (lambda x: x.log().exp(), lambda x: x),
    "a product": (lambda x: (x.log() + x[:1].log() + x).exp(), lambda x: x * x[:1] * x.exp()),
    "a quotient": (lambda x: (x - x.log()).exp(), lambda x: x.exp() / x),
    "a power": (lambda x: (3 * x.log()).exp(), lambda x: x**3),
    "a power by a tensor": (lambda x: (x.log() * torch.full((4,), -2.0)).exp(), lambda x: 1 / (x * x)),
    "a negative": (lambda x: (-(x + x.log())).exp(), lambda x: (-x).exp() / x),
    "a negative multiple": (lambda x: (-2 * (x + x.log())).exp(), lambda x: (-2 * x).exp() / (x * x)),
    "alpha": (lambda x: torch.sub(x, x.log(), alpha=2).exp(), lambda x: x.exp() / (x * x)),
    "a sum": (lambda x: x.log().sum(1).exp(), lambda x: x.prod(1)),
    "a sum of two axes": (lambda x: x.log().sum((0, 1)).exp(), lambda x: x.prod()),
    "running sums": (lambda x: x.log().cumsum(1).exp(), lambda x: x.cumprod(1)),
    "log1p": (lambda x: x.log1p().exp(), lambda x: x + 1),
    "logaddexp": (lambda x: torch.logaddexp(x, x.log()).exp(), lambda x: x.exp() + x),
    "logsumexp": (lambda x: x.logsumexp(1).exp(), lambda x: x.exp().sum(1)),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, 1).exp(), lambda x: x.exp().cumsum(1)),
    "log_softmax": (lambda x: x.log_softmax(1).exp(), lambda x: x.softmax(1)),
    "logsigmoid": (lambda x: functional.logsigmoid(x).exp(), torch.sigmoid),
    "softplus": (lambda x: functional.softplus(x).exp(), lambda x: 1 + x.exp()),
    "two names of one": (functional.logsigmoid, lambda x: -functional.softplus(-x)),
    "moved": (
        lambda x: torch.cat([x.log(), x])[1:].flip(0).exp(), lambda x: torch.cat([x, x.exp()])[1:].flip(0)
    ),
    "padded": (lambda x: functional.pad(x.log(), (1, 0)).exp(), lambda x: functional.pad(x, (1, 0), value=1)),
    "padded by a number": (
        lambda x: functional.pad(x.log(), (1, 0), value=2).exp(),
        lambda x: torch.cat([torch.full((3, 1), 2.0).exp(), x], 1),
    ),
    "triangles": (lambda x: x.log().tril().exp(), lambda x: torch.where(MASK[:3], x, 1.0)),
    "branches": (
        lambda x: torch.maximum(x.log(), x / 2 - 0.5).exp(),
        lambda x: torch.where(x.log() >= x / 2 - 0.5, x, (x / 2 - 0.5).exp()),
    ),
    "minus infinity": (
        lambda x: x.log().masked_fill(MASK[:3], -torch.inf).exp(), lambda x: x.masked_fill(MASK[:3], 0)
    ),
    "a scan in log space": (lambda x: in_logs(x.log(), (x + 1).log()), lambda x: states(x, x + 1)),
    "a gated scan in log space": (
        lambda x: in_logs(functional.logsigmoid(-x), functional.logsigmoid(x) + x),
        gated,
    ),
    "a scan by a matrix": (
        lambda x: by_matrix(functional.logsigmoid(x), x), lambda x: states(x.sigmoid(), x)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_exponentials_of_logarithms_are_exact(name: str) -> None:
    f, g = EQUAL[name]
    report = check_same(f, g, X)
    assert report.verdict is Verdict.EQUAL, report.summary()
    wrong = check_same(f, lambda x: g(x) * (1 + 1e-12), X)
    assert wrong.verdict is not Verdict.EQUAL
    if name != "two names of one":
        assert wrong.verdict is Verdict.DIFFERENT, wrong.summary()


UNDECIDED: dict[str, tuple[Formula, Formula]] = {
    "half a logarithm": (lambda x: (x.log() * 0.5).exp() ** 2, lambda x: x),
    "a product of logarithms": (lambda x: (x.log() * x.log()).exp(), lambda x: x ** 2),
    "a logarithm outside": (lambda x: x.logsumexp(1), lambda x: x[:, 0] + (x - x[:, :1]).logsumexp(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDECIDED)
def test_other_laws_of_logarithms_are_not_used(name: str) -> None:
    report = check_same(*UNDECIDED[name], X)
    assert report.verdict is not Verdict.EQUAL
    assert "log" in report.opaque or "sqrt" in report.opaque


ROOTS: dict[str, list[Formula]] = {
    "a root": [
        torch.sqrt, lambda m: m**0.5, lambda m: (m.log() / 2).exp(), lambda m: (0.5 * m.log()).exp(),
        lambda m: (torch.full((4,), 0.5) * m.log()).exp(), lambda m: 1 / m.rsqrt(),
        lambda m: (torch.log1p(m - 1) / 2).exp(), lambda m: 1 / (m.log() / -2).exp(),
    ],
    "a reciprocal root": [
        torch.rsqrt, lambda m: 1 / m.sqrt(), lambda m: m**-0.5, lambda m: (-(m.log() / 2)).exp(),
        lambda m: (-0.5 * m.log()).exp(), lambda m: (m.log() * -0.5).exp(), lambda m: 1 / m**0.5,
        lambda m: (1 / m).sqrt(), lambda m: (-m.log() / 2).exp(), lambda m: m.reciprocal() ** 0.5,
        lambda m: torch.sub(m, m.log(), alpha=0.5).exp() / m.exp(),
    ],
    "three halves": [
        lambda m: m**-1.5, lambda m: 1 / (m * m.sqrt()), lambda m: m.rsqrt() / m,
        lambda m: (-1.5 * m.log()).exp(), lambda m: 1 / (1.5 * m.log()).exp(),
    ],
    "beside another term": [
        lambda m: ((m.log() + m) / 2).exp(), lambda m: m.sqrt() * (m / 2).exp(),
        lambda m: (m.log() / 2 + 0.5 * m).exp(),
    ],
    "of a softplus": [
        lambda m: (functional.softplus(m) / 2).exp(), lambda m: (1 + m.exp()).sqrt(),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", ROOTS)
def test_usual_spellings_of_a_root_meet(name: str) -> None:
    first, *others = ROOTS[name]
    for other in others:
        assert check_same(first, other, X).verdict is Verdict.EQUAL
        assert check_same(first, lambda m, other=other: other(m) * (1 + 1e-9), X).verdict is Verdict.DIFFERENT


def test_a_root_of_zero_and_of_one() -> None:
    few = torch.tensor([0, 1, 2])
    x = Pair(Side(PRIMES.p, few), Side(PRIMES.q, few))
    found = pairs.sqrt(x, PRIMES).value
    assert isinstance(found, Side)
    assert found.values[:2].tolist() == [0, 1]
    assert found.values[2] > 1


def test_half_of_a_pure_number_is_pure() -> None:
    x = drawn(0, 4)
    half = x.halved()
    assert half.power is None
    assert same(pairs.exp(half + half, PRIMES).value, pairs.exp(x, PRIMES).value)


def test_roots_of_a_product_are_not_the_product_of_roots() -> None:
    """Half of all residues have no root, so no choice of roots has this law."""
    report = check_same(lambda x: x.sqrt() * (x + 1).sqrt(), lambda x: (x * (x + 1)).sqrt(), X)
    assert report.verdict is Verdict.INCONCLUSIVE


PRIMES = draw_primes(3)


def drawn(seed: int, *shape: int) -> Pair:
    generator = torch.Generator().manual_seed(seed)
    value, exponent = (
        Side(prime, torch.randint(prime, shape, generator=generator)) for prime in (PRIMES.p, PRIMES.q)
    )
    return Pair(value, exponent)


def same(one: Any, other: Any) -> bool:
    return bool(torch.equal(*torch.broadcast_tensors(one.values, other.values)))


def test_a_sum_with_an_entry_without_factor_has_none_there() -> None:
    """Entry by entry: a product with a logarithm leaves no factor, and a sum with it has none."""
    x, y = drawn(0, 4), drawn(1, 4)
    linear = torch.tensor([True, False, True, False])
    mixed, log = pairs.choose(linear, x, pairs.log(y, PRIMES)) * x, pairs.log(y, PRIMES)
    for summed in (mixed + log, log + mixed):
        assert summed.power is not None
        assert summed.power.absent is not None
        assert torch.equal(summed.power.absent, ~linear)
        pure = replace(summed, power=None)
        expected = pairs.choose(linear, pairs.exp(x * x, PRIMES) * y, pairs.exp(pure, PRIMES))
        assert same(pairs.exp(summed, PRIMES).value, expected.value)


def test_a_pure_product_stays_pure() -> None:
    x = drawn(0, 4)
    assert (x * x / x - x).power is None
    assert pairs.exp(x, PRIMES).power is None
    assert pairs.softplus(x, torch.ones(4).bool(), PRIMES) is x


def test_what_is_lost_on_one_side_stays_on_the_other() -> None:
    zero = Pair(Side(PRIMES.p, torch.zeros(1).long()), Side(PRIMES.q, torch.ones(1).long()))
    quotient = drawn(0, 1) / zero
    assert not isinstance(quotient.value, Side)
    assert isinstance(quotient.exponent, Side)
    assert not isinstance(pairs.log(quotient, PRIMES).exponent, Side)
    assert isinstance((-pairs.log(zero, PRIMES)).exponent, Side)
