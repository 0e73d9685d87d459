"""Values as plain data that JSON can hold."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import Any

NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""Texts for the numbers that JSON does not have."""


def plain(value: Any) -> Any:
    """Return a value as None, a number, a text, or lists and dicts of them.

    An enumeration becomes its name. A dataclass becomes a dict of the fields in its ``repr``. An array or a
    tensor becomes a text with its dtype and shape. A number that is not finite becomes a text of
    ``NOT_FINITE``. Any other value becomes ``str(value)``.

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
