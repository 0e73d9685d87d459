"""A kernel's function as a function of its tokens alone, for the causality checks."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from scanproof.refinement.kernels.kernel import Axes

RESTARTS = frozenset({"seq_idx", "reset"})
"""Inputs that say where sequences begin. They are left out, so all tokens belong to one sequence."""


def token_function(
    fn: Callable[..., Any], axes: Axes, inputs: Mapping[str, Any], fixed: frozenset[str] = frozenset()
) -> tuple[Callable[..., Tensor], dict[str, Tensor]]:
    """Return a function from the inputs with a time axis, by name, to y; also return these inputs.

    All other inputs are fixed. Initial states and restarts are left out.

    Args:
        fn: function called with every input by name.
        axes: names of the axes of each input, ``"time"`` among them.
        inputs: tensors and options by name.
        fixed: inputs to fix although they have a time axis.
    """
    tokens = {
        name: x
        for name, x in inputs.items()
        if isinstance(x, Tensor) and "time" in axes[name] and name not in RESTARTS and name not in fixed
    }
    others = {
        name: x
        for name, x in inputs.items()
        if name not in tokens and name not in RESTARTS and not name.startswith("initial_")
    }

    def outputs(**given: Tensor) -> Tensor:
        returned = fn(**given, **others)
        y: Tensor = returned[0] if isinstance(returned, tuple | list) else returned
        return y

    return outputs, tokens
