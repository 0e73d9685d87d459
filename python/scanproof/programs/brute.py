"""Measure what an operation reads: change every entry of every input in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanproof.programs.compact import Array
from scanproof.programs.execute import execute
from scanproof.programs.labels import Lattice, Reader
from scanproof.programs.program import Program
from scanproof.programs.record import record

BITS = 62
CHANGES = (0.37, -1.0, -3.1, 17.0)
"""The change of an entry."""


@dataclass(frozen=True)
class Unsaid:
    """An entry that an operation reads, although the statement about the operation does not say so.

    Attributes:
        output: path of the result; empty for a single tensor.
        entry: index of the output entry.
        input: number of the input.
        read: index of the input entry that the output entry reads.
    """

    output: str
    entry: tuple[int, ...]
    input: int
    read: tuple[int, ...]


def check_operation(op: Callable[..., Any], *inputs: Tensor) -> tuple[Unsaid, ...]:
    """Compare the statement about an operation with what the operation reads.

    Args:
        op: the operation, or a function that calls the operation once, with constants for other arguments.
        inputs: small inputs, because the operation runs a few times for each input entry. Choose different
            sizes for different axes, so a confusion of axes is found.

    Returns:
        The reads that the statement leaves out; empty if the statement holds at these inputs. A statement
        with too many reads is sound, but establishes less.
    """
    program = record(op, *inputs)
    says, sees = stated(program), observed(program, inputs)
    sizes = np.cumsum([0, *(tensor.numel() for tensor in inputs)])
    found = []
    for path in program.outputs:
        for *entry, flat in np.argwhere(sees[path] & ~says[path]).tolist():
            which = int(np.searchsorted(sizes, flat, side="right")) - 1
            read = np.unravel_index(flat - sizes[which], tuple(inputs[which].shape))
            found.append(Unsaid(path, tuple(entry), which, tuple(int(place) for place in read)))
    return tuple(found)


def stated(program: Program) -> dict[str, Array]:
    """Return the stated reads of each output: a matrix from its entries to the entries of all inputs."""
    sizes = [prod(value.shape) for value in program.inputs]
    count = -(-sum(sizes) // BITS)
    marks = {}
    for value, start in zip(program.inputs, np.cumsum([0, *sizes]), strict=False):
        places = (start + np.arange(prod(value.shape))).reshape(value.shape)
        bits = np.left_shift(np.int64(1), places % BITS)
        marks[value.index] = tuple(np.where(places // BITS == digit, bits, 0) for digit in range(count))
    reader = Reader(program, [Lattice.sets(BITS)] * count, marks)
    reader.run()
    found = {}
    for path, value in program.outputs.items():
        sets = reader.parts(value) or reader.bottoms()
        wide = [np.broadcast_to(part, value.shape) for part in sets]
        bits = [(wide[place // BITS] >> (place % BITS)) & 1 for place in range(sum(sizes))]
        found[path] = np.stack(bits, -1).astype(bool)
    return found


def observed(program: Program, inputs: Sequence[Tensor]) -> dict[str, Array]:
    """Return the observed reads of each output: a matrix from its entries to the entries of all inputs."""
    found: dict[str, list[Array]] = {path: [] for path in program.outputs}
    bases = _bases(inputs)
    before = [execute(program, base) for base in bases]
    for which, tensor in enumerate(inputs):
        for flat in range(tensor.numel()):
            differs = {path: np.zeros(value.shape, bool) for path, value in program.outputs.items()}
            for base, at_base in zip(bases, before, strict=True):
                for number in CHANGES:
                    changed = [*base[:which], _changed(base[which], flat, number), *base[which + 1 :]]
                    for path, tensor_after in execute(program, changed).items():
                        if (
                            tensor_after.shape == at_base[path].shape == differs[path].shape
                        ):  # otherwise the operation took another path
                            differs[path] |= _different(at_base[path], tensor_after)
            for path, each in differs.items():
                found[path].append(each)
    return {path: np.stack(each, -1) for path, each in found.items()}


def _bases(inputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """Return the inputs and similar ones, so that each entry is once the greatest, and once selected."""
    turns = max([int(x.max()) for x in inputs if x.dtype == torch.int64], default=2)
    return [list(inputs), *([_turned(x, turn) for x in inputs] for turn in range(1, turns + 1))]


def _turned(x: Tensor, turn: int) -> Tensor:
    if x.dtype == torch.bool:
        return ~x
    if x.is_floating_point() or x.is_complex():
        return -x if turn == 1 else x.flip(-1) if x.dim() else x
    return (x + turn) % (int(x.max()) + 1)


def _changed(tensor: Tensor, flat: int, number: float) -> Tensor:
    """Return a tensor with one changed entry: another truth value, or another integer of the tensor."""
    other = tensor.clone()
    entry = other.view(-1)[flat]
    if tensor.dtype == torch.bool:
        other.view(-1)[flat] = ~entry
    elif not tensor.is_floating_point() and not tensor.is_complex():
        other.view(-1)[flat] = (int(entry) + 1 + int(abs(number))) % (int(tensor.max()) + 1)
    else:
        other.view(-1)[flat] = entry + number
    return other


def _different(one: Tensor, other: Tensor) -> Array:
    same: Array = ((one == other) | (one.isnan() & other.isnan())).numpy()
    return ~same
