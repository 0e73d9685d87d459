"""The runners over finite fields: tensors of residues, beside the float64 that decides branches.

The twin of a Lean runner computes here what a recorded program computes at a drawn point
(:mod:`scanproof.programs.field`). Nothing rounds, so equal formulas give equal residues. Residues have no
order. A comparison, such as the threshold of softplus, therefore follows a run in float64 beside them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scanproof.programs.field import pairs
from scanproof.programs.field.degree import Degree
from scanproof.programs.field.interpret import UNREAD
from scanproof.programs.field.pair import Found, Lost, Pair, apart, joined, parts, without_factor
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, Undecided, constant
from scanproof.refinement.arithmetic import SOFTPLUS_THRESHOLD, Part, Value, reduced
from scanproof.refinement.kernels.arithmetic import FLOAT64, KernelFolding
from scanproof.refinement.words import LOST, FieldNumbers

Floats = NDArray[np.float64]


class Residues:
    """A tensor over finite fields, with NumPy's indexing and broadcasting.

    Attributes:
        floats: the run in float64.
        pair: the residues.
    """

    __slots__ = ("floats", "pair")
    __array_ufunc__ = None

    def __init__(self, floats: Floats, pair: Pair) -> None:
        self.floats, self.pair = floats, pair

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.floats.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.floats.ndim

    def moved(self, move: Callable[[NDArray[Any]], NDArray[Any]]) -> "Residues":
        """Return the entries where ``move`` puts them: it reshapes, exchanges axes, or takes a part."""

        def tensor(values: Tensor) -> Tensor:
            return torch.from_numpy(np.array(move(values.broadcast_to(self.shape).numpy())))

        return Residues(move(self.floats), pairs.moved(self.pair, tensor))

    def __len__(self) -> int:
        return len(self.floats)

    def __getitem__(self, index: Any) -> "Residues":
        return self.moved(lambda x: np.asarray(x[index]))

    def reshape(self, shape: tuple[int, ...]) -> "Residues":
        """Return the entries in another shape."""
        return self.moved(lambda x: x.reshape(shape))

    def swapaxes(self, first: int, second: int) -> "Residues":
        """Exchange two axes."""
        return self.moved(lambda x: x.swapaxes(first, second))

    def as_values(self) -> "Residues":
        """Return the tensor without exponents, for numbers that stand in no exponent, such as states."""
        return Residues(self.floats, replace(self.pair, exponent=UNREAD, power=None))

    def sum(self, axis: tuple[int, ...], keepdims: bool) -> "Residues":
        """Sum over axes."""
        return Residues(
            self.floats.sum(axis=axis, keepdims=keepdims), pairs.summed(self.pair, [*axis], keepdims)
        )

    def __add__(self, other: "Residues") -> "Residues":
        return Residues(self.floats + other.floats, self.pair + other.pair)

    def __neg__(self) -> "Residues":
        return Residues(-self.floats, -self.pair)

    def __mul__(self, other: "Residues") -> "Residues":
        return Residues(self.floats * other.floats, self.pair * other.pair)


class ResidueArithmetic(KernelFolding):
    """The arithmetic of a drawn point.

    Attributes:
        primes: the primes of the point.
        branches: for each comparison in the order of the run, whether both of its branches were taken.
        close: comparisons of numbers so close that an implementation in a low precision may decide otherwise.
    """

    name = "finite fields"
    roundoff = function_error = 0.0

    def __init__(self, primes: Primes, near: float = 0.0) -> None:
        """Take the primes of a point, and how close numbers are, relatively, that may compare otherwise."""
        self.primes, self._near = primes, near
        self.branches: dict[str, frozenset[bool]] = {}
        self.close: set[str] = set()

    def lift(self, array: Any) -> Residues:
        """Take numbers exactly; residues stay."""
        if isinstance(array, Residues):
            return array
        floats = np.asarray(array, dtype=np.float64)
        return Residues(floats, exactly(torch.from_numpy(np.array(floats)), self.primes))

    def concatenate(self, parts: Sequence[Value], axis: int) -> Residues:
        """Join tensors along an axis."""
        floats = np.concatenate([part.floats for part in parts], axis)
        return Residues(floats, _joined(parts, axis % len(parts[0].shape)))

    def dot(self, x: Value, y: Value, plus: Value | None = None) -> Residues:
        """Sum products; a matrix times rows is one product of matrices."""
        if x.ndim == 2 and y.ndim > 2 and y.shape[-2] == 1:
            rows = y[..., 0, :]
            floats = rows.floats @ x.floats.T
            columns = pairs.moved(x.pair, lambda w: w.T)
            product = without_factor(apart(Side.matmul, rows.pair, columns), rows.pair, columns)
            total = Residues(floats, product)
        else:
            total = (x * y).sum((-1,), False)
        return total if plus is None else total + plus

    def scan(self, a: Value, b: Value, h0: Value) -> Residues:
        """Step from token to token."""
        a = self.broadcast(a, b.shape)
        a, b, h = a.as_values(), b.as_values(), h0.as_values()
        states = []
        for t in range(b.shape[1]):
            h = a[:, t] * h + b[:, t]
            states.append(h[:, None])
        return self.concatenate(states, axis=1) if states else b

    def broadcast(self, x: Value, shape: tuple[int, ...]) -> Residues:
        """Repeat entries up to a shape."""
        return Residues(
            np.broadcast_to(x.floats, shape), pairs.moved(x.pair, lambda values: values.broadcast_to(shape))
        )

    def scatter(self, pieces: Sequence[tuple[Any, Value]], shape: tuple[int, ...]) -> Residues:
        """Return zeros of a shape, with each tensor at its index."""
        result = self.zeros(shape)
        for index, piece in pieces:
            taken = np.zeros(shape, dtype=bool)
            taken[index] = True
            wide = piece.moved(partial(_placed, index=index, shape=shape))
            result = self._choose(taken, wide, result)
        return result

    def zeros(self, shape: tuple[int, ...]) -> Residues:
        """Return zeros of a shape."""
        none = torch.zeros(shape, dtype=torch.int64)
        return Residues(np.zeros(shape), Pair(Side(self.primes.p, none), Side(self.primes.q, none)))

    def total(self, parts: Sequence[Part], shape: tuple[int, ...]) -> Residues:
        """Sum tensor after tensor."""
        terms = [
            reduced(x if y is None else x * y, within or shape).reshape(shape) for x, y, within, _ in parts
        ]
        return reduce(Residues.__add__, terms) if terms else self.zeros(shape)

    def exp(self, x: Value) -> Residues:
        """Return the exponential."""
        return Residues(FLOAT64.exp(x.floats), pairs.exp(x.pair, self.primes))

    def log1p(self, x: Value) -> Residues:
        """Return ``log(1 + x)``."""
        return Residues(FLOAT64.log1p(x.floats), pairs.log((x + self._one).pair, self.primes))

    def sqrt(self, x: Value) -> Residues:
        """Return the square root."""
        return Residues(np.sqrt(x.floats), pairs.sqrt(x.pair, self.primes))

    def div(self, x: Value, y: Value) -> Residues:
        """Return the quotient."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return Residues(x.floats / y.floats, x.pair / y.pair)

    @property
    def _one(self) -> Residues:
        return self.lift(np.ones(()))

    def sigmoid(self, x: Value) -> Residues:
        """Return ``1 / (1 + exp(-x))``."""
        return self.div(self._one, self._one + self.exp(-x))

    def softplus(self, x: Value) -> Residues:
        """Return ``x`` above 20 and ``log(1 + exp x)`` elsewhere."""
        return self._choose(self._above_threshold(x), x, self.log1p(self.exp(x)))

    def exp_slope(self, x: Value, y: Value) -> Value:
        """Return ``y``."""
        return y

    def sigmoid_slope(self, x: Value, y: Value) -> Value:
        """Return ``y (1 - y)``."""
        return y * (self._one + -y)

    def softplus_slope(self, x: Value) -> Value:
        """Return 1 above 20 and ``sigmoid x`` elsewhere."""
        return self._choose(self._above_threshold(x), self.broadcast(self._one, x.shape), self.sigmoid(x))

    def maximum(self, x: Value, y: Value) -> Residues:
        """Return the greater of two in float64."""
        return self._choose(self.at_least(x, y), x, y)

    def at_least(self, x: Value, y: Value) -> NDArray[Any]:
        """Compare in float64."""
        return self._compared("a maximum", x.floats, y.floats, x.floats >= y.floats)

    def _above_threshold(self, x: Residues) -> NDArray[np.bool_]:
        threshold = np.asarray(float(SOFTPLUS_THRESHOLD))
        return self._compared("the threshold of softplus", x.floats, threshold, x.floats > threshold)

    def _compared(self, name: str, x: Floats, y: Floats, first: Any) -> NDArray[np.bool_]:
        first = np.asarray(first, dtype=np.bool_)
        self.branches[name] = self.branches.get(name, frozenset()) | frozenset(first.ravel().tolist())
        if np.any(np.abs(x - y) <= self._near * np.maximum(np.abs(x), np.abs(y))):
            self.close.add(name)
        compared: NDArray[np.bool_] = first
        return compared

    def _choose(self, first: NDArray[np.bool_], x: Residues, y: Residues) -> Residues:
        shape = np.broadcast_shapes(first.shape, x.shape, y.shape)
        x, y = self.broadcast(x, shape), self.broadcast(y, shape)
        mask = torch.from_numpy(np.array(np.broadcast_to(first, shape)))
        return Residues(np.where(first, x.floats, y.floats), pairs.choose(mask, x.pair, y.pair))


