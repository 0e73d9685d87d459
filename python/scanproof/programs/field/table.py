"""The operations with a rule over a field."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side

Ring: TypeAlias = Callable[[Call], Side | list[Side]]
"""Uses only arithmetic, so the same rule holds modulo both primes."""

Function: TypeAlias = Callable[[Pair, Call, Call, Primes], Pair]
"""Takes the first tensor, the call modulo p, the call modulo q, and the primes."""

Branch: TypeAlias = Callable[[dict[str, Tensor | float | None]], Tensor]
"""Takes the arguments of the float run, and returns where the first of two branches was taken."""

RINGS: dict[str, Ring] = {}
FUNCTIONS: dict[str, Function] = {}
BRANCHES: dict[str, Branch] = {}

RuleT = TypeVar("RuleT", Ring, Function, Branch)


def entered(table: dict[str, RuleT], *names: str) -> Callable[[RuleT], RuleT]:
    """Enter a rule for ATen operations, by names without overloads."""

    def enter(rule: RuleT) -> RuleT:
        table.update(dict.fromkeys(names, rule))
        return rule

    return enter
