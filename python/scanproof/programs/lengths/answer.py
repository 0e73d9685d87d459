"""What one program for every length says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EveryLength:
    """What one program for every length says.

    Attributes:
        problem: why causality is not established for every length; empty if it is.
        shortest: the least length that the program is for.
        longest: the greatest one; None for no limit.
        apart: lengths between them at which another program may run.
        assumptions: what the answer assumes.
    """

    problem: str = ""
    shortest: int = 2
    longest: int | None = None
    apart: tuple[int, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def established(self) -> bool:
        """Whether no output reads a later position, at every length that the program is for."""
        return not self.problem

    def covers(self, length: int) -> bool:
        """Whether causality is established at a length."""
        inside = self.shortest <= length <= (self.longest or length)
        return self.established and inside and length not in self.apart

    @property
    def lengths(self) -> str:
        """The lengths that the program is for, in words."""
        until = "on" if self.longest is None else f"to {self.longest}"
        but = f", but for {', '.join(map(str, self.apart))}" if self.apart else ""
        return f"any length from {self.shortest} {until}{but}"

    def __str__(self) -> str:
        if self.problem:
            return f"not established for every length: {self.problem}"
        return f"no output reads a later position at {self.lengths}: established"
