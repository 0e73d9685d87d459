"""Random inputs for kernels, from a seed."""

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.refinement.kernels.constants import checked_constant, made_constant
from scanproof.refinement.kernels.domains import DECAYS
from scanproof.refinement.kernels.kernel import Kernel

SIZES: Mapping[str, int] = {
    "batch": 2, "time": 37, "head": 4, "group": 2, "channel": 3, "state": 5, "width": 4, "feature": 16,
}  # fmt: skip
"""Default sizes of axes; 37 is no multiple of a chunk size."""


def random_inputs(
    kernel: Kernel,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    without: Collection[str] = frozenset({"seq_idx", "reset"}),
    constant: Collection[str] = frozenset(),
    **sizes: int,
) -> dict[str, Tensor]:
    """Return inputs within the kernel's domains, on which the state neither vanishes nor grows much.

    Args:
        kernel: the kernel.
        seed: seed of the numbers.
        dtype: dtype of the floating inputs.
        without: optional inputs to leave out.
        constant: inputs to make the same for every example and token, such as the decays of retention.
        sizes: sizes of axes by name, in place of 2 examples, 37 tokens, 4 heads, 2 groups, 3 channels, 5
            state entries, convolutions of width 4, and 16 features of a norm. An axis whose size must be a
            multiple of a number is made that many times as long by default. The size of an unnamed axis is
            given by the name of its input; the default is 1, and ``width - 1`` for the inputs before a
            convolution. An omissible axis is left out unless its size is given. Sizes of axes that the kernel
            does not have are ignored.

    Raises:
        InvalidArgument: a size belongs to no axis and no input of any kernel, a size does not fit the kernel,
            or ``constant`` names no input of this kernel.

    >>> import torch
    >>> from scanproof import GatedLinearAttention, random_inputs
    >>> x = random_inputs(GatedLinearAttention(), seed=0, time=9, without={"initial_state"}, constant={"g"})
    >>> {name: tuple(tensor.shape) for name, tensor in x.items()}
    {'q': (2, 9, 4, 5), 'k': (2, 9, 4, 5), 'v': (2, 9, 4, 3), 'g': (2, 9, 4, 1)}
    >>> torch.equal(x["g"], x["g"].roll(1, dims=1))
    True
    """
    constant = checked_constant("random_inputs", kernel, constant)
    unknown = sorted(set(sizes) - set(SIZES) - set(kernel.inputs))
    if unknown:
        raise InvalidArgument(
            f"random_inputs: there is no axis {unknown[0]}; the axes are {', '.join(SIZES)}, and the inputs "
            f"with an unnamed axis give their name."
        )
    rng = torch.Generator().manual_seed(seed)
    longer = {axis: number * SIZES[axis] for axis, number in kernel.multiples.items()}
    size = {**SIZES, **longer, **sizes}
    has_width = any("width" in axes for axes in kernel.inputs.values())
    unnamed = size["width"] - 1 if has_width else 1
    left_out = kernel.omissible - set(sizes)
    inputs = {}
    for name, axes in kernel.inputs.items():
        if name in without:
            continue
        shape = [size[axis] if axis else size.get(name, unnamed) for axis in axes if axis not in left_out]
        normal = torch.randn(shape, generator=rng)
        drawn = drawn_from(kernel, name, RULES.get(name, _plain), normal).to(dtype)
        inputs[name] = made_constant(kernel, name, drawn) if name in constant else drawn
    kernel.sizes(inputs)
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


def _of_length_1(normal: Tensor) -> Tensor:
    short: Tensor = normal / normal.shape[-1] ** 0.5
    return short


def _indices(normal: Tensor) -> Tensor:
    return (normal > 1).cumsum(dim=1)


def _first(normal: Tensor) -> Tensor:
    return (torch.arange(normal.shape[1]) == 0).expand(normal.shape)


RULES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "A": lambda normal: -(0.7 * normal).exp(),
    "g": _log_decay,
    "w": _log_decay,
    "beta": torch.sigmoid,
    **dict.fromkeys(("k", "p"), _of_length_1),
    **dict.fromkeys(("a", "b"), lambda normal: 0.5 * _of_length_1(normal)),
    "forget_gate": lambda normal: normal + 2,
    "a_re": lambda normal: 0.6 * normal.tanh(),
    "a_im": lambda normal: 0.6 * normal.tanh(),
    "seq_idx": _indices,
    "reset": _first,
}
"""Rules that turn normal numbers into values of inputs with a restricted domain."""
