"""Sorting: the index of an entry depends on all entries that it is compared with."""

from scanproof.programs.labels import Reader, State
from scanproof.programs.program import Node
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.table import row


@row("sort", "topk", "_unique2")
def ordered(reader: Reader, node: Node) -> list[State]:
    """Read all entries along the sorted axis."""
    value = node.args[0]
    name = node.op.overloadpacket.__name__
    numbers = [arg for arg in node.args[1:] if isinstance(arg, int) and not isinstance(arg, bool)]
    dim = -1
    if name == "topk":
        dim = numbers[1] if len(numbers) > 1 else node.kwargs.get("dim", -1)
    elif name in ("sort", "argsort"):
        dim = numbers[0] if numbers else node.kwargs.get("dim", -1)
    rank = len(value.shape)
    if "unique" in name or rank == 0:
        parts = whole_axes(reader, value, list(range(rank)), False)
        return [State(parts)] * len(node.outputs)
    return [State(whole_axes(reader, value, [dim % rank], True))] * len(node.outputs)


@row("searchsorted", "bucketize")
def searched(reader: Reader, node: Node) -> State:
    """Read all sorted numbers, and the searched number."""
    borders, wanted = node.args[:2]
    if node.op.overloadpacket.__name__ == "bucketize":
        borders, wanted = wanted, borders
    keep = len(borders.shape) > 1
    made = reader.parts(wanted)
    for value in (borders, node.kwargs.get("sorter")):
        if value is not None:
            made = reader.joined(made, whole_axes(reader, value, [len(value.shape) - 1], keep))
    return State(made)


@row("bincount", "histc", "nonzero", "masked_select")
def counted(reader: Reader, node: Node) -> list[State]:
    """Read everything."""
    whole = None
    for value in node.reads:
        whole = reader.joined(whole, whole_axes(reader, value, list(range(len(value.shape))), False))
    return [State(whole)] * len(node.outputs)
