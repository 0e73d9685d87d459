"""More inputs, drawn from the given input: a gate that is closed at one input hides the leak behind it.

The strategies are those of property tests: other signs, other scales, mostly zeros, values that saturate, one
value at all positions, another order.

Only the given input can make a check INCONCLUSIVE. A drawn input whose outputs prove nothing is only counted.
A drawn input that leaks makes the verdict LEAK.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar, cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes
from scanproof.foundation.packing import InputsT, Packing
from scanproof.foundation.subject import Subject
from scanproof.report.verdict import Verdict, gravest

LARGE = 1024.0
"""A large value is this many times the greatest entry of ``x``, to open gates that rarely open."""

CASES = 4
"""Inputs that a check tries unless the call says otherwise: ``x``, and three drawn from it."""

STRATEGIES = ("signs", "scales", "sparse", "saturating", "constant", "shuffled")
"""How each drawn input differs from the given one: the first, the second, …, and then from the start."""

ID_STRATEGIES = ("other ids", "shuffled")
"""The same for token ids."""


def draw_input(
    x: InputsT,
    number: int,
    *,
    seed: int = 0,
    seq_dim: int | None = 1,
    batch_dim: int | None = 0,
    vocab_size: int | None = None,
) -> InputsT:
    """Return drawn input ``number`` of a check at ``x``, to repeat what the check found there.

    ``signs`` gives every entry a random sign; ``scales`` also scales every channel, by 10^-3 … 10^3;
    ``sparse`` keeps one entry in four; ``saturating`` makes one channel in four 1,024 times the greatest
    entry, less where squares would overflow; ``constant`` repeats the first position; ``shuffled`` permutes
    positions. Token ids are drawn anew from 0 … ``vocab_size`` - 1, by default from those present, or
    shuffled.

    Args:
        x: what the check was given.
        number: 1, 2, … as the report says.
        seed: the seed of the report.
        seq_dim: as in the check. None if tensors share no axis of positions: each tensor is drawn on its
            own, with positions along the first axis that is not ``batch_dim``.
        batch_dim: as in the check.
        vocab_size: as in the check.

    Returns:
        An input like ``x``: shapes, dtypes and device are the same.

    Raises:
        InvalidArgument: ``number`` is not a whole number >= 1, or several inputs do not fit together.

    Example:
        >>> import torch
        >>> draw_input(torch.ones(1, 3, 2), 5).tolist()
        [[[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]]
    """
    if not (isinstance(number, int) and number >= 1):
        raise InvalidArgument(f"draw_input: number must be a whole number >= 1, got {number!r}.")
    if seq_dim is None:
        return each_drawn(x, number, seed, batch_dim, vocab_size)
    if isinstance(x, Tensor):
        return cast(InputsT, _draw(x, seq_dim, number, seed, vocab_size))
    packing = Packing.of("draw_input", x, Axes(seq_dim, batch_dim))
    return cast(InputsT, packing.restore(_draw(packing.pack(x), seq_dim, number, seed, None)))


def each_drawn(x: InputsT, number: int, seed: int, batch_dim: int | None, vocab_size: int | None) -> InputsT:
    """Draw from each tensor on its own, with positions along the first axis that is not ``batch_dim``."""

    def drawn(tensor: Tensor) -> Tensor:
        batch = None if batch_dim is None else batch_dim % tensor.dim()
        axis = next((axis for axis in range(tensor.dim()) if axis != batch), 0)
        return _draw(tensor, axis, number, seed, vocab_size)

    return cast(InputsT, tree_map_only(Tensor, drawn, x))


@dataclass(frozen=True)
class TriedCase:
    """The verdict of a check at one input.

    Attributes:
        source: the call that makes this input from ``x``.
        strategy: how this input differs from ``x``; empty for ``x`` itself.
        verdict: the verdict at this input.
        reason: what led to the verdict.
        part: the part of the check that ran at this input; empty if all of it ran.
    """

    source: str
    strategy: str
    verdict: Verdict
    reason: str
    part: str = ""

    @property
    def informative(self) -> bool:
        """Whether the verdict at this input is not INCONCLUSIVE."""
        return self.verdict is not Verdict.INCONCLUSIVE


SubjectT = TypeVar("SubjectT")


@dataclass(frozen=True)
class Draw(Generic[SubjectT]):
    """A subject at a drawn input.

    Attributes:
        number: number of the drawn input, from 1.
        strategy: how the input differs from the given one.
        source: the call that makes the input from ``x``.
        subject: the function, and the input.
    """

    number: int
    strategy: str
    source: str
    subject: SubjectT


class Report(Protocol):
    """The report of a check that tries several inputs."""

    @property
    def verdict(self) -> Verdict:
        """The outcome."""

    @property
    def reason(self) -> str:
        """What led to the verdict."""

    def with_cases(self, cases: tuple[TriedCase, ...]) -> Self:
        """Return the report with the inputs that were tried, and the verdict over all of them."""


ReportT = TypeVar("ReportT", bound=Report)


def check_cases(check: str, cases: object) -> None:
    """Reject a number of cases that is not a positive whole number.

    Raises:
        InvalidArgument: ``cases`` is not a whole number >= 1.
    """
    if isinstance(cases, bool) or not isinstance(cases, int) or cases < 1:
        raise InvalidArgument(f"{check}: cases must be a whole number >= 1, x included, got {cases!r}.")


def try_cases(
    given: ReportT,
    draws: Sequence[Draw[SubjectT]],
    check: Callable[[Draw[SubjectT]], ReportT],
    part: Callable[[Draw[SubjectT]], str],
    screen: Callable[[Sequence[Draw[SubjectT]]], Mapping[int, tuple[Verdict, str]]] = lambda _: {},
) -> ReportT:
    """Run ``check`` at drawn inputs until one leaks; return the report of that input, else the given report.

    Args:
        given: the report at the given input; if it is a leak, no other input is tried.
        draws: the drawn inputs.
        check: runs the check at a drawn input.
        part: names the part of the check that runs at a drawn input.
        screen: returns verdict and reason, by number, of the drawn inputs that need no check of their own.
    """
    tried = [TriedCase("x", "", given.verdict, given.reason)]
    draws = () if given.verdict is Verdict.LEAK else draws
    known = screen(draws)
    for draw in draws:
        report = None
        if draw.number in known:
            verdict, reason = known[draw.number]
        else:
            try:
                report = check(draw)
                verdict, reason = report.verdict, report.reason
            except Exception as error:  # fn may reject inputs that it was not written for
                verdict, reason = Verdict.INCONCLUSIVE, f"fn raised {type(error).__name__}: {error}"
        tried.append(TriedCase(draw.source, draw.strategy, verdict, reason, part(draw)))
        if report and verdict is Verdict.LEAK:
            return report.with_cases(tuple(tried))
    return given.with_cases(tuple(tried))


def draws_from(
    subject: Subject, cases: int, seed: int, vocab_size: int | None = None
) -> tuple[Draw[Subject], ...]:
    """Draw at most ``cases - 1`` inputs from the input of ``subject``; leave out those equal to it."""
    axes, x = subject.axes, subject.x
    call = draw_call(seed=seed, seq_dim=axes.seq, batch_dim=axes.batch, vocab_size=vocab_size)
    draws = (
        Draw(
            number,
            strategy_of(x, number),
            call(number),
            subject.at(_draw(x, axes.seq, number, seed, vocab_size)),
        )
        for number in range(1, cases)
    )
    return tuple(draw for draw in draws if not torch.equal(draw.subject.x, x))


def draw_call(**options: object) -> Callable[[int], str]:
    """Return a function from a number to the text of the call of ``draw_input``, without default options."""
    defaults = {"seed": 0, "seq_dim": 1, "batch_dim": 0, "vocab_size": None}
    chosen = "".join(f", {name}={value}" for name, value in options.items() if value != defaults[name])
    return lambda number: f"draw_input(x, {number}{chosen})"


def some_of(cuts: tuple[int, ...], number: int) -> tuple[int, ...]:
    """Return the cuts for a drawn input: one in eight, but at least four; each drawn input has other cuts."""
    step = max(1, min(8, len(cuts) // 4))
    return cuts[number % step :: step]


def over_cases(verdict: Verdict, reason: str, cases: tuple[TriedCase, ...]) -> tuple[Verdict, str]:
    """Return the gravest verdict and its reason, over the report and all inputs with a conclusive verdict."""
    graver = gravest([verdict, *(tried.verdict for tried in cases if tried.informative)])
    if graver is verdict:
        return verdict, reason
    tried = next(tried for tried in cases if tried.verdict is graver)
    return graver, f"at {tried.source} ({tried.strategy}): {tried.reason}"


def cases_lines(cases: tuple[TriedCase, ...]) -> list[str]:
    """Return the lines of a summary that name the inputs that were tried, and the one that leaks."""
    names = ", ".join(_named(tried) for tried in cases)
    conclusive = sum(tried.informative for tried in cases)
    count = "1 input tried" if len(cases) == 1 else f"{len(cases)} inputs tried"
    lines = [f"  cases      : {count}, {conclusive} conclusive: {names}"]
    last = cases[-1]
    if len(cases) > 1 and last.verdict is Verdict.LEAK:
        lines.insert(0, f"  found at   : {last.source}, {last.strategy}")
    return lines


def _named(tried: TriedCase) -> str:
    name = tried.strategy or "x"
    return f"{name} ({tried.part})" if tried.part else name


def strategy_of(x: Tensor, number: int) -> str:
    """Return how the drawn input of that number differs from ``x``."""
    strategies = STRATEGIES if x.is_floating_point() else ID_STRATEGIES
    return strategies[(number - 1) % len(strategies)]


def _draw(x: Tensor, seq_dim: int, number: int, seed: int, vocab_size: int | None) -> Tensor:
    generator = torch.Generator(device="cpu").manual_seed((seed + number * 0x9E3779B97F4A7C15) % 2**63)
    strategy = strategy_of(x, number)
    if strategy == "shuffled":
        order = torch.randperm(x.shape[seq_dim], generator=generator, device="cpu")
        return x.index_select(seq_dim, order.to(x.device))
    if strategy == "constant":
        return x.narrow(seq_dim, 0, 1).expand_as(x).clone()
    if not x.is_floating_point():
        ids = x.unique() if vocab_size is None else torch.arange(vocab_size, device=x.device, dtype=x.dtype)
        drawn: Tensor = ids[torch.randint(len(ids), x.shape, generator=generator, device="cpu").to(x.device)]
        return drawn
    return _numbers(x, seq_dim, strategy, generator)


def _numbers(x: Tensor, seq_dim: int, strategy: str, generator: torch.Generator) -> Tensor:
    wide = x.float() if x.element_size() < 4 else x
    uniform, signs = torch.rand((2, *x.shape), generator=generator, device="cpu").to(x.device, wide.dtype)
    signs = torch.where(signs < 0.5, -1.0, 1.0)
    channel = uniform.narrow(seq_dim, 0, 1)  # one number for all positions of a channel
    peak = float(wide.abs().max())
    if peak == 0:
        wide, peak = 1 + uniform, 2.0
    limit = max(peak, min(LARGE * peak, torch.finfo(x.dtype).max ** 0.25))
    if strategy == "scales":
        wide = (wide * signs * 10 ** (6 * channel - 3)).clamp(-limit, limit)
    elif strategy == "sparse":
        wide = torch.where(uniform < 0.25, wide * signs, 0.0)
    elif strategy == "saturating":
        wide = torch.where(channel < 0.25, limit * signs, wide)
    else:
        wide = wide * signs
    return wide.to(x.dtype)
