"""Follow a leak, by comparing tensors, to the module where it enters.

``fn`` runs twice, with two futures. The leak enters in the first module whose inputs have the same past in
both runs and whose outputs do not. With two precisions, differences that are rounding do not count: those
that shrink with the unit roundoff, and those of a few unit roundoffs that only float64 has. This search needs
no gradients.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import torch
from torch import Tensor

from scanproof.causality.diagnosis.module_calls import Call, Line, Watched
from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.past import Past
from scanproof.foundation.judgement import FLOAT64_ROUNDING, SHRINKAGE, Judgement
from scanproof.foundation.precision import AtPrecision

Run = Callable[[Callable[[Any], Any]], Tensor]
"""Runs a function in place of ``fn``, with one of the futures in one of the precisions."""


@dataclass(frozen=True)
class _Value:
    """The numbers of a tensor: its past, or all of it if its shape does not show the past."""

    numbers: Tensor
    is_past: bool

    @property
    def size(self) -> float:
        """The greatest finite absolute value."""
        finite = self.numbers.double().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        return finite.abs().max().item() if finite.numel() else 0.0


_Calls = Sequence[Call[_Value]]
"""The same call in each of the runs."""


def compare(
    fn: Callable[[Any], Any],
    given: Callable[..., Any],
    runs: Sequence[tuple[Run, Run]],
    pasts: tuple[Past, Past | None],
) -> Origin:
    """Return where the past begins to differ between two runs.

    Args:
        fn: the function.
        given: the caller's function.
        runs: the two runs; and the two runs in a lower precision, if they are needed to recognise rounding.
        pasts: the past of each of the two runs; None if all of its input is past.
    """
    paired = _PairedRuns(
        [
            partial(_watch, fn, given, run, past)
            for both in runs
            for run, past in zip(both, pasts, strict=True)
        ]
    )
    try:
        roots = paired.record([-1] * 2 * len(runs))
        if _differs([root.outputs[0] for root in roots]) is False:
            return Origin(problem="the leak did not occur when fn ran again")
        calls = [root.calls for root in roots]
        whole_module = all([call.name for call in made] == [""] for made in calls)
        whole = [made[0] for made in calls] if whole_module else roots
        return paired.enters_in(whole).within(whole[0])
    except Exception as error:  # fn may raise anything when it runs again
        return Origin(problem=f"{type(error).__name__}: {error}")


def _watch(
    fn: Callable[[Any], Any], given: Callable[..., Any], run: Run, past: Past | None, place: int
) -> Call[_Value]:
    """Run and record ``fn``; of computed tensors, record those of the call at ``place``."""

    def keep(tensor: Tensor) -> _Value:
        part = past.of(tensor) if past else None
        tensor = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        return _Value(part.take(tensor) if part else tensor.clone(), past is None or part is not None)

    watched = Watched(
        fn,
        given,
        enter=lambda tensor: (keep(tensor), tensor),
        leave=keep,
        computed=lambda call, tensor: keep(tensor) if call.place == place else None,
    )
    y = run(watched)
    watched.root.outputs = [keep(y)]
    return watched.root


def precisions(judgement: Judgement, dtype: torch.dtype) -> list[AtPrecision | None]:
    """Return the precisions to run in, None for the given one; the second one shows what is rounding."""
    if not judgement.seen_in_float64:
        return [None]
    return [AtPrecision(torch.float64), AtPrecision(torch.float32) if dtype == torch.float64 else None]


class _PairedRuns:
    """The two runs with different futures; with two precisions, two runs in each."""

    def __init__(self, runs: Sequence[Callable[[int], Call[_Value]]]) -> None:
        self._runs = runs

    def record(self, places: Sequence[int]) -> _Calls:
        """Run and record everything, with the tensors that the call at the place of each run computes."""
        return [run(place) for run, place in zip(self._runs, places, strict=True)]

    def enters_in(self, calls: _Calls) -> Origin:
        """Return the innermost call where the leak enters, given that it enters in ``calls`` or inside."""
        guilty, unread = self._first(calls)
        if guilty:
            return self.enters_in(guilty)
        call = calls[0]
        return Origin(
            module=call.name,
            kind=call.kind,
            call=call.number,
            own_code=bool(call.calls),
            line=None if call.foreign else self._first_line([call.place for call in calls]),
            unread=tuple(map(str, unread)),
        )

    def _first(self, calls: _Calls) -> tuple[_Calls | None, list[Call[_Value]]]:
        """Return the first call inside this one where the leak enters, and the unexamined calls before it."""
        unread: list[Call[_Value]] = []
        for made in _in_all([call.calls for call in calls]):
            given = [_differs(values) for values in zip(*(call.inputs for call in made), strict=False)]
            returned = [_differs(values) for values in zip(*(call.outputs for call in made), strict=False)]
            if True in given:
                break  # the difference was there before this call
            if True in returned and None not in given:
                return made, unread
            if True in returned or None in returned:
                guilty, inside = self._first(made)
                if guilty:
                    return guilty, unread + inside
                unread.append(made[0])
        return None, unread

    def _first_line(self, places: Sequence[int]) -> Line | None:
        """Return the line of the code of a call that computes the first tensor whose past differs."""
        calls = [_at(root, place) for root, place in zip(self.record(places), places, strict=True)]
        for computed in zip(*(call.computed for call in calls), strict=False):
            line: Line = computed[0][1]
            if any(other != line for _, other in computed):
                return None  # the runs executed different lines
            if _differs([value for value, _ in computed]):
                return line
        return None


def _differs(values: Sequence[_Value]) -> bool | None:
    """Whether the past differs between the two runs by more than rounding; None if unknown."""
    high = _difference(*values[:2])
    low = _difference(*values[2:]) if len(values) > 2 else None
    if high is None or (high > 0 and not values[0].is_past):
        return None
    if low is None or high == inf:
        return high > 0
    return high > (SHRINKAGE * low or FLOAT64_ROUNDING * values[0].size)


def _difference(a: _Value, b: _Value) -> float | None:
    """Return the greatest difference of two tensors; None if their shapes or parts differ."""
    if a.is_past != b.is_past or a.numbers.shape != b.numbers.shape:
        return None
    one, other = a.numbers.cpu().double(), b.numbers.cpu().double()
    same = (one == other) | (one.isnan() & other.isnan())
    differences = (one - other).abs().nan_to_num(nan=inf, posinf=inf).masked_fill(same, 0.0)
    return differences.max().item() if differences.numel() else 0.0


def _in_all(runs: Sequence[Sequence[Call[_Value]]]) -> Iterator[_Calls]:
    """Yield the calls that all runs made, in order."""
    others = [{(call.name, call.kind, call.number): call for call in calls} for calls in runs]
    for key in others[0]:
        if all(key in made for made in others):
            yield [made[key] for made in others]


def _at(call: Call[_Value], place: int) -> Call[_Value]:
    """Return the call at a place: this call, or a call inside it."""
    if call.place == place:
        return call
    return _at(max((made for made in call.calls if made.place <= place), key=lambda made: made.place), place)
