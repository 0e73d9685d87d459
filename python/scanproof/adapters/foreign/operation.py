"""The operations ``foreign::name``, each of which calls functions of arrays with that name.

A reading of a program meets such an operation, has no row for it, and takes it to read everything. The report
then names the operation, and numeric probes decide.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from typing import Protocol
from weakref import WeakValueDictionary

import torch
from torch import Tensor

Operation = Callable[[list[Tensor], int], list[Tensor]]
"""From tensors that need no gradient, and the number of a body, to new tensors."""


class Body(Protocol):
    """What one call of an operation runs."""

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return new tensors, computed from tensors."""


_numbers = count(1)
_bodies: WeakValueDictionary[int, Body] = WeakValueDictionary()
_library = torch.library.Library("foreign", "FRAGMENT")


def enter(body: Body) -> int:
    """Return a number for a body, as long as it exists: a recorded program can hold only the number."""
    number = next(_numbers)
    _bodies[number] = body
    return number


@cache
def operation(name: str) -> Operation:
    """Return the operation of functions with a name, the last part of a dotted one."""
    own = re.sub(r"\W+", "_", name.rpartition(".")[2]).strip("_")
    return _defined(own if own.isidentifier() else f"function_{own}")


@cache
def _defined(name: str) -> Operation:
    _library.define(f"{name}(Tensor[] tensors, int number) -> Tensor[]")
    _library.impl(name, _run, "CompositeExplicitAutograd")
    found: Operation = getattr(torch.ops.foreign, name).default
    return found


def _run(tensors: list[Tensor], number: int) -> list[Tensor]:
    return _bodies[number].run(tensors)
