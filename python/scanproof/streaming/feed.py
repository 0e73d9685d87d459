"""Ways of feeding a sequence to a model, at one precision."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scanproof.foundation.precision import AtPrecision
from scanproof.streaming.model import State, StreamingModel, Unsupported, clone, offered, tensors

DRAFT = 4
"""Number of tokens in a speculative draft."""

DRAWS = 5
"""Number of other inputs to draw."""


@dataclass(frozen=True)
class Pair:
    """Two tensors that should be equal.

    Attributes:
        case: how ``got`` was computed, in words.
        got: what the model returned when it was fed that way.
        expected: what ``got`` should equal.
        start: position in the sequence of the first entry on axis 1; None if axis 1 is not a sequence.
        row: example of the batch that the first entry on axis 0 belongs to.
    """

    case: str
    got: Tensor
    expected: Tensor
    start: int | None = 0
    row: int = 0


class Feed:
    """A model with one input, at one precision.

    Args:
        model: the model.
        x: the input, (batch, T, …), at its own precision.
        seed: seed of the tokens that are drawn.
        mode: the precision to run in; None for that of ``x``.
    """

    def __init__(self, model: StreamingModel, x: Tensor, seed: int, mode: AtPrecision | None = None) -> None:
        self.model, self.mode = model, mode
        self.x = mode.input(x) if mode else x
        self.batch, self.T = x.shape[:2]
        drawn = [_drawn(x, seed + number) for number in range(DRAWS)]
        self._noise = [mode.input(tensor) if mode else tensor for tensor in drawn]

    def at(self, x: Tensor) -> "Feed":
        """Return a feed of another input, with the same drawn tokens."""
        other = copy(self)
        other.__dict__.pop("whole", None)
        other.x = x
        return other

    @cached_property
    def whole(self) -> Tensor:
        """The outputs of one pass."""
        return self.forward(self.x)

    @property
    def middle(self) -> int:
        """The position in the middle of the sequence."""
        return self.T // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of one pass over any input."""
        return self.model(x.clone())

    def noise(self, number: int) -> Tensor:
        """Return other tokens like ``x``; ``number`` is below ``DRAWS``."""
        return self._noise[number]

    def prefill(self, x: Tensor) -> tuple[Tensor, State]:
        """Feed several tokens at once from the empty state.

        Raises:
            Unsupported: the model takes single tokens only.
        """
        if callable(getattr(self.model, "prefill", None)):
            return offered(self.model, "prefill")(x.clone())  # type: ignore[no-any-return]
        return self.extend(x, self.model.initial_state(x))

    def extend(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Feed several tokens at once from any state.

        Raises:
            Unsupported: the model takes single tokens only.
        """
        return offered(self.model, "extend")(x.clone(), state)  # type: ignore[no-any-return]

    def steps(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Feed tokens one by one."""
        outputs = []
        for t in range(x.shape[1]):
            y, state = self.model.step(x[:, t : t + 1].clone(), state)
            outputs.append(y.clone())  # a model may write its next output over this one
        return torch.cat(outputs, 1), state

    def from_empty(self, x: Tensor) -> tuple[Tensor, State]:
        """Feed tokens one by one from the empty state."""
        return self.steps(x, self.model.initial_state(x))

    def reach(self, length: int) -> State:
        """Return the state after the first tokens, by prefill if the model has it."""
        x = self.x[:, :length]
        try:
            return self.prefill(x)[1]
        except Unsupported:
            return self.from_empty(x)[1]

    def pieces(self, lengths: Sequence[int]) -> tuple[Tensor, State]:
        """Feed pieces of these lengths, the first from the empty state."""
        first, *rest = self.x.split(list(lengths), dim=1)
        y, state = self.prefill(first)
        outputs = [y]
        for piece in rest:
            y, state = self.extend(piece, state)
            outputs.append(y)
        return torch.cat(outputs, 1), state

    def clone(self, state: State) -> State:
        """Return a copy of a state."""
        return clone(self.model, state)

    def tensors(self, state: State) -> list[Tensor]:
        """Return the tensors of a state."""
        return tensors(self.model, state)


def _drawn(x: Tensor, seed: int) -> Tensor:
    """Return other tokens like ``x``: normal numbers of the same deviation, or the ids in another order."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    if not x.is_floating_point():
        order = torch.randperm(x.numel(), generator=generator, device="cpu")
        return x.flatten()[order.to(x.device)].reshape(x.shape)
    normal = torch.randn(x.shape, generator=generator, dtype=torch.float64, device="cpu")
    return (normal * float(x.double().std())).to(x)
