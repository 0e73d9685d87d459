"""Follow a leak, by gradients, to the module where it enters.

A random cotangent on the outputs before a cut leaves gradient at the inputs after the cut. The leak enters in
a module that carries it across the cut, from the future of its inputs to the past of its outputs. A call is
examined in two steps. First, the cotangent at the past of its outputs is pulled back through this call alone.
Then the gradient at the future of its inputs is pulled back to the future of ``x``. A call that carries less
than a thousandth of the leak is skipped: it has another leak, or it rounds.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from scanproof.causality.diagnosis.module_calls import Call, Line, Watched
from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.diagnosis.past import Part, Past
from scanproof.causality.gradients.pullback import Pullback
from scanproof.foundation.rows import along

SHARE = 2.0**-10
"""Least share of the leak that the module where the leak enters must carry."""


@dataclass(frozen=True, eq=False)
class _Spot:
    """A tensor inside the model, and the part of it that is past; None if its shape does not show it."""

    edge: GradientEdge
    past: Part | None

    def before(self, gradient: Tensor) -> Tensor:
        """Return the gradient at the past, zero elsewhere."""
        assert self.past is not None
        return gradient.masked_fill(~self.past.mask(gradient), 0.0)

    def behind(self, gradient: Tensor) -> Tensor:
        """Return the gradient at the future, zero elsewhere."""
        assert self.past is not None
        return gradient.masked_fill(self.past.mask(gradient), 0.0)


_Gradients = Mapping[_Spot, Tensor]


def follow(
    fn: Callable[[Tensor], Any],
    given: Callable[..., Any],
    record: Callable[[Callable[[Tensor], Any]], Pullback],
    past: Past,
    generator: torch.Generator,
) -> Origin:
    """Return where the leak across a cut, or from another example, enters.

    Args:
        fn: the function.
        given: the caller's function.
        record: runs and records a function in place of ``fn``.
        past: the cut, or the example.
        generator: CPU generator of the cotangent.
    """

    def leave(tensor: Tensor) -> _Spot | None:
        return _Spot(get_gradient_edge(tensor), past.of(tensor)) if tensor.requires_grad else None

    def enter(tensor: Tensor) -> tuple[_Spot | None, Tensor]:
        if not tensor.requires_grad:
            return None, tensor
        own = tensor.clone()  # between its edge and the outputs is only what the call does
        return leave(own), own

    def computed(_: Call[_Spot], tensor: Tensor) -> _Spot | None:
        return leave(tensor) if past.of(tensor) else None  # other tensors cannot be examined

    watched = Watched(fn, given, enter, leave, computed)
    trail = _Trail(record(watched), past, generator)
    if not trail.leak:
        return Origin(problem="the leak did not occur when fn ran again")
    calls = watched.root.calls
    whole = calls[0] if [call.name for call in calls] == [""] else watched.root
    return trail.enters_in(whole).within(whole)


class _Trail:
    """The leak across one cut in a recorded pass; ``leak`` is its greatest gradient after the cut."""

    def __init__(self, pullback: Pullback, past: Past, generator: torch.Generator) -> None:
        x, y = pullback.x, pullback.y
        self._pullback, self._generator = pullback, generator
        kept = along(past.row.kept[None], y[None], past.axes.find(past.axis, y))[0]
        self._allowed = along(past.row.allowed[None], x[None], past.axes.find(past.axis, x))[0]
        self._cotangent = pullback.draw(1, generator)[0].masked_fill(~kept, 0.0)
        self.leak = self._forbidden(pullback.pull(self._cotangent[None])[0])

    def enters_in(self, call: Call[_Spot]) -> Origin:
        """Return the innermost call where the leak enters, given that it enters in ``call`` or inside it."""
        guilty, unread = self._first(call)
        if guilty:
            return self.enters_in(guilty)
        return Origin(
            module=call.name,
            kind=call.kind,
            call=call.number,
            own_code=bool(call.calls),
            line=self._first_line(call),
            unread=tuple(str(each) for each in unread),
        )

    def _first(self, call: Call[_Spot]) -> tuple[Call[_Spot] | None, list[Call[_Spot]]]:
        """Return the first call inside ``call`` where the leak enters, and the unexamined calls before it.

        If a call cannot be examined, the calls that it makes are examined.
        """
        unread: list[Call[_Spot]] = []
        arriving = self._arriving(spot for made in call.calls for spot in made.outputs)
        for made in call.calls:
            answer = self._carries_across(made, arriving)
            if answer:
                return made, unread
            if answer is None:
                guilty, inside = self._first(made)
                if guilty:
                    return guilty, unread + inside
                unread.append(made)
        return None, unread

    def _carries_across(self, call: Call[_Spot], arriving: _Gradients) -> bool | None:
        """Whether the leak goes from the future of its inputs to the past of its outputs; None if unknown."""
        outputs = [spot for spot in call.outputs if spot in arriving]
        if not outputs or not call.inputs:
            return False
        cotangents = {spot: spot.before(arriving[spot]) for spot in outputs if spot.past is not None}
        gradients = self._pull(cotangents, [spot for spot in call.inputs if spot.past is not None])
        if self._leaks({spot: spot.behind(gradient) for spot, gradient in gradients.items()}):
            return True
        return False if all(spot.past is not None for spot in (*outputs, *call.inputs)) else None

    def _first_line(self, call: Call[_Spot]) -> Line | None:
        """Return the line in the code of ``call`` that computes the first tensor with a leak in its past."""
        lines = dict(call.computed)
        arriving = self._arriving(lines)
        weights = torch.randn(len(arriving), generator=self._generator, device="cpu").tolist()
        parts = {
            spot: weight * spot.before(gradient)
            for (spot, gradient), weight in zip(arriving.items(), weights, strict=True)
        }

        def leaks_up_to(count: int) -> bool:
            return self._leaks(dict(islice(parts.items(), count)))

        first = bisect_left(range(len(parts)), True, key=lambda place: leaks_up_to(place + 1))
        return lines[list(parts)[first]] if first < len(parts) else None

    def _arriving(self, spots: Iterable[_Spot]) -> _Gradients:
        """Return the gradients of the outputs before the cut, at the spots that these outputs read."""
        return self._gradients([self._pullback.y], [self._cotangent], list(spots))

    def _pull(self, cotangents: _Gradients, spots: Sequence[_Spot]) -> _Gradients:
        """Return the gradients of the nonzero cotangents at the spots."""
        alive = {spot: cotangent for spot, cotangent in cotangents.items() if cotangent.any()}
        return self._gradients([spot.edge for spot in alive], list(alive.values()), spots)

    def _leaks(self, cotangents: _Gradients) -> bool:
        """Whether cotangents at spots leave enough gradient after the cut in ``x``."""
        x = _Spot(get_gradient_edge(self._pullback.x), None)
        return any(
            self._forbidden(gradient) > SHARE * self.leak for gradient in self._pull(cotangents, [x]).values()
        )

    def _gradients(
        self, outputs: Sequence[Any], cotangents: Sequence[Tensor], spots: Sequence[_Spot]
    ) -> _Gradients:
        if not outputs or not spots:
            return {}
        self._pullback.vjps += 1
        gradients = torch.autograd.grad(
            outputs, [spot.edge for spot in spots], cotangents, retain_graph=True, allow_unused=True
        )
        return {spot: found for spot, found in zip(spots, gradients, strict=True) if found is not None}

    def _forbidden(self, gradient: Tensor) -> float:
        return gradient.abs().masked_fill(self._allowed, 0.0).max().item()
