"""Measure the pattern of a leak: the later inputs that outputs read, or the outputs that read inputs."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from scanproof.causality.diagnosis.matching import Seen
from scanproof.causality.diagnosis.pattern import Explorer, LeakPattern, pattern_of
from scanproof.causality.gradients.pullback import Pullback
from scanproof.causality.gradients.sweep import sweep
from scanproof.foundation.alignment import Order
from scanproof.foundation.contract import Axes
from scanproof.foundation.judgement import SHRINKAGE
from scanproof.foundation.rows import Rows

ABOVE_ROUNDING = 8.0
"""If some entries are rounding, an entry counts as read only above this multiple of the greatest of them."""


def pattern_by_gradients(
    high: Pullback,
    low: Pullback | None,
    order: Order,
    axes: Axes,
    generator: torch.Generator,
    t: int,
    crossed: Mapping[int, bool],
    same: bool,
) -> LeakPattern:
    """Return the pattern of a leak from the gradients of single outputs, with one or two products for each.

    Args:
        high: the recorded pass.
        low: the recorded pass in a lower precision, which shows what is rounding; None without one.
        order: which inputs each output may read.
        axes: the axes of positions and examples.
        generator: CPU generator of the cotangents.
        t: an output that reads a later input.
        crossed: for each cut tau, whether any output before it has gradient at any input from tau on.
        same: whether output t belongs to input t.
    """
    rounding = False

    def look(outputs: list[int]) -> dict[int, Tensor]:
        nonlocal rounding
        ranks = torch.searchsorted(order.reaches, torch.tensor(outputs, device="cpu") + 1)[:, None]
        rows = Rows(order.outputs == ranks, order.inputs <= ranks)
        found = _largest(high, rows, axes, generator.clone_state())
        coarse = _largest(low, rows, axes, generator.clone_state()) if low else None
        read, rounds = tell_rounding(found, coarse, rows.allowed)
        rounding = rounding or rounds
        return dict(zip(outputs, read, strict=True))

    outputs = order.reaches - 1
    last = int(order.reaches[order.outputs[t]]) - 1
    first = look([last])
    seen = Seen(len(order.inputs), outputs, first, {}, {} if rounding else crossed)
    return pattern_of(Explorer(look, "rows", seen, last).explore(), same)


def pattern_by_changes(
    outputs: Tensor,
    T: int,
    near: int,
    cuts: Iterable[int],
    same: bool,
    changes: Sequence[Callable[[Sequence[int]], Tensor]],
) -> LeakPattern | None:
    """Return the pattern of a leak from changing one input at a time; None if that changes nothing.

    Args:
        outputs: the last input that each output may read, ascending, without repetition, CPU.
        T: number of inputs.
        near: an input that an earlier output reads.
        cuts: cuts tau that are crossed: an output before tau reads an input from tau on.
        same: whether output t belongs to input t.
        changes: returns how much each of ``outputs`` changes with each of several inputs, shape (inputs,
            outputs), CPU; a second function does so in a lower precision, to show what is rounding.
    """
    rounding = False

    def look(inputs: list[int]) -> dict[int, Tensor]:
        nonlocal rounding
        allowed = outputs >= torch.tensor(inputs, device="cpu")[:, None]
        high, *low = [changed(inputs) for changed in changes]
        read, rounds = tell_rounding(high, low[0] if low else None, allowed)
        rounding = rounding or rounds
        return dict(zip(inputs, read, strict=True))

    first = look([near])
    crossed = {} if rounding else dict.fromkeys(sorted(cuts), True)
    seen = Explorer(look, "columns", Seen(T, outputs, {}, first, crossed), near).explore()
    return pattern_of(seen, same) if len(seen.pairs[0]) else None


def tell_rounding(found: Tensor, coarse: Tensor | None, allowed: Tensor) -> tuple[Tensor, bool]:
    """Return the forbidden pairs that read by more than rounding, and whether any entry is rounding.

    An entry is rounding if it shrinks as rounding does, or if it is hardly greater than such entries.

    Args:
        found: greatest gradients, or changes, of pairs, in the higher precision.
        coarse: those in the lower precision; if None, no entry counts as rounding.
        allowed: the pairs that may read, same shape.
    """
    if coarse is None:
        return (found > 0) & ~allowed, False
    high, low = found.double().masked_fill(allowed, 0.0), coarse.double().masked_fill(allowed, 0.0)
    shrinking = (high <= SHRINKAGE * low) & (low > 0) & high.isfinite()
    floor = ABOVE_ROUNDING * high.masked_fill(~shrinking, 0.0).max().item()
    return high > floor, bool(shrinking.any())


def _largest(pullback: Pullback, rows: Rows, axes: Axes, generator: torch.Generator) -> Tensor:
    cotangent = pullback.draw(1, generator)[0]
    return sweep(pullback, rows, axes, "seq", cotangent).largest
