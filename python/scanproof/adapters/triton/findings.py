"""One fault that was seen in a run of a kernel's source."""

from dataclasses import dataclass
from pathlib import Path

BOUNDS, RACES, UNINITIALISED = "bounds", "races", "uninitialised"
"""Kinds of faults that show in one run."""

QUESTIONS = ("launches", BOUNDS, RACES, UNINITIALISED, "order", "configurations")
"""The questions about the kernels of a function, in the order of a report."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A place in the source of a kernel where a fault was seen.

    Attributes:
        kind: ``"bounds"``, ``"races"`` or ``"uninitialised"``.
        kernel: name of the kernel.
        file: file of the line.
        line: line that read or wrote.
        argument: the kernel's argument that the pointer came from.
        text: what was seen.
    """

    kind: str
    kernel: str
    file: str
    line: int
    argument: str
    text: str

    @property
    def place(self) -> tuple[str, str, str, int, str]:
        """What two faults share if they are the same fault."""
        return (self.kind, self.kernel, self.file, self.line, self.argument)

    def __str__(self) -> str:
        return f"{self.kernel} ({Path(self.file).name}, line {self.line}): {self.text}"
