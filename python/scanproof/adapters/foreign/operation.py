"""The operations ``foreign::name``, each of which calls functions of arrays with that name.

A reading of a program meets such an operation, has no row for it, and takes it to read everything. The report
then names the operation, and numeric probes decide.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import count
from typing import Protocol

import torch
from torch import Tensor

Operation = Callable[[list[Tensor], int], list[Tensor]]
"""From tensors that need no gradient, and the number of a body, to new tensors."""


class Body(Protocol):
    """What one call of an operation runs."""

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return new tensors, computed from tensors."""


_numbers = count(1)
_bodies: dict[int, Body] = {}
_library = torch.library.Library("foreign", "FRAGMENT")


def enter(body: Body) -> int:
    """Return a number for a body: a recorded program can hold only the number."""
    number = next(_numbers)
    _bodies[number] = body
    return number


def forget(numbers: Iterable[int]) -> None:
    """Forget the bodies of a function that no longer exists."""
    for number in numbers:
        del _bodies[number]


@cache
def operation(name: str) -> Operation:
    """Return the operation of functions with a name; what is no letter or digit becomes an underscore."""
    own = re.sub(r"\W+", "_", name).strip("_")
    return _defined(own if own.isidentifier() else f"function_{own}")


@cache
def _defined(name: str) -> Operation:
    _library.define(f"{name}(Tensor[] tensors, int number) -> Tensor[]")
    _library.impl(name, _run, "CompositeExplicitAutograd")
    found: Operation = getattr(torch.ops.foreign, name).default
    return found


def _run(tensors: list[Tensor], number: int) -> list[Tensor]:
    return _bodies[number].run(tensors)
