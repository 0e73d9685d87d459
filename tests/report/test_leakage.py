import pytest
import torch

from scanproof import leak_map
from scanproof.report.leakage import Leakage


def test_a_map_that_fits_is_kept_as_it_is() -> None:
    leakage = leak_map(lambda x: x.roll(-1, 1), torch.ones(1, 4, 2)).leakage
    assert leakage.step == 1
    assert leakage.kinds == (".#  ", "..# ", "...#", "+...")
    assert [[value > 0 for value in row] for row in leakage.values] == [
        [s == (t + 1) % 4 for s in range(4)] for t in range(4)
    ]


def test_a_cell_takes_the_worst_of_what_it_stands_for() -> None:
    values = [[0.0, 0.0, 3.0], [1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]
    leakage = Leakage.of(values, ["+.#", "++ ", "..."], cells=2)
    assert (leakage.step, leakage.outputs, leakage.inputs) == (2, 3, 3)
    assert leakage.values == ((1.0, 3.0), (0.5, 0.0))
    assert leakage.kinds == ("+#", "..")


@pytest.mark.parametrize("T", [1, 5, 64, 65, 200])
def test_no_picture_has_more_cells_than_allowed(T: int) -> None:
    leakage = Leakage.of([[1.0] * T] * T, ["+" * T] * T, cells=64)
    assert len(leakage.values) == len(leakage.kinds) == len(leakage.kinds[0]) <= 64
    assert len(leakage.values) * leakage.step >= T
