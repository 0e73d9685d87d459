"""What reading a program says: at the size of ``x``, and at other sizes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import Tensor

from scanproof.programs.bands import Band
from scanproof.programs.lengths.answer import EveryLength
from scanproof.programs.reading import Answer, Question, Reading

BANDED = 256
"""Positions up to which the picture of the program by module is made: it costs a second reading."""

SHOWN = 3
"""Other sizes with an open question that a summary shows."""


@dataclass(frozen=True)
class LeanAnswer:
    """What Lean's checker ``Listing.check`` says of a program; ``Listing.check_sound`` proves it right.

    Attributes:
        established: whether the checker accepts that no output reads a later position.
        problem: why it does not; empty where it does.
    """

    established: bool
    problem: str = ""

    def __str__(self) -> str:
        return "established by Listing.check" if self.established else f"not established: {self.problem}"


@dataclass(frozen=True)
class ReadSize:
    """One reading.

    Attributes:
        positions: how many positions the input has.
        examples: how many examples it has; None without an axis of examples.
        reading: what was read; None where the program could not be read.
        problem: why it could not be read; empty where it was.
        bands: what each module reads around its own position; empty for more than ``BANDED`` positions.
        lean: what Lean's checker says of the positions of the same program; None where it was not asked.
        source: the text that makes the input from ``x``.
        x: the input, where a question is open.
    """

    positions: int
    examples: int | None
    reading: Reading | None
    problem: str = ""
    bands: tuple[Band, ...] = ()
    lean: LeanAnswer | None = None
    source: str = "x"
    x: Tensor | None = field(default=None, repr=False, compare=False)

    @property
    def established(self) -> bool:
        """Whether every question is answered with yes."""
        return self.reading is not None and self.reading.established

    def answer(self, question: Question) -> Answer | None:
        """Return the answer to a question; None where it was not asked, or nothing was read."""
        return None if self.reading is None else self.reading.answer(question)

    @property
    def steered(self) -> bool:
        """Whether values of ``x`` decided what was run, so that another input may run another program."""
        return self.reading is not None and any(seen.latest is not None for seen in self.reading.seen)

    def __str__(self) -> str:
        if self.source.startswith("draw_input"):
            return self.source
        examples = "" if self.examples is None else f"{self.examples} examples of "
        return f"{examples}{self.positions} positions"


@dataclass(frozen=True)
class ProgramReading:
    """What was read before any input was tried.

    Attributes:
        given: the reading at the size of ``x``.
        others: the readings at other sizes, with those that the function does not take; and, where values
            decided what was run, at inputs drawn from ``x``.
        every: what one program for every length says; None where it was not asked for.
    """

    given: ReadSize
    others: tuple[ReadSize, ...] = ()
    every: EveryLength | None = None

    @property
    def established(self) -> bool:
        """Whether every question is answered with yes, at every size that the function takes."""
        return self.given.established and not self.open

    @property
    def open(self) -> tuple[ReadSize, ...]:
        """The other sizes at which a question is not answered with yes."""
        return tuple(size for size in self.others if size.reading and not size.established)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the answers assume."""
        assumed = () if self.given.reading is None else self.given.reading.assumptions
        every = () if self.every is None else self.every.assumptions
        return tuple(dict.fromkeys((*assumed, *every)))

    def count(self) -> int:
        """Return at how many sizes everything is established."""
        return sum(size.established for size in (self.given, *self.others))

    def sizes(self) -> str:
        """Return in words at which other sizes the answers hold as well."""
        given, taken = self.given, [size for size in self.others if size.established]
        lengths = sorted(
            {size.positions for size in taken if size.examples == given.examples} - {given.positions}
        )
        batches = sorted({size.examples or 0 for size in taken if size.examples != given.examples})
        said = [f"lengths {_listed(lengths)}"] if lengths else []
        said += [f"batch sizes {_listed(batches)}"] if batches else []
        return " and ".join(said)

    def lines(self) -> list[str]:
        """Return the lines of a summary: what was read, and what the answers assume."""
        reading = self.given.reading
        if reading is None:
            return [f"  reading    : the program could not be read: {self.given.problem}"]
        lines = [f"  reading    : {reading.operations} operation{'' if reading.operations == 1 else 's'}"]
        lines += [f"               {answer}" for answer in reading.answers]
        if self.given.lean is not None:
            lines.append(f"               Lean's checker, on the positions: {self.given.lean}")
        if self.every is not None:
            lines.append(f"               {self.every}")
        if sizes := self.sizes():
            lines.append(f"               the same at {sizes}")
        for size in self.open[:SHOWN]:
            assert size.reading is not None
            open_ = (answer for answer in size.reading.answers if not answer.established)
            lines += [f"               at {size}: {answer}" for answer in open_]
        lines += [f"  assumes    : {assumption}" for assumption in self.assumptions]
        lines += [f"  no row for : {name}, which ran {count} times" for name, count in reading.unknown]
        return lines


def _listed(numbers: Iterable[int | None]) -> str:
    return ", ".join(map(str, numbers))
