"""Accesses of memory: what is in order passes, and what is not is found with its tensor and line."""

from pathlib import Path
from types import ModuleType

import pytest
import torch

from scanproof import GatedLinearAttention, Verdict
from scanproof.adapters.triton import Fault, Watch, check_kernel, interpreted
from scanproof.adapters.triton.watch import Order
from scanproof.errors import InvalidArgument, NothingEstablished


def kinds(watch: Watch) -> set[tuple[str, str]]:
    return {(fault.kind, fault.argument) for fault in watch.faults}


def only(watch: Watch) -> Fault:
    [fault] = watch.faults
    return fault


def test_accesses_inside_are_no_finding(kernels: ModuleType) -> None:
    x, out = torch.randn(20), torch.zeros(20)
    with interpreted() as watch:
        kernels.copy[(3,)](x, out, 20, 0, 8)
    assert torch.equal(out, x)
    assert not watch.faults
    assert watch.problem == ""


@pytest.mark.parametrize(
    ("shift", "said"), [(1, "1 entry past the last entry"), (-1, "1 entry before the first entry")]
)
def test_reads_outside_are_found(kernels: ModuleType, shift: int, said: str) -> None:
    x, out = torch.randn(20), torch.zeros(20)
    with interpreted() as watch:
        kernels.copy[(3,)](x, out, 20, shift, 8)
    fault = only(watch)
    assert (fault.kind, fault.kernel, fault.argument) == ("bounds", "copy", "x")
    assert said in fault.text
    assert "tl.load(" in Path(fault.file).read_text().splitlines()[fault.line - 1]
    assert out.isnan().sum() == 1  # no other memory was read


def test_writes_outside_are_found_and_not_made(kernels: ModuleType) -> None:
    memory = torch.zeros(20)
    with interpreted() as watch:
        kernels.copy[(3,)](torch.randn(20), memory[:19], 20, 0, 8)
    assert kinds(watch) == {("bounds", "out")}
    assert memory[19] == 0  # it belongs to the allocation, but not to the tensor that was given


def test_a_pointer_may_not_reach_another_tensor(kernels: ModuleType) -> None:
    memory = torch.randn(40)
    with interpreted() as watch:
        kernels.copy[(1,)](memory[:8], memory[8:16], 8, 8, 8)
    assert kinds(watch) == {("bounds", "x")}


def test_tensors_with_strides_are_inside(kernels: ModuleType) -> None:
    x = torch.randn(8, 3)[:, 0]
    with interpreted() as watch:
        kernels.copy[(1,)](x, torch.zeros(22), 22, 0, 32)
    assert not watch.faults


@pytest.mark.parametrize("which", ["equal", "atomic", "own", "equal lanes"])
@pytest.mark.parametrize("order", ["forward", "reversed"])
def test_programs_that_do_not_race(kernels: ModuleType, which: str, order: Order) -> None:
    with interpreted(Watch(order=order)) as watch:
        kernels.share[(4,)](torch.zeros(40, dtype=torch.int32), which, 8)
    assert not watch.faults


@pytest.mark.parametrize("which", ["different", "neighbour", "lanes", "atomic and plain"])
@pytest.mark.parametrize("order", ["forward", "reversed"])
def test_programs_that_race(kernels: ModuleType, which: str, order: Order) -> None:
    with interpreted(Watch(order=order)) as watch:
        kernels.share[(4,)](torch.zeros(40, dtype=torch.int32), which, 8)
    assert kinds(watch) == {("races", "out")}
    assert "share" in watch.problem


@pytest.mark.parametrize("order", ["forward", "reversed", "shuffled"])
def test_a_lock_orders_programs(kernels: ModuleType, order: Order) -> None:
    lock, out = torch.zeros(1, dtype=torch.int32), torch.zeros(1, dtype=torch.int32)
    with interpreted(Watch(order=order)) as watch:
        kernels.locked[(5,)](lock, out, True)
    assert out.item() == 5
    assert not watch.faults
    with interpreted(Watch(order=order)) as watch:
        kernels.locked[(5,)](lock, out, False)
    assert kinds(watch) == {("races", "out")}


def test_a_program_that_waits_for_ever_is_stopped(kernels: ModuleType) -> None:
    with interpreted() as watch:
        kernels.wait[(2,)](torch.zeros(1, dtype=torch.int32))
    assert not watch.faults
    with interpreted(Watch(order="reversed")), pytest.raises(NothingEstablished, match="waits"):
        kernels.wait[(2,)](torch.zeros(1, dtype=torch.int32))


