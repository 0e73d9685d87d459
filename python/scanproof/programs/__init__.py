"""Read what a function computes: verdicts for every input of a shape, not only for the inputs tried."""

from scanproof.programs.bands import Band, bands
from scanproof.programs.brute import Unsaid, check_operation
from scanproof.programs.check import answer, read
from scanproof.programs.execute import execute
from scanproof.programs.program import Program
from scanproof.programs.reading import Answer, Excess, Executed, Jump, Reading, Seen
from scanproof.programs.record import record
from scanproof.programs.statements import register_operation

__all__ = [
    "Answer",
    "Band",
    "Excess",
    "Executed",
    "Jump",
    "Program",
    "Reading",
    "Seen",
    "Unsaid",
    "answer",
    "bands",
    "check_operation",
    "execute",
    "read",
    "record",
    "register_operation",
]
