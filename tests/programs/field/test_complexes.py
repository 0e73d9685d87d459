"""Complex tensors, and the laws of angles."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import Verdict, check_same

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(3, 4, generator=GENERATOR)
Z = torch.complex(X, torch.randn(3, 4, generator=GENERATOR))

Formula = Callable[[Tensor], Any]
AFTER = torch.tensor([0.0, 1, 1, 1])
SHIFT = torch.tensor([3, 0, 1, 2])


def parts(z: Tensor) -> tuple[Tensor, Tensor]:
    both = torch.view_as_real(z)
    return both[..., 0], both[..., 1]


def product(one: Tensor, other: Tensor) -> Tensor:
    (a, b), (c, d) = parts(one), parts(other)
    return torch.complex(a * c - b * d, a * d + b * c)


def exponential(z: Tensor) -> Tensor:
    a, b = parts(z)
    return torch.complex(a.exp() * b.cos(), a.exp() * b.sin())


def states(a: Tensor, b: Tensor) -> Tensor:
    h, seen = torch.zeros_like(b[:, 0]), []
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        seen.append(h)
    return torch.stack(seen, 1)


def by_exponents(log_a: Tensor, b: Tensor) -> Tensor:
    """Scan by a matrix of exponentials of differences of sums, as an S4D kernel is computed."""
    sums = log_a.cumsum(1)
    decays = (sums[:, :, None] - sums[:, None]).exp() * torch.ones(4, 4).tril()
    return (decays * b[:, None]).sum(2)


def rotated(x: Tensor, angles: Tensor) -> Tensor:
    cos, sin = angles.cos(), angles.sin()
    one, other = x.chunk(2, -1)
    return torch.cat([one * cos - other * sin, one * sin + other * cos], -1)


COMPLEX: dict[str, tuple[Formula, Formula]] = {
    "mul": (lambda z: z * z.flip(0), lambda z: product(z, z.flip(0))),
    "a real factor": (lambda z: z * z.real, lambda z: torch.complex(z.real * z.real, z.imag * z.real)),
    "a number": (lambda z: (2 - 3j) * z, lambda z: product(z, torch.full_like(z, 2 - 3j))),
    "add and sub": (lambda z: (z + z.flip(0)) - torch.sub(z, 1j, alpha=2), lambda z: z.flip(0) + 2j),
    "addcmul": (lambda z: torch.addcmul(z, z, z.flip(0), value=2), lambda z: z + 2 * product(z, z.flip(0))),
    "div": (lambda z: z / z.flip(0) * z.flip(0), lambda z: z),
    "reciprocal": (lambda z: 1 / z, lambda z: z.conj() / (z * z.conj()).real),
    "pow": (lambda z: z**3, lambda z: z * z * z),
    "conj": (lambda z: (z * z.conj()).imag, lambda z: 0 * z.real),
    "sgn": (lambda z: z.sgn() * z.abs(), lambda z: z),
    "abs": (lambda z: z.abs(), lambda z: (z.real**2 + z.imag**2).sqrt()),
    "exp": (lambda z: z.exp(), exponential),
    "exp of a sum": (lambda z: (z + z.flip(0)).exp(), lambda z: z.exp() * z.flip(0).exp()),
    "exp of a conjugate": (lambda z: z.conj().exp(), lambda z: z.exp().conj()),
    "exp of a negative": (lambda z: (-z).exp(), lambda z: 1 / z.exp()),
    "a unit": (lambda z: z.imag.cos() ** 2 + z.imag.sin() ** 2, lambda z: 0 * z.real + 1),
    "polar": (lambda z: torch.polar(z.real, z.imag), lambda z: z.real * (1j * z.imag).exp()),
    "views": (lambda z: torch.view_as_complex(torch.view_as_real(z).flip(-1)), lambda z: 1j * z.conj()),
    "sum": (lambda z: z.sum(1), lambda z: z @ torch.ones(4, dtype=z.dtype)),
    "mean": (lambda z: z.mean(0) * 3, lambda z: z.sum(0)),
    "cumsum": (lambda z: z.cumsum(1)[:, -1], lambda z: z.sum(1)),
    "cumprod": (lambda z: z.cumprod(1), lambda z: states(z * AFTER, z * (1 - AFTER))),
    "matmul": (lambda z: z @ z.T, lambda z: (z[:, None] * z[None]).sum(-1)),
    "einsum": (lambda z: torch.einsum("ab,cb->ac", z, z.conj()), lambda z: (z @ z.T.conj())),
    "moved": (
        lambda z: torch.cat([z, z.real + 0j])[:, SHIFT].tril(),
        lambda z: torch.cat([z.roll(1, 1), z.real.roll(1, 1) + 0j]).tril(),
    ),
    "masked": (lambda z: z.masked_fill(torch.eye(3, 4).bool(), 0), lambda z: z * (1 - torch.eye(3, 4))),
    "a scan": (lambda z: by_exponents(z, z + 1).real, lambda z: states(z.exp(), z + 1).real),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPLEX)
def test_identities_of_complex_numbers_hold(name: str) -> None:
    f, g = COMPLEX[name]
    report = check_same(f, g, Z)
    assert report.verdict is Verdict.EQUAL, report.summary()
    for size in (1e-9, 1e-9j) if f(Z).is_complex() else (1e-9,):
        wrong = check_same(f, lambda z, size=size: g(z) + size, Z)
        assert wrong.verdict is Verdict.DIFFERENT, wrong.summary()
        assert wrong.worst is not None
        assert wrong.worst.path == ("" if not f(Z).is_complex() else ".real" if size == 1e-9 else ".imag")


def gradient(fn: Formula) -> Callable[[Tensor], Tensor]:
    def pull(z: Tensor) -> Tensor:
        with torch.enable_grad():
            own = z.detach().requires_grad_()
            result = fn(own)
            result = torch.view_as_real(result.resolve_conj()) if result.is_complex() else result
            return torch.autograd.grad(result.square().sum(), own)[0]

    return pull


@pytest.mark.parametrize("name", sorted(COMPLEX.keys() - {"polar", "sgn"}))
def test_gradients_of_complex_numbers_are_equal(name: str) -> None:
    f, g = (gradient(fn) for fn in COMPLEX[name])
    report = check_same(f, g, Z)
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert check_same(f, lambda z: g(z) + 1e-9j, Z).verdict is Verdict.DIFFERENT


def test_a_gradient_that_needs_a_law_of_roots_is_not_decided() -> None:
    f, g = (gradient(fn) for fn in COMPLEX["sgn"])
    report = check_same(f, g, Z)
    assert report.verdict is Verdict.INCONCLUSIVE, report.summary()
    assert "law of sqrt" in report.reason


def test_the_gradient_of_polar_is_another_one_for_negative_radii() -> None:
    """PyTorch takes the radius of the result, which has no sign."""
    f, g = (gradient(fn) for fn in COMPLEX["polar"])
    report = check_same(f, g, Z)
    assert report.verdict is Verdict.DIFFERENT, report.summary()
    assert report.worst is not None
    assert abs(report.worst.f - report.worst.g) > 1


def test_rotations_of_real_numbers_are_those_of_complex_numbers() -> None:
    angles = torch.arange(3.0)[:, None] * torch.tensor([1.0, 0.01])

    def turned(x: Tensor) -> Tensor:
        both = torch.complex(*x.chunk(2, -1)) * torch.polar(torch.ones_like(angles), angles)
        return torch.cat([both.real, both.imag], -1)

    assert check_same(lambda x: rotated(x, angles), turned, X).verdict is Verdict.EQUAL
    report = check_same(lambda x: rotated(x, angles), lambda x: rotated(x, angles * (1 + 1e-6)), X)
    assert report.verdict is Verdict.DIFFERENT


def test_products_of_rotated_numbers_depend_on_differences_of_angles() -> None:
    def scores(x: Tensor, first: float) -> Tensor:
        own = rotated(x, first + torch.arange(3.0)[:, None] * torch.tensor([1.0, 0.5]))
        return own @ own.T

    assert check_same(lambda x: scores(x, 0.0), lambda x: scores(x, 4.0), X).verdict is Verdict.EQUAL


def test_complex_parameters_are_drawn() -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, dtype=torch.complex64))

        def forward(self, z: Tensor) -> Tensor:
            return z * self.weight

    layer = Layer()
    assert check_same(layer, lambda z: layer.weight * z, Z).verdict is Verdict.EQUAL
    report = check_same(layer, lambda z: layer.weight.conj() * z, Z)
    assert report.verdict is Verdict.DIFFERENT
    assert report.worst is not None
    assert "the floats at x are equal" in report.summary()


def test_an_operation_without_a_rule_for_complex_numbers_is_named() -> None:
    report = check_same(torch.sinh, torch.sinh, Z)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "sinh.default has no rule over a field for complex numbers" in report.reason
