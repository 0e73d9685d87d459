"""How selective scans are commonly tested: ordinary random inputs, and fixed tolerances.

The inputs are distributed as those of mamba-ssm's own test of its selective scan (tests/ops/
test_selective_scan.py at commit 014340f), and its tolerances are the two of ``TOLERANCES``. That test asserts
nothing of gradients; the assertions that are commented out there allow up to 5 times the relative and 10
times the absolute tolerance, and so does this one. The ratio is that of flash-linear-attention's tests: root
mean square of the difference, relative to that of the reference.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from scanproof import selective_scan

from .mutant import Mutant
from .scan import Step

BATCH, CHANNELS, STATES, LENGTH = 2, 4, 8, 128

TOLERANCES = {torch.float32: (6e-4, 2e-3), torch.bfloat16: (3e-2, 5e-2)}
"""Relative and absolute tolerance, by the dtype of the inputs."""

GRADIENT_FACTORS = (5, 10)

GROUPS = (1, 2)

RATIO = 5e-3


def ordinary_inputs(dtype: torch.dtype, seed: int = 0, groups: int = 1) -> dict[str, Tensor]:
    """Draw inputs; parameters are float32. B and C have an axis of groups unless there is one group."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng)

    per_group = (BATCH, *[groups] * (groups > 1), STATES, LENGTH)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng)

    return {
        "u": normal(BATCH, CHANNELS, LENGTH).to(dtype),
        "delta": (0.5 * uniform(BATCH, CHANNELS, LENGTH)).to(dtype),
        "A": -0.5 * uniform(CHANNELS, STATES),
        "B": normal(*per_group).to(dtype),
        "C": normal(*per_group).to(dtype),
        "D": normal(CHANNELS),
        "z": normal(BATCH, CHANNELS, LENGTH).to(dtype),
        "delta_bias": 0.5 * uniform(CHANNELS),
    }


def results(scan: Step, inputs: Mapping[str, Tensor], gradients: bool) -> list[Tensor]:
    """Return output and last state, or the gradients at all inputs for a random cotangent of the output."""
    leaves = {name: x.clone().requires_grad_() for name, x in inputs.items()}
    y, last = scan(**leaves, delta_softplus=True, return_last_state=True)
    if not gradients:
        return [y.detach(), last.detach()]
    cotangent = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y.dtype)
    return list(torch.autograd.grad(y, list(leaves.values()), cotangent))


def passes_tolerance(mutant: Mutant, dtype: torch.dtype) -> bool:
    """Whether everything is within the tolerance of the dtype."""
    factors = GRADIENT_FACTORS if mutant.backward else (1, 1)
    rtol, atol = (given * factor for given, factor in zip(TOLERANCES[dtype], factors, strict=True))
    return all(torch.allclose(a, b, rtol, atol) for a, b in _pairs(mutant, dtype))


def passes_ratio(mutant: Mutant) -> bool:
    """Whether the error of everything is below the ratio, in float32."""
    return all(
        (a - b).square().mean() < RATIO**2 * b.square().mean() for a, b in _pairs(mutant, torch.float32)
    )


def _pairs(mutant: Mutant, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
    """Return what the mutant returns, and what the reference does from the same numbers in float32."""
    pairs = []
    for groups in GROUPS:
        inputs = ordinary_inputs(dtype, groups=groups)
        got = results(mutant.scan, inputs, mutant.backward)
        wide = results(selective_scan, {name: x.float() for name, x in inputs.items()}, mutant.backward)
        pairs += [(a.float(), b) for a, b in zip(got, wide, strict=True)]
    return pairs
