"""What the ``assert_*`` functions raise, and what it says."""

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor

from scanproof.causality.evidence import dtype_name
from scanproof.causality.interface import SequenceMap, callable_name
from scanproof.report.verdict import Verdict


class Report(Protocol):
    """What every report of a causality check offers."""

    @property
    def verdict(self) -> Verdict:
        """The outcome."""

    @property
    def call(self) -> str:
        """The call that repeats the check."""

    def summary(self) -> str:
        """Return what was probed, what was found and what it rests on."""


ReportT = TypeVar("ReportT", bound=Report)


class CausalityError(AssertionError, Generic[ReportT]):
    """A causality check did not pass; ``report`` holds everything that it found."""

    def __init__(self, message: str, report: ReportT) -> None:
        super().__init__(message, report)  # both, so that the exception survives pickling
        self.report = report

    def __str__(self) -> str:
        return str(self.args[0])


def failure(check: str, report: ReportT, counts: Iterable[str], allowed: str) -> CausalityError[ReportT]:
    """Return the exception for a report that did not pass.

    Args:
        check: name of the function that raises it.
        report: what was found.
        counts: lines that say how many probes found how much.
        allowed: what would have passed.
    """
    lines = [
        f"{check}: {report.verdict.name}: {report.verdict.value}",
        *counts,
        f"Allowed: {allowed}, or rounding on the evidence of two precisions",
        f"Repeat : {report.call}",
        "",
        report.summary(),
    ]
    return CausalityError("\n".join(lines), report)


def call_text(
    check: Callable[..., Any], fn: SequenceMap, x: Tensor, options: dict[str, Any], seed: int | None = None
) -> str:
    """Return the call ``check(fn, x, …)`` as source text, without options that have their default value."""
    defaults = signature(check).parameters
    chosen = [f"{name}={value!r}" for name, value in options.items() if value != defaults[name].default]
    if seed is not None:
        chosen.append(f"generator=torch.Generator().manual_seed({seed})")
    given = f"fn: {callable_name(fn)}, x: {dtype_name(x.dtype)} {tuple(x.shape)} on {x.device}"
    return f"{check.__name__}({', '.join(['fn', 'x', *chosen])})  # {given}"
