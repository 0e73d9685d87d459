"""The adjoint is the derivative, exactly and in float64; its bound holds however gradients are rounded."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from scanproof.refinement.adjoint import Tape
from scanproof.refinement.arithmetic import EXACT, FLOAT64, Arithmetic, Part
from scanproof.refinement.bounded import Bounded, BoundedArithmetic
from scanproof.refinement.cases import random_fractions, random_spec
from scanproof.refinement.problem import selective_scan_of
from scanproof.refinement.rounding import Rounding
from scanproof.refinement.runners import DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec, Spec

SIZES = {"inputDim": 2, "innerDim": 2, "stateDim": 2, "outputDim": 2, "convWidth": 3, "dtRank": 1}
SPECS = [DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec]


def small(kind: type[Spec], seed: int, exact: bool = False) -> Spec:
    axes = {axis for names in kind.axes.values() for axis in names}
    return random_spec(kind, {axis: SIZES[axis] for axis in axes}, seed=seed, exact=exact)


Draw = Callable[..., NDArray[Any]]


def scan_arrays(
    draw: Draw, *, batch: int = 1, length: int = 3, channels: int = 2, states: int = 2, groups: int = 0
) -> dict[str, NDArray[Any]]:
    """All arguments of a selective scan, time-major; with groups, B and C have an axis of them."""
    per_group = (batch, length, *[groups] * (groups > 0), states)
    return {
        "u": draw(batch, length, channels),
        "delta": draw(batch, length, channels),
        "A": draw(channels, states),
        "B": draw(*per_group),
        "C": draw(*per_group),
        "D": draw(channels),
        "z": draw(batch, length, channels),
        "delta_bias": draw(channels),
    }


# ---------------------------------------------------------------- the derivative itself


class Dual:
    """Fractions with an infinitesimal part: ``value + slope ε``, ``ε² = 0``."""

    def __init__(self, value: NDArray[Any], slope: NDArray[Any]) -> None:
        self.value, self.slope = value, slope

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __getitem__(self, index: Any) -> "Dual":
        return Dual(self.value[index], self.slope[index])

    def reshape(self, shape: tuple[int, ...]) -> "Dual":
        return Dual(self.value.reshape(shape), self.slope.reshape(shape))

    def __neg__(self) -> "Dual":
        return Dual(-self.value, -self.slope)

    def __add__(self, other: "Dual") -> "Dual":
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: "Dual") -> "Dual":
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)


class DualArithmetic(Arithmetic):
    """The formulas of the exact arithmetic, on dual numbers; sums and scans are loops over + and *."""

    def number(self, array: NDArray[Any], direction: NDArray[Any]) -> Dual:
        return Dual(EXACT.lift(array), EXACT.lift(direction))

    def lift(self, array: NDArray[Any]) -> Dual:
        return self.number(array, np.zeros(np.shape(array)))

    lift_computed = lift

    def zeros(self, shape: tuple[int, ...]) -> Dual:
        return self.lift(np.zeros(shape))

    def concatenate(self, parts: Sequence[Dual], axis: int) -> Dual:
        return Dual(*(np.concatenate([getattr(p, n) for p in parts], axis) for n in ("value", "slope")))

    def dot(self, x: Dual, y: Dual, plus: Dual | None = None) -> Dual:
        product = x * y
        total = Dual(product.value.sum(-1), product.slope.sum(-1))
        return total if plus is None else total + plus

    def product(self, x: Dual, y: Dual, z: Dual) -> Dual:
        return x * y * z

    def scan(self, a: Dual, b: Dual, h0: Dual) -> Dual:
        a = Dual(*(np.broadcast_to(part, b.shape) for part in (a.value, a.slope)))
        states = []
        for t in range(b.shape[1]):
            h0 = a[:, t] * h0 + b[:, t]
            states.append(h0[:, None])
        return self.concatenate(states, 1)

    def one(self, x: Dual) -> Dual:
        return self.lift(np.ones(x.shape))

    def exp(self, x: Dual) -> Dual:
        return self.one(x) + x + x * x

    def sigmoid(self, x: Dual) -> Dual:
        denominator = self.one(x) + self.exp(-x)
        value = 1 / denominator.value
        return Dual(value, -denominator.slope * value * value)

    def silu(self, x: Dual) -> Dual:
        return x * self.sigmoid(x)

    def softplus(self, x: Dual) -> Dual:
        y = self.exp(x)
        y, above = y + y * y, x.value > 20
        return Dual(np.where(above, x.value, y.value), np.where(above, x.slope, y.slope))


def inner(x: NDArray[Any], y: NDArray[Any]) -> Fraction:
    return (np.asarray(x) * np.asarray(y)).sum()


@pytest.mark.parametrize("softplus", [False, True])
@pytest.mark.parametrize(
    ("leave_out", "groups"),
    [((), 0), (("D",), 0), (("z",), 0), (("delta_bias",), 0), ((), 1), ((), 2), ((), 4)],
)
def test_the_adjoint_of_the_scan_is_exactly_the_transposed_derivative(
    leave_out: tuple[str, ...], groups: int, softplus: bool
) -> None:
    """``<dy, derivative along v> = <gradient, v>`` for random directions, as fractions."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> NDArray[Any]:
        return random_fractions(shape, rng)

    for length in (1, 2, 4):
        arrays = scan_arrays(draw, batch=2, length=length, channels=max(2, groups), groups=groups)
        given = {n: x for n, x in arrays.items() if n not in leave_out}
        tape = Tape(EXACT)
        variables = {name: tape.variable(array) for name, array in given.items()}
        results = selective_scan_of(tape, variables, softplus)
        cotangents = [draw(*result.shape) for result in results]
        pulled = tape.gradients(list(zip(results, cotangents, strict=True)), list(variables.values()))
        gradients = {
            name: EXACT.total(parts, variables[name].shape)
            for name, parts in zip(variables, pulled, strict=True)
        }
        for name in given:
            directions = {n: draw(*x.shape) if n == name else np.zeros(x.shape) for n, x in given.items()}
            dual = DualArithmetic()
            moved = {n: dual.number(x, directions[n]) for n, x in given.items()}
            forward = selective_scan_of(dual, moved, softplus)
            want = sum(inner(c, r.slope) for c, r in zip(cotangents, forward, strict=True))
            assert inner(gradients[name], directions[name]) == want, name
            for result, other in zip(results, forward, strict=True):
                assert np.array_equal(result.value, other.value)


