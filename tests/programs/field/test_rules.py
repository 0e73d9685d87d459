"""Rules over a field give the residues of what PyTorch computes on numbers that floats hold exactly."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scanproof.programs import record
from scanproof.programs.field.degree import DRAWN
from scanproof.programs.field.interpret import run_floats, run_residues
from scanproof.programs.field.pair import Lost, Pair
from scanproof.programs.field.primes import draw_primes, is_prime
from scanproof.programs.field.residues import Side, constant
from scanproof.programs.program import Value

INDEX = torch.tensor([2, 0, 1, 1])
MASK = torch.tensor([[True, False, True, False]] * 3)


def written(x: Tensor) -> Tensor:
    result = torch.empty_like(x)
    for t in range(x.shape[1]):
        result[:, t] = x[:, t] * (t + 1)
    return result


def pulled(fn: Callable[..., Any], x: Tensor) -> tuple[Tensor | None, ...]:
    """Return the gradients of a function of an input, a weight and a bias, for whole cotangents."""
    with torch.enable_grad():
        given = x[None].clone(), x[:, None, :3].clone(), x[0, :3].clone()
        own = [tensor.requires_grad_() for tensor in given]
        result = fn(*own)
        results = result if isinstance(result, list) else [result]
        cotangents = [torch.arange(1.0, each.numel() + 1, dtype=x.dtype).view_as(each) for each in results]
        return torch.autograd.grad(results, own, cotangents, allow_unused=True)


def grouped(x: Tensor, kind: str) -> Tensor:
    square = torch.cat([x, x[:1]]).float()
    both = torch.stack([square, square.T.contiguous()])
    one, other = {"rows": (square, both), "columns": (both, square), "sums": (square, square)}[kind]
    return functional.grouped_mm(one, other, offs=torch.tensor([1, 4], dtype=torch.int32))


def solved(x: Tensor, **options: bool) -> Tensor:
    square = x[:, :3] * (1 - torch.eye(3)) + torch.diag(torch.tensor([2.0, -4, 0.5]))
    square = square.triu() if options["upper"] else square.tril()
    return torch.linalg.solve_triangular(square, x if options.get("left", True) else x.T, **options)


RINGS: dict[str, Callable[[Tensor], Any]] = {
    "add": lambda x: x + x[0],
    "add, alpha": lambda x: torch.add(x, x[0], alpha=3),
    "sub": lambda x: torch.sub(x, x[:1], alpha=-2),
    "rsub": lambda x: 5 - x,
    "mul": lambda x: x * x[:, :1] * 0.375,
    "div": lambda x: x / 8,
    "reciprocal": lambda x: (x * 0 + 4).reciprocal(),
    "neg": lambda x: -x,
    "square": lambda x: x.square(),
    "addcmul": lambda x: torch.addcmul(x, x, x + 1, value=2),
    "lerp": lambda x: torch.lerp(x, x * 3, 0.25),
    "mm": lambda x: x @ x.T,
    "bmm": lambda x: x[None].expand(2, 3, 4) @ x.T[None].expand(2, 4, 3),
    "mv": lambda x: torch.mv(x, x[0]),
    "dot": lambda x: torch.dot(x[0], x[1]),
    "addmm": lambda x: torch.addmm(x[:, :3], x, x.T, beta=2, alpha=3),
    "linear": lambda x: functional.linear(x, x + 1, x[:, 0]),
    "einsum": lambda x: torch.einsum("ab,cb->acb", x, x),
    "sum": lambda x: x.sum(),
    "sum, axis": lambda x: x.sum(-1, keepdim=True),
    "mean": lambda x: x.mean(1),
    "cumsum": lambda x: x.cumsum(1),
    "cumprod": lambda x: x.cumprod(1),
    "prod": lambda x: x.prod(0),
    "prod, all": lambda x: x.prod(),
    "pow": lambda x: x**3,
    "pow, negative": lambda x: (x * 0 + 2) ** -2,
    "transpose": lambda x: x.T.reshape(2, 6),
    "permute": lambda x: x[None].permute(2, 0, 1),
    "slice": lambda x: x[1:, ::2],
    "split": lambda x: x.split([1, 3], 1),
    "unbind": lambda x: x.unbind(0),
    "flip": lambda x: x.flip(1),
    "roll": lambda x: x.roll(1, 0),
    "repeat": lambda x: x.repeat(2, 1),
    "index": lambda x: x[:, INDEX],
    "index_select": lambda x: x.index_select(1, INDEX),
    "gather": lambda x: x.gather(1, INDEX[None].expand(3, 4)),
    "cat": lambda x: torch.cat([x, torch.zeros(1, 4, dtype=x.dtype)]),
    "stack": lambda x: torch.stack([x, x + 1], 1),
    "tril": lambda x: x.tril(),
    "triu": lambda x: x.triu(1),
    "diagonal": lambda x: x.diagonal(),
    "unfold": lambda x: x.unfold(1, 2, 1),
    "where": lambda x: torch.where(MASK, x, 7.0),
    "masked_fill": lambda x: x.masked_fill(MASK, 3),
    "pad": lambda x: functional.pad(x, (1, 2)),
    "relu": lambda x: x.relu(),
    "abs": lambda x: x.abs(),
    "maximum": lambda x: torch.maximum(x, x.flip(0)),
    "minimum": lambda x: torch.minimum(x, x.flip(0)),
    "clamp": lambda x: x.clamp(-3, 4),
    "clamp, crossed limits": lambda x: x.clamp(6, 4),
    "clamp, infinite limit": lambda x: x.clamp(-3, torch.inf),
    "clamp, lower limit": lambda x: torch.clamp(x, min=2.0),
    "clamp, tensors": lambda x: torch.clamp(x, min=x[0] - 5, max=x[1] + 4),
    "clamp_min": lambda x: x.clamp_min(-3),
    "clamp_max": lambda x: x.clamp_max(4),
    "conv1d": lambda x: functional.conv1d(x[None], x[:2, :3, None].repeat(1, 1, 2), x[0, :2], padding=1),
    "conv1d, groups": lambda x: functional.conv1d(x[None], x[:, None, :2], padding=2, dilation=2, groups=3),
    "conv1d, stride": lambda x: functional.conv1d(x[None], x[:, None, :2], stride=2, groups=3),
    "conv2d": lambda x: functional.conv2d(
        x[None, None], x[None, None, :2, :2], padding=(1, 0), dilation=(1, 2)
    ),
    "conv1d, transposed": lambda x: functional.conv_transpose1d(
        x[None], x[:, None, :2], x[0, :3], stride=2, padding=1, output_padding=1, groups=3
    ),
    "conv2d, transposed": lambda x: functional.conv_transpose2d(
        x[None, None], x[None, None, :2, :3].repeat(1, 2, 1, 1), stride=(1, 2), dilation=(2, 1)
    ),
    "conv backward": lambda x: pulled(
        lambda x, weight, bias: functional.conv1d(x, weight, bias, stride=2, padding=1, groups=3), x
    ),
    "conv backward, dilation": lambda x: pulled(
        lambda x, weight, bias: functional.conv1d(x, weight, bias, padding=2, dilation=2, groups=3), x
    ),
    "conv backward, transposed": lambda x: pulled(
        lambda x, weight, bias: functional.conv_transpose1d(x, weight, bias, stride=2, groups=3), x
    ),
    "addcdiv": lambda x: torch.addcdiv(x, x, torch.full((4,), 4.0, dtype=x.dtype), value=2),
    "addmv": lambda x: torch.addmv(x[:, 0], x, x[0], beta=2, alpha=3),
    "max": lambda x: x.max(),
    "min": lambda x: x.min(),
    "max, axis": lambda x: x.max(1),
    "min, axis": lambda x: x.min(0, keepdim=True),
    "max of two": lambda x: torch.max(x, x.flip(0)),
    "amax": lambda x: x.amax(1),
    "amax, two axes": lambda x: x[None].expand(2, 3, 4).amax((0, 2), keepdim=True),
    "amin": lambda x: x.amin(),
    "topk": lambda x: x.topk(2),
    "sort": lambda x: x.sort(0, descending=True),
    "cummax": lambda x: x.cummax(1),
    "cummin": lambda x: x.cummin(0),
    "remainder": lambda x: x % 3,
    "remainder, tensor": lambda x: torch.remainder(x * 0.25, x[1]),
    "fmod": lambda x: torch.fmod(x, 3),
    "floor": lambda x: (x * 0.3).floor(),
    "round": lambda x: (x * 0.3).round(),
    "sign": lambda x: x.sign(),
    "count": lambda x: torch.histc(x, 4, -8, 8),
    "embedding": lambda x: functional.embedding(INDEX, x),
    "scatter": lambda x: x.scatter(1, INDEX[None].expand(3, 4)[:, :2], x.flip(1)),
    "scatter, number": lambda x: x.scatter(1, INDEX[None, :2], -0.5),
    "scatter_add": lambda x: x.scatter_add(1, INDEX[None].expand(2, 4), x.flip(1)),
    "index_add": lambda x: x.index_add(1, INDEX, x, alpha=3),
    "index_copy": lambda x: x.index_copy(1, INDEX[:2], x[:, 1:3]),
    "index_fill": lambda x: x.index_fill(1, INDEX[:2], 7.5),
    "index_put": lambda x: x.index_put((INDEX[:3], INDEX[:3]), x[:, 0]),
    "index_put, mask": lambda x: x.index_put((MASK,), x[0, 0] * 2),
    "index_put, added": lambda x: x.index_put((torch.tensor([0, 0, 1]),), x, accumulate=True),
    "masked_scatter": lambda x: x.masked_scatter(MASK, x.flip(0)),
    "masked_select": lambda x: x[MASK],
    "grouped rows": lambda x: grouped(x, "rows"),
    "grouped columns": lambda x: grouped(x, "columns"),
    "grouped sums": lambda x: grouped(x, "sums"),
    "a triangular system": lambda x: solved(x, upper=False, unitriangular=True),
    "an upper triangular system": lambda x: solved(x, upper=True, unitriangular=False),
    "a triangular system from the right": lambda x: solved(x, upper=False, unitriangular=False, left=False),
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.25),
    "prelu": lambda x: functional.prelu(x[None, None], x[0, :1])[0, 0],
    "threshold": lambda x: functional.threshold(x, 2.0, -1.5),
    "hardtanh": lambda x: functional.hardtanh(x, -2.0, 3.0),
    "hardsigmoid": lambda x: functional.hardsigmoid(x * 1.5),
    "hardswish": lambda x: functional.hardswish(x * 1.5),
    "gradients of branches": lambda x: pulled(
        lambda x, y, z: [
            functional.hardtanh(3 * x, -5.0, 6.0),
            functional.leaky_relu(x, 0.5),
            functional.threshold(y, 1.0, 2.0),
            functional.hardswish(x * 3) * 6,
            functional.hardsigmoid(y * 3) * 6,
            torch.maximum(x[0], z[:, None]),
            y.clamp(-2, 2),
            x.abs(),
            y.relu(),
        ],
        x,
    ),
    "gradients of indexing": lambda x: pulled(
        lambda x, y, z: [
            functional.embedding(INDEX, x[0]),
            x[..., INDEX],
            y.unfold(2, 2, 1),
            y.gather(2, INDEX[:3, None, None].expand(3, 1, 2)),
            x.cumsum(2),
            x.amax(2),
            x.topk(2).values,
            y.flatten()[1:3].diag(),
            x[0].tril(),
            z.repeat(2),
        ],
        x,
    ),
    "written": written,
    "minus infinity": lambda x: x.masked_fill(MASK, -torch.inf).T + x.T,
    "minus infinity, moved": lambda x: torch.stack([x, x.masked_fill(MASK, -torch.inf)])[1:, :, :3],
    "cast": lambda x: x.to(torch.float64) + MASK.to(torch.float64),
}


@pytest.mark.parametrize("name", RINGS)
def test_a_rule_gives_the_residues_of_what_pytorch_computes(name: str) -> None:
    x = torch.tensor([[3.0, -2, 5, 1], [-4, 6, 2, -7], [1, 8, -3, 9]], dtype=torch.float64)
    program, primes = record(RINGS[name], x), draw_primes(0)

    def drawn(value: Value) -> Pair:
        if value.source == "computed":
            other = torch.full(value.shape, 99.0, dtype=torch.float64)
            return Pair(constant(other, primes.p), constant(other, primes.q))
        return Pair(constant(x, primes.p), constant(x, primes.q))

    outputs = run_residues(program, run_floats(program, [x]), drawn, primes, exponents=True)
    floats = {path for path, result in program.results.items() if result.is_floating_point()}
    assert outputs.keys() == floats
    for path, pair in outputs.items():
        assert isinstance(pair, Pair)
        for side, prime in ((pair.value, primes.p), (pair.exponent, primes.q)):
            assert isinstance(side, Side), side
            expected = constant(program.results[path], prime)
            assert side.values.shape == expected.values.shape
            infinite = torch.zeros_like(side.values).bool() if expected.gone is None else expected.gone
            assert torch.equal(infinite, infinite & False if side.gone is None else side.gone)
            assert torch.equal(side.values[~infinite], expected.values[~infinite])


def test_products_of_great_residues_do_not_overflow() -> None:
    p = draw_primes(1).p
    x = torch.full((1, 4000), p - 1)
    assert Side(p, x).matmul(Side(p, x.T)).values.item() == 4000
    with pytest.raises(Exception, match="65536"):
        Side(p, torch.ones(1, 70000).long()).matmul(Side(p, torch.ones(70000, 1).long()))


def test_floats_become_exact_fractions() -> None:
    p = draw_primes(2).p
    tiny = 2.0**-1074
    residues = constant(torch.tensor([0.1, -tiny, 2.0**1000], dtype=torch.float64), p).values.tolist()
    exact = [3602879701896397 * pow(2, -55, p) % p, -pow(2, -1074, p) % p, pow(2, 1000, p)]
    assert residues == exact


@pytest.mark.parametrize("seed", range(5))
def test_drawn_primes_fit_together(seed: int) -> None:
    primes = draw_primes(seed)
    assert all(is_prime(each) for each in (primes.p, primes.q))
    assert (primes.p - 1) % primes.q == 0
    assert primes.p < 2**47
    assert primes.w != 1
    assert pow(primes.w, primes.q, primes.p) == 1


def test_primes_are_those_of_trial_division() -> None:
    assert [n for n in range(2000) if is_prime(n)] == [
        n for n in range(2, 2000) if all(n % d for d in range(2, int(n**0.5) + 1))
    ]
    assert not is_prime(2047)  # a strong pseudoprime to base 2
    assert is_prime(2**31 - 1)


@pytest.mark.parametrize(
    ("fn", "degrees"),
    [
        (lambda x: (x + 1 / x) / (x * x + 1), (2, 3)),
        (lambda x: (1 / x).sum(), (1, 2)),
        (lambda x: (1 / x).cumsum(0), (1, 2)),
        (lambda x: x.cumprod(0), (2, 0)),
        (lambda x: x[None] @ (1 / x)[:, None], (2, 2)),
        (lambda x: functional.conv1d(1 / x[None, None], x[None, None]), (2, 2)),
    ],
)
def test_degrees_bound_those_of_numerator_and_denominator(
    fn: Callable[[Tensor], Tensor], degrees: tuple[int, int]
) -> None:
    x = torch.tensor([3.0, 5.0], dtype=torch.float64)
    program, primes = record(fn, x), draw_primes(0)
    pair = Pair(Side(primes.p, torch.tensor([3, 5]), DRAWN), Lost("not asked"))
    result = run_residues(program, run_floats(program, [x]), lambda _: pair, primes)[""]
    assert isinstance(result, Pair)
    value = result.value
    assert isinstance(value, Side)
    assert (value.degree.numerator, value.degree.denominator) == degrees
