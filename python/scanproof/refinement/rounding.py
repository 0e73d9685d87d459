"""What is assumed of an implementation's arithmetic."""

from dataclasses import dataclass, fields
from math import inf
from typing import Literal

import numpy as np
import torch

from scanproof.errors import InvalidArgument

Format = torch.dtype | Literal["tf32", "bf16-mixed"]
"""A floating dtype, or the name of a float32 whose matrix products take shorter factors."""

PRODUCTS = {"tf32": 2.0**-10, "bf16-mixed": 2.0**-8}
"""Relative error with which factors enter matrix products: cut to 10 bits, or rounded to bfloat16."""

Order = Literal["any", "sequential"]

EXP_ULPS, SIGMOID_ULPS, SOFTPLUS_ULPS = 1.0, 3.0, 2.0
"""Default accuracies in ulps: what ``scanproof bench ulps`` measured, rounded up."""

_RANGES = {
    **dict.fromkeys(("unit_roundoff", "accumulator", "operands"), 1.0),
    **dict.fromkeys(("underflow", "exp_ulps", "sigmoid_ulps", "softplus_ulps"), inf),
    **dict.fromkeys(("exp_argument_roundings", "confidence"), inf),
}
"""What numbers of a rounding, none negative, must be below."""


@dataclass(frozen=True)
class Rounding:
    """What is assumed of an implementation's arithmetic.

    Attributes:
        unit_roundoff: greatest relative error of one operation (half an ulp of 1 when rounding to nearest).
        underflow: greatest absolute error of one operation whose result underflows.
        largest: magnitude up to which nothing overflows.
        exp_ulps: accuracy of its ``exp``, in units in the last place.
        sigmoid_ulps: accuracy of its ``sigmoid``.
        softplus_ulps: accuracy of its ``softplus``.
        exp_argument_roundings: how often the argument of ``exp`` is rounded on its way into it: 2 where
            ``exp x`` is formed as ``exp2(x log2 e)``, as kernels on GPUs do, which moves the result by up to
            ``|x|`` ulps.
        accumulator: unit roundoff within a sum of products, whose result is then rounded once (tensor cores
            and CPU matrix products of half precision accumulate in float32); None where sums are formed like
            everything else.
        operands: relative error with which factors enter a product of matrices, as in TF32; 0 where they
            enter as they are. Forms by chunks sum the products ``k v`` of a state as matrices, too.
        confidence: None, or lambda of the probabilistic model (Higham & Mary 2019, "A new approach to
            probabilistic rounding error analysis"): k roundings count as lambda sqrt(k), as they do with high
            probability when errors are independent with mean zero. For diagnostics; checks refuse it.
        order: how scans are evaluated: ``"sequential"``, token after token, which has the tighter bound, or
            in ``"any"`` association.

    Raises:
        InvalidArgument: a number is outside its range, or ``order`` is unknown.
    """

    unit_roundoff: float
    underflow: float
    largest: float
    exp_ulps: float = EXP_ULPS
    sigmoid_ulps: float = SIGMOID_ULPS
    softplus_ulps: float = SOFTPLUS_ULPS
    exp_argument_roundings: int = 0
    accumulator: float | None = None
    operands: float = 0.0
    order: Order = "any"
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.order not in ("any", "sequential"):
            raise InvalidArgument(f'order is {self.order!r}; give "any" or "sequential".')
        for name, below in _RANGES.items():
            given = getattr(self, name)
            if given is not None and not (isinstance(given, int | float) and 0 <= given < below):
                wanted = "at least 0 and below 1" if below == 1 else "finite and at least 0"
                raise InvalidArgument(f"Rounding: {name} is {given!r}; give a number that is {wanted}.")
        if not self.largest > 0:
            raise InvalidArgument(f"Rounding: largest is {self.largest!r}; give a number above 0.")

    @classmethod
    def of(
        cls,
        dtype: Format,
        *,
        ulps: float | None = None,
        accumulator: torch.dtype | None = None,
        order: Order = "any",
    ) -> "Rounding":
        """Return the rounding to nearest of a floating-point dtype.

        Results below the smallest normal number may be flushed to zero, as many kernels do; float16, whose
        normal numbers end at 6e-5, is taken to keep its subnormal ones.

        Args:
            dtype: what operations are rounded to. ``"tf32"`` is float32, but in sums of products factors are
                cut to TF32's 10 bits (relative error 2^-10) and sums are cut to float32 after each addition
                (2^-23), as tensor cores may do. ``"bf16-mixed"``, as kernels are trained with, is the same
                with factors rounded to bfloat16 (2^-8): operands in bfloat16, the state, the accumulator and
                all else in float32.
            ulps: accuracy of ``exp``, ``sigmoid`` and ``softplus``; default: the measured ones.
            accumulator: dtype in which sums of products accumulate; default: ``dtype``.
            order: ``"sequential"`` where scans are known to go token after token.

        Raises:
            InvalidArgument: ``dtype`` or ``accumulator`` is no real floating dtype, ``order`` is unknown,
                ``ulps`` is negative or not finite, or a name is given an ``accumulator``.
        """
        if isinstance(dtype, str) and dtype in PRODUCTS:
            if accumulator is not None:
                raise InvalidArgument(
                    f'"{dtype}" accumulates in float32; leave out the accumulator, which is {accumulator!r}.'
                )
            return cls._of(torch.float32, ulps, 2.0**-23, PRODUCTS[dtype], order)
        for given in (dtype, accumulator or dtype):
            if not isinstance(given, torch.dtype) or not given.is_floating_point:
                raise InvalidArgument(
                    f"rounding in {given!r} is not modelled; give a real floating dtype, as torch.float32,"
                    ' "tf32", "bf16-mixed", or a scanproof.Rounding.'
                )
        assert isinstance(dtype, torch.dtype)
        within = None if accumulator is None else torch.finfo(accumulator).eps / 2
        return cls._of(dtype, ulps, within, 0.0, order)

    @classmethod
    def _of(
        cls, dtype: torch.dtype, ulps: float | None, accumulator: float | None, operands: float, order: Order
    ) -> "Rounding":
        info = torch.finfo(dtype)
        underflow = info.smallest_normal if dtype != torch.float16 else info.smallest_normal * info.eps
        accuracies = (EXP_ULPS, SIGMOID_ULPS, SOFTPLUS_ULPS) if ulps is None else (ulps,) * 3
        return cls(
            info.eps / 2,
            underflow,
            info.max,
            *accuracies,
            accumulator=accumulator,
            operands=operands,
            order=order,
        )

    def __str__(self) -> str:
        operands = f", {self.operands:.3g} of factors in sums of products" if self.operands else ""
        accumulator = f", {self.accumulator:.3g} within sums of products" if self.accumulator else ""
        times = self.exp_argument_roundings
        argument = f" (its argument rounded {times:g} times)" if times else ""
        scans = "scans token after token" if self.order == "sequential" else "any association of the scan"
        return (
            f"unit roundoff {self.unit_roundoff:.3g}{operands}{accumulator}, {self.exp_ulps:g} ulp of"
            f" exp{argument}, {self.sigmoid_ulps:g} of sigmoid, {self.softplus_ulps:g} of softplus,"
            f" any order of summation, {scans}"
        )

    def source(self) -> str:
        """Return source text that makes it."""
        for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
            if self == Rounding.of(dtype):
                return str(dtype)
        for name in ("tf32", "bf16-mixed"):
            if self == Rounding.of(name):
                return repr(name)
        given = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"scanproof.Rounding({given})"

    def growth_of_sum(self, terms: int, parts: int) -> float:
        """Return at least (1 + u)^k - 1 over the k roundings that a term of a sum meets.

        The sum has so many ``terms``. With an accumulator of its own, a term also meets roundings outside of
        it, as many as there are ``parts``; factors of sums of products may be rounded before they enter.
        """
        within, outside = (self.unit_roundoff, 0) if self.accumulator is None else (self.accumulator, parts)
        grown = 0.0
        for u, roundings in ((within, terms), (self.unit_roundoff, outside), (self.operands, 2)):
            grown += (1 + grown) * self.growth(u, roundings)
        return grown * (1 + 2.0**-45)

    def growth(self, u: float, roundings: float) -> float:
        """Return at least (1 + u)^roundings - 1, or its probabilistic counterpart."""
        if self.confidence is None:
            return growth(u, roundings)
        return growth(u, min(self.confidence * roundings**0.5, roundings)) * (1 + roundings * u)


def growth(u: float, roundings: float) -> float:
    """Return at least (1 + u)^roundings - 1."""
    return float(np.expm1(roundings * np.log1p(u))) * (1 + 2.0**-45)
