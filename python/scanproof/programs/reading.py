"""What reading a program establishes, for every input of its shape."""

from dataclasses import dataclass
from typing import Literal

Question = Literal["positions", "examples", "documents"]

_MAY = {
    "positions": "no output reads a later position",
    "examples": "no example reads another one",
    "documents": "no document reads another one",
}


@dataclass(frozen=True)
class Excess:
    """An output that reads, or cannot be shown not to read, what it must not.

    Attributes:
        output: where the function returns it; empty for a result that is one tensor.
        at: its position, or its example.
        reads: the latest position that it reads, or the examples or documents; of more than 62, also some
            that labels do not tell apart from these.
        example: the first example in which it does; None where the question is about examples.
    """

    output: str
    at: int
    reads: tuple[int, ...]
    example: int | None = None

    def __str__(self) -> str:
        name = f"{self.output} " if self.output else ""
        example = "" if self.example is None else f" of example {self.example}"
        return f"{name}{self.at}{example} <- {', '.join(map(str, self.reads))}"


@dataclass(frozen=True)
class Jump:
    """Where what must not be read comes in.

    Attributes:
        operation: the first operation with an entry that reads beyond its own position.
        module: dotted path and class of the module that ran it; empty outside of modules.
        file: source file of the line that ran it.
        line: number of that line.
        through: the operation before it that gave positions up, such as a mean; empty where there is none.
        place: module and line, as text.
    """

    operation: str
    module: str
    file: str
    line: int
    through: str
    place: str

    def __str__(self) -> str:
        through = f" through {self.through}" if self.through else ""
        return f"{self.operation}{through} in {self.place}"


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: what was asked.
        established: whether it holds for every input of the shape that was recorded, under the assumptions.
        excess: the outputs of which it could not be shown.
        jump: where that comes in; None where it is established, or cannot be placed.
        reason: why it is not established; empty where it is.
    """

    question: Question
    established: bool
    excess: tuple[Excess, ...] = ()
    jump: Jump | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.established:
            return f"{_MAY[self.question]}: established"
        shown = ", ".join(map(str, self.excess[:3])) + (", …" if len(self.excess) > 3 else "")
        return "; ".join(
            part
            for part in (
                f"{_MAY[self.question]}: not established",
                self.reason,
                shown,
                f"enters by {self.jump}" if self.jump else "",
            )
            if part
        )


@dataclass(frozen=True)
class Seen:
    """A value that Python saw, so that the reading holds for inputs with the same one.

    Attributes:
        kind: what asked for it: ``item``, ``numpy``, ``nonzero``, ….
        place: module and line.
        latest: the latest position that it reads; None where it reads none.
        steers: whether it only chose what was run; a number may be part of what was computed, too.
    """

    kind: str
    place: str
    latest: int | None
    steers: bool

    def __str__(self) -> str:
        reads = "no position" if self.latest is None else f"positions up to {self.latest}"
        return f"{self.kind}, which reads {reads}, in {self.place}"


@dataclass(frozen=True)
class Executed:
    """How the recorded program, executed again, compares with the function.

    Attributes:
        same: whether outputs agree.
        difference: the greatest difference, beside the greatest entry of its output.
        at: the inputs at which they were compared.
        reason: why they do not agree, or were not compared at other numbers; else empty.
    """

    same: bool
    difference: float
    at: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class Reading:
    """What one recording of a function establishes.

    Attributes:
        answers: an answer to each question that was asked.
        assumptions: what they rest on, a sentence each.
        seen: values that Python saw.
        unknown: operations without a row, which are taken to read everything, and how often they ran.
        unasked: outputs without an axis of positions, about which nothing was asked.
        operations: how many operations the program has.
        shapes: the shapes of the inputs.
        executed: how the recording was tested; None where it was not.
    """

    answers: tuple[Answer, ...]
    assumptions: tuple[str, ...]
    seen: tuple[Seen, ...]
    unknown: tuple[tuple[str, int], ...]
    unasked: tuple[str, ...]
    operations: int
    shapes: tuple[tuple[int, ...], ...]
    executed: Executed | None

    @property
    def established(self) -> bool:
        """Whether every question is answered with yes."""
        return all(answer.established for answer in self.answers)

    def answer(self, question: Question) -> Answer | None:
        """Return the answer to a question; None where it was not asked."""
        return next((answer for answer in self.answers if answer.question == question), None)

    def summary(self) -> str:
        """Return the answers and what they rest on, a line each."""
        shapes = ", ".join(map(str, self.shapes))
        lines = [f"Reading of {self.operations} operations, inputs {shapes}"]
        lines += [f"  {answer}" for answer in self.answers]
        lines += [f"  assumes: {assumption}" for assumption in self.assumptions]
        lines += [f"  unknown: {name}, {count} times" for name, count in self.unknown]
        if self.unasked:
            lines.append(f"  not asked about: {', '.join(self.unasked)}")
        return "\n".join(lines)
