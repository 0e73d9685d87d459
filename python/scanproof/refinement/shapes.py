"""Named dimensions of a set of arrays, checked against each other."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scanproof.errors import InvalidArgument

Axis = TypeVar("Axis", str, str | None)


def as_array(owner: str, name: str, given: Any) -> NDArray[Any]:
    """Return a read-only copy: dtype object for exact numbers, float64 for all others.

    Raises:
        InvalidArgument: ``given`` is no array of real numbers.
    """
    try:
        array = np.array(given)
        array = array if array.dtype == object else array.astype(np.float64, casting="safe")
    except (TypeError, ValueError, RuntimeError) as reason:
        raise InvalidArgument(
            f"{owner}: {name} is not an array of real numbers ({reason}); give a NumPy array, nested lists,"
            " or tensor.detach().double().cpu().numpy()."
        ) from None
    array.flags.writeable = False
    return array


def as_parameter(owner: str, name: str, given: Any) -> NDArray[Any]:
    """Return :func:`as_array` of a parameter.

    Raises:
        InvalidArgument: ``given`` is no array of real numbers, or it holds a NaN or an infinity.
    """
    array = as_array(owner, name, given)
    if array.dtype == np.float64 and not np.isfinite(array).all():
        index = np.argwhere(~np.isfinite(array))[0]
        raise InvalidArgument(
            f"{owner}: {name} holds {array[tuple(index)]} at {index.tolist()}; give finite parameters."
        )
    return array


def axes_of(array: Any, axes: tuple[Axis, ...], omissible: Collection[str]) -> tuple[Axis, ...]:
    """Return the names of the axes of an array, which may leave out all omissible axes."""
    if len(array.shape) == len(axes):
        return axes
    return tuple(axis for axis in axes if axis not in omissible)


def bind_axes(owner: str, arrays: Mapping[str, Any], axes: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Return the size of every named axis; all arrays must agree on each size.

    Raises:
        InvalidArgument: an array has another number of axes, or a size that an earlier array contradicts.
    """
    sizes: dict[str, int] = {}
    for name, expected in axes.items():
        shape = tuple(arrays[name].shape)
        wanted = tuple(sizes.get(axis, axis) for axis in expected)
        if len(shape) != len(expected) or any(
            sizes.setdefault(axis, size) != size for axis, size in zip(expected, shape, strict=True)
        ):
            raise InvalidArgument(
                f"{owner}: {name} has shape {shape}; expected [{', '.join(expected)}]"
                f" = [{', '.join(map(str, wanted))}]."
            )
    return sizes
