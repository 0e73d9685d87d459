"""What is left of a failing input is small, still fails, and is reached within the budget."""

from collections.abc import Mapping

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scanproof.refinement.shrink import Shrinker

AXES = {"x": ("batch", "time", None), "w": ("time",)}


def inputs(seed: int = 0, batch: int = 4, time: int = 9, width: int = 3) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return {"x": torch.randn(batch, time, width, generator=rng), "w": torch.randn(time, generator=rng)}


def test_one_entry_is_enough() -> None:
    shrinker = Shrinker(inputs(), AXES, lambda given: bool((given["x"].abs() > 0.9).any()))
    smallest = shrinker.run()
    assert smallest["x"].shape == (1, 1, 3), "the unnamed axis keeps its size"
    assert sorted(smallest["x"].flatten().tolist()) == [0.0, 0.0, 1.0]
    assert smallest["w"].tolist() == [0.0], "axes of one name shrink together"
    assert shrinker.runs < 100


def test_what_is_needed_stays() -> None:
    def fails(given: Mapping[str, Tensor]) -> bool:
        return given["x"].shape[1] >= 3 and bool((given["w"] > 0).sum() >= 2)

    smallest = Shrinker(inputs(), AXES, fails).run()
    assert smallest["x"].shape == (1, 3, 3)
    assert sorted(smallest["w"].tolist()) == [0.0, 1.0, 1.0]


def test_numbers_become_whole_where_one_and_zero_do_not_fail() -> None:
    given = {"x": torch.tensor([[[2.7, -7.2, 0.3]]]), "w": torch.tensor([5.5])}
    smallest = Shrinker(given, AXES, lambda g: bool(g["x"].min() < -4) and bool(g["w"] > 4)).run()
    assert smallest["x"].tolist() == [[[0.0, -7.0, 0.0]]]
    assert smallest["w"].tolist() == [6.0]


def test_budget() -> None:
    shrinker = Shrinker(inputs(), AXES, lambda given: True, budget=5)
    shrinker.run()
    assert shrinker.runs == 5


def test_nothing_smaller_fails() -> None:
    given = inputs()
    smallest = Shrinker(given, AXES, lambda candidate: False).run()
    assert all(torch.equal(smallest[name], given[name]) for name in given)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 12), st.floats(-1, 2))
def test_the_result_fails_and_the_input_is_left_alone(seed: int, batch: int, time: int, least: float) -> None:
    given_ = inputs(seed, batch, time)
    before = {name: tensor.clone() for name, tensor in given_.items()}

    def fails(candidate: Mapping[str, Tensor]) -> bool:
        assert candidate["x"].shape[1] == candidate["w"].shape[0]
        assert min(candidate["x"].shape) >= 1
        return bool((candidate["x"].sum(-1) * candidate["w"]).max() > least)

    smallest = Shrinker(given_, AXES, fails).run()
    assert fails(smallest) or not fails(given_)
    assert all(torch.equal(given_[name], before[name]) for name in before)


def test_what_may_be_left_out_is() -> None:
    axes = {"x": ("time",), "w": ("time",), "v": ("time",)}
    given = {name: torch.ones(3) for name in axes}
    smallest = Shrinker(given, axes, lambda g: "w" in g, optional=("w", "v")).run()
    assert list(smallest) == ["x", "w"]


def test_a_layout_stays_where_it_is_needed() -> None:
    """What fails are rows that share memory, of even numbers."""
    x = torch.tensor([[3.0, 4.5, 6.5]]).expand(4, 3)

    def fails(given: Mapping[str, Tensor]) -> bool:
        return given["x"].stride(0) == 0 and bool((given["x"] >= 4).any()) and len(given["x"]) > 1

    smallest = Shrinker({"x": x}, {"x": ("row", "column")}, fails).run()["x"]
    assert (smallest.shape, smallest.stride(0), smallest.tolist()) == ((2, 1), 0, [[4.0], [4.0]])
    plain = Shrinker({"x": x}, {"x": ("row", "column")}, lambda given: True).run()["x"]
    assert plain.is_contiguous()


def scan_like(groups: int = 3, channels: int = 4) -> dict[str, Tensor]:
    return {"u": torch.ones(2, groups * channels), "B": torch.ones(2, groups, 5)}


def test_groups_divide_what_is_left() -> None:
    axes, seen = {"u": ("batch", "channel"), "B": ("batch", "group", "state")}, []

    def fails(given: Mapping[str, Tensor]) -> bool:
        seen.append((given["u"].shape[1], given["B"].shape[1]))
        return given["B"].shape[1] >= 2 and given["u"].shape[1] >= 2 * given["B"].shape[1]

    smallest = Shrinker(scan_like(), axes, fails, grouped="channel").run()
    assert all(channels % groups == 0 for channels, groups in seen)
    assert (smallest["u"].shape, smallest["B"].shape) == ((1, 4), (1, 2, 1))


def test_a_group_goes_with_its_entries_and_an_entry_in_every_group() -> None:
    axes = {"u": ("channel",), "B": ("group",)}
    given = {"u": torch.arange(6.0), "B": torch.arange(2.0)}

    def fails(given: Mapping[str, Tensor]) -> bool:
        return 4 in given["u"] and set((given["u"] // 3).tolist()) == set(given["B"].tolist())

    smallest = Shrinker(given, axes, fails, grouped="channel").run()
    assert (smallest["u"].tolist(), smallest["B"].tolist()) == ([4.0], [1.0])


def test_an_axis_of_size_one_is_left_out_where_it_may_be() -> None:
    axes = {"u": ("batch", "channel"), "B": ("batch", "group", "state")}
    for omissible, shape in (((), (1, 1, 1)), (("group",), (1, 1))):
        shrinker = Shrinker(
            scan_like(), axes, lambda given: True, grouped="channel", omissible=frozenset(omissible)
        )
        assert shrinker.run()["B"].shape == shape
