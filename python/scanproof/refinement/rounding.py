"""The assumptions about the arithmetic of an implementation."""

from dataclasses import dataclass, fields
from math import inf
from typing import Literal

import numpy as np
import torch

from scanproof.errors import InvalidArgument

Format = torch.dtype | Literal["tf32", "bf16-mixed"]
"""A floating dtype, or the name of a mode in which float32 matrix products take shorter factors."""

PRODUCTS = {"tf32": 2.0**-10, "bf16-mixed": 2.0**-8}
"""Relative error of the factors of matrix products: truncated to 10 bits, or rounded to bfloat16."""

Order = Literal["any", "sequential"]

EXP_ULPS, SIGMOID_ULPS, SOFTPLUS_ULPS = 1.0, 3.0, 2.0
"""Default accuracies in ulps: what ``scanproof bench ulps`` measured, rounded up."""

_RANGES = {
    **dict.fromkeys(("unit_roundoff", "accumulator", "operands"), 1.0),
    **dict.fromkeys(("underflow", "exp_ulps", "sigmoid_ulps", "softplus_ulps"), inf),
    **dict.fromkeys(("exp_argument_roundings", "confidence"), inf),
}
"""The exclusive upper limit of each field; the lower limit is 0."""


@dataclass(frozen=True)
class Rounding:
    """The assumptions about the arithmetic of an implementation.

    Attributes:
        unit_roundoff: greatest relative error of one operation (half an ulp of 1 when rounding to nearest).
        underflow: greatest absolute error of one operation whose result underflows.
        largest: magnitude up to which nothing overflows.
        exp_ulps: accuracy of ``exp``, in units in the last place.
        sigmoid_ulps: accuracy of ``sigmoid``.
        softplus_ulps: accuracy of ``softplus``.
        exp_argument_roundings: number of roundings of the argument of ``exp``: 2 if ``exp x`` is computed as
            ``exp2(x log2 e)``, as in GPU kernels. These roundings move the result by up to ``|x|`` ulps.
        accumulator: unit roundoff within a sum of products, whose result is then rounded once (tensor cores
            and CPU matrix products of half precision accumulate in float32); None if sums are rounded like
            all other operations.
        operands: relative error of the factors of matrix products, as in TF32; 0 if factors are exact.
            Chunked forms sum the products ``k v`` of a state as matrices, too.
        confidence: None, or lambda of the probabilistic model (Higham & Mary 2019, "A new approach to
            probabilistic rounding error analysis"). In this model k roundings count as lambda sqrt(k), which
            holds with high probability if errors are independent with mean zero. For diagnostics only; checks
            reject it.
        order: how scans are evaluated: ``"sequential"``, token after token, with a tighter bound, or in
            ``"any"`` association.

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
            raise InvalidArgument(f'Rounding: order is {self.order!r}; give "any" or "sequential".')
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

        Results below the smallest normal number may be flushed to zero, as in many kernels. Exception:
        float16, whose smallest normal number is 6e-5, is assumed to keep subnormal numbers.

        Args:
            dtype: the dtype that operations round to. ``"tf32"`` is float32 with two differences in sums of
                products, as on tensor cores: factors are truncated to the 10 bits of TF32 (relative error
                2^-10), and sums are truncated to float32 after each addition (2^-23). ``"bf16-mixed"`` is the
                same with factors rounded to bfloat16 (2^-8). It describes kernels in training: operands in
                bfloat16; state, accumulator and everything else in float32.
            ulps: accuracy of ``exp``, ``sigmoid`` and ``softplus``; default: the measured accuracies.
            accumulator: dtype in which sums of products accumulate; default: ``dtype``.
            order: ``"sequential"`` if scans are known to go token after token.

        Raises:
            InvalidArgument: ``dtype`` or ``accumulator`` is no real floating dtype, ``order`` is unknown,
                ``ulps`` is negative or not finite, or ``"tf32"`` or ``"bf16-mixed"`` comes with an
                ``accumulator``.
        """
        if isinstance(dtype, str) and dtype in PRODUCTS:
            if accumulator is not None:
                raise InvalidArgument(
                    f'accumulator is {accumulator!r}, but "{dtype}" accumulates in float32; leave'
                    " accumulator out."
                )
            return cls._of(torch.float32, ulps, 2.0**-23, PRODUCTS[dtype], order)
        for given in (dtype, accumulator or dtype):
            if not isinstance(given, torch.dtype) or not given.is_floating_point:
                raise InvalidArgument(
                    f"rounding in {given!r} is not modelled; give a real floating dtype (torch.float32),"
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
        operands = f", {self.operands:.3g} for factors of sums of products" if self.operands else ""
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
        """Return source text that creates this rounding."""
        for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
            if self == Rounding.of(dtype):
                return str(dtype)
        for name in ("tf32", "bf16-mixed"):
            if self == Rounding.of(name):
                return repr(name)
        given = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"scanproof.Rounding({given})"

    def growth_of_sum(self, terms: int, parts: int) -> float:
        """Return an upper bound of (1 + u)^k - 1 over the k roundings that a term of a sum meets.

        ``terms`` is the number of terms. With an accumulator, a term also meets ``parts`` roundings outside
        of the accumulator. Factors of sums of products may be rounded before the multiplication.
        """
        within, outside = (self.unit_roundoff, 0) if self.accumulator is None else (self.accumulator, parts)
        grown = 0.0
        for u, roundings in ((within, terms), (self.unit_roundoff, outside), (self.operands, 2)):
            grown += (1 + grown) * self.growth(u, roundings)
        return grown * (1 + 2.0**-45)

    def growth(self, u: float, roundings: float) -> float:
        """Return an upper bound of (1 + u)^roundings - 1, or its probabilistic counterpart."""
        if self.confidence is None:
            return growth(u, roundings)
        return growth(u, min(self.confidence * roundings**0.5, roundings)) * (1 + roundings * u)


def growth(u: float, roundings: float) -> float:
    """Return an upper bound of (1 + u)^roundings - 1."""
    return float(np.expm1(roundings * np.log1p(u))) * (1 + 2.0**-45)
