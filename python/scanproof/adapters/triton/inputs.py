"""The inputs of a check of a kernel: of a size that keeps a run under the interpreter short."""

from collections.abc import Callable, Collection, Mapping
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.refinement.kernels.cases import SIZES, random_inputs
from scanproof.refinement.kernels.kernel import Kernel

DEFAULT_SIZES: Mapping[str, int] = {"time": 37, "head": 2, "group": 1, "channel": 8, "state": 8}
"""37 tokens are no multiple of a block; a run under the interpreter takes a few seconds."""


def taken(fn: Callable[..., Any], spec: Kernel) -> frozenset[str]:
    """Return the inputs of a kernel that a function takes.

    Raises:
        InvalidArgument: it does not take an input that the kernel requires.
    """
    parameters = signature(fn).parameters
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values()):
        return frozenset(spec.inputs) - spec.marks
    missing = [name for name in spec.inputs if name not in parameters and name not in spec.optional]
    if missing:
        raise InvalidArgument(
            f"check_kernel: fn takes {', '.join(parameters)}, and {type(spec).__name__} also gives "
            f"{', '.join(missing)}; write a function with the names of the spec around it."
        )
    return frozenset(name for name in spec.inputs if name in parameters)


def drawn(
    fn: Callable[..., Any],
    spec: Kernel,
    *,
    seed: int,
    dtype: torch.dtype,
    device: torch.device,
    sizes: Mapping[str, int],
    constant: Collection[str] = frozenset(),
) -> dict[str, Tensor]:
    """Draw the inputs that a function takes; sequences are not packed.

    Raises:
        InvalidArgument: a size has the name of no axis, or is no whole number of at least 1.
    """
    axes = {axis for names in spec.inputs.values() for axis in names if axis} | set(spec.inputs)
    for name, size in sizes.items():
        if name not in axes or size < 1:
            raise InvalidArgument(
                f"check_kernel: sizes has {name}={size}; give whole numbers of at least 1 for "
                f"{', '.join(sorted(axes & set(SIZES)))}."
            )
    kept = taken(fn, spec) - spec.marks
    fixed = {name: size for name, size in DEFAULT_SIZES.items() if name in axes - spec.omissible}
    inputs = random_inputs(
        spec,
        seed=seed,
        dtype=dtype,
        without=frozenset(spec.inputs) - kept,
        constant=constant,
        **{**fixed, **sizes},
    )
    return {name: x.to(device) for name, x in inputs.items()}
