"""Coded cotangents: bounds on every pair t <- s from two vector-Jacobian products per window of positions.

The position of an output is coded in the exponent of its cotangent. Take random ``u_t``, a window
``first <= t < end`` and ``e = 2^-b``. The cotangent is ``e^(t - first) u_t`` on the window, and zero
elsewhere. The gradient at an input ``s`` of the window, divided by ``e^(s - first)``, is

    G_s(e) = Σ_k c_k e^k,   c_k = J[s+k, s]^T u_(s+k)

(Lean theorem ``codedGradient_eq_laurent``). The negative powers belong to exactly the outputs before ``s``
(``lowerTriangular_iff_contribution``), so the code magnifies a leak. Two neighbouring codes, ``e`` and
``e/2``, have the same constant term, and their difference has none (Lean theorem ``laurent_pair``):

    e (G_s(e) - G_s(e/2)) = … - 3 c_(-2)/e - c_(-1) + c_1 e²/2 + …

Every k < 0 has a coefficient of at least 1 in size (``pairCoefficient_le_neg_one``), so the pair of codes
sees a leak at every distance. (The odd part of a pair ``e, -e`` has coefficient 0 at every even k, so it
would miss a leak two positions ahead: Lean theorem ``laurent_odd_blind``.) Every k > 0 has a coefficient of
at most e²/2 (``pairCoefficient_le``), which sets the detection limit. Inputs at ``s >= end`` must receive
exactly zero, so windows together cover all pairs: in exact arithmetic, few ``u`` let a leak pass
(``countP_codedPass_le``). With an alignment, positions are the ranks of its order.

The bound is relative. Operations that round across positions (FFT convolution, total minus prefix) exceed it
without a leak. So a flagged window is not a verdict: exact cuts decide it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan

import torch
from torch import Tensor

from scanproof.causality.gradients.pullback import Pullback
from scanproof.foundation.alignment import Order
from scanproof.foundation.contract import Axes
from scanproof.foundation.rows import along

BITS = 20
"""Each position of a window weighs 2^-20 of the one before it, or 2^-21 in the second code."""

WINDOW = 96
"""Positions in a window: 96 powers of 2^-21, centred, fill the exponents of float64."""

LIMIT = 2.0**-36
"""Limit of a window's residue, relative to its scale. A causal map has 2^-41 c_1, from the next output."""

BOUNDED = f"no pair above {LIMIT:.1e} of the gradient nearby, and exactly zero beyond each window"
"""The reason of the verdict if no window exceeds the limit."""

