"""Normalisation: the axes that share statistics."""

from collections.abc import Sequence

import numpy as np

from scanproof.programs.compact import ranked
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.table import row


@row("native_layer_norm", "_fused_rms_norm")
def layer_norm(reader: Reader, node: Node) -> list[State]:
    """Read the last axes."""
    value, shape = node.args[:2]
    rank = len(value.shape)
    dims = list(range(rank - len(shape), rank))
    parts = whole_axes(reader, value, dims, True)
    weights = reader.all_of(node.reads[1:])
    return [State(reader.joined(parts, weights)), *[State(parts)] * (len(node.outputs) - 1)]


@row("native_group_norm")
def group_norm(reader: Reader, node: Node) -> list[State]:
    """Read all spatial entries in the channels of a group."""
    value, weight, bias, _, channels, _, groups = node.args[:7]
    parts = reader.parts(value)
    normalised, statistics = None, None
    if parts is not None:
        space = list(range(2, len(value.shape)))
        flat = reader.reduced(reader.ranked(parts, value), space)
        normalised, statistics = [], []
        for lattice, part in zip(reader.lattices, flat, strict=True):
            have = part.shape[1]
            if have > 1:
                grouped = part.reshape(part.shape[0], groups, channels // groups, *part.shape[2:])
                part = lattice.join.reduce(grouped, axis=2)
            statistics.append(part.reshape(part.shape[:2]))
            normalised.append(np.repeat(part, channels // groups, 1) if have > 1 else part)
    own = State(None if statistics is None else tuple(statistics))
    made = None if normalised is None else tuple(normalised)
    return [State(reader.joined(made, by_channel(reader, (weight, bias), len(value.shape) - 2))), own, own]


def by_channel(reader: Reader, values: Sequence[Value | None], space: int) -> Parts | None:
    """Return the joined labels of vectors over channels, for a tensor with ``space`` axes after them."""
    made: Parts | None = None
    for value in values:
        parts = None if value is None else reader.parts(value)
        if parts is not None:
            made = reader.joined(made, tuple(ranked(part, 1).reshape(-1, *[1] * space) for part in parts))
    return made


@row(
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    
    
)  # fmt: skip
def batch_norm(reader: Reader, node: Node) -> list[State]:
    """Read all examples and spatial entries of a channel in training, else the running statistics."""
    value, weight, bias = node.args[:3]
    name = node.op.overloadpacket.__name__
    vectors = [arg for arg in node.args[3:5] if isinstance(arg, Value)]
    flags = [arg for arg in node.args[3:] if isinstance(arg, bool)]
    training = flags[0] if flags else "update" in name and "no_update" not in name
    space = len(value.shape) - 2
    parts = reader.parts(value)
    weights = by_channel(reader, (weight, bias), space)
    if not training:
        made = reader.joined(parts, by_channel(reader, vectors, space))
        return [State(reader.joined(made, weights)), *[State(None)] * (len(node.outputs) - 1)]
    dims = [0, *range(2, len(value.shape))]
    statistics = whole_axes(reader, value, dims, False)
    spread = None if parts is None else reader.reduced(reader.ranked(parts, value), dims)
    running = State(reader.joined(statistics, reader.all_of(vectors)))
    batch = State(statistics)
    rest = [running if number >= 3 else batch for number in range(1, len(node.outputs))]
    return [State(reader.joined(spread, weights)), *rest]
