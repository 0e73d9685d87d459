"""Every row of the table says what the operation reads: every entry of every input is changed in turn."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from scanproof.programs.execute import execute
from scanproof.programs.labels import Lattice, Reader
from scanproof.programs.program import Program
from scanproof.programs.record import record
from scanproof.programs.table import row_of

from programs.samples import SAMPLES, Sample

BITS = 62
NUMBERS = (0.37, -1.0, -3.1, 17.0)


def outputs(program: Program, inputs: Sequence[Tensor]) -> dict[str, Tensor]:
    return execute(program, inputs)


def stated(program: Program) -> dict[str, np.ndarray]:
    """Return for each output which entries (of all inputs in a row) the rows say that it reads."""
    sizes = [int(np.prod(value.shape)) for value in program.inputs]
    count = -(-sum(sizes) // BITS)
    starts = np.cumsum([0, *sizes])
    marks = {}
    for value, start in zip(program.inputs, starts, strict=False):
        places = (start + np.arange(int(np.prod(value.shape)))).reshape(value.shape)
        marks[value.index] = tuple(
            np.where(places // BITS == digit, np.left_shift(np.int64(1), places % BITS), 0) for digit in range(count)
        )
    reader = Reader(program, [Lattice.sets(BITS)] * count, marks)
    reader.run()
    assert not reader.assumed.unknown
    found = {}
    for path, value in program.outputs.items():
        parts = reader.parts(value)
        sets = [np.zeros((), np.int64)] * count if parts is None else parts
        wide = [np.broadcast_to(part, value.shape) for part in sets]
        found[path] = np.stack(
            [(wide[place // BITS] >> (place % BITS)) & 1 for place in range(sum(sizes))], -1
        ).astype(bool)
    return found


def changed(tensor: Tensor, flat: int, number: float) -> Tensor:
    """Return a tensor with another number at one place: another truth value, another of the integers in it."""
    other = tensor.clone()
    entry = other.view(-1)[flat]
    if tensor.dtype == torch.bool:
        other.view(-1)[flat] = ~entry
    elif not tensor.is_floating_point() and not tensor.is_complex():
        other.view(-1)[flat] = (int(entry) + 1 + int(abs(number))) % (int(tensor.max()) + 1)
    else:
        other.view(-1)[flat] = entry + number
    return other


def observed(program: Program, inputs: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """Return which outputs change when one entry of an input does."""
    found: dict[str, list[np.ndarray]] = {path: [] for path in program.outputs}
    for which, tensor in enumerate(inputs):
        for flat in range(tensor.numel()):
            differs = {path: np.zeros(value.shape, bool) for path, value in program.outputs.items()}
            for base in bases(inputs):
                before = outputs(program, base)
                if any(before[path].shape != value.shape for path, value in program.outputs.items()):
                    continue  # another path
                for number in NUMBERS:
                    after = outputs(program, [*base[:which], changed(base[which], flat, number), *base[which + 1 :]])
                    for path, tensor_before in before.items():
                        differs[path] |= different(tensor_before, after[path])
            for path, each in differs.items():
                found[path].append(each)
    return {path: np.stack(each, -1) for path, each in found.items()}


def bases(inputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """Return the inputs, and others of their kind, so that other entries are the greatest, and are chosen."""
    turns = max([int(x.max()) for x in inputs if x.dtype == torch.int64], default=2)
    return [list(inputs), *([turned(x, turn) for x in inputs] for turn in range(1, turns + 1))]


def turned(x: Tensor, turn: int) -> Tensor:
    if x.dtype == torch.bool:
        return ~x
    if x.is_floating_point() or x.is_complex():
        return -x if turn == 1 else x.flip(-1) if x.dim() else x
    return (x + turn) % (int(x.max()) + 1)


def different(one: Tensor, other: Tensor) -> np.ndarray:
    if one.shape != other.shape:  # another path
        return np.zeros(one.shape, bool)
    same = (one == other) | (one.isnan() & other.isnan())
    return (~same).numpy()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_row_says_what_is_read(sample: Sample) -> None:
    program = record(sample.fn, *sample.inputs)
    assert sample.op in {node.name for node in program.nodes}, program.nodes
    says, sees = stated(program), observed(program, sample.inputs)
    for path, value in program.outputs.items():
        unsaid = sees[path] & ~says[path]
        assert not unsaid.any(), f"{path} {value}: reads more than its row says, first {np.argwhere(unsaid)[0]}"
        if sample.exact:
            unseen = says[path] & ~sees[path]
            assert not unseen.any(), f"{path} {value}: reads less than its row says, first {np.argwhere(unseen)[0]}"


def core() -> set[str]:
    """Return the operations that PyTorch counts among core ATen."""
    names = (name.removeprefix("aten::") for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::"))
    found = set()
    for name in names:
        packet, _, chosen = name.partition(".")
        op = getattr(getattr(torch.ops.aten, packet), chosen or "default", None)
        if op is not None and torch.Tag.core in op.tags:
            found.add(op)
    return found


NO_ROW = {
    "aten.resize_.default": "refused: it changes which memory a tensor has",
    "aten._local_scalar_dense.default": "a departure: Python sees the value",
    **dict.fromkeys(
        ("aten.sym_size.int", "aten.sym_stride.int", "aten.sym_numel.default", "aten.sym_storage_offset.default",
         "aten.sym_is_contiguous.default"),
        "returns a size, no value",
    ),
    "aten.copy.default": "recorded as what is copied",
    "aten.fill.Scalar": "recorded as a new tensor",
    "aten.full_like.default": "recorded as a new tensor",
}  # fmt: skip


def test_core_operations_have_rows() -> None:
    without = {str(op) for op in core() if row_of(op) is None}
    assert without == NO_ROW.keys() & {str(op) for op in core()}


UNSAMPLED = {
    "aten.empty.memory_format": "unwritten memory may be anything: test_record",
    "aten.empty_strided.default": "recorded as aten.empty",
    "aten.arange.start_step": "a constant: nothing is read",
    "aten.atan2.out": "recorded as aten.atan2",
    "aten.avg_pool1d.default": "recorded as aten.avg_pool2d",
    "aten.adaptive_avg_pool1d.default": "recorded as aten._adaptive_avg_pool2d",
    "aten.upsample_nearest2d.vec": "recorded as aten.upsample_nearest2d.default",
    "aten.upsample_bilinear2d.vec": "recorded as aten.upsample_bilinear2d.default",
    "aten.var.dim": "recorded as aten.var.correction",
}


def test_rows_of_core_operations_are_sampled() -> None:
    sampled = {sample.op for sample in SAMPLES}
    missing = {str(op) for op in core() if row_of(op) is not None} - sampled - NO_ROW.keys() - UNSAMPLED.keys()
    assert not missing
