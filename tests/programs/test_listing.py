"""Listings say of every operation what its row says, and ask what a reading answers."""

import itertools
from math import prod

import numpy as np
import pytest

from programs.samples import SAMPLES, Sample
from scanproof.programs import record
from scanproof.programs.axes import Axes
from scanproof.programs.brute import stated
from scanproof.programs.check import Asked
from scanproof.programs.labels import Lattice, Reader
from scanproof.programs.listing import listing
from scanproof.programs.listing.loops import Loops
from scanproof.programs.listing.rows import reads_of
from scanproof.programs.program import Node, Program, Value
from scanproof.programs.table import row_of
from zoo.faults import FAULTS
from zoo.models import MODELS
from zoo.specimen import Specimen


def pairs(loops: Loops) -> set[tuple[int, int]]:
    """Return which entries read which entries."""
    (out, outs), (read, reads) = loops.out, loops.read
    found = set()
    for counters in itertools.product(*(range(axis.size) for axis in loops.axes)):
        entry = out + sum(map(int.__mul__, outs, counters))
        other = read + sum(map(int.__mul__, reads, counters))
        for condition in loops.conditions:
            number = condition.start + sum(map(int.__mul__, condition.terms, counters))
            if condition.kind == "below":
                holds = 0 <= number < condition.table[0]
            elif condition.kind == "mask":
                holds = condition.table[number] != 0
            else:
                other, holds = other + condition.table[number], True
            if not holds:
                break
        else:
            found.add((entry, other))
    return found


def listed(program: Program) -> dict[str, np.ndarray]:
    """Return for each output which entries of all inputs, in a row, its entries read by the loops."""
    sizes = [prod(value.shape) for value in program.inputs]
    sets: dict[Value, np.ndarray] = {}
    for value, start in zip(program.inputs, np.cumsum([0, *sizes]), strict=False):
        sets[value] = np.zeros((prod(value.shape), sum(sizes)), bool)
        np.fill_diagonal(sets[value][:, start:], True)
    marks = {value.index: (np.zeros((), np.int32),) for value in program.inputs}
    reader = Reader(program, [Lattice.latest(1)], marks, keep=True)

    def note(node: Node) -> bool:
        if not node.known:
            for made, reads in zip(node.outputs, reads_of(reader, node, row_of(node.op)), strict=True):
                if made is not None:
                    sets[made] = np.zeros((prod(made.shape), sum(sizes)), bool)
                    for loops in reads:
                        for entry, other in pairs(loops):
                            sets[made][entry] |= sets[loops.source][other]
        return False

    reader.run(note)
    nothing = np.zeros((1, sum(sizes)), bool)
    return {
        path: np.broadcast_to(sets.get(value, nothing), (prod(value.shape), sum(sizes))).reshape(
            *value.shape, sum(sizes)
        )
        for path, value in program.outputs.items()
    }


COARSE = {
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "_cdist_forward", "_linalg_det",
    "_log_softmax_backward_data", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    "_pdist_forward", "_softmax_backward_data", "_unique2", "adaptive_max_pool2d", "addbmm", "addmv",
    "addr", "aminmax", "bucketize", "embedding", "grid_sampler_2d", "index_add", "index_copy",
    "index_reduce", "kthvalue", "linalg_solve_triangular", "linalg_vector_norm", "masked_scatter",
    "mkldnn_rnn_layer", "mv", "native_batch_norm", "native_group_norm", "native_layer_norm",
    "native_layer_norm_backward", "scatter", "scatter_add", "scatter_reduce", "searchsorted", "take",
    "upsample_bicubic2d", "upsample_bilinear2d", "upsample_linear1d", "upsample_trilinear3d",
    "view_as_complex", "view_as_real",
}  # fmt: skip
"""Operations that are listed as if they read everything, or more than their row says."""

COARSE_CALLS = (
    "read", "read, second axis", "read, and known", "read, apart", "causal", "cpu.default", "padded", "bytes",
    "flat", "transposed", "transposed groups", "idle taps", "by a mask", "added", "that are read",
)  # fmt: skip
"""Calls of others that are: what names the sample."""


