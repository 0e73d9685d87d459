from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanproof.report.spread import Spread


def test_bins_are_half_decades() -> None:
    spread = Spread.of([0.5], [0.0, 0.02, 0.5, 0.5, 2.0, inf])
    assert spread.edges == pytest.approx([10**-2, 10**-1.5, 10**-1, 10**-0.5, 1, 10**0.5])
    assert spread.counts == (1, 0, 0, 2, 1)
    assert (spread.exact, spread.beyond) == (1, 1)


@given(st.lists(st.floats(0, inf)))
def test_every_entry_is_counted_once_and_in_its_bin(ratios: list[float]) -> None:
    spread = Spread.of([], ratios)
    assert sum(spread.counts) + spread.exact + spread.beyond == len(ratios)
    assert len(spread.edges) == len(spread.counts) + 1
    for first, last, count in zip(spread.edges, spread.edges[1:], spread.counts, strict=False):
        inside = [ratio for ratio in ratios if first * (1 + 1e-9) < ratio < last * (1 - 1e-9)]
        assert len(inside) <= count
    finite = [min(max(ratio, 1e-16), 1e16) for ratio in ratios if 0 < ratio < inf]
    assert all(spread.edges[0] <= ratio * (1 + 1e-9) for ratio in finite)
    assert all(ratio <= spread.edges[-1] * (1 + 1e-9) for ratio in finite)
