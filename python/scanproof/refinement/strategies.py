"""Hypothesis strategies for inputs of scans: ordinary inputs, and inputs on which implementations go wrong.

Refinement checks draw from these strategies with ``cases=``. Your own tests can draw from them, too::

    @given(scan_inputs(dtype=torch.bfloat16))
    def test_mine(inputs):
        scanproof.check_refinement(mine, scanproof.SelectiveScanFn(), inputs).require()

Half of the inputs are ordinary: contiguous tensors of normal numbers, with step sizes and decays as in a
newly initialised Mamba layer. In the other half, each tensor is drawn by itself from these kinds: zeros,
impulses, alternating signs, subnormal and large numbers, numbers of many orders of magnitude; step sizes that
are tiny, huge, or near the threshold of softplus; decays near 0, near 1, and above 1; tensors that are
transposed, strided, or broadcast with stride 0.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.extras import extra
from scanproof.refinement.kernels.cases import RULES, drawn_from
from scanproof.refinement.kernels.constants import checked_constant, made_constant
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.layout import laid_out_like

with extra("cases", "Drawn inputs"):
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")
Fill = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ScanShape:
    """Sizes of a selective scan.

    Attributes:
        batch: examples.
        channels: channels of a group.
        length: tokens.
        states: state entries of a channel.
        groups: groups of channels, each with its own B and C; 0: one group, and B and C without an axis of
            groups.
    """

    batch: int
    channels: int
    length: int
    states: int
    groups: int = 0


class _Choices:
    """Decisions, one byte each; bytes of zero are the simplest decisions.

    Hypothesis sometimes draws integers and floats that are constants in the source code of the program. A
    seed would then give other inputs after every edit of that code. Long strings of bytes do not have this
    problem.
    """

    def __init__(self, decisions: bytes) -> None:
        self._decisions = iter(decisions)

    def among(self, options: Sequence[T]) -> T:
        return options[next(self._decisions) * len(options) >> 8]

    def coin(self) -> bool:
        return self.among((False, True))

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(256 * next(self._decisions) + next(self._decisions))


_CHOICES: SearchStrategy[_Choices] = st.binary(min_size=64, max_size=64).map(_Choices)
"""Enough for any input of this module."""


def dtypes() -> SearchStrategy[torch.dtype]:
    """Draw float64, float32, bfloat16 or float16."""
    return _CHOICES.map(
        lambda choices: choices.among((torch.float64, torch.float32, torch.bfloat16, torch.float16))
    )


def scan_shapes(
    *,
    max_batch: int = 2,
    max_channels: int = 3,
    max_length: int = 100,
    max_states: int = 4,
    max_groups: int = 0,
) -> SearchStrategy[ScanShape]:
    """Draw sizes of at least 1; lengths are mostly short, sometimes 1, and rarely near ``max_length``.

    With ``max_groups`` above 0, half of the shapes have an axis of groups in B and C. This suits scans that
    take B and C with or without this axis.
    """
    limits = {"batch": max_batch, "channels": max_channels, "length": max_length, "states": max_states}
    for name, limit in limits.items():
        if not 1 <= limit <= 256:
            raise InvalidArgument(f"scan_shapes: max_{name} is {limit}; give a whole number from 1 to 256.")
    if not 0 <= max_groups <= 128:
        raise InvalidArgument(
            f"scan_shapes: max_groups is {max_groups}; give a whole number from 0 (no axis of groups) to 128."
        )

    def shape(choices: _Choices) -> ScanShape:
        longest = choices.among((1, 4, 9, 9, 24, 24, 24, max_length))
        return ScanShape(
            batch=choices.among(range(1, max_batch + 1)),
            channels=choices.among(range(1, max_channels + 1)),
            length=choices.among(range(1, min(longest, max_length) + 1)),
            states=choices.among(range(1, max_states + 1)),
            groups=choices.among((*[0] * max(max_groups, 1), *range(1, max_groups + 1))),
        )

    return _CHOICES.map(shape)


def segmentations(length: int) -> SearchStrategy[tuple[int, ...]]:
    """Draw the lengths, each at least 1, of the pieces into which a sequence is cut."""
    if length < 1:
        raise InvalidArgument(f"segmentations: length is {length}; give at least 1.")

    def pieces(decisions: bytes) -> tuple[int, ...]:
        cuts = [t for t in range(1, length) if decisions[t] >= 128]
        return tuple(end - start for start, end in zip([0, *cuts], [*cuts, length], strict=True))

    size = max(length, 64)
    return st.binary(min_size=size, max_size=size).map(pieces)


@st.composite
def scan_inputs(
    draw: DrawFn,
    shapes: SearchStrategy[ScanShape] = scan_shapes(),  # noqa: B008 (strategies are immutable)
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Draw arguments of a selective scan, to be passed by name.

    Args:
        draw: supplied by Hypothesis.
        shapes: the shapes of the scan.
        dtype: the dtype of the tensors. In half precision, half of the draws keep A, D and delta_bias in
            float32.
        device: the device of the tensors.

    Returns:
        A dictionary with u, delta, A, B, C, some or all of D, z and delta_bias, and ``delta_softplus``.
        Shapes and meaning are those of :func:`scanproof.scans.selective_scan`. B and C have an axis of groups
        if the shape has groups.
    """
    shape, choices = draw(shapes), draw(_CHOICES)
    channels = shape.channels * max(shape.groups, 1)
    per_token = (shape.batch, channels, shape.length)
    per_state = (shape.batch, *[shape.groups] * (shape.groups > 0), shape.states, shape.length)
    wild, softplus, rng = choices.coin(), choices.coin(), choices.generator()

    def numbers(of: tuple[int, ...], fills: Sequence[Fill] = _FILLS, usual: Fill = _as_drawn) -> Tensor:
        drawn = torch.randn(of, generator=rng, dtype=torch.float64)
        return choices.among(fills)(drawn) if wild else usual(drawn)

    values = {
        "u": numbers(per_token),
        "delta": numbers(per_token, *((_SOFTPLUS_STEPS, _usual_step) if softplus else (_STEPS, _usual_dt))),
        "A": numbers((channels, shape.states), _DECAYS, _usual_decay),
        "B": numbers(per_state),
        "C": numbers(per_state),
    }
    if choices.coin():
        values["D"] = numbers((channels,))
    if choices.coin():
        values["z"] = numbers(per_token)
    if choices.coin():
        bias = numbers((channels,))
        values["delta_bias"] = bias if softplus else bias.abs()
    finer = ("A", "D", "delta_bias") if dtype.itemsize < 4 and choices.coin() else ()
    tensors = {name: _stored(x, torch.float32 if name in finer else dtype) for name, x in values.items()}
    if wild:
        tensors = {name: _laid_out(x, choices) for name, x in tensors.items()}
    return {**{name: x.to(device) for name, x in tensors.items()}, "delta_softplus": softplus}


