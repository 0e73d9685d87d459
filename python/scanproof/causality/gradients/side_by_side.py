"""All drawn inputs in one batch: one coded sweep over the batch finds those that need no check of their own.

The batch runs through ``fn`` in float64. If the cost of a check is mostly the number of operations, drawn
inputs cost a small part of the check at the given input. This sweep never reports a leak: an input that is
not shown to be causal gets its own check.

Independence of examples is tested first. Cotangents on one half of the examples must leave exactly zero at
the other half, for halves that separate every ordered pair. If they do not, every input gets its own check.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from scanproof.causality.gradients.coded import BOUNDED, LIMIT, coded_shares
from scanproof.causality.gradients.copies import separating_halves
from scanproof.causality.gradients.pullback import Pullback
from scanproof.causality.gradients.sweep import sweep
from scanproof.foundation.contract import Axes, proves_nothing
from scanproof.foundation.drawing import Draw
from scanproof.foundation.judgement import CAUSALITY, Measured, judge
from scanproof.foundation.precision import AtPrecision
from scanproof.foundation.rows import Rows
from scanproof.foundation.subject import Subject
from scanproof.report.verdict import Verdict

TOGETHER = 2**19
"""Greatest number of entries of all drawn inputs in one batch; above it, memory matters more than speed."""

Outcome = tuple[Verdict, str]


def screen(draws: Sequence[Draw[Subject]], seed: int, memory_budget: int) -> Mapping[int, Outcome]:
    """Return verdict and reason, by number, of the drawn inputs that one sweep decides.

    Args:
        draws: the drawn inputs.
        seed: seed of the cotangents.
        memory_budget: bytes that the rows of one backward pass may take together.
    """
    if not draws or draws[0].subject.axes.batch is None:
        return {}
    if sum(draw.subject.x.numel() for draw in draws) > TOGETHER:
        return {}
    try:
        return _settled(draws, seed, memory_budget)
    except Exception:  # fn may reject another batch size, another precision, or such numbers
        return {}


def _settled(draws: Sequence[Draw[Subject]], seed: int, memory_budget: int) -> Mapping[int, Outcome]:
    subject, axes = draws[0].subject, draws[0].subject.axes
    x = torch.cat([draw.subject.x for draw in draws], axes.find("batch", subject.x)).double()
    mode = AtPrecision(torch.float64)
    pullback = Pullback(
        subject, x, lambda y: subject.checked(y, x), mode, batch_dim=axes.batch, memory_budget=memory_budget
    )
    outputs = pullback.y.detach().chunk(len(draws), axes.find("batch", pullback.y))
    silent = [proves_nothing(y, axes) for y in outputs]
    examples = x.shape[axes.find("batch", x)] // len(draws)
    judged = torch.tensor([reason is None for reason in silent]).repeat_interleave(examples)
    if mode.unreached or not _are_independent(pullback, axes, judged, seed):
        return {}
    numbers = torch.Generator(device="cpu").manual_seed(seed)
    shares, alive = coded_shares(pullback, subject.order(pullback.y), axes, numbers)
    bounded = (shares <= LIMIT).all(0)
    settled: dict[int, Outcome] = {}
    for place, (draw, reason) in enumerate(zip(draws, silent, strict=True)):
        own = slice(place * examples, (place + 1) * examples)
        if reason:
            settled[draw.number] = _verdict(Measured(outcomes=CAUSALITY, problem=reason))
        elif bounded[own].all() and alive[own].all():
            settled[draw.number] = _verdict(Measured(outcomes=CAUSALITY, exact=BOUNDED))
    return settled


def _verdict(measured: Measured) -> Outcome:
    judgement = judge(measured)
    return judgement.verdict, judgement.reason


def _are_independent(pullback: Pullback, axes: Axes, judged: Tensor, seed: int) -> bool:
    """Whether cotangents on one half of the examples leave exactly zero at judged ones of the other half."""
    if len(judged) == 1:
        return True
    halves = torch.stack(list(separating_halves(len(judged))))
    cotangent = pullback.draw(1, torch.Generator(device="cpu").manual_seed(seed))[0]
    found = sweep(pullback, Rows(halves, halves), axes, "batch", cotangent)
    return not found.largest.masked_fill(halves | ~judged, 0.0).any()
