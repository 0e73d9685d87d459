"""Random inputs for kernels, from a seed."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from scanproof.refinement.kernels.domains import DECAYS
from scanproof.refinement.kernels.kernel import Kernel

SIZES: Mapping[str, int] = {
    "batch": 2, "time": 37, "head": 4, "group": 2, "channel": 3, "state": 5,
}  # fmt: skip
"""Sizes of axes unless told otherwise; 37 is no multiple of a chunk."""


def random_inputs(
    kernel: Kernel,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    without: frozenset[str] = frozenset({"seq_idx", "reset"}),
    **sizes: int,
) -> dict[str, Tensor]:
    """Return inputs on which the recurrence neither dies out nor grows, each in the kernel's domain of it.

    Args:
        kernel: whose inputs.
        seed: seed of the numbers.
        dtype: dtype of the floating ones.
        without: optional inputs to leave out.
        sizes: sizes of axes by name, in place of those of :data:`SIZES`; that of an axis without a name goes
            by the name of its input, and is 1 unless given. Axes that may be left out are, unless given.
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
    return kernel.into_domains(inputs)  # once more, in the dtype


def drawn_from(kernel: Kernel, name: str, rule: Callable[[Tensor], Tensor], normal: Tensor) -> Tensor:
    """Return what a rule makes of normal numbers, in the kernel's domain of an input."""
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
"""What normal numbers become where an input must not be any number."""