@pytest.mark.parametrize("kind", SPECS)
def test_the_adjoint_of_every_runner_is_exactly_the_transposed_derivative(kind: type[Spec]) -> None:
    rng, nonzero = np.random.default_rng(1), 0
    for seed, length in enumerate((1, 2, 5)):
        spec = small(kind, seed, exact=True)
        x, direction = (random_fractions((2, length, 2), rng) for _ in range(2))
        tape, dual = Tape(EXACT), DualArithmetic()
        variable, y = spec.trace(x, tape)
        cotangent = random_fractions(y.shape, rng)
        [parts] = tape.gradients([(y, cotangent)], [variable])
        moved, _ = spec._run(dual, dual.number(x, direction), spec._initial_state(2, dual))
        gradient = EXACT.total(parts, x.shape)
        assert inner(gradient, direction) == inner(cotangent, moved.slope)
        nonzero += int(np.count_nonzero(gradient))
    assert nonzero > 10


def test_the_adjoint_of_a_scan_reaches_the_state_it_starts_from() -> None:
    rng = np.random.default_rng(2)
    a, b, h0 = (random_fractions(shape, rng) for shape in ((2, 4, 3), (2, 4, 3), (2, 3)))
    directions = [random_fractions(x.shape, rng) for x in (a, b, h0)]
    tape, dual = Tape(EXACT), DualArithmetic()
    variables = [tape.variable(x) for x in (a, b, h0)]
    cotangent = random_fractions(b.shape, rng)
    pulled = tape.gradients([(tape.scan(*variables), cotangent)], variables)
    moved = dual.scan(*(dual.number(x, v) for x, v in zip((a, b, h0), directions, strict=True)))
    gradients = [EXACT.total(parts, x.shape) for parts, x in zip(pulled, variables, strict=True)]
    got = sum(inner(g, v) for g, v in zip(gradients, directions, strict=True))
    assert got == inner(cotangent, moved.slope)
    assert np.any(gradients[2] != 0)


def test_the_slope_of_softplus_jumps_within_its_bound_at_the_threshold() -> None:
    """An argument just above 20 for one side and just below for the other."""
    ar = BoundedArithmetic(Rounding.of(torch.float64))
    for at in (20.0, np.nextafter(20.0, 21.0)):
        slope = ar.softplus_slope(Bounded(np.array([at]), np.array([1e-14]), ar))
        for other in (1.0, 1 / (1 + np.exp(-20.0))):
            assert abs(other - slope.value[0]) <= slope.error[0] < 1e-8


