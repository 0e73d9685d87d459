"""What the zoo keeps: functions of x with shape (B, T, D), and what is known of them without running them."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from scanproof import Alignment, Verdict
from scanproof.foundation.alignment import Order

D = 4
CHUNK = 4
SAME = Alignment.same()
T = 13  # several chunks, and a ragged one

Probe = Literal["exact", "coded", "random", "perturbation", "prefix", "batch"]
Mode = Literal["read"] | Probe
MODES: tuple[Mode, ...] = get_args(Probe)
"""The modes that try inputs; ``read`` takes every function."""

GRADIENT: frozenset[Mode] = frozenset({"exact", "coded", "random"})
FORWARD: frozenset[Mode] = frozenset({"perturbation", "prefix"})
TEMPORAL: frozenset[Mode] = GRADIENT | FORWARD
PERTURBATION: frozenset[Mode] = frozenset({"perturbation"})
PREFIX: frozenset[Mode] = frozenset({"prefix"})
BATCH: frozenset[Mode] = frozenset({"batch"})

Function = Callable[[Tensor], Tensor]
Reads = Callable[[int, int], bool]


def nobody(t: int, s: int) -> bool:
    return False


CAUSAL = (Verdict.CAUSAL,)
ROUNDING = (Verdict.CAUSAL_TO_ROUNDING,)
PASSES = (Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING)


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """A function and the input it is checked at.

    Attributes:
        name: what it is, in a few words.
        fn: the function or module.
        T: number of positions.
        examples: number of examples.
        ids: number of token ids, for a function of ids; None for one of (B, T, D) numbers.
        alignment: which inputs each output may read.
        modes: the checks that can be made of it.
    """

    name: str
    fn: Function
    T: int = T
    examples: int = 2
    ids: int | None = None
    alignment: Alignment = SAME
    modes: frozenset[Mode] = frozenset(MODES)

    def x(self, dtype: torch.dtype = torch.float32, seed: int = 1) -> Tensor:
        """Draw an input."""
        generator = torch.Generator().manual_seed(seed)
        if self.ids is not None:
            return torch.randint(self.ids, (self.examples, self.T), generator=generator)
        return torch.randn(self.examples, self.T, D, generator=generator).to(dtype)

    def at(self, dtype: torch.dtype) -> Function:
        """Return the function; a module with parameters of ``dtype``."""
        return deepcopy(self.fn).to(dtype) if isinstance(self.fn, nn.Module) else self.fn

    def forbidden(self, t: int, s: int) -> bool:
        """Whether output t must not read input s."""
        return bool(self.order.inputs[s] > self.order.outputs[t])

    @cached_property
    def order(self) -> Order:
        """Inputs and outputs on one scale."""
        return self.alignment.order(self.alignment.lengths(self.T)[-1], self.T)


@dataclass(frozen=True, kw_only=True)
class Model(Specimen):
    """A causal function whose examples do not read each other, and what checks may say of it.

    Attributes:
        certificate: verdicts of ``certify``.
        perturbation: verdicts of ``check_perturbation``.
        prefix: verdicts of ``check_prefix``; a matrix product may round another shape in another way.
    """

    certificate: tuple[Verdict, ...] = CAUSAL
    perturbation: tuple[Verdict, ...] = CAUSAL
    prefix: tuple[Verdict, ...] = PASSES


@dataclass(frozen=True, kw_only=True)
class Fault(Specimen):
    """A function with a leak.

    Attributes:
        reads: whether output t reads input s, for pairs where it must not.
        reads_example: whether example i reads example j, for i other than j.
        seen_by: the modes that say LEAK; the others must not.
        by_length: whether outputs depend on the length, too, so that a prefix may differ anywhere.
    """

    reads: Reads = nobody
    reads_example: Reads = nobody
    seen_by: frozenset[Mode] = TEMPORAL
    by_length: bool = False

    def leaks(self, t: int, s: int) -> bool:
        """Whether output t reads input s and must not."""
        return self.forbidden(t, s) and self.reads(t, s)

    @property
    def temporal(self) -> bool:
        """Whether there is a leaky pair of positions."""
        return self.reads is not nobody

    @cached_property
    def pairs(self) -> frozenset[tuple[int, int]]:
        """The leaky pairs (t, s); slow for thousands of positions."""
        forbidden = self.order.inputs > self.order.outputs[:, None]
        return frozenset((t, s) for t, s in forbidden.nonzero().tolist() if self.reads(t, s))

    @property
    def example_pairs(self) -> frozenset[tuple[int, int]]:
        """The leaky ordered pairs (i, j) of examples."""
        examples = range(self.examples)
        return frozenset((i, j) for i in examples for j in examples if i != j and self.reads_example(i, j))


def every(t: int, s: int) -> bool:
    return True


def only(pair: tuple[int, int]) -> Reads:
    return lambda t, s: (t, s) == pair


def ahead(by: int) -> Reads:
    """Positions at most so far ahead."""
    return lambda t, s: s <= t + by


def exactly(by: int) -> Reads:
    """The position that far ahead."""
    return lambda t, s: s == t + by


def same_block(size: int = CHUNK) -> Reads:
    return lambda t, s: t // size == s // size


def wrapped(from_distance: int) -> Reads:
    """Pairs so far apart that they meet around the end."""
    return lambda t, s: s - t >= from_distance


def seeded(seed: int, *shape: int) -> Tensor:
    """Draw constants of a model."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
