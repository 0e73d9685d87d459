"""The Lean checker of programs, executed: right ones are established, wrong ones refused."""

import itertools
import random

import pytest

from scanproof.refinement.oracle import Oracle, OracleError
from scanproof.refinement.program_answer import ProgramAnswer

pytestmark = pytest.mark.lean

POSITIONS = "array 6  0 1 2 3 4 5"
"""Table 0: the labels of six positions."""


def program(*statements: str) -> str:
    return "\n".join(["program 1", POSITIONS, *statements, "end"])


def goal(tensor: int, channels: int = 1) -> str:
    """Ask that entry (t, c) of a tensor (6, channels) reads positions up to t."""
    return f"goal {tensor} {channels} 0  0 0 2 0  axis 6 {channels} {channels}  axis {channels} 1 1"


def test_a_convolution_padded_on_the_left(oracle: Oracle) -> None:
    """Tap k of output (t, c) of 3 taps reads x[t + k - 2, c]."""
    conv = "compute 4 6 1  read 0  0 -8 3 1  axis 6 4 4 1  axis 3 0 4 1  axis 4 1 1 0  below -2 6"
    assert oracle.check_program(program("input 4 0", conv, goal(1, 4))) == ProgramAnswer(True)


def test_a_convolution_padded_on_both_sides(oracle: Oracle) -> None:
    """Tap k of output (t, c) of 3 taps reads x[t + k - 1, c]."""
    conv = "compute 4 6 1  read 0  0 -4 3 1  axis 6 4 4 1  axis 3 0 4 1  axis 4 1 1 0  below -1 6"
    answer = oracle.check_program(program("input 4 0", conv, goal(1, 4)))
    assert answer == ProgramAnswer(False, 0, 1, place=0, allowed=0, found=1, way=((1, 0), (0, 1)))


@pytest.mark.parametrize(("ahead", "place"), [(1, 0), (3, 0), (5, 0)])
def test_the_first_place_that_looks_ahead(oracle: Oracle, ahead: int, place: int) -> None:
    shift = f"compute 1 6 1  read 0  0 {ahead} 1 1  axis 6 1 1 1  below {ahead} 6"
    answer = oracle.check_program(program("input 1 0", shift, goal(1)))
    assert (answer.established, answer.place, answer.found) == (False, place, place + ahead)


def test_one_leak_at_the_end(oracle: Oracle) -> None:
    """Every position reads itself; position 4 also reads position 5."""
    leak = "compute 1 6 2  read 0  0 0 1 0  axis 6 1 1  read 0  4 5 0 0"
    answer = oracle.check_program(
        program("input 1 0", leak, "compute 1 6 1 read 1 0 0 1 0 axis 6 1 1", goal(2))
    )
    assert answer == ProgramAnswer(False, 0, 2, place=4, allowed=4, found=5, way=((2, 4), (1, 4), (0, 5)))


@pytest.mark.parametrize(("mask", "established"), [("101", False), ("100", True)])
def test_a_mask(oracle: Oracle, mask: str, established: bool) -> None:
    """Attention of 6 queries to 6 keys, masked by a table, whose first row begins with ``mask``."""
    rows = [[int(s <= t) for s in range(6)] for t in range(6)]
    rows[0][:3] = [int(bit) for bit in mask]
    table = "array 36 " + " ".join(str(bit) for row in rows for bit in row)
    attend = "compute 1 6 1  read 0  0 0 2 1  axis 6 1 0 6  axis 6 0 1 1  mask 0 1"
    assert oracle.check_program(program(table, "input 1 0", attend, goal(1))).established is established


@pytest.mark.parametrize(("table", "established"), [("0 0 1 3 4 5", True), ("0 0 1 4 4 5", False)])
def test_indexing_by_constants(oracle: Oracle, table: str, established: bool) -> None:
    gather = "compute 2 6 1  read 0  0 0 2 1  axis 6 2 0 1  axis 2 1 1 0  index 0 1"
    rows = " ".join(str(2 * int(row)) for row in table.split())
    answer = oracle.check_program(program(f"array 6 {rows}", "input 2 0", gather, goal(1, 2)))
    assert answer.established is established


def test_chunks_and_back(oracle: Oracle) -> None:
    """Two chunks of three positions: a cumulative sum within each, and the sum of the chunks before."""
    within = "compute 1 6 1  read 0  0 0 3 1  axis 2 3 3 0  axis 3 1 1 1  axis 3 0 -1 -1  below 0 3"
    state = "compute 1 2 1  read 0  0 0 2 0  axis 2 1 3  axis 3 0 1"
    before = "compute 1 2 1  read 2  0 -1 2 1  axis 2 1 1 1  axis 2 0 -1 -1  below -1 2"
    joined = "compute 1 6 2  read 1  0 0 1 0  axis 6 1 1  read 3  0 0 2 0  axis 2 3 1  axis 3 1 0"
    assert oracle.check_program(program("input 1 0", within, state, before, joined, goal(4))).established
    included = before.replace("read 2  0 -1", "read 2  0 0").replace("below -1", "below 0")
    answer = oracle.check_program(program("input 1 0", within, state, included, joined, goal(4)))
    assert answer == ProgramAnswer(
        False, 0, 4, place=0, allowed=0, found=2, way=((4, 0), (3, 0), (2, 0), (0, 2))
    )


