"""The inputs at which a kernel is compared with its spec: lengths, sizes, weak and strong decays, packing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.refinement.kernels.domains import DECAYS
from scanproof.refinement.kernels.kernel import Kernel

Length = Literal["off", "on", "short"]
Gradients = Literal["all", "state"]

SIZES: Mapping[str, int] = {"batch": 2, "head": 2, "group": 1, "channel": 8, "state": 8}
"""Sizes of axes, small because an interpreter runs the kernels."""

_SHORT = 19
"""Length of the cases whose length does not matter: no power of two, and short."""

_FILLER = 5
"""Length of the sequence before the packed ones, so that none of these begins at a block."""


@dataclass(frozen=True)
class Case:
    """One kind of input.

    Attributes:
        name: name of the case, which is the name of its answer.
        length: a length off a multiple of the block, on a multiple, or one that does not depend on it.
        decays: ``"weak"`` or ``"strong"`` for extreme decays or step sizes; empty: as drawn.
        odd: whether sizes of heads are no powers of two.
        packed: whether the sequences are packed into one row.
        gradients: None: outputs alone; of every output; or of the last state alone.
    """

    name: str
    length: Length
    decays: Literal["", "weak", "strong"] = ""
    odd: bool = False
    packed: bool = False
    gradients: Gradients | None = None


CASES = (
    Case("T off a block", "off"),
    Case("gradients", "off", gradients="all"),
    Case("gradients of the last state", "on", gradients="state"),
    Case("T on a block", "on"),
    Case("weak decays", "short", decays="weak", gradients="all"),
    Case("strong decays", "off", decays="strong", gradients="all"),
    Case("odd sizes", "short", odd=True, gradients="all"),
    Case("packed", "off", packed=True, gradients="all"),
)


def drawn(subject: Subject, case: Case, seed: int) -> dict[str, Tensor]:
    """Return the inputs of a case."""
    lengths = {"off": subject.block + 3, "on": subject.block, "short": _SHORT}
    sizes = {**SIZES, **subject.sizes, **(subject.odd if case.odd else {})}
    without = subject.without | ({"initial_state"} if case.decays == "strong" else set())
    time = max(subject.multiple, lengths[case.length] // subject.multiple * subject.multiple)
    inputs = random_inputs(
        subject.kernel,
        seed=seed,
        dtype=subject.dtype,
        without=without,
        constant=subject.constant,
        **{**sizes, "time": time},
    )
    inputs = {name: _at_decays(subject.kernel, name, x, case.decays) for name, x in inputs.items()}
    return {**inputs, **{name: make(inputs[name]) for name, make in subject.given.items()}}


def has_decays(subject: Subject) -> bool:
    """Whether an input holds decays or step sizes that may change from token to token."""
    fixed = subject.without | subject.given.keys() | subject.constant
    return bool(DECAYING & subject.kernel.inputs.keys() - fixed)


def packing(implementation: Implementation) -> Implementation:
    """Return an implementation that packs its sequences into one row, after a short one.

    The short sequence has the first tokens of the first one, and its initial state with the other sign. The
    outputs and the last state of the short sequence are dropped.
    """

    def implementation_of_one_row(**inputs: Tensor) -> Any:
        batch, time = next(iter(inputs.values())).shape[:2]
        ends = torch.arange(batch + 1) * time + _FILLER
        packed = {name: _one_row(name, x) for name, x in inputs.items()}
        returned = implementation(**packed, cu_seqlens=torch.cat([torch.zeros(1, dtype=torch.long), ends]))
        y, *states = returned if isinstance(returned, tuple | list) else (returned,)
        rows = y[:, _FILLER:].reshape(batch, time, *y.shape[2:])
        return (rows, *(state[1:] for state in states)) if states else rows

    return implementation_of_one_row


def _one_row(name: str, x: Tensor) -> Tensor:
    if name.startswith("initial_"):
        return torch.cat([-x[:1], x])
    return torch.cat([x[:1, :_FILLER], x.reshape(1, -1, *x.shape[2:])], dim=1) if x.ndim > 2 else x


def _at_decays(kernel: Kernel, name: str, x: Tensor, decays: str) -> Tensor:
    """Return an input with weak decays at all tokens, or with strong ones at every third token.

    Other decays, and the fractions ``beta`` of the delta rule, are such that the first token still counts for
    the last state of a long sequence. Otherwise gradients of zero would be right.
    """
    if name not in DECAYING | {"beta"}:
        return x
    kept = min(1.0, _SHORT / x.shape[1])
    if name == "beta":
        return kept * x
    factor, shift = _SCALES.get(decays, (kept, 0.0))
    softplus = getattr(kernel, "dt_softplus", False) or getattr(kernel, "delta_softplus", False)
    if softplus and name not in LOGARITHMS:
        scaled = x + shift
    elif kernel.domains.get(name) is DECAYS:
        scaled = x**factor
    else:
        scaled = x * factor
    if decays != "strong":
        return scaled
    third = torch.arange(x.shape[1]) % 3 == 2
    return torch.where(third.view(-1, *[1] * (x.ndim - 2)), scaled, x)


_SCALES: Mapping[str, tuple[float, float]] = {"weak": (1e-4, -9.0), "strong": (20.0, 25.0)}
"""Factor of logarithms of decays and of step sizes; shift of step sizes before the softplus."""

LOGARITHMS = frozenset({"g", "w"})
DECAYING = LOGARITHMS | {"dt", "delta"}
"""Inputs that hold decays, their logarithms, or step sizes."""

RATES = DECAYING | {"A", "dt_bias", "delta_bias"}
"""Inputs whose gradients go through decays; strong decays leave nothing of them."""