def test_softplus_has_slope_one_above_its_threshold() -> None:
    tape = Tape(EXACT)
    x = tape.variable(np.array([20, Fraction(41, 2), 30], dtype=object))
    [parts] = tape.gradients([(tape.softplus(x), np.ones(3))], [x])
    assert EXACT.total(parts, (3,)).tolist()[1:] == [1, 1]
    assert EXACT.total(parts, (3,))[0] == (1 + 2 * 421) * 41


def torch_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, delta_bias: Tensor
) -> tuple[Tensor, Tensor]:
    """The time-major scan in PyTorch."""
    dt = torch.nn.functional.softplus(delta + delta_bias)
    h, ys = torch.zeros(len(u), *A.shape, dtype=u.dtype), []
    for t in range(u.shape[1]):
        a = torch.exp(dt[:, t, :, None] * A)
        h = a * h + dt[:, t, :, None] * B[:, t, None] * u[:, t, :, None]
        ys.append((h * C[:, t, None]).sum(-1) + D * u[:, t])
    return torch.stack(ys, 1) * torch.nn.functional.silu(z), h


def test_in_float64_it_is_what_autograd_computes() -> None:
    rng = np.random.default_rng(0)
    given = scan_arrays(lambda *shape: rng.normal(size=shape) * 3, batch=2, length=9)
    tape = Tape(FLOAT64)
    variables = {name: tape.variable(array) for name, array in given.items()}
    results = selective_scan_of(tape, variables, True)
    cotangents = [rng.normal(size=result.shape) for result in results]
    pulled = tape.gradients(list(zip(results, cotangents, strict=True)), list(variables.values()))
    leaves = {name: torch.from_numpy(array).requires_grad_() for name, array in given.items()}
    want = torch.autograd.grad(
        torch_scan(**leaves), list(leaves.values()), [torch.from_numpy(c) for c in cotangents]
    )
    for name, parts, other in zip(variables, pulled, want, strict=True):
        got = FLOAT64.total(parts, variables[name].shape)
        np.testing.assert_allclose(got, other.numpy(), rtol=1e-11, atol=1e-11, err_msg=name)


# ---------------------------------------------------------------- the bound


def test_one_use_of_a_variable_is_one_part() -> None:
    """What is stored in a coarse dtype is stored once for each use: u enters the states and the skip."""
    rng = np.random.default_rng(0)
    tape = Tape(BoundedArithmetic(Rounding.of(torch.float32)))
    variables = {n: tape.variable(x) for n, x in scan_arrays(lambda *s: rng.normal(size=s)).items()}
    y, last = selective_scan_of(tape, variables, True)
    pulled = tape.gradients([(y, np.ones(y.shape)), (last, np.ones(last.shape))], list(variables.values()))
    uses = dict(zip(variables, map(len, pulled), strict=True))
    assert uses.pop("u") == 2
    assert set(uses.values()) == {1}


Tree = int | tuple["Tree", "Tree"]
Round = Callable[[float], float]


def tree_of(length: int, rng: np.random.Generator) -> Tree:
    """A random binary tree over positions, as nested pairs."""
    nodes: list[Tree] = list(range(length))
    while len(nodes) > 1:
        i = int(rng.integers(len(nodes) - 1))
        nodes[i : i + 2] = [(nodes[i], nodes[i + 1])]
    return nodes[0]


def adversary(dtype: type[np.floating[Any]], rng: np.random.Generator) -> Round:
    """An arithmetic of a dtype that rounds every result up or down at random, by up to one unit roundoff."""
    info = np.finfo(dtype)

    def fl(x: float) -> float:
        return x * (1 + float(rng.choice([-1, 1])) * float(info.eps) / 2)

    return fl


