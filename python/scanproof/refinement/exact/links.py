"""Which parameter of a module is which parameter of a spec, so that both can be drawn."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def linked(fields: Mapping[str, NDArray[np.float64]], parameters: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the field of the spec for the names of parameters.

    A parameter and a field belong together if they hold the same numbers in the same order. If several do,
    such as biases of zeros, their names must agree, apart from punctuation and case.

    Args:
        fields: the parameters of the spec by name.
        parameters: the parameters that the implementation reads, by name.
    """
    found = {}
    held = {name: _key(tensor.detach().cpu().double().numpy()) for name, tensor in parameters.items()}
    wanted = {name: _key(array) for name, array in fields.items()}
    for name, key in held.items():
        same = [field for field, other in wanted.items() if other == key]
        rivals = [other for other, theirs in held.items() if theirs == key]
        if len(same) > 1 or len(rivals) > 1:
            same = [field for field in same if _matches(field, name, rivals)]
        if len(same) == 1:
            found[name] = same[0]
    once = {field for field in found.values() if [*found.values()].count(field) == 1}
    return {name: field for name, field in found.items() if field in once}


def _key(array: NDArray[np.float64]) -> bytes:
    return np.ascontiguousarray(array, dtype=np.float64).tobytes()


def _matches(field: str, name: str, rivals: Collection[str]) -> bool:
    agree = [other for other in rivals if _letters(other).endswith(_letters(field))]
    return agree == [name]


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
