"""Random inputs for kernels, from a seed."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from scanproof.refinement.kernels.domains import DECAYS
from scanproof.refinement.kernels.kernel import Kernel

SIZES: Mapping[str, int] = {
    "batch": 2, "time": 37, "head": 4, "group": 2, "channel": 3, "state": 5,
}  # fmt: skip
"""Default sizes of axes; 37 is no multiple of a chunk size."""


def random_inputs(
    kernel: Kernel,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    without: frozenset[str] = frozenset({"seq_idx", "reset"}),
    **sizes: int,
) -> dict[str, Tensor]:
    """Return inputs within the kernel's domains, on which the state neither vanishes nor grows.

    Args:
        kernel: the kernel.
        seed: seed of the numbers.
        dtype: dtype of the floating inputs.
        without: optional inputs to leave out.
        sizes: sizes of axes by name, in place of :data:`SIZES`. The size of an unnamed axis is given by the
            name of its input; the default is 1. An omissible axis is left out unless its size is given.
    """
    rng = torch.Generator().manual_seed(seed)
    size = {**SIZES, **sizes}
    left_out = kernel.omissible - set(sizes)
    inputs = {}
    for name, axes in kernel.inputs.items():
        if name in without:
            continue
        shape = [size[axis] if axis else size.get(name, 1) for axis in axes if axis not in left_out]
        normal = torch.randn(shape, generator=rng)
        inputs[name] = drawn_from(kernel, name, RULES.get(name, _plain), normal).to(dtype)
    return kernel.into_domains(inputs)  # once more, because rounding to the dtype may leave the domain


def drawn_from(kernel: Kernel, name: str, rule: Callable[[Tensor], Tensor], normal: Tensor) -> Tensor:
    """Apply a rule to normal numbers, and bring the result into the kernel's domain of an input."""
    domain = kernel.domains.get(name)
    if domain is DECAYS:
        return rule(normal).exp()
    return rule(normal) if domain is None else domain.brought(rule(normal))


def _plain(normal: Tensor) -> Tensor:
    return normal


def _log_decay(normal: Tensor) -> Tensor:
    return -0.3 * (0.7 * normal).exp()


def _indices(normal: Tensor) -> Tensor:
    return (normal > 1).cumsum(dim=1)


def _first(normal: Tensor) -> Tensor:
    return (torch.arange(normal.shape[1]) == 0).expand(normal.shape)


RULES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "A": lambda normal: -(0.7 * normal).exp(),
    "g": _log_decay,
    "w": _log_decay,
    "beta": torch.sigmoid,
    "k": lambda normal: normal / normal.shape[-1] ** 0.5,
    "forget_gate": lambda normal: normal + 2,
    "a_re": lambda normal: 0.6 * normal.tanh(),
    "a_im": lambda normal: 0.6 * normal.tanh(),
    "seq_idx": _indices,
    "reset": _first,
}
"""Rules that turn normal numbers into values of inputs with a restricted domain."""
