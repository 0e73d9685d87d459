"""What the ``assert_*`` functions raise, and what it says."""

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor
from torch.utils._pytree import tree_leaves

from scanproof.foundation.contract import callable_name
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.packing import Inputs
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
    check: Callable[..., Any],
    fn: Callable[..., Any],
    x: Inputs,
    options: Mapping[str, Any],
    seed: int | None = None,
    source: str = "x",
) -> str:
    """Return the call ``check(fn, x, …)`` as source text, without options that have their default value.

    ``source`` is what makes the input of the call from ``x``.
    """
    defaults = signature(check).parameters
    chosen = {name: value for name, value in options.items() if value != defaults[name].default}
    arguments = ["fn", source, *(f"{name}={_source(name, value)}" for name, value in chosen.items())]
    if seed is not None:
        arguments.append(f"generator=torch.Generator().manual_seed({seed})")
    named = {"x": x, **{name: value for name, value in chosen.items() if _source(name, value) == name}}
    given = [f"fn: {callable_name(fn)}", *(f"{name}: {_shown(value)}" for name, value in named.items())]
    return f"{check.__name__}({', '.join(arguments)})  # {', '.join(given)}"


def _source(name: str, value: Any) -> str:
    """Return a value as source text; what has none, by the name of its argument."""
    if callable(value):
        return callable_name(value)
    return (
        name
        if any(isinstance(leaf, Tensor) or callable(leaf) for leaf in tree_leaves(value))
        else repr(value)
    )


def _shown(value: Any) -> str:
    """Return a value in short: a tensor by dtype, shape and device."""
    if isinstance(value, Tensor):
        return f"{dtype_name(value.dtype)} {tuple(value.shape)} on {value.device}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_shown, value)) + ")"
    return callable_name(value) if callable(value) else repr(value)
