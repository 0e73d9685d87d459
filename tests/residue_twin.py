"""Lean's residues once more, number by number: the arithmetic that the oracle must agree with exactly."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.programs.field.primes import Primes
from scanproof.refinement.kernels.arithmetic import KernelExact
from scanproof.refinement.words import LOST, FieldNumbers, exactly

WRAP = (1 << 64) - 1


def split_mix(state: int) -> int:
    z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & WRAP
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & WRAP
    return z ^ z >> 31


def mix(name: str, prime: int, value: int) -> int:
    state = 0xCBF29CE484222325
    for byte in f"{name} {prime}".encode():
        state = ((state ^ byte) * 0x100000001B3) & WRAP
    for _ in range(4):
        state = (state + 0x9E3779B97F4A7C15) & WRAP
        word = split_mix(state) | 1
        value = ((value + word) * word) & WRAP
        value ^= value >> 29
    return (value & ((1 << 62) - 1)) % prime


def root(prime: int, value: int) -> int:
    if value <= 1:
        return value
    inverse = pow(value, -1, prime)
    if value <= inverse:
        return mix("sqrt", prime, value)
    return pow(mix("sqrt", prime, inverse), -1, prime)


@dataclass(frozen=True)
class Number:
    """A number; None stands for what is lost or absent."""

    primes: Primes
    real: float
    value: int | None
    exponent: int | None
    law: tuple[int, int] | None

    @classmethod
    def pure(cls, primes: Primes, real: float, value: int | None, exponent: int | None) -> "Number":
        return cls(primes, real, value, exponent, None if exponent is None else (exponent, 1))

    @property
    def is_pure(self) -> bool:
        return self.exponent is not None and self.law == (self.exponent, 1)

    def __add__(self, other: "Number") -> "Number":
        p, q = self.primes.p, self.primes.q
        law = None
        if self.law and other.law:
            law = (self.law[0] + other.law[0]) % q, self.law[1] * other.law[1] % p
        value, exponent = self._residues(operator.add, other)
        return Number(self.primes, self.real + other.real, value, exponent, law)

    def __neg__(self) -> "Number":
        p, q = self.primes.p, self.primes.q
        law = None
        if self.law and self.law[1] % p:
            law = -self.law[0] % q, pow(self.law[1], -1, p)
        value, exponent = (None if x is None else -x % m for x, m in ((self.value, p), (self.exponent, q)))
        return Number(self.primes, -self.real, value, exponent, law)

    def __mul__(self, other: "Number") -> "Number":
        return self._product(other, self.real * other.real, *self._residues(operator.mul, other))

    def __truediv__(self, other: "Number") -> "Number":
        with np.errstate(all="ignore"):
            quotient = float(np.float64(self.real) / np.float64(other.real))
        p, q = self.primes.p, self.primes.q
        inverse = Number(
            self.primes,
            0.0,
            pow(other.value, -1, p) if other.value else None,
            pow(other.exponent, -1, q) if other.exponent else None,
            None,
        )
        made = self._product(other, quotient, *self._residues(operator.mul, inverse))
        return replace(made, law=self._half_law()) if other.is_two else made

    @property
    def is_two(self) -> bool:
        return self.is_pure and (self.value, self.exponent) == (2 % self.primes.p, 2 % self.primes.q)

    def _half_law(self) -> tuple[int, int] | None:
        p, q = self.primes.p, self.primes.q
        return None if self.law is None else (self.law[0] * pow(2, -1, q) % q, root(p, self.law[1]))

    def _product(self, other: "Number", real: float, value: int | None, exponent: int | None) -> "Number":
        if self.is_pure and other.is_pure:
            return Number.pure(self.primes, real, value, exponent)
        return Number(self.primes, real, value, exponent, None)

    def _residues(self, op: Callable[[int, int], int], other: "Number") -> tuple[int | None, int | None]:
        value = exponent = None
        if self.value is not None and other.value is not None:
            value = op(self.value, other.value) % self.primes.p
        if self.exponent is not None and other.exponent is not None:
            exponent = op(self.exponent, other.exponent) % self.primes.q
        return value, exponent

    def exp(self) -> "Number":
        p, q, w = self.primes.p, self.primes.q, self.primes.w
        value = None
        if self.law is not None:
            value = pow(w, self.law[0], p) * self.law[1] % p
        elif self.exponent is not None:
            value = pow(w, self.exponent, p)
        return Number.pure(
            self.primes, _safe(math.exp, self.real), value, None if value is None else mix("exp", q, value)
        )

    def opaque(self, name: str, function: Callable[[float], float]) -> "Number":
        p, q, v = self.primes.p, self.primes.q, self.value
        residues = (None, None) if v is None else (mix(name, p, v), mix(name, q, v))
        return Number.pure(self.primes, _safe(function, self.real), *residues)

    def log(self) -> "Number":
        made = self.opaque("log", math.log)
        law = None if self.value is None else (0, self.value)
        return Number(self.primes, made.real, made.value, made.exponent, law)

    def sqrt(self) -> "Number":
        made = self.opaque("sqrt", math.sqrt)
        return made if self.value is None else replace(made, value=root(self.primes.p, self.value))

    def softplus(self) -> "Number":
        if self.real > 20:
            return self
        grown = self.exp()
        one = Number.pure(self.primes, 1.0, 1 % self.primes.p, 1 % self.primes.q)
        return (one + grown).log()


def _safe(function: Callable[[float], float], x: float) -> float:
    try:
        return function(x)
    except (OverflowError, ValueError):
        return math.nan


def _each(function: Callable[..., Any]) -> Callable[..., NDArray[np.object_]]:
    return np.vectorize(function, otypes=[object])


class TwinArithmetic(KernelExact):
    """Arrays of numbers."""

    name = "residues"

    def __init__(self, primes: Primes) -> None:
        self.primes = primes

    def lift(self, array: Any) -> NDArray[np.object_]:
        if np.asarray(array).dtype == object:
            return np.asarray(array)
        return self.numbers(exactly(np.asarray(array), self.primes))

    def numbers(self, x: FieldNumbers) -> NDArray[np.object_]:
        def number(*parts: Any) -> Number:
            float_, value, exponent, rest, factor = parts
            known = [None if part == LOST else int(part) for part in (value, exponent, rest, factor)]
            law = None if known[2] is None or known[3] is None else (known[2], known[3])
            return Number(self.primes, float(float_), known[0], known[1], law)

        return _each(number)(x.floats, x.values, x.exponents, x.rests, x.factors)

    def exp(self, x: Any) -> Any:
        return _each(Number.exp)(x)

    def div(self, x: Any, y: Any) -> Any:
        return _each(operator.truediv)(x, y)

    def sigmoid(self, x: Any) -> Any:
        one = self.lift(np.ones(()))
        return self.div(one, one + self.exp(-x))

    def softplus(self, x: Any) -> Any:
        return _each(Number.softplus)(x)

    def sqrt(self, x: Any) -> Any:
        return _each(Number.sqrt)(x)

    def rsqrt(self, x: Any) -> Any:
        """Return ``exp(-(log x / 2))``, as Lean's ``rmsNorm`` does."""
        return self.exp(-self.div(_each(Number.log)(x), self.lift(np.asarray(2.0))))

    def maximum(self, x: Any, y: Any) -> Any:
        return _each(lambda one, two: two if one.real < two.real else one)(x, y)
