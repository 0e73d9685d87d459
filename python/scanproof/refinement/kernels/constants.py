"""Inputs of a kernel that are the same for every example and token."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.shapes import axes_of

_REPEATED = frozenset({"batch", "time"})


def made_constant(kernel: Kernel, name: str, x: Tensor) -> Tensor:
    """Return an input with the numbers of its first example and first token at every example and token."""
    first = x
    for place, axis in enumerate(axes_of(x, kernel.inputs[name], kernel.omissible)):
        if axis in _REPEATED:
            first = first.narrow(place, 0, 1)
    return first.expand_as(x)


def are_constant(kernel: Kernel, inputs: Mapping[str, Tensor], names: Collection[str]) -> bool:
    """Return whether the inputs with these names are the same for every example and token."""
    return all(torch.equal(x, made_constant(kernel, name, x)) for name, x in inputs.items() if name in names)


def checked_constant(owner: str, kernel: Kernel, names: Collection[str]) -> frozenset[str]:
    """Return the names as a set.

    Raises:
        InvalidArgument: they are no names of inputs of the kernel.
    """
    if isinstance(names, str) or not set(names) <= set(kernel.inputs):
        given = repr(names) if isinstance(names, str) else sorted(map(str, names))
        raise InvalidArgument(
            f"{owner}: constant is {given}; give a set of names of inputs of {type(kernel).__name__}, from "
            f"{', '.join(kernel.inputs)}."
        )
    return frozenset(names)
