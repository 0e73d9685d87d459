"""A kernel's function as a map of its tokens alone: what the causality checks look at."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from scanproof.refinement.kernels.kernel import Axes

RESTARTS = frozenset({"seq_idx", "reset"})
"""Inputs that say where sequences begin: left out, so that all tokens are of one sequence."""


def token_function(
    fn: Callable[..., Any], axes: Axes, inputs: Mapping[str, Any], fixed: frozenset[str] = frozenset()
) -> tuple[Callable[..., Tensor], dict[str, Tensor]]:
    """Return the map from the inputs with an axis of time, by name, to y, and these inputs.

    All other inputs are fixed. Initial states and restarts are left out.

    Args:
        fn: function called with every input by name.
        axes: names of the axes of each input, ``"time"`` among them.
        inputs: tensors and options by name.
        fixed: inputs to fix although they have an axis of time.
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
