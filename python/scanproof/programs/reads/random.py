"""Random numbers, which read nothing, and uninitialised memory, which may hold anything."""

import numpy as np

from scanproof.programs.facts import ANY, ZERO
from scanproof.programs.labels import Reader, State
from scanproof.programs.program import Node
from scanproof.programs.table import row


@row(
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal.float_float",
    "normal_functional", "uniform", "exponential", "geometric", "log_normal", "cauchy", "random",
    "bernoulli.p", "scalar_tensor", "full", "arange", "eye", "linspace", "tril_indices", "triu_indices",
)  # fmt: skip
def drawn(reader: Reader, node: Node) -> State:
    """Read nothing."""
    return State(None)


@row(
    "bernoulli.default",
    "bernoulli.Tensor",
    "poisson",
    "binomial",
    "normal.Tensor_Tensor",
    "normal.Tensor_float",
)
def drawn_by(reader: Reader, node: Node) -> State:
    """Read the parameters at the index of the result."""
    return State(reader.all_of(node.reads))


@row("multinomial")
def drawn_from(reader: Reader, node: Node) -> State:
    """Read all weights of a row."""
    parts = reader.parts(node.args[0])
    if parts is None:
        return State(None)
    value = node.args[0]
    return State(reader.reduced(reader.ranked(parts, value), [len(value.shape) - 1]))


@row("native_dropout")
def dropout(reader: Reader, node: Node) -> list[State]:
    """Read an entry, and draw whether to keep it; 0 stays 0."""
    value = node.args[0]
    fact = reader.fact(value)
    if fact is not None:
        fact = np.where(fact == ZERO, np.uint8(ZERO), np.uint8(ANY))
    return [State(reader.parts(value), fact), State(None)]


@row("empty", "empty_strided")
def unwritten(reader: Reader, node: Node) -> State:
    """Read everything, because a kernel that PyTorch does not see writes into this memory."""
    return State(tuple(np.array(lattice.top, lattice.dtype) for lattice in reader.lattices))
