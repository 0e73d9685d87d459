"""Random parameters and inputs for the runners, from a seed."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scanproof.errors import InvalidArgument
from scanproof.refinement.runners import Spec

AnySpec = TypeVar("AnySpec", bound=Spec)


def random_spec(kind: type[AnySpec], dims: Mapping[str, int], *, seed: int, exact: bool = False) -> AnySpec:
    """Return a spec of a kind with random parameters.

    Args:
        kind: the class of the spec.
        dims: a size for each of its named dimensions, such as ``{"inputDim": 3, ...}``.
        seed: seed of NumPy's default generator.
        exact: draw small fractions, for exact arithmetic; otherwise, floats of 8 significant bits, which
            bfloat16 and wider dtypes hold exactly.

    Raises:
        InvalidArgument: ``dims`` does not name the dimensions of ``kind``.
    """
    wanted = {axis for axes in kind.axes.values() for axis in axes}
    if set(dims) != wanted:
        raise InvalidArgument(
            f"dims has {sorted(dims)}; {kind.__name__} has the dimensions {sorted(wanted)}."
        )
    rng = np.random.default_rng(seed)
    fields: dict[str, NDArray[Any]] = {}
    for name, axes in kind.axes.items():
        shape = tuple(dims[axis] for axis in axes)
        if exact:
            fields[name] = random_fractions(shape, rng)
        elif name == "a":
            fields[name] = _short(rng.uniform(0.3, 0.98, shape))
        elif name == "A":
            fields[name] = _short(-np.exp(rng.normal(0.0, 0.7, shape)))
        else:
            fan_in = shape[-1] if len(shape) == 2 else 1
            fields[name] = _short(rng.normal(size=shape) / np.sqrt(max(fan_in, 1)))
    return kind(**fields)


def random_fractions(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.object_]:
    """Return random fractions among -1, -1/2, 0, 1/2 and 1."""
    halves: Any = np.vectorize(lambda n: Fraction(int(n), 2), otypes=[object])
    return np.asarray(halves(rng.integers(-2, 3, shape)), dtype=object)


def _short(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to 8 significant bits."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(mantissa * 256) / 256, exponent)
