"""A call of a check that tries several inputs."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from scanproof.foundation.drawing import Draw, check_inputs, draws_from
from scanproof.foundation.failure import call_text
from scanproof.foundation.first_calls import settle_first_calls
from scanproof.foundation.packing import Inputs
from scanproof.foundation.seeds import seed_of
from scanproof.foundation.subject import Subject


class Request:
    """What a check was called with, so that the call can be repeated, at other inputs as well.

    Args:
        check: the check.
        fn: the caller's function.
        x: the caller's input.
        options: the other arguments, by name, without ``generator``.
        inputs: how many inputs to try in all.
        generator: as the caller gave it; advanced.

    Attributes:
        inputs: how many inputs to try in all.
        seed: what repeats the random numbers of this call.

    Raises:
        InvalidArgument: ``inputs`` or ``generator`` is wrong.
    """

    def __init__(
        self,
        check: Callable[..., Any],
        fn: Callable[..., Any],
        x: Inputs,
        options: Mapping[str, Any],
        inputs: int,
        generator: torch.Generator | None,
    ) -> None:
        check_inputs(check.__name__, inputs)
        settle_first_calls()
        self._check, self._fn, self._x, self._options = check, fn, x, options
        self.inputs, self.seed = inputs, seed_of(check.__name__, generator)

    def draws(self, subject: Subject, vocab_size: int | None = None) -> tuple[Draw[Subject], ...]:
        """Return ``subject`` at the drawn inputs."""
        return draws_from(subject, self.inputs, self.seed, vocab_size)

    def text(self, source: str = "x", **changes: Any) -> str:
        """Return the call that repeats this one, with some options changed, at the input from ``source``."""
        return call_text(self._check, self._fn, self._x, {**self._options, **changes}, self.seed, source)
