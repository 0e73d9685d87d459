"""Rules that say which later inputs each output reads, in the usual terms for leaks.

In this module, ``t`` is the last input that an output may read. Without an alignment, that is the position of
the output. Rules apply only to pairs with s > t.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Rule(Protocol):
    """A rule that says which later inputs each output reads; its text names the rule and states it."""

    def reads(self, t: Tensor, s: Tensor) -> Tensor:
        """Return whether output ``t`` reads input ``s``, for integer tensors that broadcast."""


@dataclass(frozen=True)
class Distances:
    """Every output reads at the same distances.

    Attributes:
        span: one more than the greatest possible distance.
        ahead: the distances s - t, ascending.
    """

    span: int
    ahead: tuple[int, ...]

    def reads(self, t: Tensor, s: Tensor) -> Tensor:
        """Return whether ``s - t`` is one of the distances."""
        return _among(self.ahead, self.span)[(s - t).clamp(0)]

    def __str__(self) -> str:
        first, last = self.ahead[0], self.ahead[-1]
        if self.ahead == (1,):
            return "off by one: output t reads input t + 1"
        if _consecutive(self.ahead):
            if first == 1 and last == self.span - 1:
                return "everything: every output reads every later input, as statistics over the sequence do"
            if last == self.span - 1 or (first == last and 2 * first > self.span):
                before = _places([distance - self.span for distance in self.ahead])
                return f"wrap-around: output t reads {before}, modulo the sequence length"
            if first == 1:
                return f"the next {last} positions: output t reads {_places(self.ahead)}"
        if first == last:
            return f"always {first} positions ahead: output t reads input t + {first}"
        return f"always the same distances ahead: output t reads {_places(self.ahead)}"


@dataclass(frozen=True)
class Blocks:
    """Outputs read whole blocks: the rest of their own block, or blocks ahead of it.

    Attributes:
        T: number of inputs.
        size: length of a block; ``T`` if only one boundary was seen.
        offset: the first boundary, in 0 … size - 1.
        nearest: distance, in blocks, of the first block that they read; 0 is their own block.
        farthest: distance, in blocks, of the last block that they read; None for the end of the sequence.
        first: the first output that reads so.
        end: one beyond the last output that reads so.
    """

    T: int
    size: int
    offset: int
    nearest: int
    farthest: int | None
    first: int
    end: int

    def reads(self, t: Tensor, s: Tensor) -> Tensor:
        """Return whether the distance from the block of ``t`` to the block of ``s`` is in the range."""
        ahead = _block(s, self.size, self.offset) - _block(t, self.size, self.offset)
        farthest = self.T if self.farthest is None else self.farthest
        return (self.nearest <= ahead) & (ahead <= farthest) & (self.first <= t) & (t < self.end)

    def __str__(self) -> str:
        boundaries = _boundaries(self.size, self.offset, self.T)
        whose = "every output"
        if self.first > 0 or self.end < self.T:
            whose = f"every output from {self.first} to {self.end - 1}"
        if (self.nearest, self.farthest) == (0, 0):
            return f"within blocks of {self.size}: {whose} reads the rest of its block ({boundaries})"
        return f"chunk-wise, chunks of {self.size}: {whose} reads {self._chunks()} ({boundaries})"

    def _chunks(self) -> str:
        if self.nearest == 0:
            return f"the rest of its own chunk and the next {'one' if self.farthest == 1 else self.farthest}"
        if self.nearest == 1 and self.farthest in (1, None):
            which = "all later chunks" if self.farthest is None else "the next chunk"
            return f"{which}, not the rest of its own"
        last = "to the end" if self.farthest is None else f"to {self.farthest} ahead"
        return f"the chunks from {self.nearest} ahead {last}"


@dataclass(frozen=True)
class Rectangle:
    """Some outputs read the same inputs, as far as these are later.

    Attributes:
        T: number of inputs.
        first: the first of the outputs.
        end: one beyond the last of the outputs.
        inputs: the inputs, ascending.
    """

    T: int
    first: int
    end: int
    inputs: tuple[int, ...]

    def reads(self, t: Tensor, s: Tensor) -> Tensor:
        """Return whether ``t`` is one of the outputs and ``s`` one of the inputs."""
        return _among(self.inputs, self.T)[s] & (self.first <= t) & (t < self.end)

    def __str__(self) -> str:
        low, high = self.inputs[0], self.inputs[-1]
        one_output, one_input = self.end - self.first == 1, low == high
        outputs, inputs = _named("output", range(self.first, self.end)), _named("input", self.inputs)
        read, are = "reads" if one_output else "read", "is" if one_input else "are"
        if one_output and one_input:
            return f"one pair: {outputs} reads {inputs}"
        if self.first <= 0 and self.end >= high:
            where = "one position" if one_input else "a few positions"
            return f"everything at {where}: {inputs} {are} read by every earlier output"
        if low <= self.first + 1 and high == self.T - 1 and _consecutive(self.inputs):
            where = "one position" if one_output else "a few positions"
            return f"everything at {where}: {outputs} {read} every later input"
        return f"{outputs} {read} {inputs}"


@dataclass(frozen=True)
class Boundary:
    """The last outputs before a boundary read the first inputs after it.

    Attributes:
        T: number of inputs.
        size: positions from one boundary to the next; ``T`` if only one boundary was seen.
        offset: the first boundary, in 0 … size - 1.
        before: number of outputs before the boundary that read.
        behind: number of inputs after the boundary that they read.
        within: greatest distance s - t.
    """

    T: int
    size: int
    offset: int
    before: int
    behind: int
    within: int

    def reads(self, t: Tensor, s: Tensor) -> Tensor:
        """Return whether one boundary is between ``t`` and ``s``, and close enough to both."""
        block = _block(s, self.size, self.offset)
        boundary = block * self.size + self.offset
        next_to = (boundary - t <= self.before) & (s - boundary < self.behind) & (s - t <= self.within)
        return next_to & (block - _block(t, self.size, self.offset) == 1)

    def __str__(self) -> str:
        outputs = "output before it reads" if self.before == 1 else f"{self.before} outputs before it read"
        inputs = "input" if self.behind == 1 else f"{self.behind} inputs"
        limit = f", at most {self.within} ahead" if self.within < self.before + self.behind - 1 else ""
        boundaries = _boundaries(self.size, self.offset, self.T)
        return f"next to a boundary: the last {outputs} the first {inputs} after it{limit} ({boundaries})"


@dataclass(frozen=True)
class Mirror:
    """Outputs read at mirrored positions.

    Attributes:
        low: smallest ``t + s``; None for no bound.
        high: greatest ``t + s``; None for no bound.
    """

    low: int | None
    high: int | None

    def reads(self, t: Tensor, s: Tensor) -> Tensor:
        """Return whether ``t + s`` is within the bounds."""
        low = torch.ones_like(t + s, dtype=torch.bool) if self.low is None else self.low <= t + s
        return low if self.high is None else low & (t + s <= self.high)

    def __str__(self) -> str:
        if self.low is None:
            return (
                f"next to the start: output t reads inputs up to {self.high} - t, as reflected padding does"
            )
        if self.high is None:
            return f"mirrored: output t reads inputs from {self.low} - t on, as in a reversed sequence"
        last = f" … {self.high} - t" if self.high > self.low else ""
        return f"mirrored: output t reads input{'s' if last else ''} {self.low} - t{last}"


def _among(numbers: Sequence[int], length: int) -> Tensor:
    member = torch.zeros(length, dtype=torch.bool, device="cpu")
    member[list(numbers)] = True
    return member


def _block(position: Tensor, size: int, offset: int) -> Tensor:
    return (position - offset).div(size, rounding_mode="floor")


def _consecutive(numbers: Sequence[int]) -> bool:
    return numbers[-1] - numbers[0] + 1 == len(numbers)


def _boundaries(size: int, offset: int, T: int) -> str:
    if size < T and offset == 0:
        return f"boundaries at multiples of {size}"
    if offset + size >= T:
        return f"boundary at {offset}"
    more = ", …" if offset + 3 * size < T else ""
    return f"boundaries at {', '.join(map(str, range(offset, T, size)[:3]))}{more}"


def _named(name: str, numbers: Sequence[int]) -> str:
    return f"{name}{'s' if len(numbers) > 1 else ''} {_listed(numbers, str)}"


def _places(offsets: Sequence[int]) -> str:
    inputs = "inputs" if len(offsets) > 1 else "input"
    return f"{inputs} {_listed(offsets, lambda d: f't + {d}' if d >= 0 else f't - {-d}')}"


def _listed(numbers: Sequence[int], text: Callable[[int], str]) -> str:
    if len(numbers) > 2 and _consecutive(numbers):
        return f"{text(numbers[0])} … {text(numbers[-1])}"
    if len(numbers) > 6:
        return f"{', '.join(map(text, numbers[:3]))}, … {text(numbers[-1])} ({len(numbers)} in all)"
    return ", ".join(map(text, numbers))
