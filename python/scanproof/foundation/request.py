"""A call of a check that tries several inputs."""

from collections.abc import Callable, Mapping
from typing import Any

from scanproof.foundation.call import Call, Source
from scanproof.foundation.drawing import Draw, check_cases, draws_from
from scanproof.foundation.first_calls import settle_first_calls
from scanproof.foundation.seeds import check_seed
from scanproof.foundation.subject import Subject


class Request(Call):
    """What a check was called with, so that the call can be repeated, at drawn inputs as well.

    Args:
        check: the check; it takes ``x``, ``cases`` and ``seed``.
        arguments: every argument of the check, by name: ``locals()`` where the check begins.
        cases: number of inputs to try in all; None to take it from ``arguments``.

    Raises:
        InvalidArgument: ``cases`` or ``seed`` is wrong.
    """

    def __init__(
        self, check: Callable[..., Any], arguments: Mapping[str, Any], cases: int | None = None
    ) -> None:
        super().__init__(check, arguments)
        self.cases = self.arguments["cases"] if cases is None else cases
        check_cases(check.__name__, self.cases)
        self.seed = check_seed(check.__name__, self.arguments["seed"])
        settle_first_calls()

    def draws(self, subject: Subject, vocab_size: int | None = None) -> tuple[Draw[Subject], ...]:
        """Return ``subject`` at the drawn inputs."""
        return draws_from(subject, self.cases, self.seed, vocab_size)

    def at(self, source: str, **changes: Any) -> str:
        """Return the text of the call at only the input that ``source`` makes, with some options changed."""
        return self.text(x=Source(source), **changes, cases=1)
