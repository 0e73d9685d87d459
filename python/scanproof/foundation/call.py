"""The call of a check, as source text that repeats it."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from scanproof.foundation.contract import callable_name
from scanproof.foundation.judgement import dtype_name

_SIMPLE = (bool, int, float, str, tuple, type(None), torch.dtype)


class Source(str):
    """Source text that makes an argument."""


class Call:
    """What a check was called with, so that reports can say how to repeat the check.

    Args:
        check: the check.
        arguments: every argument of the check, by name: ``locals()`` where the check begins.
    """

    def __init__(self, check: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        self._check = check
        self._parameters = signature(check).parameters
        self.arguments = {name: arguments[name] for name in self._parameters}

    def text(self, **changes: Any) -> str:
        """Return the call as source text, without options at their defaults.

        A tensor stands there by the name of its argument, and a comment says its dtype, shape and device.

        Args:
            changes: arguments that differ from the call; one that is :class:`Source` stands there as it is.
        """
        given = {**self.arguments, **changes}
        shown = {name: value for name, value in given.items() if self._is_shown(name, value)}
        texts = {name: _source(name, value) for name, value in shown.items()}
        arguments = ", ".join(
            text if self._parameters[name].kind is Parameter.POSITIONAL_OR_KEYWORD else f"{name}={text}"
            for name, text in texts.items()
        )
        named = ", ".join(
            f"{name}: {_shown(self.arguments[name] if isinstance(value, Source) else value)}"
            for name, value in shown.items()
            if name == "fn" or texts[name] == name or isinstance(value, Source)
        )
        return f"{self._check.__name__}({arguments})  # {named}"

    def _is_shown(self, name: str, value: Any) -> bool:
        default = self._parameters[name].default
        if default is Parameter.empty or name == "seed":
            return True
        return not (value is default or (not isinstance(value, Tensor) and value == default))


def _source(name: str, value: Any) -> str:
    """Return a value as source text; the name of its argument where there is none."""
    if name == "fn" or isinstance(value, Source):
        return str(value) if isinstance(value, Source) else name
    if callable(value):
        return callable_name(value)
    return repr(value) if all(map(_is_written_out, tree_leaves(value))) else name


def _is_written_out(leaf: Any) -> bool:
    """Whether ``repr`` makes the value again: no tensor, no function, no dataclass that holds arrays."""
    if is_dataclass(leaf):
        return all(isinstance(getattr(leaf, part.name), _SIMPLE) for part in fields(leaf))
    return not isinstance(leaf, Tensor) and not callable(leaf)


def _shown(value: Any) -> str:
    """Return a value in short: a tensor by dtype, shape and device."""
    if isinstance(value, Tensor):
        return f"{dtype_name(value.dtype)} {tuple(value.shape)} on {value.device}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_shown, value)) + ")"
    return callable_name(value) if callable(value) else repr(value)
