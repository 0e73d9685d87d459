"""Wrong by a part in 10^9 or less: no bound on rounding in float32 can tell, and the exact answer does.

Scans are those of the other mutants. Kernels are the recurrences written from the papers, and the blocks are
those of the tests of refinement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from refinement.kernels import recurrences
from refinement.kernels.recurrences import RECURRENCES
from refinement.test_exact import Block
from scaled_gradient import scaled_gradient
from scanproof import RefinementReport, SelectiveScanFn, check_refinement
from scanproof.refinement.kernels.cases import random_inputs

from . import backward, forward
from .mutant import Mutant
from .mutant import forward as scan_with
from .practice import ordinary_inputs
from .scan import (
    HandWritten,
    Step,
    additions,
    adjoint,
    decays,
    finish,
    last,
    read,
    shared,
    shifted,
    silu_slope,
    states,
    steps,
    through_decays,
)

RIGHT = HandWritten()
LENGTH = 11


@dataclass(frozen=True)
class Tiny:
    """A mutant, what it should be, and inputs.

    Attributes:
        name: what is wrong.
        fn: the wrong function.
        spec: the reference.
        inputs: makes an input with all optional parts from a seed.
        gradients: whether its outputs are right and its gradients wrong.
    """

    name: str
    fn: Callable[..., Any]
    spec: Any
    inputs: Callable[[int], Any]
    gradients: bool = False

    def refinement(self, seed: int, exact: bool) -> RefinementReport:
        """Check it at one input."""
        return check_refinement(
            self.fn,
            self.spec,
            self.inputs(seed),
            gradients=self.gradients,
            seed=seed,
            exact=exact,
            shrink=False,
        )


def scanned(seed: int) -> dict[str, Any]:
    """Return an input with every option and two groups, with a step between softplus' threshold and 24."""
    drawn = ordinary_inputs(torch.float32, seed, groups=2)
    inputs: dict[str, Any] = {name: x[..., :LENGTH] if x.ndim > 2 else x for name, x in drawn.items()}
    inputs["delta"] = inputs["delta"].clone()
    inputs["delta"][0, 0, 4] = 22.0
    return {**inputs, "delta_softplus": True}


def scan(name: str, **exchanged: Step) -> Tiny:
    return Tiny(name, scan_with(name, **exchanged).scan, SelectiveScanFn(), scanned)


def pulled(name: str, **exchanged: Step) -> Tiny:
    mutant: Mutant = backward.backward(name, **exchanged)
    return Tiny(name, mutant.scan, SelectiveScanFn(), scanned, gradients=True)


def more(x: Any, by: float = 1e-10) -> Any:
    """Return a tensor that is more by a factor."""
    return None if x is None else x * (1 + by)


def neighbour(x: Tensor, weight: float, axis: int) -> Tensor:
    """Add a little of the neighbour along an axis."""
    return x + weight * x.roll(1, axis)


def carried_at_boundaries(lost: float) -> Step:
    return forward.carried(lambda h, t: h if (t + 1) % forward.CHUNK else h - lost * h)


