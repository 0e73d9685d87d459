"""Operations that read an axis up to the index of the result."""

import numpy as np

from scanproof.programs.compact import Array, ranked
from scanproof.programs.facts import ANY, ZERO
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.table import row


def so_far(reader: Reader, value: Value, dim: int, reverse: bool = False) -> Parts | None:
    """Return the labels of a tensor, joined along an axis up to each index, or from each index on."""
    parts = reader.parts(value)
    if parts is None:
        return None
    rank = len(value.shape)
    return tuple(
        _accumulated(join, ranked(part, rank), dim % rank, reverse)
        for join, part in zip(reader.joins, parts, strict=True)
    )


def _accumulated(join: np.ufunc, part: Array, dim: int, reverse: bool) -> Array:
    if part.shape[dim] == 1:
        return part
    if not reverse:
        made: Array = join.accumulate(part, axis=dim)
        return made
    flipped: Array = np.flip(join.accumulate(np.flip(part, dim), axis=dim), dim)
    return flipped


@row("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
def cumulative(reader: Reader, node: Node) -> list[State]:
    """Read up to the index of the result; a partial sum of zeros is 0."""
    value = node.args[0]
    rank = len(value.shape)
    if rank == 0:
        return [State(reader.parts(value))] * len(node.outputs)
    dim = (node.args[1] if len(node.args) > 1 else node.kwargs["dim"]) % rank
    parts, fact = so_far(reader, value, dim), reader.fact(value)
    if fact is not None:
        zeros = np.logical_and.accumulate(ranked(fact, rank) == ZERO, axis=dim)
        name = node.op.overloadpacket.__name__
        if name == "cumprod":
            zeros = np.logical_or.accumulate(ranked(fact, rank) == ZERO, axis=dim)
        keeps = name in ("cumsum", "cumprod")
        fact = np.where(zeros, np.uint8(ZERO), np.uint8(ANY)) if keeps and zeros.any() else None
    return [State(parts, fact), *[State(parts)] * (len(node.outputs) - 1)]
