"""What a check of the proofs can find fault with."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A fault at a place: the file relative to the project, the line from 1 and the column from 0."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"
