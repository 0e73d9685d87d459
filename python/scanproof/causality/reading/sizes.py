"""Which other sizes are read: a leak may exist only beyond a block, or for more examples than were given."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

from scanproof.errors import InvalidArgument
from scanproof.programs.program import Program, Value

BATCH_SIZES = (1, 2, 5)
"""Numbers of examples that are read by default."""

POSITIONS = 1024
MULTIPLE = 6
"""Other lengths together have at most ``POSITIONS``, or ``MULTIPLE`` times those of ``x`` if that is more."""

LONGEST = 4096
"""Default lengths beyond that of ``x`` are at most this: the memory of attention grows with its square."""


def default_lengths(T: int, program: Program) -> tuple[int, ...]:
    """Return the lengths to read beside ``T``, the most telling first.

    They are 1, 2, T - 1, T + 1 and 2 T, then both sides of block sizes that stand in the program as numbers,
    then both sides of powers of two up to 2 T: as many as stay within ``MULTIPLE`` times T positions.
    """
    powers = (1 << k for k in range(2, (2 * T).bit_length()))
    both = ((size, size + 1) for size in chain(_block_sizes(T, program), powers))
    wanted = dict.fromkeys(chain((1, 2, T - 1, T + 1, 2 * T), chain.from_iterable(both)))
    left, chosen = max(POSITIONS, MULTIPLE * T), []
    for length in wanted:
        if 1 <= length <= max(T, min(2 * T, LONGEST)) and length != T and length <= left:
            chosen.append(length)
            left -= length
    return tuple(chosen)


Lengths = tuple[int, ...] | Literal["all"] | None
"""Lengths to read as well; ``"all"`` for every one at once, None for the default ones."""


def lengths_asked(lengths: Iterable[int] | Literal["all"] | None) -> Lengths:
    """Return the lengths of a call without repetitions.

    Raises:
        InvalidArgument: a length is not a whole number >= 1, or a word is not "all".
    """
    if isinstance(lengths, str):
        if lengths != "all":
            raise InvalidArgument(f'certify: lengths must be whole numbers >= 1, or "all", got {lengths!r}.')
        return "all"
    return sizes_asked("lengths", lengths)


def sizes_asked(name: str, sizes: Iterable[int] | None) -> tuple[int, ...] | None:
    """Return the sizes of a call without repetitions; None for the default ones.

    Raises:
        InvalidArgument: a size is not a whole number >= 1.
    """
    if sizes is None:
        return None
    chosen = tuple(dict.fromkeys(sizes))
    if not all(isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in chosen):
        raise InvalidArgument(f"certify: {name} must hold whole numbers >= 1, got {sizes!r}.")
    return chosen


def _block_sizes(T: int, program: Program) -> Iterator[int]:
    """Yield numbers among the arguments of operations that are not powers of two, the smallest first.

    Those that are the size of an input or of a parameter along some axis are no block sizes.
    """
    held = {size for value in program.values if value.tensor is not None for size in value.shape}
    held |= {size for value in program.inputs for size in value.shape}
    found: set[int] = set()
    for node in program.nodes:
        for argument in node.args:
            numbers = argument if isinstance(argument, list | tuple) else (argument,)
            found |= {
                number
                for number in numbers
                if not isinstance(number, Value | bool) and isinstance(number, int) and 2 < number < 2 * T
            }
    yield from sorted(number for number in found - held if number & (number - 1))
