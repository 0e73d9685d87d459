"""The gradients of a runner, in the arithmetic that the runner is run in.

A :class:`Tape` wraps another arithmetic, its base. A runner on a tape computes the values of the base
arithmetic, and the tape records the adjoint of every operation. :meth:`Tape.gradients` then runs the adjoints
backwards, also in the base arithmetic. The adjoint of each operation is therefore written once, and it is
evaluated in float64, exactly, or with a rounding bound.

The adjoint of the scan ``h_t = a_t h_(t-1) + b_t`` is the scan ``g_t = a_(t+1) g_(t+1) + G_t`` from the
last token to the first. G is what the states receive from outside. Then ``db_t = g_t`` and
``da_t = g_t h_(t-1)``: Lean theorems ``diagonalScan_vjp_inputs`` and ``diagonalScan_vjp_decays``. The adjoint
is a scan of the same kind, so the same bound holds for any association: ``diagonalScan_vjp_inputs_error``. In
a backward pass through a tree of transitions, each ``da_t`` is a sum of the same products. Each product meets
no more additions than in ``g_t`` and ``h_(t-1)`` together, so ``da_t`` lies within the bound too.

All terms of a gradient count as one sum, over the uses of a value and over the axes along which the value was
repeated. An implementation may add the terms in any order, and may factor out common factors. Disjoint slices
of a value are not added to each other; together they count as one use.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.refinement.arithmetic import AdjointArithmetic, Arithmetic, Part, Value

Pull = Callable[[Value], Sequence[Part | None]]
"""What the gradient of a result adds to the gradient of each operand; None where that is nothing."""


class Traced:
    """A value, and how its gradient reaches its operands.

    Attributes:
        value: the value, in the base arithmetic.
        operands: the values that this value was computed from.
        pull: what the gradient of this value adds to the gradients of the operands.
        view_of: the value of which this value is a view, with other axes of size 1 or in another shape; None
            if this value is no view.
        varies: whether gradients go through this value.
    """

    __slots__ = ("operands", "pull", "tape", "value", "varies", "view_of")

    def __init__(
        self,
        tape: "Tape",
        value: Value,
        operands: "Sequence[Traced]" = (),
        pull: Pull | None = None,
        *,
        varies: bool = False,
        view_of: "Traced | None" = None,
    ) -> None:
        self.tape, self.value, self.operands, self.pull, self.view_of = tape, value, operands, pull, view_of
        self.varies: bool = varies or any(operand.varies for operand in operands)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    def __getitem__(self, index: Any) -> "Traced":
        value = self.value[index]
        entries = index if isinstance(index, tuple) else (index,)
        assert not any(isinstance(entry, np.ndarray) for entry in entries), "an entry may be taken twice"
        if all(entry is None or entry is Ellipsis or entry == slice(None) for entry in entries):
            return Traced(self.tape, value, varies=self.varies, view_of=self)
        return self.tape.record(value, (self,), lambda g: [Part(g, index=index)])

    def reshape(self, shape: tuple[int, ...]) -> "Traced":
        """Return a view in another shape."""
        return Traced(self.tape, self.value.reshape(shape), varies=self.varies, view_of=self)

    def swapaxes(self, first: int, second: int) -> "Traced":
        """Exchange two axes."""
        swapped = self.value.swapaxes(first, second)
        return self.tape.record(swapped, (self,), lambda g: [Part(g.swapaxes(first, second))])

    def __neg__(self) -> "Traced":
        return self.tape.record(-self.value, (self,), lambda g: [Part(-g)])

    def __add__(self, other: "Traced") -> "Traced":
        return self.tape.record(self.value + other.value, (self, other), lambda g: [Part(g), Part(g)])

    def __mul__(self, other: "Traced") -> "Traced":
        x, y = self.value, other.value
        return self.tape.record(x * y, (self, other), lambda g: [Part(g, y), Part(g, x)])


class _Pieces:
    """Gradients of pieces of a value that share no entry."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape, self._taken = shape, np.zeros(shape, dtype=bool)
        self._pieces: list[tuple[Any, Value]] = []

    def take(self, part: Part) -> bool:
        """Take a piece unless it shares entries with others."""
        if part.shape != self._shape or np.any(self._taken[part.index]):
            return False
        self._taken[part.index] = True
        self._pieces.append((part.index, part.x))
        return True

    def joined(self, base: AdjointArithmetic) -> Part:
        """Return one part, zero where there are no pieces."""
        return Part(base.scatter(self._pieces, self._shape), shape=self._shape)


class _Terms:
    """The terms whose sum is the gradient of one value."""

    def __init__(self) -> None:
        self._parts: list[Part | _Pieces] = []

    def add(self, part: Part) -> None:
        """Take a part; parts of disjoint slices are joined into one term."""
        if part.index is None:
            self._parts.append(part)
            return
        assert part.shape is not None
        for pieces in self._parts:
            if isinstance(pieces, _Pieces) and pieces.take(part):
                return
        self._parts.append(_Pieces(part.shape))
        self.add(part)

    def parts(self, base: AdjointArithmetic) -> list[Part]:
        """Return the terms, all pieces joined."""
        return [part.joined(base) if isinstance(part, _Pieces) else part for part in self._parts]


