"""The operations with a rule over a field."""

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from torch import Tensor

from scanproof.programs.field.calls import Call, ComplexCall, PairCall, bound, packet
from scanproof.programs.field.pair import Complex, Found, Pair, Spectrum
from scanproof.programs.field.residues import Side
from scanproof.programs.program import Node

Ring: TypeAlias = Callable[[Call], Side | Sequence[Found]]
"""Uses only arithmetic, so the same rule holds modulo both primes."""

Function: TypeAlias = Callable[[PairCall], Pair | list[Pair]]
"""Uses both residues, or keeps what ``exp`` of the result is."""

ComplexRule: TypeAlias = Callable[[ComplexCall], Pair | Complex]
"""Takes or returns complex tensors."""

SpectrumRule: TypeAlias = Callable[[ComplexCall], Pair | Spectrum]
"""Takes or returns Fourier transforms."""

Branch: TypeAlias = Callable[[dict[str, Tensor | float | None]], Tensor]
"""Takes the arguments of the float run, and returns where the first of two branches was taken."""

RINGS: dict[str, Ring] = {}
FUNCTIONS: dict[str, Function] = {}
COMPLEX: dict[str, ComplexRule] = {}
SPECTRA: dict[str, SpectrumRule] = {}
BRANCHES: dict[str, Branch] = {}

STEPS: set[str] = set()
"""The operations whose floats are whole numbers that comparisons decide; the float run says which."""

EXPONENTIALS: set[str] = set()
"""The operations among ``FUNCTIONS`` that are made of ``exp``."""

MOVES: set[str] = set()
"""The operations among ``RINGS`` that only move entries, and may add zeros or constants."""

RuleT = TypeVar("RuleT", Ring, Function, Branch, ComplexRule, SpectrumRule)


def entered(table: dict[str, RuleT], *names: str) -> Callable[[RuleT], RuleT]:
    """Enter a rule for ATen operations, by names without overloads."""

    def enter(rule: RuleT) -> RuleT:
        table.update(dict.fromkeys(names, rule))
        return rule

    return enter


def moving(*names: str) -> Callable[[Ring], Ring]:
    """Enter a rule for ATen operations that only move entries, and may add zeros or constants."""

    def enter(rule: Ring) -> Ring:
        MOVES.update(names)
        return entered(RINGS, *names)(rule)

    return enter


def exponential(*names: str) -> Callable[[Function], Function]:
    """Enter a rule for ATen operations that are made of ``exp``."""

    def enter(rule: Function) -> Function:
        EXPONENTIALS.update(names)
        return entered(FUNCTIONS, *names)(rule)

    return enter


def exponentiates(node: Node) -> bool:
    """Whether the rule of an operation is made of ``exp``."""
    if packet(node) != "pow":
        return packet(node) in EXPONENTIALS or packet(node) == "polar"
    exponent = bound(node)["exponent"]
    return not isinstance(exponent, int | float) or not float(2 * exponent).is_integer()
