"""What each module of a program reads around its own position."""

from dataclasses import dataclass

import numpy as np

from scanproof.programs.axes import Axes
from scanproof.programs.compact import ranked
from scanproof.programs.facts import HIDDEN
from scanproof.programs.locate import both_ends, only_axis
from scanproof.programs.program import Program


@dataclass(frozen=True)
class Band:
    """How far around its own position a module reads the input, directly or through other modules.

    Attributes:
        module: dotted path and class of the module; empty for operations outside of modules.
        back: greatest distance to an earlier position that an entry of the module's results reads.
        ahead: greatest distance to a later position.
    """

    module: str
    back: int
    ahead: int


def bands(program: Program, axes: Axes) -> tuple[Band, ...]:
    """Return a band for each module, in the order in which the modules run.

    A value counts if exactly one of its axes has as many places as there are positions; its place there is
    its position.

    Args:
        program: the program.
        axes: where inputs have positions and examples.
    """
    reader = both_ends(program, axes)
    last = axes.length - 1
    found: dict[str, tuple[int, int]] = {}
    for node in program.used:
        for value in node.outputs:
            parts = None if value is None else reader.parts(value)
            dim = None if value is None else only_axis(value.shape, axes.length)
            if value is None or parts is None or dim is None:
                continue
            fact = reader.fact(value)
            if fact is not None:
                parts = reader.without(parts, HIDDEN[fact])
            latest, from_end = (ranked(part, len(value.shape)) for part in parts)
            own = np.arange(axes.length).reshape([-1 if axis == dim else 1 for axis in range(latest.ndim)])
            read = latest >= 0
            ahead = int(np.where(read, latest - own, 0).max(initial=0))
            back = int(np.where(read, own - (last - from_end), 0).max(initial=0))
            before = found.get(node.place.module, (0, 0))
            found[node.place.module] = max(before[0], back), max(before[1], ahead)
    return tuple(Band(module, *reach) for module, reach in found.items())
