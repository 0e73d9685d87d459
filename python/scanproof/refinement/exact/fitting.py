"""Where an implementation leaves its reference: which of its values occur there."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from scanproof.programs.field.pair import Complex, Pair, parts_of
from scanproof.programs.field.residues import Side
from scanproof.programs.program import Node, Program, Value
from scanproof.refinement.residues import Residues


class Fitting:
    """Notes for each operation whether all entries of its results occur in the reference at a point."""

    def __init__(self) -> None:
        self._known: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._fits: dict[int, bool] = {}

    def take(self, values: Iterable[Residues]) -> None:
        """Take the values of the reference."""
        entries = [_entries(value.pair) for value in values]
        self._known = np.unique(np.concatenate([each for each in entries if each is not None]))

    def note(self, node: Node, results: Sequence[Pair | Complex]) -> None:
        """Note whether all entries of the results of an operation occur in the reference."""
        parts = (part for result in results for part in parts_of(result))
        entries = [_entries(part) for part in parts]
        self._fits[id(node)] = all(each is not None and self._occur(each) for each in entries)

    def _occur(self, entries: NDArray[np.int64]) -> bool:
        at = np.searchsorted(self._known, entries).clip(max=len(self._known) - 1)
        return bool((self._known[at] == entries).all())

    def first_misfit(self, program: Program, wrong: set[Value]) -> Node | None:
        """Return the first operation that does not fit and after which nothing fits, on the way to an output.

        Args:
            program: the program.
            wrong: the outputs that differ.
        """
        behind, before_fitting = set(wrong), set[Value]()
        found = None
        for node in reversed(program.used):
            if behind.isdisjoint(node.outputs):
                continue
            behind.update(node.reads)
            if node.known or self._fits.get(id(node), True) or not before_fitting.isdisjoint(node.outputs):
                before_fitting.update(node.reads)
            else:
                found = node
        return found


def _entries(pair: Pair) -> NDArray[np.int64] | None:
    return pair.value.values.numpy().ravel() if isinstance(pair.value, Side) else None
