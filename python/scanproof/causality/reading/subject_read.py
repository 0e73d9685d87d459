"""Read the program of a subject, at the size of its input and at other sizes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Protocol

from torch import Tensor

from scanproof.causality.reading.program_reading import BANDED, LeanAnswer, ProgramReading, ReadSize
from scanproof.causality.reading.sizes import BATCH_SIZES, Lengths, default_lengths
from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.foundation.alignment import SAME
from scanproof.foundation.contract import proves_nothing
from scanproof.foundation.drawing import Draw
from scanproof.foundation.sizes import resized, size_call
from scanproof.foundation.subject import Subject
from scanproof.programs.axes import Axes
from scanproof.programs.bands import bands
from scanproof.programs.check import Asked, answer
from scanproof.programs.compare import compared
from scanproof.programs.garbage import without_gc
from scanproof.programs.lengths.answer import EveryLength
from scanproof.programs.listing import listing
from scanproof.programs.program import Program
from scanproof.programs.record import record
from scanproof.refinement.program_answer import ProgramAnswer


class ProgramChecker(Protocol):
    """Checks the listing of a program: ``scanproof.Oracle`` does, by the Lean function ``Listing.check``."""

    def check_program(self, text: str) -> ProgramAnswer:
        """Return the answer about a listing."""


def read_subject(
    subject: Subject,
    lengths: Lengths,
    batch_sizes: tuple[int, ...] | None,
    draws: Sequence[Draw[Subject]] = (),
    checker: ProgramChecker | None = None,
) -> ProgramReading:
    """Read a subject at the size of its input and, if that establishes everything, at other sizes.

    Where values of the input decide what is run, drawn inputs are read as well: they may run something else.

    Args:
        subject: the function and the input.
        lengths: numbers of positions to read as well; "all" for every one at once, where one program for all
            of them establishes causality; else, and with None, those of ``default_lengths``.
        batch_sizes: numbers of examples to read as well; None for ``BATCH_SIZES``.
        draws: inputs drawn from the input.
        checker: also asked about the program at the size of the input; None to ask nobody else.
    """
    given, program = _read(subject, subject.x)
    if program is not None and given.positions <= BANDED:
        own = Axes.of(program, subject.axes.seq, subject.axes.batch)
        given = replace(given, bands=bands(program, own))
    if program is None or not given.established:
        return ProgramReading(given)
    if checker is not None:
        given = replace(given, lean=_checked(subject, program, checker))
    x, axes = subject.x, subject.axes
    T = x.shape[axes.seq]
    every = None
    if lengths == "all":
        every, lengths = _every(subject, program), None
    if lengths is None:
        lengths = default_lengths(T, program) if subject.alignment == SAME else ()
        if every is not None and every.established:
            lengths = tuple(each for each in (*every.apart, *lengths) if not every.covers(each))
    sizes: list[tuple[int, int | None]] = [(length, given.examples) for length in lengths if length != T]
    if given.examples is not None:
        batch_sizes = BATCH_SIZES if batch_sizes is None else batch_sizes
        sizes += [(T, size) for size in batch_sizes if size != given.examples]
    others = [_read(subject, resized(x, axes, *size), size_call(axes, *size))[0] for size in sizes]
    if given.steered:
        others += [_read(subject, draw.subject.x, draw.source)[0] for draw in draws]
    return ProgramReading(given, tuple(others), every)


def _every(subject: Subject, program: Program) -> EveryLength:
    if subject.alignment != SAME or subject.packing is not None:
        return EveryLength("several inputs, and outputs at other positions, are read at one length each")
    from scanproof.programs.lengths.every_length import every_length  # torch.export is slow to import

    with without_gc():
        return every_length(_as_function(subject), subject.x, subject.axes.seq, program)


def _read(subject: Subject, x: Tensor, source: str = "x") -> tuple[ReadSize, Program | None]:
    axes = subject.axes
    examples = None if axes.batch is None else x.shape[axes.batch]
    size = partial(ReadSize, x.shape[axes.seq], examples, source=source)
    function = _as_function(subject)
    try:
        with without_gc():
            program = record(function, x)
            if set(program.results) != {""}:
                return size(None, "fn returns more than one tensor; choose one by output="), None
            y = subject.checked(program.results[""], x)
            if problem := proves_nothing(y, axes):
                return size(None, problem), None
            if x is subject.x:
                subject.order(y)
            executed = compared(program, function, (x,), {})
            if not executed.same:
                problem = f"the recorded program is not what fn computes: {executed.reason}"
                return size(None, problem), None
            alignment = None if subject.alignment == SAME else subject.alignment
            reading = answer(
                program, seq_dim=axes.seq, batch_dim=axes.batch, alignment=alignment, executed=executed
            )
    except (InvalidArgument, NothingEstablished) as error:
        return size(None, str(error).removeprefix("read: ")), None
    return size(reading, x=None if reading.established else x), program


def _checked(subject: Subject, program: Program, checker: ProgramChecker) -> LeanAnswer:
    axes = Axes.of(program, subject.axes.seq, subject.axes.batch)
    alignment = None if subject.alignment == SAME else subject.alignment
    answer = checker.check_program(listing(Asked(program, axes, alignment, None)))
    if answer.established:
        return LeanAnswer(True)
    return LeanAnswer(False, f"label {answer.found} at place {answer.place} of tensor {answer.tensor}")


def _as_function(subject: Subject) -> Callable[[Tensor], Any]:
    """Return the subject as a function whose modules keep the names that the caller's function gives them."""
    if subject.packing is None and subject.output is None:
        return partial(subject.given, **subject.kwargs) if subject.kwargs else subject.given

    @wraps(subject.given, assigned=(), updated=())
    def run(x: Tensor) -> Any:
        return subject(x)

    return run
