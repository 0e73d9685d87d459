"""Make a failing input smaller while it still fails: fewer tensors, shorter axes, then simpler numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from scanproof.refinement.layout import laid_out_like

Inputs = Mapping[str, Tensor]
AxisNames = Mapping[str, tuple[str | None, ...]]

_SIMPLER: tuple[Callable[[Tensor], Tensor], ...] = (
    torch.zeros_like,
    lambda numbers: torch.where(numbers == 0, 0.0, 1.0).to(numbers.dtype),
    lambda numbers: torch.round(numbers) if numbers.is_floating_point() else numbers,
)
"""What to replace numbers by, simplest first; none undoes an earlier one."""


class Shrinker:
    """A greedy search: it keeps a change whenever the input still fails, and tries large changes first.

    Attributes:
        smallest: the smallest failing input so far.
        runs: how many inputs were tried.
    """

    def __init__(
        self,
        inputs: Inputs,
        axes: AxisNames,
        fails: Callable[[Inputs], bool],
        optional: Sequence[str] = (),
        budget: int = 400,
    ) -> None:
        """Prepare to shrink ``inputs``, which fail.

        Args:
            inputs: tensors by name.
            axes: names of the axes of each; axes of one name keep one size, an unnamed axis keeps its own.
            fails: whether an input fails.
            optional: names of tensors that may be left out.
            budget: how many inputs to try at most.
        """
        self.smallest: Inputs = dict(inputs)
        self.runs = 0
        self._axes, self._fails, self._optional, self._budget = axes, fails, optional, budget

    def run(self) -> Inputs:
        """Shrink until nothing smaller fails or the budget is spent; return the smallest input found."""
        names = dict.fromkeys(axis for name in self.smallest for axis in self._axes[name] if axis is not None)
        changed = True
        while changed:
            fewer = [self._leave_out(name) for name in self._optional]
            plainer = [self._straighten(name) for name in self.smallest]
            shorter = [self._shorten(axis) for axis in names]
            simpler = [self._simplify(name, simple) for simple in _SIMPLER for name in self.smallest]
            changed = any((*fewer, *plainer, *shorter, *simpler))
        return self.smallest

    def _leave_out(self, name: str) -> bool:
        if name not in self.smallest:
            return False
        return self._try({other: tensor for other, tensor in self.smallest.items() if other != name})

    def _straighten(self, name: str) -> bool:
        """Make a tensor contiguous."""
        tensor = self.smallest[name]
        return not tensor.is_contiguous() and self._try({**self.smallest, name: tensor.contiguous()})

    def _shorten(self, axis: str) -> bool:
        """Drop slices of an axis, the later ones first."""
        changed = False
        for start, width in _slices(self._size(axis)):
            if self._size(axis) > width:
                changed |= self._try(
                    {
                        name: _without(tensor, self._axes[name].index(axis), start, width)
                        if axis in self._axes[name]
                        else tensor
                        for name, tensor in self.smallest.items()
                    }
                )
        return changed

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
        name = next(name for name in self.smallest if axis in self._axes[name])
        return self.smallest[name].shape[self._axes[name].index(axis)]

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

    Dropping a slice moves only what stands behind it, which has been tried at this width.
    """
    width = size
    while width >= 1:
        for start in range(size - width, -width, -width):
            yield max(start, 0), width
        width //= 2


def _without(tensor: Tensor, axis: int, start: int, width: int) -> Tensor:
    kept = [i for i in range(tensor.shape[axis]) if not start <= i < start + width]
    return laid_out_like(tensor.index_select(axis, torch.tensor(kept, device=tensor.device)), tensor)