def coarse(sample: Sample) -> bool:
    return sample.op.split(".")[1] in COARSE or any(sample.name.endswith(call) for call in COARSE_CALLS)


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if sum(x.numel() for x in s.inputs) <= 48], ids=lambda s: s.name
)
def test_loops_say_what_rows_say(sample: Sample) -> None:
    program = record(sample.fn, *sample.inputs)
    says, lists = stated(program), listed(program)
    for path, value in program.outputs.items():
        assert not (says[path] & ~lists[path]).any(), f"{path} {value}: the loops leave something out"
        if not coarse(sample):
            assert not (lists[path] & ~says[path]).any(), f"{path} {value}: the loops say more"


SHORT = [specimen for specimen in (*MODELS, *FAULTS) if specimen.T < 100]


def asked(specimen: Specimen) -> Asked:
    program = record(specimen.fn, specimen.x())
    return Asked(program, Axes.of(program, 1, 0), specimen.alignment, None)


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def answered(text: str) -> bool:
    """Answer a listing as its format says, by going through all entries."""
    tables: list[list[int]] = []
    labels: list[np.ndarray | tuple[int, list[int]]] = []
    lines = words(text)
    assert lines[0] == ["program", "1"]
    assert lines[-1] == ["end"]
    established, place = True, 1

    def label(tensor: int, entry: int) -> int:
        unit, table = labels[tensor]
        return table[entry // unit % len(table)]

    def loops(at: int, axes: int, conditions: int) -> tuple[list[list[int]], list[list[str]], int]:
        moves = [list(map(int, line[1:])) for line in lines[at : at + axes]]
        return moves, lines[at + axes : at + axes + conditions], at + axes + conditions

    def entries(
        out: int, read: int, moves: list[list[int]], conditions: list[list[str]]
    ) -> list[tuple[int, int]]:
        found = []
        for counters in itertools.product(*(range(move[0]) for move in moves)):
            sums = [
                sum(move[1 + i] * c for move, c in zip(moves, counters, strict=True))
                for i in range(2 + len(conditions))
            ]
            entry, other = out + sums[0], read + sums[1]
            for number, (kind, start, argument) in zip(sums[2:], conditions, strict=True):
                where = number + int(start)
                if kind == "below" and not 0 <= where < int(argument):
                    break
                if kind == "mask" and not tables[int(argument)][where]:
                    break
                other += tables[int(argument)][where] if kind == "index" else 0
            else:
                found.append((entry, other))
        return found

    while place < len(lines) - 1:
        line = lines[place]
        numbers = list(map(int, line[1:]))
        place += 1
        if line[0] == "array":
            assert len(numbers) == numbers[0] + 1
            tables.append(numbers[1:])
        elif line[0] == "input":
            labels.append((numbers[0], tables[numbers[1]]))
        elif line[0] == "compute":
            unit, table = numbers[0], [0] * numbers[1]
            for _ in range(numbers[2]):
                source, out, read, axes, conditions = map(int, lines[place][1:])
                moves, conditions_, place = loops(place + 1, axes, conditions)
                for entry, other in entries(out, read, moves, conditions_):
                    at = entry // unit % len(table)
                    table[at] = max(table[at], label(source, other))
            labels.append((unit, table))
        elif line[0] == "goal":
            tensor, unit, table_, out, read, axes, conditions = numbers
            moves, conditions_, place = loops(place, axes, conditions)
            allowed = tables[table_]
            pairs_ = entries(out, read, moves, conditions_)
            established &= all(label(tensor, e) <= allowed[o // unit % len(allowed)] for o, e in pairs_)
    return established


ROWS_THAT_LISTINGS_LACK = {"LSTM", "group norm of each position"}
"""Right models that are established by reading, and whose listing says more than is read."""


@pytest.mark.parametrize("specimen", SHORT, ids=lambda specimen: specimen.name)
def test_a_listing_asks_what_a_reading_answers(specimen: Specimen) -> None:
    what = asked(specimen)
    reader = Reader(what.program, what.lattices, what.marks())
    reader.run()
    established = what.about_positions(reader).established
    assert answered(listing(what)) == (established and specimen.name not in ROWS_THAT_LISTINGS_LACK)