def reverse_through_tree(
    tree: Tree, a: NDArray[Any], b: NDArray[Any], gradient: float, fl: Round
) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """Return the last state, and the gradients at all a and b: autograd through a tree of transitions."""
    da, db = np.zeros_like(a), np.zeros_like(b)

    def up(node: Tree) -> tuple[float, float, Any]:
        if isinstance(node, int):
            return a[node], b[node], node
        left, right = up(node[0]), up(node[1])
        combined = fl(right[0] * left[0]), fl(fl(right[0] * left[1]) + right[1])
        return *combined, (left, right)

    def down(done: tuple[float, float, Any], ga: float, gb: float) -> None:
        if isinstance(done[2], int):
            da[done[2]], db[done[2]] = ga, gb
            return
        left, right = done[2]
        down(left, fl(ga * right[0]), fl(gb * right[0]))
        down(right, fl(fl(ga * left[0]) + fl(gb * left[1])), gb)

    root = up(tree)
    down(root, 0.0, gradient)
    return root[1], da, db


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 14), st.sampled_from([0.3, 0.99, 1.2]))
def test_backward_passes_through_any_tree_stay_within_the_bound(seed: int, length: int, decay: float) -> None:
    rng = np.random.default_rng(seed)
    rounding = Rounding.of(torch.float32)
    a = decay * rng.uniform(0.8, 1.0, length) * rng.choice([-1.0, 1.0], length)
    b, cotangent = rng.normal(size=length), rng.normal()
    tape = Tape(BoundedArithmetic(rounding))
    lifted = [tape.variable(x[None, :, None]) for x in (a, b)]
    decays, added = lifted
    h = tape.scan(decays, added, tape.zeros((1, 1)))[:, -1]
    pulled = tape.gradients([(h, np.full((1, 1), cotangent))], lifted)
    bounds = [tape.base.total(parts, (1, length, 1)) for parts in pulled]
    fl = adversary(np.float32, rng)
    for _ in range(5):
        _, *gradients = reverse_through_tree(tree_of(length, rng), a, b, cotangent, fl)
        for got, bound in zip(gradients, bounds, strict=True):
            assert np.all(np.abs(got - bound.value[0, :, 0]) <= bound.error[0, :, 0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 3))
def test_sums_over_uses_and_repeated_axes_in_any_order(seed: int, n: int, uses: int) -> None:
    """Terms of all parts, multiplied and added pairwise in a random order."""
    rng = np.random.default_rng(seed)
    for dtype in (np.float16, np.float32):
        torch_dtype = {np.float16: torch.float16, np.float32: torch.float32}[dtype]
        ar = BoundedArithmetic(Rounding.of(torch_dtype))
        x, y = (rng.normal(size=(uses, 1, n)).astype(dtype) for _ in range(2))
        alone = rng.normal(size=(1, n)).astype(dtype)
        parts = [Part(ar.lift(p), ar.lift(q)) for p, q in zip(x, y, strict=True)] + [Part(ar.lift(alone))]
        bound = ar.total(parts, (1, 1))
        terms: list[Any] = [*np.multiply(x, y).ravel(), *alone.ravel()]
        while len(terms) > 1:
            i = int(rng.integers(len(terms) - 1))
            terms[i : i + 2] = [terms[i] + terms[i + 1]]
            rng.shuffle(terms)
        assert abs(float(terms[0]) - bound.value[0, 0]) <= bound.error[0, 0]


SLOPES: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "silu": torch.nn.functional.silu,
}
OTHER_FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda x: torch.sigmoid(x) * torch.sigmoid(-x),
    "softplus": lambda x: 1 / (1 + torch.exp(-x)),
    "silu": lambda x: torch.sigmoid(x) + x * (torch.sigmoid(x) * (1 - torch.sigmoid(x))),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", SLOPES)
def test_slopes_that_autograd_and_kernels_use(dtype: torch.dtype, name: str) -> None:
    rng = np.random.default_rng(0)
    at = np.concatenate([rng.uniform(-40, 30, 4000), rng.uniform(-2, 2, 4000)])
    x = torch.from_numpy(at).to(dtype)
    tape = Tape(BoundedArithmetic(Rounding.of(dtype)))
    variable = tape.variable(x.double().numpy())
    [parts] = tape.gradients([(getattr(tape, name)(variable), np.ones(at.shape))], [variable])
    bound = tape.base.total(parts, at.shape)
    leaf = x.clone().requires_grad_()
    [slope] = torch.autograd.grad(SLOPES[name](leaf).sum(), leaf)
    forms = [slope] + ([OTHER_FORMS[name](x)] if name in OTHER_FORMS else [])
    for form in forms:
        if name == "softplus":
            form = torch.where(x > 20, torch.ones_like(x), form)
        share = np.abs(form.double().numpy() - bound.value) / bound.error
        assert share.max() <= 1
    assert np.median(bound.error / np.maximum(np.abs(bound.value), 1e-3)) < 60 * torch.finfo(dtype).eps