class Tape(Arithmetic):
    """An arithmetic that records every operation.

    Attributes:
        base: the arithmetic in which values and gradients are computed.
    """

    def __init__(self, base: AdjointArithmetic) -> None:
        self.base = base
        self._recorded: list[Traced] = []

    def record(self, value: Value, operands: Sequence[Traced], pull: Pull) -> Traced:
        """Record a result, and what its gradient adds to the gradients of its operands."""
        result = Traced(self, value, operands, pull)
        if result.varies:
            self._recorded.append(result)
        return result

    def variable(self, array: NDArray[Any]) -> Traced:
        """Take inputs whose gradients are wanted."""
        return Traced(self, self.base.lift(array), varies=True)

    @property
    def values(self) -> list[Value]:
        """The recorded results in order, in the base arithmetic."""
        return [result.value for result in self._recorded]

    def gradients(
        self, cotangents: Sequence[tuple[Traced, NDArray[Any]]], variables: Sequence[Traced]
    ) -> list[list[Part]]:
        """Return, for each variable, the parts of the gradient of the sum of results times their cotangents.

        There is one part for each use of the variable, and ``base.total`` of them is its gradient.
        """
        terms: dict[int, _Terms] = {}

        def add(to: Traced, part: Part) -> None:
            shape = to.shape
            while to.view_of is not None:
                to = to.view_of
            if to.varies:
                terms.setdefault(id(to), _Terms()).add(part._replace(shape=shape))

        for result, cotangent in cotangents:
            add(result, Part(self.base.lift(cotangent)))
        with np.errstate(over="ignore", invalid="ignore"):
            for result in reversed(self._recorded):
                if result.pull is not None and id(result) in terms:
                    gradient = self.base.total(terms.pop(id(result)).parts(self.base), result.shape)
                    for operand, part in zip(result.operands, result.pull(gradient), strict=True):
                        if part is not None:
                            add(operand, part)
        return [
            terms[id(variable)].parts(self.base) if id(variable) in terms else [] for variable in variables
        ]

    def lift(self, array: NDArray[Any]) -> Traced:
        """Take constants."""
        return Traced(self, self.base.lift(array))

    def lift_computed(self, array: NDArray[Any]) -> Traced:
        """Take constants that implementations compute for themselves."""
        return Traced(self, self.base.lift_computed(array))

    def concatenate(self, parts: Sequence[Traced], axis: int) -> Traced:
        """Join values along an axis."""
        ends = np.cumsum([part.shape[axis] for part in parts])

        def pull(g: Value) -> list[Part]:
            places = (slice(end - part.shape[axis], end) for part, end in zip(parts, ends, strict=True))
            before = [slice(None)] * (axis % len(g.shape))
            return [Part(g[(*before, place)]) for place in places]

        return self.record(self.base.concatenate([part.value for part in parts], axis), parts, pull)

    def dot(
        self, x: Traced, y: Traced, plus: Traced | None = None, by: Callable[..., Value] | None = None
    ) -> Traced:
        """Sum ``x * y`` over the last axis, then add ``plus``, by ``base.dot`` or by another."""
        dot = by or self.base.dot

        def pull(g: Value) -> list[Part]:
            wide = g[..., None]
            return [Part(wide, y.value), Part(wide, x.value), Part(g)]

        if plus is None:
            return self.record(dot(x.value, y.value), (x, y), lambda g: pull(g)[:2])
        return self.record(dot(x.value, y.value, plus.value), (x, y, plus), pull)

    def product(self, x: Traced, y: Traced, z: Traced) -> Traced:
        """Return ``(x * y) * z``."""
        a, b, c, product = x.value, y.value, z.value, self.base.product

        def pull(g: Value) -> list[Part]:
            return [Part(product(g, b, c)), Part(product(g, a, c)), Part(product(g, a, b))]

        return self.record(product(a, b, c), (x, y, z), pull)

    def scan(self, a: Traced, b: Traced, h0: Traced) -> Traced:
        """Return all states; their gradients are a scan from the last token to the first."""
        base = self.base
        h = base.scan(a.value, b.value, h0.value)

        def pull(states: Value) -> list[Part]:
            decays = base.broadcast(a.value, b.shape)
            g = base.scan(self._later(decays), states[:, ::-1], base.zeros(h0.shape))[:, ::-1]
            return [Part(g, self._before(h, h0.value)), Part(g), Part(g[:, 0], decays[:, 0])]

        return self.record(h, (a, b, h0), pull)

    def _later(self, decays: Value) -> Value:
        """Return the decays of the backward scan: zero, then the decays of the last token to the second."""
        none = self.base.zeros((decays.shape[0], 1, *decays.shape[2:]))
        return self.base.concatenate([none, decays[:, :0:-1]], axis=1)

    def _before(self, h: Value, h0: Value) -> Value:
        """Return the states before each token."""
        return self.base.concatenate([h0[:, None], h[:, :-1]], axis=1)

    def exp(self, x: Traced) -> Traced:
        """Return the exponential."""
        y = self.base.exp(x.value)
        return self.record(y, (x,), lambda g: [Part(g, self.base.exp_slope(x.value, y))])

    def sigmoid(self, x: Traced) -> Traced:
        """Return ``1 / (1 + exp(-x))``."""
        y = self.base.sigmoid(x.value)
        return self.record(y, (x,), lambda g: [Part(g, self.base.sigmoid_slope(x.value, y))])

    def softplus(self, x: Traced) -> Traced:
        """Return ``x`` above 20 and ``log1p(exp x)`` elsewhere."""
        y = self.base.softplus(x.value)
        return self.record(y, (x,), lambda g: [self.base.through_softplus(g, x.value)])

    def silu(self, x: Traced) -> Traced:
        """Return ``x * sigmoid x``."""
        return self.record(self.base.silu(x.value), (x,), lambda g: [Part(g, self.base.silu_slope(x.value))])
