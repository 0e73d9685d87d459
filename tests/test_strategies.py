"""What is drawn fits the scans, varies as promised, and is the same for a seed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pytest
import torch
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from scanproof import (
    InvalidArgument,
    Kernel,
    SelectiveScan,
    SelectiveScanFn,
    SsdScan,
    Verdict,
    check_refinement,
    selective_scan,
)
from scanproof.refinement.strategies import (
    ScanShape,
    block_inputs,
    dtypes,
    kernel_inputs,
    scan_inputs,
    scan_shapes,
    segmentations,
)

Drawn = TypeVar("Drawn")
Scans = list[dict[str, Any]]


def drawn(strategy: SearchStrategy[Drawn], count: int, seed_: int = 0) -> list[Drawn]:
    values: list[Drawn] = []

    @seed(seed_)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: Drawn) -> None:
        values.append(value)

    draw()
    return values


@pytest.fixture(scope="module")
def scans() -> Scans:
    return drawn(scan_inputs(scan_shapes(max_groups=2)), 400)


def some(values: Iterable[Drawn], holds: Callable[[Drawn], object]) -> bool:
    return any(holds(value) for value in values)


def numbers(inputs: Mapping[str, object]) -> list[Tensor]:
    return [x for x in inputs.values() if isinstance(x, torch.Tensor)]


def test_scans_can_be_called(scans: Scans) -> None:
    for inputs in scans[:50]:
        y, last = selective_scan(**inputs, return_last_state=True)
        assert y.shape == inputs["u"].shape
        assert last.shape == (*y.shape[:2], inputs["A"].shape[1])


def test_shapes_vary(scans: Scans) -> None:
    shapes = {(*inputs["u"].shape, inputs["A"].shape[1]) for inputs in scans}
    for axis, sizes in enumerate([{1, 2}, {1, 2, 3}, {1, 2, 5, 9, 17}, {1, 2, 4}]):
        assert sizes <= {shape[axis] for shape in shapes}
    assert some(shapes, lambda shape: shape[2] > 50)


def test_groups_vary(scans: Scans) -> None:
    shapes = [(inputs["u"].shape[1], *inputs["B"].shape[1:-2]) for inputs in scans]
    assert all(inputs["B"].shape == inputs["C"].shape for inputs in scans)
    assert 150 < sum(len(shape) == 1 for shape in shapes) < 250
    assert {(1, 1), (3, 1), (2, 2), (4, 2), (6, 2)} <= set(shapes)
    assert all(inputs["B"].ndim == 3 for inputs in drawn(scan_inputs(), 40))


@pytest.mark.parametrize("kernel", [SelectiveScan(), SsdScan()], ids=repr)
def test_groups_of_kernels_vary(kernel: Kernel) -> None:
    shapes = [(x["B"].shape[2:-1], x["A"].shape[0]) for x in drawn(kernel_inputs(kernel), 100)]
    seen = {(groups, size) for groups, size in shapes}
    assert {((1,), 1), ((1,), 2), ((2,), 2), ((2,), 4)} <= seen
    assert (((), 1) in seen) == isinstance(kernel, SelectiveScan)


@pytest.mark.parametrize("name", ["D", "z", "delta_bias"])
def test_optional_inputs_come_and_go(scans: Scans, name: str) -> None:
    assert 100 < sum(name in inputs for inputs in scans) < 300


def test_numbers_vary(scans: Scans) -> None:
    everything = [x for inputs in scans for x in numbers(inputs)]
    least = torch.finfo(torch.float32).smallest_normal
    assert some(everything, lambda x: not x.any())
    assert some(everything, lambda x: x.count_nonzero() == 1 and x.numel() > 5)
    assert some(everything, lambda x: bool(((x != 0) & (x.abs() < least)).any()))
    assert some(everything, lambda x: x.abs().max() > 1e3)
    assert all(torch.isfinite(x).all() for x in everything)


def test_steps_and_decays_vary(scans: Scans) -> None:
    soft = [inputs["delta"] for inputs in scans if inputs["delta_softplus"]]
    hard = [inputs["delta"] for inputs in scans if not inputs["delta_softplus"]]
    assert 100 < len(soft) < 300
    assert some(soft, lambda x: bool(((x - 20).abs() < 1e-3).any()))
    assert some(soft, lambda x: x.min() < -20)
    assert some(soft, lambda x: x.max() > 90)
    assert some(hard, lambda x: 0 < x.max() < 1e-5)
    assert some(hard, lambda x: x.max() > 50)
    decays = [torch.exp(inputs["delta"].abs()[0, :, :1] * inputs["A"]) for inputs in scans]
    assert some(decays, lambda a: a.max() < 1e-6)
    assert some(decays, lambda a: bool(((a > 0.9999) & (a < 1)).all()))
    assert some(decays, lambda a: a.max() > 1)


def test_layouts_vary(scans: Scans) -> None:
    strides = [x.stride() for inputs in scans for x in numbers(inputs) if min(x.shape) > 1]
    assert some(strides, lambda s: s[0] == 0)
    assert some(strides, lambda s: s[-1] == 0)
    assert some(strides, lambda s: s[-1] == 2)
    assert some(strides, lambda s: s[-1] > max(s[:-1], default=9))
    assert sum(all(x.is_contiguous() for x in numbers(inputs)) for inputs in scans) > 150


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_dtypes(dtype: torch.dtype) -> None:
    for inputs in drawn(scan_inputs(dtype=dtype), 40):
        for name, x in inputs.items():
            if name != "delta_softplus":
                assert x.dtype == dtype or (name in ("A", "D", "delta_bias") and dtype.itemsize == 2)
    assert len(set(drawn(dtypes(), 40))) == 4


def test_a_seed_repeats_and_another_differs() -> None:
    def text(seed_: int) -> list[str]:
        return [str(inputs) for inputs in drawn(scan_inputs(), 20, seed_)]

    assert text(3) == text(3)
    assert text(3)[1:] != text(4)[1:]


def test_inputs_of_blocks() -> None:
    for x in drawn(block_inputs(5, scan_shapes(max_batch=3, max_length=12)), 50):
        assert x.shape[0] <= 3
        assert x.shape[1] <= 12
        assert x.shape[2] == 5


@given(st.integers(1, 80), st.data())
def test_segmentations(length: int, data: st.DataObject) -> None:
    pieces = data.draw(segmentations(length))
    assert sum(pieces) == length
    assert min(pieces) >= 1


def test_hypothesis_shrinks_what_is_drawn() -> None:
    shape = find(scan_shapes(), lambda shape: shape.length >= 7 and shape.states > 1)
    assert shape == ScanShape(batch=1, channels=1, length=7, states=2)
    grouped = find(scan_shapes(max_groups=5), lambda shape: shape.groups > 2)
    assert grouped == ScanShape(batch=1, channels=1, length=1, states=1, groups=3)
    inputs = find(scan_inputs(), lambda inputs: "z" in inputs)
    assert set(inputs) == {"u", "delta", "A", "B", "C", "z", "delta_softplus"}
    assert inputs["z"].numel() == 1
    assert find(segmentations(6), lambda pieces: len(pieces) > 1) == (5, 1)


@settings(max_examples=20, deadline=None)
@given(scan_inputs(dtype=torch.float64))
def test_own_scan_is_not_refuted(inputs: dict[str, Any]) -> None:
    assert check_refinement(selective_scan, SelectiveScanFn(), inputs).verdict is not Verdict.REFUTED


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: scan_shapes(max_length=0),
        lambda: scan_shapes(max_states=300),
        lambda: scan_shapes(max_groups=-1),
        lambda: segmentations(0),
    ],
)
def test_limits(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument, match="give"):
        wrong()