def test_programs_run_in_the_order_that_is_asked_for() -> None:
    assert Watch().programs(3) == [0, 1, 2]
    assert Watch(order="reversed").programs(3) == [2, 1, 0]
    shuffled = Watch(order="shuffled").programs(9)
    assert sorted(shuffled) == list(range(9))
    assert shuffled not in (list(range(9)), list(range(9))[::-1])


def test_sums_that_are_added_atomically_are_no_dependence_on_the_order(kernels: ModuleType) -> None:
    report = check_kernel(
        kernels.atomic_attention,
        GatedLinearAttention(),
        sizes={"batch": 1, "time": 9, "head": 1, "state": 4, "channel": 4},
    )
    [order] = [answer for answer in report.answers if answer.check == "order"]
    assert order.verdict is Verdict.CLEAN
    assert "atomic additions (products)" in order.reason
    assert report.verdict.passed, report.summary()


def test_the_default_input_must_fit(kernels: ModuleType) -> None:
    with pytest.raises(InvalidArgument, match="also gives k, v"):
        check_kernel(lambda q: q, GatedLinearAttention())
    with pytest.raises(InvalidArgument, match="sizes has width=3"):
        check_kernel(kernels.atomic_attention, GatedLinearAttention(), sizes={"width": 3})
    with pytest.raises(InvalidArgument, match="give the spec of a kernel"):
        check_kernel(kernels.atomic_attention, "GatedLinearAttention")  # type: ignore[arg-type]


def test_descriptors_are_checked(kernels: ModuleType) -> None:
    x, out = torch.randn(6, 8), torch.zeros(6, 8)
    with interpreted() as watch:
        kernels.described[(2,)](x, out, 6, 4, 8)
        assert torch.equal(out, x)
        assert not watch.faults
        kernels.described[(2,)](x, out, 7, 4, 8)
    assert {fault.kind for fault in watch.faults} == {"bounds"}
    assert {fault.kernel for fault in watch.faults} == {"described"}


def test_descriptors_of_the_host_are_checked(kernels: ModuleType) -> None:
    from triton.tools.tensor_descriptor import TensorDescriptor

    x, out = torch.randn(4, 8), torch.zeros(4, 8)
    with interpreted() as watch:
        kernels.given_descriptor[(1,)](TensorDescriptor.from_tensor(x, [4, 8]), out, 4, 8)
    assert torch.equal(out, x)
    assert not watch.faults


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("which", ["add", "max"])
def test_atomics_on_blocks(kernels: ModuleType, which: str, dtype: torch.dtype) -> None:
    x = torch.randint(-9, 9, (3, 8), generator=torch.Generator().manual_seed(0)).to(dtype)
    out = torch.zeros(4, dtype=dtype)
    with interpreted() as watch:
        if which == "max" and dtype is torch.bfloat16:
            with pytest.raises(Exception, match="atomic"):
                kernels.accumulate[(3,)](x, out, which, 8)
            return
        kernels.accumulate[(3,)](x, out, which, 8)
    pairs = x.float().reshape(3, 4, 2)
    expected = pairs.sum((0, 2)) if which == "add" else pairs.amax((0, 2)).clamp(min=0)
    assert torch.equal(out.float(), expected)  # whole numbers: every order gives the same
    assert not watch.faults
    assert watch.atomic_floats == ({"accumulate"} if which == "add" else set())


def test_pointers_of_a_tuple_may_be_chosen(kernels: ModuleType) -> None:
    x, y, out = torch.ones(8), torch.zeros(8), torch.full((16,), 5.0)
    with interpreted() as watch:
        kernels.chosen[(2,)]((x, y), out, 8)
        assert not watch.faults
        assert out.tolist() == [1.0] * 8 + [0.0] * 8
        kernels.chosen[(2,)]((x, y[:7]), out, 8)
    assert kinds(watch) == {("bounds", "pointers[1]")}


def test_an_address_from_memory_is_refused(kernels: ModuleType) -> None:
    elsewhere = torch.ones(3)
    with interpreted(), pytest.raises(NothingEstablished, match="through an address that it has from memory"):
        kernels.indirect[(1,)](torch.tensor([elsewhere.data_ptr()]), torch.zeros(1))