@st.composite
def block_inputs(
    draw: DrawFn,
    channels: int,
    shapes: SearchStrategy[ScanShape] = scan_shapes(),  # noqa: B008 (strategies are immutable)
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> Tensor:
    """Draw an input (batch, time, channels) of a block, with batch and length of ``shapes``."""
    shape, choices = draw(shapes), draw(_CHOICES)
    wild, rng = choices.coin(), choices.generator()
    x = torch.randn(shape.batch, shape.length, channels, generator=rng, dtype=torch.float64)
    x = _stored(choices.among(_FILLS)(x) if wild else x, dtype)
    return (_laid_out(x, choices) if wild else x).to(device)


@st.composite
def kernel_inputs(
    draw: DrawFn,
    kernel: Kernel,
    shapes: SearchStrategy[ScanShape] = scan_shapes(max_groups=2),  # noqa: B008 (strategies are immutable)
    *,
    without: Collection[str] = frozenset({"seq_idx", "reset"}),
    constant: Collection[str] = frozenset(),
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> dict[str, Tensor]:
    """Draw the inputs of a kernel by name, within its domains, with one or more heads and groups.

    Args:
        draw: supplied by Hypothesis.
        kernel: the recurrence.
        shapes: batch, length, channels, states and groups.
        without: optional inputs that are never drawn.
        constant: inputs that are the same for every example and token.
        dtype: the dtype of the tensors.
        device: the device of the tensors.
    """
    constant = checked_constant("kernel_inputs", kernel, constant)
    shape, choices = draw(shapes), draw(_CHOICES)
    wild, rng, groups = choices.coin(), choices.generator(), max(shape.groups, 1)
    sizes: dict[str | None, int] = {
        "batch": shape.batch,
        "time": shape.length,
        "channel": shape.channels,
        "feature": 8 * shape.channels,
        "state": shape.states,
        "group": groups,
        "head": choices.among((1, 2)),
        None: 1,
    }
    if kernel.grouped:
        sizes[kernel.grouped] *= groups
    for axis, number in kernel.multiples.items():
        sizes[axis] *= number
    left_out = frozenset() if shape.groups else kernel.omissible
    if any("width" in axes for axes in kernel.inputs.values()):
        sizes["width"] = choices.among((2, 3, 4))
        sizes[None] = sizes["width"] - 1
    tensors = {}
    for name, axes in kernel.inputs.items():
        if name in without or (name in kernel.optional and choices.coin()):
            continue
        of = [sizes[axis] for axis in axes if axis not in left_out]
        x = torch.randn(of, generator=rng, dtype=torch.float64)
        if name in RULES:
            x = drawn_from(kernel, name, RULES[name], choices.among(_SPREADS) * x if wild else x)
        else:
            x = drawn_from(kernel, name, choices.among(_FILLS) if wild else _as_drawn, x)
        tensors[name] = _stored(made_constant(kernel, name, x) if name in constant else x, dtype)
    if wild:
        tensors = {name: _laid_out(x, choices) for name, x in tensors.items()}
    return {name: x.to(device) for name, x in tensors.items()}


def _as_drawn(x: Tensor) -> Tensor:
    return x


def _usual_step(x: Tensor) -> Tensor:
    return x - 1


def _usual_dt(x: Tensor) -> Tensor:
    return 0.3 * x.abs()


def _usual_decay(x: Tensor) -> Tensor:
    return -torch.exp(0.7 * x)


def _impulse(x: Tensor) -> Tensor:
    only = torch.zeros_like(x)
    only.view(-1)[int(x.abs().argmax())] = 1
    return only


_FILLS: tuple[Fill, ...] = (
    torch.ones_like,
    _as_drawn,
    _as_drawn,
    torch.abs,
    lambda x: -x.abs(),
    torch.sign,
    lambda x: x.abs() * torch.tensor([1.0, -1.0]).repeat(x.shape[-1])[: x.shape[-1]],
    lambda x: torch.where(x > 0.7, 0.0, x),
    lambda x: torch.where(x > 0.7, 1e-42 * x, x),
    lambda x: x.sign() * torch.exp(5 * x),
    lambda x: 20 * x,
    lambda x: 1e3 * x,
    lambda x: 1e-3 * x,
    lambda x: 1e-15 * x,
    _impulse,
    torch.zeros_like,
)
"""Transformations of normal numbers: signs, zeros, sizes and spreads of a tensor."""

_SPREADS = (1.0, 0.0, 1e-3, 4.0)
"""Factors of the normal numbers behind inputs with a rule of their own, such as decays."""

_SOFTPLUS_STEPS: tuple[Fill, ...] = (
    torch.zeros_like,
    _usual_step,
    lambda x: 3 * x - 2,
    lambda x: 5 * x - 25,
    lambda x: x + 20,
    lambda x: 1e-5 * x + 20,
    lambda x: 15 * x + 15,
    lambda x: 40 * x + 90,
)
"""Step sizes before softplus: usual, of many sizes, tiny, near the threshold of 20, huge."""

_STEPS: tuple[Fill, ...] = (
    torch.ones_like,
    _usual_dt,
    _usual_dt,
    lambda x: 1e-3 * x.abs(),
    lambda x: 1e-6 * x.abs(),
    lambda x: 30 * x.abs(),
    lambda x: torch.where(x > 0.7, 0.0, x.abs()),
    lambda x: 0.1 * x,
)
"""Step sizes without softplus: also zero, and of either sign."""

_DECAYS: tuple[Fill, ...] = (
    lambda x: -torch.ones_like(x),
    lambda x: -torch.arange(1.0, x.shape[1] + 1).expand_as(x),
    _usual_decay,
    lambda x: -torch.exp(4 * x),
    lambda x: -1e-3 * x.abs(),
    lambda x: -1e-7 * x.abs(),
    lambda x: -20 - 10 * x.abs(),
    lambda x: 0.05 * x,
    lambda x: 0.3 * x,
)
"""Rates A: as in new models, of many sizes, with exp(dt A) near 1 and near 0, and of either sign."""


def _laid_out(tensor: Tensor, choices: _Choices) -> Tensor:
    """Lay out a tensor contiguously, with the last axis outermost, with stride 2, or broadcast."""
    if not choices.coin():
        return tensor
    shape = tensor.shape
    models = (
        torch.empty(shape[::-1]).permute(*reversed(range(tensor.ndim))),
        torch.empty(*shape, 2)[..., 0],
        torch.empty(1, *shape[1:]).expand(shape),
        torch.empty(*shape[:-1], 1).expand(shape),
    )
    return laid_out_like(tensor, choices.among(models))


def _stored(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Round to a dtype; larger numbers become the greatest number of the dtype."""
    greatest = torch.finfo(dtype).max
    return values.double().clamp(-greatest, greatest).to(dtype)
