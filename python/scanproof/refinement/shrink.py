"""Make a failing input smaller while it still fails: fewer tensors, shorter axes, then simpler numbers.

If consecutive entries of an axis share a group, the shrinker removes a group together with its entries, or
one entry from every group. The number of groups then still divides the number of entries.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from scanproof.refinement.layout import laid_out_like
from scanproof.refinement.shapes import axes_of

Inputs = Mapping[str, Tensor]
AxisNames = Mapping[str, tuple[str | None, ...]]

_SIMPLER: tuple[Callable[[Tensor], Tensor], ...] = (
    torch.zeros_like,
    lambda numbers: torch.where(numbers == 0, 0.0, 1.0).to(numbers.dtype),
    lambda numbers: torch.round(numbers) if numbers.is_floating_point() else numbers,
)
"""Replacements of numbers, simplest first; no replacement undoes an earlier one."""


class Shrinker:
    """A greedy search that tries large changes first and keeps a change if the input still fails.

    Attributes:
        smallest: the smallest failing input so far.
        runs: number of inputs tried.
    """

    def __init__(
        self,
        inputs: Inputs,
        axes: AxisNames,
        fails: Callable[[Inputs], bool],
        optional: Sequence[str] = (),
        budget: int = 400,
        *,
        grouped: str = "",
        omissible: Collection[str] = (),
    ) -> None:
        """Prepare to shrink ``inputs``, which fail.

        Args:
            inputs: tensors by name.
            axes: names of the axes of each tensor; axes with the same name keep the same size, and an unnamed
                axis keeps its size.
            fails: whether an input fails.
            optional: names of tensors that may be left out.
            budget: greatest number of inputs to try.
            grouped: name of the axis whose entries share the groups of the axis ``"group"``.
            omissible: names of axes that tensors may leave out if the size of the axis is 1.
        """
        self.smallest: Inputs = dict(inputs)
        self.runs = 0
        self._axes, self._fails, self._optional, self._budget = axes, fails, optional, budget
        self._grouped, self._omissible = grouped, omissible

    def run(self) -> Inputs:
        """Shrink until nothing smaller fails or the budget is spent; return the smallest input found."""
        changed = True
        while changed:
            fewer = [self._leave_out(name) for name in self._optional]
            plainer = [self._straighten(name) for name in self.smallest]
            shorter = [self._shorten(axis) for axis in self._names()]
            shorter += [self._omit(axis) for axis in self._omissible]
            simpler = [self._simplify(name, simple) for simple in _SIMPLER for name in self.smallest]
            changed = any((*fewer, *plainer, *shorter, *simpler))
        return self.smallest

    def run_shapes(self) -> Inputs:
        """Shorten axes, then leave tensors out, each once, for a failure that does not depend on numbers."""
        for axis in self._names():
            self._shorten(axis)
        for name in self._optional:
            self._leave_out(name)
        for axis in self._omissible:
            self._omit(axis)
        for name in self.smallest:
            self._straighten(name)
        return self.smallest

    def _names(self) -> list[str]:
        """Return the names of the axes, that of time first, which is the longest one."""
        names = dict.fromkeys(axis for name in self.smallest for axis in self._axes[name] if axis is not None)
        return sorted(names, key=lambda axis: axis != "time")

    def _leave_out(self, name: str) -> bool:
        if name not in self.smallest:
            return False
        return self._try({other: tensor for other, tensor in self.smallest.items() if other != name})

    def _straighten(self, name: str) -> bool:
        """Make a tensor contiguous."""
        tensor = self.smallest[name]
        return not tensor.is_contiguous() and self._try({**self.smallest, name: tensor.contiguous()})

    def _shorten(self, axis: str) -> bool:
        """Drop slices of an axis, later slices first."""
        changed = False
        for start, width in _slices(self._places(axis)):
            places = self._places(axis)
            if places > width:
                kept = [place for place in range(places) if not start <= place < start + width]
                changed |= self._try(self._with_places(axis, kept))
        return changed

    def _places(self, axis: str) -> int:
        """Return the number of slices of an axis, or of each of its groups."""
        return self._size(axis) // (self._size("group") if axis == self._grouped else 1)

    def _with_places(self, axis: str, kept: Sequence[int]) -> Inputs:
        """Keep these slices of an axis, or of each of its groups; entries go with their group."""
        indices = {axis: list(kept)}
        if axis == self._grouped:
            places = self._places(axis)
            indices[axis] = [g * places + place for g in range(self._size("group")) for place in kept]
        elif axis == "group" and self._grouped:
            places = self._places(self._grouped)
            indices[self._grouped] = [g * places + place for g in kept for place in range(places)]
        candidate = dict(self.smallest)
        for name, tensor in self.smallest.items():
            for place, own in enumerate(self._axes_of(name)):
                if own in indices:
                    candidate[name] = tensor = _taken(tensor, place, indices[own])
        return candidate

    def _omit(self, axis: str) -> bool:
        """Leave out an axis of size 1."""
        having = [name for name in self.smallest if axis in self._axes_of(name)]
        if not having or self._size(axis) > 1:
            return False
        fewer = {name: self.smallest[name].squeeze(self._axes_of(name).index(axis)) for name in having}
        return self._try({**self.smallest, **fewer})

    def _axes_of(self, name: str) -> tuple[str | None, ...]:
        return axes_of(self.smallest[name], self._axes[name], self._omissible)

    def _simplify(self, name: str, simple: Callable[[Tensor], Tensor]) -> bool:
        """Replace runs of entries by simpler numbers."""
        changed = False
        for start, width in _slices(self.smallest[name].numel()):
            numbers = self.smallest[name].clone(memory_format=torch.contiguous_format)
            part = numbers.view(-1)[start : start + width]
            part.copy_(simple(part))
            candidate = laid_out_like(numbers, self.smallest[name])
            if not torch.equal(candidate, self.smallest[name]):
                changed |= self._try({**self.smallest, name: candidate})
        return changed

    def _size(self, axis: str) -> int:
        """Return the size of an axis, 1 where no tensor has it."""
        having = (name for name in self.smallest if axis in self._axes_of(name))
        name = next(having, None)
        return 1 if name is None else self.smallest[name].shape[self._axes_of(name).index(axis)]

    def _try(self, candidate: Inputs) -> bool:
        if self.runs >= self._budget:
            return False
        self.runs += 1
        if not self._fails(candidate):
            return False
        self.smallest = candidate
        return True


def _slices(size: int) -> Iterator[tuple[int, int]]:
    """Yield (start, width) from the end to the start, widths halving from the whole to 1.

    Dropping a slice moves only later entries, which were already tried at this width.
    """
    width = size
    while width >= 1:
        for start in range(size - width, -width, -width):
            yield max(start, 0), width
        width //= 2


def _taken(tensor: Tensor, axis: int, kept: Sequence[int]) -> Tensor:
    return laid_out_like(tensor.index_select(axis, torch.tensor(list(kept), device=tensor.device)), tensor)
