"""Values as plain data that JSON can hold."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import Any

NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""How JSON, which has no such numbers, is given what is not finite."""


def plain(value: Any) -> Any:
    """Return a value as None, a number, a text, or lists and dicts of them.

    Enumerations become their names, dataclasses dicts of the fields that they print, arrays and tensors a
    text that says their dtype and shape, numbers that are not finite a text of ``NOT_FINITE``. What is none
    of these becomes the text that it prints as.

    >>> plain({"t": (0, 1), "size": float("nan")})
    {'t': [0, 1], 'size': 'NaN'}
    """
    if isinstance(value, float) and not isfinite(value):
        return NOT_FINITE[str(float(value))]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value) if field.repr}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(each) for each in value]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return str(value)