SCANS = (
    scan("bias times 1 + 1e-10", steps=lambda d, bias, s: steps(d, more(bias), s)),
    scan(
        "1e-11 of the next channel's bias",
        steps=lambda d, b, s: steps(d, b if b is None else neighbour(b, 1e-11, 0), s),
    ),
    scan(
        "softplus of 1 + 1e-10 times its argument",
        steps=forward.softplus_as(lambda x: functional.softplus(more(x))),
    ),
    scan(
        "softplus with threshold 24",
        steps=forward.softplus_as(lambda x: functional.softplus(x, threshold=24)),
    ),
    scan("steps times 1 + 1e-10", steps=lambda *x: more(steps(*x))),
    scan("A times 1 + 1e-11", decays=lambda dt, A: decays(dt, more(A, 1e-11))),
    scan("1e-10 of the next state's decay", decays=lambda dt, A: neighbour(decays(dt, A), 1e-10, 3)),
    scan("decay less 2^-36 of itself", decays=lambda dt, A: decays(dt, A) * (1 - 2.0**-36)),
    scan("decay of exp(dt A + 1e-12)", decays=lambda dt, A: torch.exp(dt[..., None] * A[:, None] + 1e-12)),
    scan("decay 1e-10 more at chunk boundaries", decays=lambda dt, A: forward.at_starts(decays(dt, A), more)),
    scan(
        "1e-11 of B of the token before",
        additions=lambda dt, B, u: additions(dt, B + 1e-11 * shifted(B, axis=-1), u),
    ),
    scan(
        "2^-40 of B of the example before",
        additions=lambda dt, B, u: additions(dt, neighbour(B, 2.0**-40, 0), u),
    ),
    scan(
        "1e-10 of u of the channel before",
        additions=lambda dt, B, u: additions(dt, B, neighbour(u, 1e-10, 1)),
    ),
    scan("dt (1 + 1e-11 dt) applied to B", additions=lambda dt, B, u: additions(dt * (1 + 1e-11 * dt), B, u)),
    scan(
        "1e-11 of the state of the token after",
        states=lambda a, b: states(a, b) + 1e-11 * shifted(states(a, b), -1),
    ),
    scan("chunk boundaries lose 1e-12 of the state", states=carried_at_boundaries(1e-12)),
    scan(
        "2^-40 of the state of the example before", states=lambda a, b: neighbour(states(a, b), 2.0**-40, 0)
    ),
    scan("1e-10 of C of the other group", read=lambda h, C: read(h, neighbour(C, 1e-10, 1))),
    scan("D times 1 + 1e-10", finish=lambda y, u, D, z: finish(y, u, more(D), z)),
    scan("gate of 1 + 1e-11 times z", finish=lambda y, u, D, z: finish(y, u, D, more(z, 1e-11))),
    scan("last state less 1e-12 of itself", last=lambda h: last(h) - 1e-12 * last(h)),
)

GRADIENTS = (
    pulled("u's gradient times 1 + 1e-10", at_u=lambda v: more(RIGHT.at_u(v))),
    pulled(
        "dt's gradient with 1e-11 more through the additions",
        at_dt=lambda v: RIGHT.at_dt(v) + 1e-11 * backward.additions_only(v),
    ),
    pulled(
        "softplus' slope at 1 + 1e-10 times its argument",
        at_raw=lambda v: v.at_dt * torch.where(v.raw > 20, 1.0, torch.sigmoid(more(v.raw))),
    ),
    pulled("A's gradient with 1e-10 of the state after the step", before=lambda h: shifted(h) + 1e-10 * h),
    pulled(
        "A's gradient less 1e-12 of the first example",
        at_A=lambda v: RIGHT.at_A(v) - 1e-12 * (through_decays(v) * v.dt[..., None])[0].sum(1),
    ),
    pulled(
        "B's gradient with 2^-40 of that of the other group",
        at_B=lambda v: neighbour(RIGHT.at_B(v), 2.0**-40, 1),
    ),
    pulled(
        "C's gradient with 1e-11 of the state before",
        at_C=lambda v: RIGHT.at_C(v) + 1e-11 * shared(v.dout[..., None] * v.before, v.C),
    ),
    pulled(
        "D's gradient with 1e-10 of an ungated output's",
        at_D=lambda v: RIGHT.at_D(v) + 1e-10 * (v.gy * v.u).sum((0, 2)),
    ),
    pulled(
        "gate's gradient with its slope at 1 + 1e-10 times z",
        at_z=lambda v: v.gy * v.y * silu_slope(more(v.z)),
    ),
    pulled(
        "bias' gradient less 1e-12 of the last token",
        at_bias=lambda v: RIGHT.at_bias(v) - 1e-12 * v.at_raw[:, :, -1].sum(0),
    ),
    pulled(
        "adjoint loses 1e-12 at chunk boundaries",
        adjoint=backward.carried(lambda g, t: g if t % forward.CHUNK else g - 1e-12 * g),
    ),
    pulled(
        "adjoint with 1e-10 of the next state's decay",
        adjoint=lambda a, *rest: adjoint(neighbour(a, 1e-10, 3), *rest),
    ),
)


