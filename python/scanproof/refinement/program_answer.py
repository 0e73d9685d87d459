"""What the Lean checker answers about a recorded program."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProgramAnswer:
    """The answer of ``Listing.check`` about one program.

    A *place* is an index into the labels of a tensor. Entry ``e`` has place ``e // unit % period``.

    Attributes:
        established: whether every output entry reads only inputs whose labels are allowed.
        goal: the number of the first goal that is not met; -1 if all are.
        tensor: the tensor of this goal; -1 if all goals are met.
        place: the place of the first label that is not allowed; -1 if all goals are met.
        allowed: the label that the goal allows at this place; -1 if all goals are met.
        found: the label of the output at this place; -1 if all goals are met.
        way: tensors and places from the output back to an input with the label ``found``, output first.
    """

    established: bool
    goal: int = -1
    tensor: int = -1
    place: int = -1
    allowed: int = -1
    found: int = -1
    way: tuple[tuple[int, int], ...] = ()

    @classmethod
    def from_words(cls, words: str) -> "ProgramAnswer":
        """Read the words after ``ok`` in the answer of the oracle."""
        verdict, *rest = words.split()
        if verdict == "established":
            return cls(True)
        goal, tensor, place, allowed, found = map(int, rest[:5])
        steps = (word.partition(":") for word in rest[5:])
        way = tuple((int(number), int(at)) for number, _, at in steps)
        return cls(False, goal, tensor, place, allowed, found, way)
