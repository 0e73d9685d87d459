"""The lengths at which the conditions hold under which ``torch.export`` made a program."""

from dataclasses import dataclass, replace
from typing import Any

import sympy  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Lengths:
    """A range of lengths, without a few between.

    Attributes:
        shortest: the least one.
        longest: the greatest one; None for no limit.
        apart: lengths between them that are left out.
    """

    shortest: int
    longest: int | None = None
    apart: tuple[int, ...] = ()

    def meeting(self, condition: Any, size: sympy.Symbol) -> "Lengths | None":
        """Return the lengths at which a condition holds; None unless it is linear in the length."""
        if condition == sympy.true:
            return self
        if not isinstance(condition, sympy.Rel) or condition.free_symbols != {size}:
            return None
        difference = sympy.expand(condition.lhs - condition.rhs)
        if not (difference.is_polynomial(size) and sympy.degree(difference, size) == 1):
            return None
        slope = difference.coeff(size, 1)
        root = -difference.coeff(size, 0) / slope
        if isinstance(condition, sympy.Ne):
            return replace(self, apart=tuple(sorted({*self.apart, int(root)}))) if root.is_Integer else self
        if isinstance(condition, sympy.Eq):
            return None
        strict = isinstance(condition, sympy.Lt | sympy.Gt)
        below = (slope > 0) == isinstance(condition, sympy.Lt | sympy.Le)
        if below:
            most = int(sympy.ceiling(root) - 1 if strict else sympy.floor(root))
            return replace(self, longest=most if self.longest is None else min(self.longest, most))
        least = int(sympy.floor(root) + 1 if strict else sympy.ceiling(root))
        return replace(self, shortest=max(self.shortest, least))
