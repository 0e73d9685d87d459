"""The faults that a check of the proofs finds."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A fault at a position: file relative to the project, line counted from 1, column counted from 0."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"
