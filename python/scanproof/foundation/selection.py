"""Which of several outputs of a function is checked: by index, by name, or by a callable."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from scanproof.errors import InvalidArgument

Selector = int | str | Callable[[Any], Any]
"""An index, a key, the name of an attribute, or a function from all outputs to one tensor."""


def check_selector(check: str, output: object) -> None:
    """Reject an ``output`` that cannot select anything.

    Raises:
        InvalidArgument: ``output`` is not an index, a name or a callable.
    """
    if isinstance(output, bool) or not (isinstance(output, int | str) or output is None or callable(output)):
        raise InvalidArgument(
            f"{check}: output must be an index, a name, or a callable that picks one tensor, got {output!r}."
        )


def select(check: str, y: Any, output: Selector | None) -> Any:
    """Return what ``output`` selects from ``y``; ``y`` itself for None.

    Raises:
        InvalidArgument: ``y`` has no such index, key or attribute.
    """
    if output is None:
        return y
    if callable(output):
        return output(y)
    try:
        if isinstance(output, str) and not isinstance(y, Mapping):
            return getattr(y, output)
        return y[output]
    except (LookupError, AttributeError, TypeError):
        raise InvalidArgument(
            f"{check}: output={output!r} is not in what fn(x) returns: {describe(y)}."
        ) from None


def describe(y: Any) -> str:
    """Say what type ``y`` has, and what ``output`` could select from it."""
    kind = type(y).__name__
    if isinstance(y, Mapping):
        return f"{kind} with keys {_listed(y)}"
    if names := getattr(y, "_fields", None) or (is_dataclass(y) and [field.name for field in fields(y)]):
        return f"{kind} with fields {_listed(names)}"
    if isinstance(y, Sequence) and not isinstance(y, str):
        return f"{kind} of {len(y)}"
    return kind


def how_to_select(y: Any) -> str:
    """Say how a call selects one tensor of ``y``."""
    if isinstance(y, Mapping) and y:
        example = repr(next(iter(y)))
    elif names := getattr(y, "_fields", None) or (is_dataclass(y) and [field.name for field in fields(y)]):
        example = repr(names[0])
    elif isinstance(y, Sequence) and not isinstance(y, str) and y:
        example = "0"
    else:
        return "return a tensor"
    return f"select one with output=, for example output={example}, or with a callable"


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names)) or "none"
