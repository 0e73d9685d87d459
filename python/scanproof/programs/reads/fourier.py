"""Fourier transforms, which read whole axes, although later steps may cancel these reads."""

from scanproof.programs.labels import Reader, State
from scanproof.programs.program import Node
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.table import row


@row("_fft_r2c", "_fft_c2r", "_fft_c2c")
def transform(reader: Reader, node: Node) -> State:
    """Read all entries along the transformed axes."""
    value, dims = node.args[:2]
    rank = len(value.shape)
    reader.assumed.whole[node.name] += 1
    return State(whole_axes(reader, value, [dim % rank for dim in dims], True))
