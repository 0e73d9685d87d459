"""Every row of the table says what the operation reads: every entry of every input is changed in turn."""

import numpy as np
import pytest
import torch

from programs.samples import SAMPLES, Sample
from scanproof.programs.brute import observed, stated
from scanproof.programs.reads import backward, random
from scanproof.programs.record import record
from scanproof.programs.table import ROWS, row_of


@pytest.mark.filterwarnings("ignore:index_reduce")  # it says that it is in beta
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_row_says_what_is_read(sample: Sample) -> None:
    program = record(sample.fn, *sample.inputs)
    assert sample.op in {node.name for node in program.nodes}, program.nodes
    says, sees = stated(program), observed(program, sample.inputs)
    for path, value in program.outputs.items():
        unsaid = sees[path] & ~says[path]
        assert not unsaid.any(), (
            f"{path} {value}: reads more than its row says, first {np.argwhere(unsaid)[0]}"
        )
        if sample.exact:
            unseen = says[path] & ~sees[path]
            assert not unseen.any(), (
                f"{path} {value}: reads less than its row says, first {np.argwhere(unseen)[0]}"
            )


def core() -> set[str]:
    """Return the operations that PyTorch counts among core ATen."""
    names = (
        name.removeprefix("aten::")
        for name in torch._C._dispatch_get_all_op_names()
        if name.startswith("aten::")
    )
    found = set()
    for name in names:
        packet, _, chosen = name.partition(".")
        op = getattr(getattr(torch.ops.aten, packet), chosen or "default", None)
        if op is not None and torch.Tag.core in op.tags:
            found.add(op)
    return found


NO_ROW = {
    "aten.resize_.default": "refused: it changes the memory of a tensor",
    "aten._local_scalar_dense.default": "a departure: Python sees the value",
    **dict.fromkeys(
        ("aten.sym_size.int", "aten.sym_stride.int", "aten.sym_numel.default",
         "aten.sym_storage_offset.default", "aten.sym_is_contiguous.default"),
        "returns a size, no value",
    ),
    "aten.avg_pool1d.default": "recorded as aten.avg_pool2d",
    "aten.adaptive_avg_pool1d.default": "recorded as aten._adaptive_avg_pool2d",
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
    "aten.upsample_nearest2d.vec": "recorded as aten.upsample_nearest2d.default",
    "aten.upsample_bilinear2d.vec": "recorded as aten.upsample_bilinear2d.default",
    "aten.var.dim": "recorded as aten.var.correction",
}


NO_ORDINARY_CALL = {
    "_scaled_dot_product_flash_attention": "a kernel of other devices",
    "_scaled_dot_product_efficient_attention": "a kernel of other devices",
    "_scaled_dot_product_cudnn_attention": "a kernel of other devices",
    "_grouped_mm": "half precision only: test_arranged",
    "square": "recorded as pow",
    "fix": "recorded as trunc",
    "_conj": "a bit of the tensor, which execution resolves",
    "lift_fresh": "of a constant",
    "_unsafe_view": "recorded for products: test_record",
    "contiguous": "recorded as clone",
    "reshape": "of this package: puts views back, test_record",
    "empty": "unwritten memory may be anything: test_check",
    "empty_strided": "recorded as empty",
    "_fused_rms_norm": "recorded in parts, but on devices with such a kernel",
    "_fused_rms_norm_backward": "its arguments are those of a layer norm's",
}


def test_every_row_is_sampled() -> None:
    """Rows that read nothing, or everything, have nothing to be wrong about."""
    sampled = {sample.op.split(".")[1] for sample in SAMPLES}
    idle = {random.drawn, random.drawn_by, random.drawn_from, backward.everything}
    names = {str(op).removeprefix("aten.").partition(".")[0] for op, rule in ROWS.items() if rule not in idle}
    assert names - sampled == NO_ORDINARY_CALL.keys() & names


def test_rows_of_core_operations_are_sampled() -> None:
    sampled = {sample.op for sample in SAMPLES}
    missing = (
        {str(op) for op in core() if row_of(op) is not None} - sampled - NO_ROW.keys() - UNSAMPLED.keys()
    )
    assert not missing
