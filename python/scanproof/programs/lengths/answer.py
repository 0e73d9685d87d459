"""What one program for every length says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EveryLength:
    """What one program for every length says.

    Attributes:
        problem: why causality is not established for every length; empty if it is.
        shortest: the least length that the program is for.
        longest: the greatest one; None for no limit.
        assumptions: what the answer assumes.
    """

    problem: str = ""
    shortest: int = 2
    longest: int | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def established(self) -> bool:
        """Whether no output reads a later position, at every length that the program is for."""
        return not self.problem

    def __str__(self) -> str:
        if self.problem:
            return f"not established for every length: {self.problem}"
        until = "on" if self.longest is None else f"to {self.longest}"
        return f"no output reads a later position at any length from {self.shortest} {until}: established"
