"""A tensor of a program at a drawn point: its residues as a value, and its residues as an exponent."""

from dataclasses import dataclass

from scanproof.programs.field.residues import Side


@dataclass(frozen=True)
class Lost:
    """Why a tensor has no residues: the operation where this began, in words.

    Attributes:
        why: the operation, and what it cannot do.
    """

    why: str


class Before(Exception):
    """An operand has no residues, because of an operation before this one.

    Attributes:
        lost: why.
    """

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost.why)
        self.lost = lost


@dataclass(frozen=True)
class Pair:
    """A tensor modulo both primes.

    Attributes:
        value: the tensor modulo p.
        exponent: the tensor modulo q, from which ``exp`` of the tensor is computed.
        opaque: functions behind ``value`` of which no law is used, such as ``log``.
        within: functions behind ``exponent`` of which no law is used.
    """

    value: Side | Lost
    exponent: Side | Lost
    opaque: frozenset[str] = frozenset()
    within: frozenset[str] = frozenset()
