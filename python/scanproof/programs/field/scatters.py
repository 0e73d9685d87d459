"""Rules of operations that add entries at indices."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.moves import move
from scanproof.programs.field.pair import Found
from scanproof.programs.field.residues import Side
from scanproof.programs.field.table import MOVES, RINGS, entered

aten = torch.ops.aten


def _added(base: Side, part: Side, add: Callable[[Tensor, Tensor], Tensor]) -> Side:
    """Return the sums of an entry of ``base`` and of all entries of ``part`` that ``add`` adds to it."""
    values = add(base.finite.values.contiguous(), part.finite.values.contiguous())
    counts = add(torch.zeros_like(base.values), torch.ones_like(part.values))
    total = part.degree.total(int(counts.max()) if counts.numel() else 0)
    return base.made(values, base.degree.plus(total))


@entered(RINGS, "scatter_add")
def _scatter_add(call: Call) -> Side:
    index, axis, part = call.chosen(call["index"]), call["dim"], call.side("src")
    read = part.finite.values[tuple(slice(size) for size in index.shape)]
    part = part.made(read, part.degree)
    return _added(call.side("self"), part, lambda base, part: base.scatter_add(axis, index, part))


@entered(RINGS, "index_add")
def _index_add(call: Call) -> Side:
    index, axis = call.chosen(call["index"]), call["dim"]
    part = call.side("source") * call.read(call.get("alpha", 1))
    return _added(call.side("self"), part, lambda base, part: base.index_add(axis, index, part))


MOVES.update(("index_put", "_unsafe_index_put"))


@entered(RINGS, "index_put", "_unsafe_index_put")
def _index_put(call: Call) -> Side | Sequence[Found]:
    if not call["accumulate"]:
        return move(call)
    base, part, indices = call.side("self"), call.side("values"), call.chosen(call["indices"])
    read = part.finite.values.broadcast_to(aten.index(base.values, indices).shape)
    part = part.made(read, part.degree)
    return _added(base, part, lambda base, part: aten.index_put(base, indices, part, True))


@entered(RINGS, "embedding_dense_backward")
def _embedding_backward(call: Call) -> Side:
    index, part = call.chosen(call["indices"]).flatten(), call.side("grad_output")
    kept = index != call["padding_idx"]
    rows = part.finite.values.reshape(len(index), -1)[kept]
    base = Side(call.modulus, rows.new_zeros(call["num_weights"], rows.shape[1]))
    part = part.made(rows, part.degree)
    return _added(base, part, lambda base, part: base.index_add(0, index[kept], part))


@entered(RINGS, "unfold_backward")
def _unfold_backward(call: Call) -> Side:
    part, sizes = call.side("grad_in").finite, call["input_sizes"]
    base = Side(call.modulus, part.values.new_zeros(sizes))

    def add(base: Tensor, part: Tensor) -> Tensor:
        where = torch.arange(base.numel()).view(base.shape).unfold(call["dim"], call["size"], call["step"])
        return base.flatten().index_add(0, where.flatten(), part.flatten()).view(base.shape)

    return _added(base, part, add)
