"""Recurrent layers as one operation."""

import numpy as np

from scanproof.programs.compact import Array, ranked
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.table import row


@row("mkldnn_rnn_layer")
def layer(reader: Reader, node: Node) -> list[State]:
    """Read the same example up to the position of the result, or from this position on, and the state."""
    value, reverse = node.args[0], node.args[7]
    weights, states = node.args[1:5], node.args[5:7]
    fed = None if (parts := reader.parts(value)) is None else reader.reduced(reader.ranked(parts, value), [2])
    carried: Parts | None = None
    for state in states:
        own = reader.parts(state)
        if own is not None:
            own = tuple(
                _batch(join, part, len(state.shape)) for join, part in zip(reader.joins, own, strict=True)
            )
            carried = reader.joined(carried, own)
    for weight in weights:
        own = reader.parts(weight)
        if own is not None:
            carried = reader.joined(
                carried, tuple(part.reshape(1, 1, 1) for part in reader.reduced(own, None))
            )
    run = None if fed is None else _run(reader, fed, reverse)
    made = reader.joined(run, carried)
    last: Parts | None = None
    if made is not None:
        wide = tuple(ranked(part, 3) for part in made)
        last = tuple(part[:1] if reverse else part[-1:] for part in wide)
    ends = [
        State(None if last is None or output is None else _ranked(last, output))
        for output in node.outputs[1:3]
    ]
    return [State(made), *ends, State(made)]


def _ranked(parts: Parts, output: Value) -> Parts:
    """Return the labels of a state without the time axis, if the state has none."""
    return tuple(part.reshape(part.shape[-len(output.shape) :]) for part in parts)


def _run(reader: Reader, fed: Parts, reverse: bool) -> Parts:
    made = []
    for join, part in zip(reader.joins, fed, strict=True):
        if part.shape[0] > 1:
            part = join.accumulate(np.flip(part, 0) if reverse else part, axis=0)
            part = np.flip(part, 0) if reverse else part
        made.append(part)
    return tuple(made)


def _batch(join: np.ufunc, part: Array, rank: int) -> Array:
    """Return the labels of a state for (time, batch, channels), joined over channels."""
    joined: Array = join.reduce(ranked(part, max(rank, 3)), axis=-1, keepdims=True)
    return joined