def test_labels_are_as_exact_as_their_layout(oracle: Oracle) -> None:
    """A transpose of (2, 3) to (3, 2): with one label for two entries in a row the reads are blurred."""
    exact = "compute 1 6 1  read 0  0 0 2 0  axis 3 2 1  axis 2 1 3"
    blurred = "compute 2 3 1  read 0  0 0 2 0  axis 3 2 1  axis 2 1 3"
    back = "compute 1 6 1  read 1  0 0 2 0  axis 2 3 1  axis 3 1 2"
    assert oracle.check_program(program("input 1 0", exact, back, goal(2))).established
    assert not oracle.check_program(program("input 1 0", blurred, back, goal(2))).established


def test_rows_of_a_batch_by_two_questions(oracle: Oracle) -> None:
    """Examples 0 and 1: up to the own one and, with labels turned round, from the own one on."""
    ask = "goal 1 3 {table}  0 0 2 0  axis 2 3 3  axis 3 1 1"
    for shift, expected in [(0, (True, True)), (3, (False, True)), (-3, (True, False))]:
        copy = f"compute 3 2 1  read 0  0 {shift} 2 1  axis 2 3 3 3  axis 3 1 1 1  below {shift} 6"
        answers = [
            oracle.check_program(f"program 1 array 2 {labels} input 3 0 {copy} {ask.format(table=0)} end")
            for labels in ("0 1", "1 0")
        ]
        assert tuple(answer.established for answer in answers) == expected


def random_read(source: int, draw: random.Random) -> tuple[str, list[tuple[int, int]]]:
    """Return random loops as text, and the pairs of entries that they mean, by going through all of them."""
    out, entry = draw.randint(0, 4), draw.randint(0, 4)
    conditions = [
        (draw.choice(["below", "mask", "index"]), draw.randint(-2, 2)) for _ in range(draw.randint(0, 2))
    ]
    axes = [
        (draw.randint(1, 3), [draw.choice([0, 0, 1, 1, 2, 3, 4, 6, -1]) for _ in range(2 + len(conditions))])
        for _ in range(draw.randint(0, 3))
    ]
    table = [1, 0, 2]
    pairs = []
    for counters in itertools.product(*(range(size) for size, _ in axes)):
        steps = [(u, coefficients) for u, (_, coefficients) in zip(counters, axes, strict=True)]
        o, e = out + sum(u * c[0] for u, c in steps), entry + sum(u * c[1] for u, c in steps)
        read = True
        for j, (kind, start) in enumerate(conditions):
            number = start + sum(u * c[2 + j] for u, c in steps)
            value = table[number] if 0 <= number < len(table) else 0
            read &= 0 <= number < 3 if kind == "below" else value != 0 if kind == "mask" else True
            e += value if kind == "index" else 0
        if read:
            pairs.append((o, e))
    words = [f"read {source} {out} {entry} {len(axes)} {len(conditions)}"]
    words += [f"axis {size} {' '.join(map(str, coefficients))}" for size, coefficients in axes]
    words += [f"{kind} {start} {3 if kind == 'below' else 1}" for kind, start in conditions]
    return " ".join(words), pairs


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_as_by_going_through_all_entries(oracle: Oracle, seed: int) -> None:
    draw = random.Random(seed)
    labels = [draw.sample(range(6), 6)]
    units = [draw.randint(1, 3)]
    text = ["program 1", f"array 6 {' '.join(map(str, labels[0]))}", "array 3 1 0 2", f"input {units[0]} 0"]
    for tensor in range(1, 4):
        unit, period = draw.randint(1, 4), draw.randint(1, 6)
        reads = [(source, *random_read(source, draw)) for source in draw.choices(range(tensor), k=2)]
        text.append(f"compute {unit} {period} 2 " + " ".join(words for _, words, _ in reads))
        found = [0] * period
        for source, _, pairs in reads:
            for o, e in pairs:
                label = labels[source][e // units[source] % len(labels[source])]
                found[o // unit % period] = max(found[o // unit % period], label)
        labels.append(found)
        units.append(unit)
    worst = max(labels[3])
    last = f"axis {units[3] * len(labels[3])} 1 1"
    for bound in {worst, max(0, worst - 1)}:
        asked = " ".join([*text, f"array 1 {bound}", f"goal 3 1 2 0 0 1 0 {last}", "end"])
        answer = oracle.check_program(asked)
        assert answer.established is (worst <= bound)
        if not answer.established:
            assert (answer.found, answer.allowed, answer.way[0][0]) == (worst, bound, 3)


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ((goal(0),), "a goal asks about tensor 0, which does not exist"),
        (("input 1 0",), "nothing is asked"),
        (("input 1 1", goal(0)), "there is no table 1 yet"),
        (("input 0 0", goal(0)), "a layout has an empty unit or no label"),
        (("array 1 -1", "input 1 1", goal(0)), "a label is negative"),
        (
            ("input 1 0", "compute 1 6 1 read 1 0 0 0 0", goal(0)),
            "tensor 1 reads tensor 1, which is not earlier",
        ),
        (
            ("input 1 0", "compute 1 6 1 read 0 0 0 1 0 axis 6 1", goal(0)),
            "expected a term of an axis, got 'goal'",
        ),
        (
            ("input 1 0", "compute 1 6 1 read 0 0 0 0 1 above 0 1", goal(0)),
            "expected below, mask or index, got 'above'",
        ),
        (("output 1 0",), "expected array, input, compute, goal or end, got 'output'"),
        (("input 1 0", goal(0), "end"), "'end' stands after 'end'"),
    ],
)
def test_other_texts_are_refused(oracle: Oracle, statements: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(OracleError, match=sentence):
        oracle.check_program(program(*statements))


def test_other_versions_are_refused(oracle: Oracle) -> None:
    with pytest.raises(OracleError, match="version 1, not 2"):
        oracle.check_program("program 2 end")
    with pytest.raises(OracleError, match="the text ends"):
        oracle.check_program("program 1 array 2 0")