def kernel(name: str, recurrence: str, wrong: Callable[..., Any], gradients: bool = False) -> Tiny:
    """Return a mutant of a recurrence; ``wrong`` takes its inputs by name."""
    spec, _ = RECURRENCES[recurrence]
    return Tiny(name, wrong, spec, lambda seed: random_inputs(spec, seed=seed, time=LENGTH), gradients)


def given(recurrence: str, name: str, change: Callable[[dict[str, Tensor]], Tensor]) -> Callable[..., Any]:
    """Return a recurrence with another input in place of one."""
    _, fn = RECURRENCES[recurrence]
    return lambda **x: fn(**{**x, name: change(x)})


lossy = scaled_gradient(1 - 1e-10)


def block() -> tuple[Tiny, ...]:
    """Return Mamba blocks whose D, and whose gradient, is wrong."""
    wrong, right = Block(torch.float32, more), Block(torch.float32)

    def inputs(seed: int) -> Tensor:
        return torch.randn(2, LENGTH, 3, generator=torch.Generator().manual_seed(seed))

    return (
        Tiny("Mamba block: D times 1 + 1e-10", wrong, wrong.checkpoint, inputs),
        Tiny(
            "Mamba block: gradient loses 1e-10",
            lambda x: right(lossy(x)),
            right.checkpoint,
            inputs,
            gradients=True,
        ),
    )


KERNELS = (
    kernel("Mamba-2: least dt 0.1 + 1e-10", "ssd", partial(recurrences.ssd, limits=(0.1 + 1e-10, 2.0))),
    kernel("Mamba-2: greatest dt 2 - 1e-10", "ssd", partial(recurrences.ssd, limits=(0.1, 2.0 - 1e-10))),
    kernel(
        "linear attention: scale 1/2 + 1e-10", "attention", partial(recurrences.attention, scale=0.5 + 1e-10)
    ),
    kernel(
        "RWKV-6: weight of the token 1e-11 more", "rwkv6", given("rwkv6", "u", lambda x: more(x["u"], 1e-11))
    ),
    kernel(
        "RG-LRU: recurrence gate of 1 + 1e-10 times its bias",
        "rg-lru",
        given("rg-lru", "recurrence_bias", lambda x: more(x["recurrence_bias"])),
    ),
    kernel("minimal GRU: gates 1e-10 more", "min-gru", given("min-gru", "gate", lambda x: more(x["gate"]))),
    kernel(
        "S5: decays turned by 1e-10",
        "complex",
        given("complex", "a_im", lambda x: x["a_im"] + 1e-10 * x["a_re"]),
    ),
    kernel("mLSTM: eps 0.01 + 1e-12", "mlstm", partial(recurrences.mlstm, eps=0.01 + 1e-12)),
    kernel("delta rule: norm eps 1e-6 + 1e-12", "delta", partial(recurrences.delta, eps=1e-6 + 1e-12)),
    kernel("Comba: p with 1e-10 of the key", "comba", given("comba", "p", lambda x: x["p"] + 1e-10 * x["k"])),
    kernel(
        "RWKV-7: b with 2^-40 of a",
        "generalised delta",
        given("generalised delta", "b", lambda x: x["b"] + 2.0**-40 * x["a"]),
    ),
    kernel(
        "convolution: first tap with 1e-11 of the second",
        "convolution",
        given("convolution", "weight", lambda x: neighbour(x["weight"], 1e-11, 1)),
    ),
    kernel("gated norm: eps 1e-5 + 1e-12", "gated norm", partial(recurrences.gated_norm, eps=1e-5 + 1e-12)),
    kernel(
        "minimal GRU: gradient of the gate loses 1e-10",
        "min-gru",
        given("min-gru", "gate", lambda x: lossy(x["gate"])),
        gradients=True,
    ),
    kernel(
        "delta rule: gradient of beta loses 1e-10",
        "delta",
        given("delta", "beta", lambda x: lossy(x["beta"])),
        gradients=True,
    ),
    *block(),
)

FAMILIES: dict[str, tuple[Tiny, ...]] = {
    "selective scans": SCANS,
    "gradients of selective scans": GRADIENTS,
    "kernels and blocks": KERNELS,
}

TINY = tuple(mutant for family in FAMILIES.values() for mutant in family)
