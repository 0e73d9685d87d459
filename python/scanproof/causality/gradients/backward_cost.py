"""How many bytes one backward pass moves, read from the recorded graph without running it."""

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor
from torch.autograd.function import BackwardCFunction

Node = Any  # torch.autograd.graph.Node; its `_input_metadata` is not in the stubs


@dataclass(frozen=True)
class Traffic:
    """The gradients that operations pass on, on the path from the output to the input.

    Attributes:
        operations: number of operations on the path.
        total: bytes of all gradients that are passed on.
        largest: bytes of the largest gradient.
        opaque: whether an operation is a Python ``autograd.Function``, whose inside is not in the graph.
    """

    operations: int
    total: int
    largest: int
    opaque: bool

    @property
    def typical(self) -> float:
        """Bytes that an operation passes on, on average."""
        return self.total / max(self.operations, 1)


def traffic(y: Tensor, x: Tensor) -> Traffic:
    """Measure the graph between an output and the leaf ``x``; other parts of the graph do not count."""
    readers: dict[Node, list[tuple[Node, int]]] = {}
    leaf, queue = None, [y.grad_fn]
    sizes = {y.grad_fn: _sizes(y.grad_fn)}
    while queue:
        node = queue.pop()
        if getattr(node, "variable", None) is x:
            leaf = node
        for source, slot in getattr(node, "next_functions", ()):
            if source is None:
                continue
            if source not in sizes:
                sizes[source] = _sizes(source)
                queue.append(source)
            size = sizes[source][slot] if slot < len(sizes[source]) else 0
            readers.setdefault(source, []).append((node, size))

    on_the_way, queue, total, largest = {leaf}, [leaf], 0, 0
    while queue:
        for node, size in readers.get(queue.pop(), ()):
            total, largest = total + size, max(largest, size)
            if node not in on_the_way:
                on_the_way.add(node)
                queue.append(node)
    opaque = any(isinstance(node, BackwardCFunction) for node in on_the_way)
    return Traffic(len(on_the_way), total, largest, opaque)


def _sizes(node: Node) -> tuple[int, ...]:
    """Return the bytes of each gradient that a node receives."""
    return tuple(
        prod(metadata.shape) * metadata.dtype.itemsize for metadata in getattr(node, "_input_metadata", ())
    )
