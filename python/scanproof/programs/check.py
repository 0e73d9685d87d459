"""Read what a function computes: which positions, examples and documents its outputs may depend on.

One recording, one pass over its operations. The answer holds for every input of the shape that was recorded
and for every value of the parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.programs.axes import Alignment, Axes, SeqDim
from scanproof.programs.compact import Array, ranked
from scanproof.programs.compare import compared
from scanproof.programs.garbage import without_gc
from scanproof.programs.labels import Lattice, Parts, Reader
from scanproof.programs.locate import first_beyond, first_mixed
from scanproof.programs.program import Program, Value
from scanproof.programs.reading import Answer, Excess, Executed, Reading, Seen
from scanproof.programs.record import record

BITS = 62
"""Things that a set of one label tells apart; more are told apart by several labels, digit by digit."""


def read(
    fn: Callable[..., Any],
    x: Any,
    *,
    kwargs: Mapping[str, Any] | None = None,
    seq_dim: SeqDim = 1,
    batch_dim: int | None = 0,
    alignment: Alignment | Sequence[int] | None = None,
    documents: Tensor | None = None,
    validate: bool = True,
) -> Reading:
    """Record what ``fn`` computes at ``x``, and say what its outputs may read.

    Args:
        fn: a function or module. It runs without autograd, on copies of its inputs, twice with ``validate``.
        x: its input: a tensor (batch, T, …) of numbers or token ids; a tuple or list of positional arguments,
            or a dict of named ones, which may themselves hold tensors in tuples, dicts and dataclasses. A
            tensor without an axis of T positions, such as the state of a cache, is no position, and may be
            read.
        kwargs: further arguments, which are constants.
        seq_dim: axis of positions of inputs and outputs, or a function of the name and shape of a tensor that
            returns it, or None for a tensor without positions.
        batch_dim: axis of examples; None where there is none. Nothing is asked about fewer than two.
        alignment: how many inputs each output may read, for outputs that are other positions than inputs: an
            object with ``reaches(outputs, inputs)``, such as ``scanproof.Alignment``, or one number for each
            output, which may read the positions before it. By default output t reads positions up to t.
        documents: a number for each position, (T,) or (batch, T), of the document that it belongs to, for
            rows
            into which several are packed: a document must read itself only.
        validate: execute the recorded program and compare with what ``fn`` returns, at other numbers of the
            same shape. What PyTorch does not see, such as a kernel of another library, shows there, and then
            nothing is established.

    Returns:
        The reading. An answer that is not established is no finding: the outputs in question read what they
        must not as far as the operations say, and a gradient or a changed output has to show it.

    Raises:
        InvalidArgument: the call is wrong, or the function does what cannot be recorded.
        NothingEstablished: the function raised.

    Example:
        >>> import torch
        >>> read(lambda x: x.cumsum(1), torch.randn(2, 8, 4)).established
        True
        >>> print(read(lambda x: x - x.mean(1, keepdim=True), torch.randn(2, 8, 4)).answers[0].excess[0])
        0 of example 0 <- 7
    """
    args: tuple[Any, ...] = (
        tuple(x) if isinstance(x, tuple | list) else () if isinstance(x, Mapping) else (x,)
    )
    named: dict[str, Any] = dict(x) if isinstance(x, Mapping) else {}
    call = partial(fn, **kwargs) if kwargs else fn
    with without_gc():
        program = record(call, *args, **named)
        executed = compared(program, call, args, named) if validate else None
        return answer(
            program,
            seq_dim=seq_dim,
            batch_dim=batch_dim,
            alignment=alignment,
            documents=documents,
            executed=executed,
        )


def answer(
    program: Program,
    *,
    seq_dim: SeqDim = 1,
    batch_dim: int | None = 0,
    alignment: Alignment | Sequence[int] | None = None,
    documents: Tensor | None = None,
    executed: Executed | None = None,
) -> Reading:
    """Say what the outputs of a recorded program may read; arguments and result are those of ``read``."""
    if program.memory_read:
        raise InvalidArgument(
            f"read: the function cannot be recorded: {program.memory_read}; call contiguous() first."
        )
    axes = Axes.of(program, seq_dim, batch_dim)
    asked = Asked(program, axes, alignment, documents)
    reader = Reader(program, asked.lattices, asked.marks())
    reader.run()
    answers = [asked.about_positions(reader)]
    if asked.examples:
        answers.append(asked.about_sets(reader, "examples"))
    if documents is not None:
        answers.append(asked.about_sets(reader, "documents"))
    if executed is not None and not executed.same:
        why = f"the recording is not what the function computes: {executed.reason}"
        answers = [
            Answer(each.question, False, each.excess, each.jump, why if each.established else each.reason)
            for each in answers
        ]
    return Reading(
        answers=tuple(answers),
        assumptions=_assumptions(program, reader),
        seen=_seen(program, reader),
        unknown=tuple(reader.assumed.unknown.items()),
        unasked=tuple(path or "the result" for path in program.outputs if path not in asked.outputs),
        operations=len(program.nodes),
        shapes=tuple(value.shape for value in program.inputs),
        executed=executed,
    )


class _Digits:
    """Sets of more things than a label has bits: of the digits of their numbers to base ``BITS``."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.places = 1
        while BITS**self.places < count:
            self.places += 1
        self.lattices = [Lattice.sets(min(count, BITS)) for _ in range(self.places)]

    def bits(self, numbers: Array) -> list[Array]:
        """Return the label of each number, for every digit."""
        return [np.left_shift(np.int64(1), numbers // BITS**place % BITS) for place in range(self.places)]

    def others(self, parts: Sequence[Array], own: int) -> tuple[int, ...]:
        """Return the things in sets (one array a digit) beside ``own``, as far as digits tell them apart."""
        sets = [int(np.bitwise_or.reduce(part, axis=None)) for part in parts]
        inside = (
            number
            for number in range(self.count)
            if all(bits >> (number // BITS**place % BITS) & 1 for place, bits in enumerate(sets))
        )
        return tuple(number for number in inside if number != own)


class Asked:
    """What is asked of a program: which lattices, which labels of inputs, and what outputs may have.

    Attributes:
        program: the program.
        axes: where its tensors have positions and examples.
        documents: documents by number (1 or batch, T); None where nothing is asked about them.
        lattices: positions first, then the digits of examples, then those of documents.
        examples: whether anything is asked about examples.
        outputs: the outputs that have positions, and how many inputs each position may read.
    """

    def __init__(
        self,
        program: Program,
        axes: Axes,
        alignment: Alignment | Sequence[int] | None,
        documents: Tensor | None,
    ) -> None:
        self.program, self.axes = program, axes
        self.documents = None if documents is None else _numbered(documents, axes)
        self._rows = _Digits(axes.examples)
        self._packed = None if self.documents is None else _Digits(int(self.documents.max()) + 1)
        self.lattices = [Lattice.latest(axes.length)]
        self.examples = axes.batch is not None and axes.examples > 1
        if self.examples:
            self.lattices += self._rows.lattices
        self._first_packed = len(self.lattices)
        if self._packed is not None:
            self.lattices += self._packed.lattices
        self.outputs = self._positioned(alignment)

    def positioned(self) -> list[tuple[Value, Array, int]]:
        """Return the outputs with positions, how many inputs each may read, and the axis of positions."""
        found = []
        for path, (value, reaches) in self.outputs.items():
            dim = self.axes.positions(path, value.shape, len(reaches))
            assert dim is not None
            found.append((value, reaches, dim))
        return found

    def marks(self) -> dict[int, Parts]:
        """Return the labels of the inputs."""
        return {value.index: self._mark(value) for value in self.program.inputs}

    def _mark(self, value: Value) -> Parts:
        axes = self.axes
        seq, rows = axes.positions(value.name, value.shape, axes.length), axes.rows(value.shape)
        positions = axes.along(value, seq, range(axes.length), np.int32)
        parts = [np.array(-1, np.int32) if positions is None else positions]
        if self.examples:
            for bits in self._rows.bits(np.arange(axes.examples)):
                own = axes.along(value, rows, bits, np.int64)
                parts.append(np.array(0, np.int64) if own is None else own)
        if self._packed is not None and self.documents is not None:
            for bits in self._packed.bits(self.documents):
                parts.append(np.array(0, np.int64) if seq is None else _laid(bits, value, seq, rows))
        return tuple(parts)

    def _positioned(self, alignment: Alignment | Sequence[int] | None) -> dict[str, tuple[Value, Array]]:
        """Return the outputs that have positions, and how many inputs each position may read."""
        found: dict[str, tuple[Value, Array]] = {}
        for path, value in self.program.outputs.items():
            dim = self.axes.seq(path, value.shape) if callable(self.axes.seq) else self.axes.seq
            if dim is None or not -len(value.shape) <= dim < len(value.shape):
                continue
            length = value.shape[dim % len(value.shape)]
            reaches = _reaches(alignment, length, self.axes.length)
            if reaches is not None and self.axes.positions(path, value.shape, length) is not None:
                found[path] = value, reaches
        if not found:
            shapes = ", ".join(str(value.shape) for value in self.program.outputs.values()) or "no tensor"
            raise InvalidArgument(
                f"read: no output has an axis of {self.axes.length} positions, or as many as alignment says: "
                f"{shapes}; name the axis by seq_dim, or say which inputs each output may read by alignment."
            )
        return found

    def about_positions(self, reader: Reader) -> Answer:
        """Say whether every output reads only the positions that it may."""
        excess: list[Excess] = []
        faulty: list[tuple[Value, Array]] = []
        for path, (value, reaches) in self.outputs.items():
            parts = reader.parts(value)
            if parts is None:
                continue
            dim = self.axes.positions(path, value.shape, len(reaches))
            latest = _by_row_and_position(np.maximum, parts[0], value, self.axes.rows(value.shape), dim)
            beyond = latest >= np.broadcast_to(reaches, latest.shape)
            for t in np.flatnonzero(beyond.any(0)).tolist():
                example = int(beyond[:, t].argmax())
                reads = int(latest[:, t].max())
                excess.append(Excess(path, t, (reads,), example if self.axes.batch is not None else None))
            if beyond.any():
                faulty.append((value, reaches))
        if not excess:
            return Answer("positions", True)
        jump = first_beyond(
            self.program, self.axes, [value for value, _ in faulty], [reach for _, reach in faulty]
        )
        return Answer("positions", False, tuple(excess), jump, _why(reader))

    def about_sets(self, reader: Reader, question: Any) -> Answer:
        """Say whether every output reads its own example, or its own document, only."""
        digits = self._rows if question == "examples" else self._packed
        assert digits is not None
        first = 1 if question == "examples" else self._first_packed
        excess = []
        faulty = []
        for path, (value, reaches) in self.outputs.items():
            parts = reader.parts(value)
            if parts is None:
                continue
            rows = self.axes.rows(value.shape)
            dim = self.axes.positions(path, value.shape, len(reaches))
            found = self._others(question, digits, parts[first : first + digits.places], value, rows, dim)
            excess += [Excess(path, at, reads, example) for at, reads, example in found]
            faulty += [value] if found else []
        if not excess:
            return Answer(question, True)
        marks = {index: parts[first : first + 1] for index, parts in self.marks().items()}
        jump = first_mixed(self.program, self.lattices[first], marks, faulty)
        return Answer(question, False, tuple(excess), jump, _why(reader))

    def _others(
        self, question: str, digits: _Digits, parts: Parts, value: Value, rows: int | None, dim: int | None
    ) -> list[tuple[int, tuple[int, ...], int | None]]:
        sets = [_by_row_and_position(np.bitwise_or, part, value, rows, dim) for part in parts]
        if question == "examples":
            if rows is None:
                return []
            count = value.shape[rows]
            wide = [np.broadcast_to(each, (count, each.shape[1])) for each in sets]
            own = digits.bits(np.arange(count))
            bad = _any_other(wide, [bits[:, None] for bits in own]).any(1)
            return [
                (int(i), digits.others([each[i] for each in wide], int(i)), None) for i in np.flatnonzero(bad)
            ]
        assert self.documents is not None
        if dim is None or value.shape[dim] != self.axes.length:
            raise InvalidArgument("read: documents need an output of as many positions as the input.")
        documents = np.broadcast_to(
            self.documents, (max(len(self.documents), *(len(s) for s in sets)), self.axes.length)
        )
        wide = [np.broadcast_to(each, documents.shape) for each in sets]
        bad = _any_other(wide, digits.bits(documents))
        found: list[tuple[int, tuple[int, ...], int | None]] = []
        for t in np.flatnonzero(bad.any(0)).tolist():
            row = int(bad[:, t].argmax())
            others = digits.others([each[row, t] for each in wide], int(documents[row, t]))
            found.append((t, others, row))
        return found


def _any_other(sets: Sequence[Array], own: Sequence[Array]) -> Array:
    bad = np.zeros(sets[0].shape, bool)
    for each, bits in zip(sets, own, strict=True):
        bad |= (each & ~bits) != 0
    return bad


def _by_row_and_position(
    join: np.ufunc, part: Array, value: Value, rows: int | None, dim: int | None
) -> Array:
    """Return labels (rows, positions) joined over all other axes."""
    part = ranked(part, len(value.shape))
    others = tuple(axis for axis in range(part.ndim) if axis not in (rows, dim))
    part = join.reduce(part, axis=others, keepdims=True)
    lead = [axis for axis in (rows, dim) if axis is not None]
    part = np.moveaxis(part, lead, range(len(lead))).reshape([part.shape[axis] for axis in lead])
    if rows is None:
        part = part[None]
    if dim is None:
        part = part[:, None]
    return np.broadcast_to(part, (part.shape[0], 1 if dim is None else value.shape[dim]))


def _reaches(alignment: Alignment | Sequence[int] | None, outputs: int, inputs: int) -> Array | None:
    """Return how many inputs each output may read; None where the alignment is one of other outputs."""
    if alignment is None:
        return np.arange(1, inputs + 1) if outputs == inputs else None
    if isinstance(alignment, Alignment):
        try:
            return np.asarray(alignment.reaches(outputs, inputs))
        except InvalidArgument:
            return None
    numbers = np.asarray(alignment)
    return numbers if numbers.shape == (outputs,) else None


def _numbered(documents: Tensor, axes: Axes) -> Array:
    """Return documents (1 or batch, T) by numbers from 0 in each row."""
    wide = documents if documents.dim() == 2 else documents[None]
    if (
        documents.dim() not in (1, 2)
        or wide.shape[-1] != axes.length
        or wide.shape[0] not in (1, axes.examples)
    ):
        raise InvalidArgument(
            f"read: documents must have shape ({axes.length},) or ({axes.examples}, {axes.length}), one "
            f"number for each position, its shape is {tuple(documents.shape)}."
        )
    return np.stack([torch.unique(row, return_inverse=True)[1].cpu().numpy() for row in wide])


def _laid(bits: Array, value: Value, seq: int, rows: int | None) -> Array:
    """Return labels (rows, positions) along the axes of a value."""
    if rows is None:
        bits = np.bitwise_or.reduce(bits, axis=0, keepdims=True)
        rows = next(axis for axis in range(len(value.shape) + 1) if axis != seq)
        shape = [1] * len(value.shape)
        shape[seq] = bits.shape[1]
        return bits.reshape(shape)
    shape = [1] * len(value.shape)
    shape[rows], shape[seq] = bits.shape
    return (bits if rows < seq else bits.T).reshape(shape)


def _why(reader: Reader) -> str:
    """Return why labels may be too large, where that is known."""
    reasons = []
    if reader.assumed.whole:
        names = ", ".join(reader.assumed.whole)
        reasons.append(f"{names} reads all positions, and what cancels later cannot be seen by reading")
    if reader.assumed.unknown:
        reasons.append(f"{', '.join(reader.assumed.unknown)} has no row, and is taken to read everything")
    return "; ".join(reasons)


def _assumptions(program: Program, reader: Reader) -> tuple[str, ...]:
    sentences = []
    if reader.assumed.finite:
        sentences.append("values are finite: 0 times a value is 0, and minus infinity plus a value hides it")
    if reader.assumed.low:
        sentences.append(
            "scores are small beside the large negative numbers that hide some of them, "
            "and those do not hide all of a row"
        )
    if program.departures:
        sentences.append("inputs take the path that was recorded: values decide what is run")
    if any(value.source == "constant" for value in program.values):
        sentences.append("tensors that the function holds beside its parameters are as they were recorded")
    return tuple(sentences)


def _seen(program: Program, reader: Reader) -> tuple[Seen, ...]:
    seen = []
    for departure, parts in zip(program.departures, reader.left, strict=True):
        latest = -1 if parts is None else int(parts[0])
        seen.append(
            Seen(departure.kind, str(departure.place), None if latest < 0 else latest, departure.steers)
        )
    return tuple(seen)
