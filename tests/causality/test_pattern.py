"""A named pattern is right on all that was looked at, and right altogether on leaks of known pattern."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from scanproof.causality.diagnosis.matching import Seen
from scanproof.causality.diagnosis.pattern import LINES, Explorer, LeakPattern, pattern_of
from scanproof.causality.diagnosis.rules import Blocks, Boundary, Distances, Mirror, Rectangle, Rule


def pairs_of(pattern: Rule, T: int) -> Tensor:
    """Return which output reads which later input, shape (T, T)."""
    t, s = torch.arange(T)[:, None], torch.arange(T)
    return pattern.reads(t, s) & (s > t)


def crossed_by(pairs: Tensor) -> dict[int, bool]:
    return {tau: bool(pairs[:tau, tau:].any()) for tau in range(1, len(pairs))}


def look(pairs: Tensor, t: int, crossed: Mapping[int, bool]) -> tuple[Seen, LeakPattern]:
    before = Seen(len(pairs), torch.arange(len(pairs)), {t: pairs[t]}, {}, crossed)
    seen = Explorer(lambda rows: {row: pairs[row] for row in rows}, "rows", before, t).explore()
    return seen, pattern_of(seen, True)


def look_from(pairs: Tensor, s: int) -> tuple[Seen, LeakPattern]:
    crossed = {tau: True for tau, crossed in crossed_by(pairs).items() if crossed}
    before = Seen(len(pairs), torch.arange(len(pairs)), {}, {s: pairs[:, s]}, crossed)
    seen = Explorer(lambda inputs: {i: pairs[:, i] for i in inputs}, "columns", before, s).explore()
    return seen, pattern_of(seen, True)


def everything(T: int) -> Distances:
    return Distances(T, tuple(range(1, T)))


T = 100
KNOWN: dict[str, Rule] = {
    "everything: every output reads every later input": everything(T),
    "off by one: output t reads input t + 1": Distances(T, (1,)),
    "always 4 positions ahead: output t reads input t + 4": Distances(T, (4,)),
    "the next 3 positions: output t reads inputs t + 1 … t + 3": Distances(T, (1, 2, 3)),
    "always the same distances ahead: output t reads inputs t + 2, t + 5, t + 9": Distances(T, (2, 5, 9)),
    "wrap-around: output t reads input t - 3, modulo": Distances(T, (97,)),
    "wrap-around: output t reads inputs t - 4 … t - 1, modulo": Distances(T, (96, 97, 98, 99)),
    "within blocks of 64: every output reads the rest of its block (boundaries at mult": Blocks(
        T, 64, 0, 0, 0, 0, T
    ),
    "within blocks of 8: every output reads the rest of its block (boundaries at 3, 11, 19, …)": Blocks(
        T, 8, 3, 0, 0, 0, T
    ),
    "within blocks of 8: every output from 8 to 99 reads": Blocks(T, 8, 0, 0, 0, 8, T),
    "within blocks of 8: every output from 0 to 95 reads": Blocks(T, 8, 0, 0, 0, 0, 96),
    "everything at a few positions: inputs 1 … 15 are read by every earlier output": Blocks(
        T, 16, 0, 0, 0, 0, 16
    ),
    "chunk-wise, chunks of 8: every output reads all later chunks, not the rest of its own": Blocks(
        T, 8, 0, 1, None, 0, T
    ),
    "chunk-wise, chunks of 8: every output reads the next chunk, not the rest of its own": Blocks(
        T, 8, 0, 1, 1, 0, T
    ),
    "chunk-wise, chunks of 8: every output reads the rest of its own chunk and the next one": Blocks(
        T, 8, 0, 0, 1, 0, T
    ),
    "everything at one position: input 99 is read by every earlier output": Rectangle(T, 0, T, (99,)),
    "everything at one position: input 40 is read by every earlier output": Rectangle(T, 0, T, (40,)),
    "everything at one position: output 0 reads every later input": Rectangle(T, 0, 1, tuple(range(1, T))),
    "everything at a few positions: outputs 17 … 24 read every later input": Rectangle(
        T, 17, 25, tuple(range(18, T))
    ),
    "everything at a few positions: inputs 30, 40, 77 are read by every": Rectangle(T, 0, T, (30, 40, 77)),
    "one pair: output 3 reads input 9": Rectangle(T, 3, 4, (9,)),
    "outputs 3, 4 read inputs 50 … 60": Rectangle(T, 3, 5, tuple(range(50, 61))),
    "next to a boundary: the last output before it reads the first input after it (bound": Boundary(
        T, 8, 0, 1, 1, 1
    ),
    "next to a boundary: the last 2 outputs before it read the first 2 inputs after it, at most 2": Boundary(
        T, 8, 0, 2, 2, 2
    ),
    "next to a boundary: the last 2 outputs before it read the first 3 inputs after it, at most 3 ahead": (
        Boundary(T, T, 40, 2, 3, 3)
    ),
    "mirrored: output t reads input 99 - t": Mirror(99, 99),
    "mirrored: output t reads inputs from 99 - t on, as in a reversed sequence": Mirror(99, None),
    "next to the start: output t reads inputs up to 6 - t, as reflected padding does": Mirror(None, 6),
}


@pytest.mark.parametrize("text", KNOWN)
def test_a_known_shape_is_named(text: str) -> None:
    pairs = pairs_of(KNOWN[text], T)
    for t in pairs.any(1).nonzero().flatten().tolist()[:: T // 5]:
        seen, pattern = look(pairs, t, crossed_by(pairs))
        assert pattern.rule is not None
        assert str(pattern).startswith(text)
        assert str(pattern).endswith(f"; seen on {len(seen.rows)} of 99 outputs")
        assert len(seen.rows) <= LINES
        assert torch.equal(pairs_of(pattern.rule, T), pairs)


@pytest.mark.parametrize("text", [text for text in KNOWN if "boundary" not in text])
def test_a_known_shape_is_named_without_cuts(text: str) -> None:
    pairs = pairs_of(KNOWN[text], T)
    _, pattern = look(pairs, int(pairs.any(1).nonzero()[0]), {})
    assert str(pattern).startswith(text)


@st.composite
def patterns(draw: st.DrawFn, T: int) -> Rule:
    """Draw a pattern with at least one pair; boundaries and blocks with two of them, at least."""
    size = draw(st.integers(2, T // 3))
    offset = draw(st.integers(0, size - 1))
    first, last = sorted(draw(st.tuples(st.integers(0, T - 2), st.integers(0, T - 2))))
    distances = draw(st.sets(st.integers(1, T - 1), min_size=1, max_size=4))
    low = draw(st.integers(2, T - 2))
    rules: list[Rule] = [
        Distances(T, tuple(sorted(distances))),
        Distances(T, tuple(range(1, max(distances) + 1))),
        Distances(T, tuple(range(min(distances), T))),
        Blocks(T, size, offset, 0, 0, 0, T),
        Blocks(T, size, offset, 1, None, 0, T),
        Blocks(T, size, offset, 1, 1, 0, T),
        Rectangle(T, 0, T, tuple(sorted(distances))),
        Rectangle(T, first, last + 1, tuple(range(first + 1, T))),
        Boundary(T, size, offset, 1, 1, 1),
        Mirror(T - 1, T - 1),
        Mirror(T - 1, None),
        Mirror(None, low),
    ]
    return draw(st.sampled_from(rules))


@settings(max_examples=100, deadline=None)
@given(st.integers(9, 60), st.data())
def test_a_drawn_shape_is_found_with_all_its_pairs(T: int, data: st.DataObject) -> None:
    pairs = pairs_of(data.draw(patterns(T)), T)
    t = data.draw(st.sampled_from(pairs.any(1).nonzero().flatten().tolist()))
    _, pattern = look(pairs, t, crossed_by(pairs))
    assert pattern.rule is not None
    assert torch.equal(pairs_of(pattern.rule, T), pairs)


@st.composite
def irregular(draw: st.DrawFn) -> Tensor:
    """Draw pairs t < s: noise, or a pattern in which a few pairs are turned over."""
    T = draw(st.integers(3, 60))
    later = torch.arange(T) > torch.arange(T)[:, None]
    numbers = torch.rand(T, T, generator=torch.Generator().manual_seed(draw(st.integers(0, 2**32))))
    share = draw(st.sampled_from([0.02, 0.2, 0.5, 0.9, 1.0]))
    noise = numbers < share
    pairs = noise if T < 9 or draw(st.booleans()) else pairs_of(draw(patterns(T)), T) ^ (numbers < 0.01)
    pairs = pairs & later
    pairs[0, T - 1] |= not pairs.any()
    return pairs


@settings(max_examples=100, deadline=None)
@given(irregular(), st.booleans(), st.data())
def test_a_named_shape_is_never_wrong_on_what_was_looked_at(
    pairs: Tensor, know_cuts: bool, data: st.DataObject
) -> None:
    t = data.draw(st.sampled_from(pairs.any(1).nonzero().flatten().tolist()))
    crossed = crossed_by(pairs) if know_cuts else {}
    seen, pattern = look(pairs, t, crossed)
    assert t in seen.rows
    rows = sorted(seen.rows)
    assert pattern.pairs == int(pairs[rows].sum())
    assert pattern.possible == sum(len(pairs) - 1 - row for row in rows)
    distances = [s - row for row in rows for s in pairs[row].nonzero().flatten().tolist()]
    assert (pattern.nearest, pattern.farthest) == (min(distances), max(distances))
    if pattern.rule:
        named = pairs_of(pattern.rule, len(pairs))
        assert torch.equal(named[rows], pairs[rows])
        assert not know_cuts or crossed_by(named) == crossed
    if pattern.gaps:
        rule, count = pattern.gaps
        named = pairs_of(rule, len(pairs))[rows]
        assert not (pairs[rows] & ~named).any()
        assert pattern.pairs * 2 >= count == int(named.sum())


def test_no_simple_shape_is_counted() -> None:
    pairs = torch.zeros(40, 40, dtype=torch.bool)
    for t, s in ((1, 5), (1, 31), (17, 20), (22, 23), (38, 39)):
        pairs[t, s] = True
    _, pattern = look(pairs, 1, crossed_by(pairs))
    assert pattern.rule is None
    assert pattern.gaps is None
    count = f"{pattern.pairs} of {pattern.possible} later pairs, {pattern.nearest} … {pattern.farthest} ahead"
    assert str(pattern) == f"no simple pattern: {count}; seen on {pattern.looked_at}"


def test_a_shape_with_gaps_is_said_to_have_them() -> None:
    pairs = pairs_of(Blocks(48, 8, 0, 0, 0, 0, 48), 48)
    pairs[1::2, ::3] = False
    _, pattern = look(pairs, 0, crossed_by(pairs))
    assert pattern.rule is None
    assert pattern.gaps is not None
    assert str(pattern.gaps[0]).startswith("within blocks of 8: ")
    gaps = f"with gaps: {pattern.pairs} of {pattern.gaps[1]} such"
    assert f"(boundaries at multiples of 8), {gaps}" in str(pattern)


def test_columns_give_the_same_shapes() -> None:
    for pattern in (everything(T), *KNOWN.values()):
        pairs = pairs_of(pattern, T)
        columns = {s: pairs[:, s] for s in range(1, T)}
        seen = Seen(T, torch.arange(T), {}, columns)
        assert seen.possible == T * (T - 1) // 2
        by_rows = replace(seen, rows={t: pairs[t] for t in range(T - 1)}, columns={})
        one, other = pattern_of(seen, True), pattern_of(by_rows, True)
        assert one == replace(other, looked_at="all 99 inputs")


@pytest.mark.parametrize("text", [text for text in KNOWN if "boundary" not in text and "30, 40" not in text])
def test_a_known_shape_is_named_from_its_inputs(text: str) -> None:
    pairs = pairs_of(KNOWN[text], T)
    for s in pairs.any(0).nonzero().flatten().tolist()[:: T // 5]:
        seen, pattern = look_from(pairs, s)
        assert str(pattern).startswith(text)
        assert str(pattern).endswith(f"; seen on {len(seen.columns)} of 99 inputs")
        assert len(seen.columns) <= LINES