def exactly(tensor: Tensor, primes: Primes) -> Pair:
    """Return the numbers that a tensor holds, as residues; a tensor with an infinity or a NaN is lost."""
    try:
        return Pair(constant(tensor, primes.p), constant(tensor, primes.q))
    except Undecided as error:
        return Pair(Lost(str(error)), Lost(str(error)))


def sent(x: Any) -> Any:
    """Return residues as the oracle takes them, ``FieldNumbers``; numbers stay."""
    if not isinstance(x, Residues):
        return x
    power = x.pair.power
    value, exponent = _entries(x.pair.value, x.shape), _entries(x.pair.exponent, x.shape)
    if power is None:
        return FieldNumbers.pure(x.floats, value, exponent)
    rest, factor = _entries(power.rest, x.shape), _entries(power.factor, x.shape)
    if power.absent is not None:
        absent = power.absent.broadcast_to(x.shape).numpy()
        rest, factor = np.where(absent, LOST, rest), np.where(absent, LOST, factor)
    return FieldNumbers(x.floats, value, exponent, rest, factor)


def _entries(side: Found, shape: tuple[int, ...]) -> NDArray[np.int64]:
    if isinstance(side, Lost):
        return np.full(shape, LOST, dtype=np.int64)
    return np.array(side.values.broadcast_to(shape).numpy())


def _joined(given: Sequence[Residues], axis: int) -> Pair:
    """Join residues along an axis."""

    def join(*sides: Side) -> Side:
        values = [side.values.broadcast_to(x.shape) for side, x in zip(sides, given, strict=True)]
        degree = reduce(Degree.either, (side.degree for side in sides))
        return sides[0].made(torch.cat(values, axis), degree)

    made = apart(join, *(x.pair for x in given))
    if all(x.pair.power is None for x in given):
        return made

    def joins(sides: Sequence[Found]) -> Found:
        kept = [side for side in sides if isinstance(side, Side)]
        lost = [side for side in sides if isinstance(side, Lost)]
        return lost[0] if lost else join(*kept)

    rest, less, missing = (joins(sides) for sides in zip(*(parts(x.pair) for x in given), strict=True))
    return joined(made, rest, less, missing, made.within)


def _placed(x: NDArray[Any], index: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    wide = np.zeros(shape, dtype=x.dtype)
    wide[index] = x
    return wide
