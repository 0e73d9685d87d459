"""The picture of a leakage map: how much every output reads of every input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scanproof.report.plain import plain

CELLS = 512
"""Greatest number of rows, and of columns, that a picture keeps."""

LATER, READS, MAY_READ, SILENT = "#", "+", ".", " "
"""Reads a later input; reads an allowed input; does not read an allowed one; does not read a later one."""

_WEIGHT = {LATER: 3, READS: 2, MAY_READ: 1, SILENT: 0}


@dataclass(frozen=True)
class Leakage:
    """How much every output reads of every input.

    Attributes:
        outputs: number of outputs.
        inputs: number of inputs.
        step: a cell stands for ``step`` outputs and ``step`` inputs; the last cells may stand for fewer.
        values: the greatest gradient within each cell; a row holds the cells of its outputs.
        kinds: a text for each row, with a character for each cell: ``#`` reads a later input, ``+`` reads an
            allowed input, ``.`` does not read an allowed input, a space does not read a later input.
    """

    outputs: int
    inputs: int
    step: int
    values: tuple[tuple[float, ...], ...]
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[Sequence[float]], kinds: Sequence[str], cells: int = CELLS) -> "Leakage":
        """Return the picture of a whole map, shrunk until it has at most ``cells`` rows and columns."""
        outputs, inputs = len(values), len(values[0])
        step = -(-max(outputs, inputs) // cells)
        rows = range(0, outputs, step)
        columns = range(0, inputs, step)
        return cls(
            outputs,
            inputs,
            step,
            tuple(
                tuple(max(max(row[s : s + step]) for row in values[t : t + step]) for s in columns)
                for t in rows
            ),
            tuple(
                "".join(
                    max("".join(row[s : s + step] for row in kinds[t : t + step]), key=_WEIGHT.__getitem__)
                    for s in columns
                )
                for t in rows
            ),
        )

    def record(self) -> dict[str, Any]:
        """Return the picture as plain data, its numbers to four digits."""
        rounded = [[float(f"{value:.4g}") for value in row] for row in self.values]
        return {**vars(self), "values": plain(rounded), "kinds": list(self.kinds)}