_DELAYED = 2.0 ** -(BITS // 2)
"""Below this share of the whole gradient, outputs count as not reading the input at their own position."""


@dataclass(frozen=True, kw_only=True)
class CodedSweep:
    """The bound from coded cotangents, and the windows that it does not cover.

    Attributes:
        positions: number of positions that windows cover: T, or the number of different reaches of an
            alignment.
        window: greatest number of positions in a window.
        vjps: vector-Jacobian products of the sweep: two per window, one more if a bound was exceeded, and
            two more for each window whose gradients overflowed.
        residue: greatest residue of the windows that were not flagged, relative to the greatest gradient at
            the inputs of its window; NaN if all were flagged.
        limit: windows with a residue above this were flagged.
        flagged: the windows (first, end) that exact cuts have to decide.
        cuts: the exact cuts that separate every pair whose output is in a flagged window.
        alive: whether there was any gradient.
        problem: why there was no sweep and every window counts as flagged; None if there was a sweep.
    """

    positions: int
    window: int = WINDOW
    vjps: int = 0
    residue: float = nan
    limit: float = LIMIT
    flagged: tuple[tuple[int, int], ...]
    cuts: tuple[int, ...]
    alive: bool
    problem: str | None = None

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(windows_of(self.positions))

    def __str__(self) -> str:
        if self.problem:
            return f"no coded sweep, because {self.problem}; all cuts are exact instead"
        shape = f"{self.vjps} coded VJPs in float64, window {self.window}, detection limit {self.limit:.1e}"
        if not self.flagged:
            return shape
        flagged = f"{len(self.flagged)} of {self.windows} windows"
        return f"{shape}; {flagged} decided by {len(self.cuts)} exact cuts"


def unswept(order: Order, problem: str) -> CodedSweep:
    """Return the result without a sweep: every window is flagged, and exact cuts have to decide."""
    windows = windows_of(len(order.reaches))
    return CodedSweep(
        positions=len(order.reaches),
        flagged=windows,
        cuts=_cuts_within(windows, order),
        alive=True,
        problem=problem,
    )


def windows_of(positions: int) -> tuple[tuple[int, int], ...]:
    """Return the windows (first, end) that cover that many positions."""
    return tuple((first, min(first + WINDOW, positions)) for first in range(0, positions, WINDOW))


def coded_sweep(pullback: Pullback, order: Order, axes: Axes, generator: torch.Generator) -> CodedSweep:
    """Bound every pair t <- s of a forward pass that was recorded in float64.

    Source: the identity of this module.
    """
    before = pullback.vjps
    shares, alive = coded_shares(pullback, order, axes, generator)
    share = shares.amax(1)
    passed = share <= LIMIT
    windows = windows_of(len(order.reaches))
    flagged = tuple(window for window, ok in zip(windows, passed.tolist(), strict=True) if not ok)
    return CodedSweep(
        positions=len(order.reaches),
        vjps=pullback.vjps - before,
        residue=share[passed].max().item() if passed.any() else nan,
        flagged=flagged,
        cuts=_cuts_within(flagged, order),
        alive=bool(alive.any()),
    )


def coded_shares(
    pullback: Pullback, order: Order, axes: Axes, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the residue of each window relative to its scale, and which examples have any gradient.

    The random ``u`` have absolute values in [1, 2), so the contribution of a leaky pair is never small by
    chance. The scale of a window is its greatest gradient, to which outputs at the input's own position
    contribute most. If outputs are delayed and have no gradient there, the scale is the greatest gradient of
    all outputs together. Windows whose gradients overflow are swept again with smaller ``u``.

    Returns:
        The shares, to be compared with ``LIMIT``, shape (windows, examples), and a boolean (examples,).
    """
    y_axis = axes.find("seq", pullback.y)
    positions = len(order.reaches)
    windows = windows_of(positions)
    numbers = torch.rand(pullback.y.shape, generator=generator, dtype=torch.float64, device="cpu") * 2 - 1
    u = (numbers + numbers.sign()).to(pullback.y.device)

    def swept(windows: Sequence[tuple[int, int]], u: Tensor) -> tuple[Tensor, Tensor]:
        found: list[tuple[Tensor, Tensor]] = []
        for group in _groups(windows, max(1, pullback.rows // 2)):
            codes = torch.stack(
                [
                    _code(window, bits, positions)[order.outputs]
                    for window in group
                    for bits in (BITS, BITS + 1)
                ]
            )
            gradients = _by_position(pullback.pull(u * along(codes, u[None], y_axis)), axes)
            pairs = zip(group, gradients[::2], gradients[1::2], strict=True)
            found.extend(_residue(window, order.inputs, coarse, fine) for window, coarse, fine in pairs)
        residues, scales = zip(*found, strict=True)
        return torch.stack(residues), torch.stack(scales)

    residue, scale = swept(windows, u)
    if (_share(residue, scale) > LIMIT).any():
        whole = _by_position(pullback.pull(u[None]), axes)[0].abs().amax(2)
        reach = torch.stack([_greatest(whole[:, _inside(window, order.inputs)]) for window in windows])
        overflown = [i for i, window in enumerate(residue) if window.isnan().any()]
        if overflown:
            peaks = whole.amax(1).nan_to_num(nan=1.0, posinf=1.0).clamp(min=1.0)
            factors = 2.0 ** -peaks.log2().ceil()
            again = swept([windows[i] for i in overflown], u * _per_example(factors, u, axes))
            residue[overflown], scale[overflown] = (found / factors for found in again)
        scale = torch.where(scale < _DELAYED * reach, reach, scale)
    return _share(residue, scale), (scale != 0).any(0)


def _per_example(factors: Tensor, like: Tensor, axes: Axes) -> Tensor:
    shape = [1] * like.dim()
    if axes.batch is not None:
        shape[axes.find("batch", like)] = len(factors)
    return factors.reshape(shape)


def _cuts_within(windows: Iterable[tuple[int, int]], order: Order) -> tuple[int, ...]:
    last = len(order.cuts)
    return tuple(cut for first, end in windows for cut in range(first + 1, min(end, last) + 1))


def _residue(window: tuple[int, int], inputs: Tensor, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
    """Return residue and scale of each example; the gradients of both codes are (examples, T, features).

    The residue is infinite if there is gradient beyond the window, and NaN if a gradient is not finite.
    """
    first, end = window
    inside = _inside(window, inputs)
    g, h = (
        gradient[:, inside] / _powers(end - first, bits)[inputs[inside] - first].to(gradient.device)[:, None]
        for gradient, bits in ((coarse, BITS), (fine, BITS + 1))
    )
    residue = 2.0**-BITS * _greatest(g - h)
    beyond = torch.cat([coarse[:, inputs >= end], fine[:, inputs >= end]], 1).flatten(1)
    overflown = ~(coarse.isfinite() & fine.isfinite()).flatten(1).all(1)
    return residue.masked_fill((beyond != 0).any(1), torch.inf).masked_fill(overflown, torch.nan), _greatest(
        g
    )


def _inside(window: tuple[int, int], inputs: Tensor) -> Tensor:
    return (window[0] <= inputs) & (inputs < window[1])


def _greatest(gradients: Tensor) -> Tensor:
    """Return the greatest absolute entry of each example; 0 if a window holds no input."""
    flat = gradients.abs().flatten(1)
    return flat.amax(1) if flat.shape[1] else flat.new_zeros(len(flat))


def _share(residue: Tensor, scale: Tensor) -> Tensor:
    """Return residue / scale; it is 0 for a residue of 0, and infinite where it is not a number."""
    share = torch.where(residue == 0, 0.0, residue / scale)
    return share.nan_to_num(nan=torch.inf, posinf=torch.inf)


def _powers(length: int, bits: int) -> Tensor:
    """Return 2^-(bits·k), k = 0 … length - 1, centred in the range of exponents."""
    powers = [2.0 ** (bits * (length // 2 - k)) for k in range(length)]
    return torch.tensor(powers, dtype=torch.float64, device="cpu")


def _code(window: tuple[int, int], bits: int, positions: int) -> Tensor:
    first, end = window
    code = torch.zeros(positions, dtype=torch.float64, device="cpu")
    code[first:end] = _powers(end - first, bits)
    return code


def _groups(windows: Sequence[tuple[int, int]], size: int) -> list[Sequence[tuple[int, int]]]:
    return [windows[i : i + size] for i in range(0, len(windows), size)]


def _by_position(gradients: Tensor, axes: Axes) -> Tensor:
    """Reshape gradients (rows, *x.shape) to (rows, examples, T, features)."""
    rows, one = len(gradients), gradients[0]
    positions = axes.find("seq", one) + 1
    if axes.batch is None:
        moved = gradients.movedim(positions, 1)[:, None]
    else:
        moved = gradients.movedim((axes.find("batch", one) + 1, positions), (1, 2))
    return moved.reshape(rows, moved.shape[1], moved.shape[2], -1)
