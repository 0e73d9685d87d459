"""A vector-Jacobian product that takes arguments, and returns gradients, by the names of parameters."""

from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, Signature, signature
from typing import Any

from torch.utils._pytree import tree_leaves, tree_map, tree_structure

from scanproof.adapters.foreign.arrays import is_array
from scanproof.adapters.foreign.body import Missing, Pull
from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import callable_name

Vjp = Callable[[dict[str, Any], Any], Any]
"""From the arguments by name and the cotangents of the results to the gradients by name."""


def by_name(fn: Callable[..., Any], vjp: Vjp) -> Pull:
    """Return a vector-Jacobian product that takes and returns arguments as a call of ``fn`` passes them.

    Raises:
        InvalidArgument: the parameters of ``fn`` have no names. In a call: a gradient has no argument, or
            another form.
    """
    name = callable_name(fn)
    try:
        parameters = signature(fn)
    except (TypeError, ValueError):
        raise InvalidArgument(
            f"foreign: the parameters of {name} have no names that Python can read; pass a function that is "
            "written with def and calls it."
        ) from None

    def pull(
        args: tuple[Any, ...], kwargs: dict[str, Any], cotangents: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        inputs = _named(parameters, args, kwargs)
        gradients = _gradients(name, vjp(inputs, cotangents), inputs)
        by_place, by_key = [None] * len(args), dict.fromkeys(kwargs)
        for argument, place in _places(parameters, len(args), tuple(kwargs)):
            gradient = gradients[argument]
            if isinstance(place, tuple):
                for number, each in zip(place, gradient, strict=True):
                    by_place[number] = each
            elif isinstance(place, int):
                by_place[place] = gradient
            else:
                by_key[place] = gradient
        return tuple(by_place), by_key

    return pull


def _places(
    parameters: Signature, positional: int, named: tuple[str, ...]
) -> Iterator[tuple[str, int | str | tuple[int, ...]]]:
    """Yield the name of each argument, and its index, key, or several indices in a call."""
    bound = parameters.bind(*range(positional), **{key: key for key in named})
    for name, place in bound.arguments.items():
        if parameters.parameters[name].kind is Parameter.VAR_KEYWORD:
            yield from ((key, key) for key in place)
        else:
            yield name, place


def _named(parameters: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by name, with defaults."""
    bound = parameters.bind(*args, **kwargs)
    bound.apply_defaults()
    inputs: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        more = parameters.parameters[name].kind is Parameter.VAR_KEYWORD
        inputs |= value if more else {name: value}
    return inputs


def _gradients(fn: str, returned: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a gradient for each argument, in its form; ``Missing`` stands for those that are left out."""
    if not isinstance(returned, Mapping):
        arrays = [name for name, value in inputs.items() if any(map(is_array, tree_leaves(value)))]
        if len(arrays) != 1:
            raise InvalidArgument(
                f"foreign: the vjp of {fn} returned a {type(returned).__name__}; return a dict of gradients "
                f"by the names {', '.join(arrays)}."
            )
        returned = {arrays[0]: returned}
    if unknown := [name for name in returned if name not in inputs]:
        raise InvalidArgument(
            f"foreign: the vjp of {fn} returned a gradient of {unknown[0]}, which is no argument of {fn}; "
            f"its arguments are {', '.join(inputs)}."
        )
    return {name: _like(fn, name, value, returned) for name, value in inputs.items()}


def _like(fn: str, name: str, value: Any, returned: Mapping[str, Any]) -> Any:
    gradient = returned.get(name, Missing(name))
    if gradient is None or isinstance(gradient, Missing):
        return tree_map(lambda _: gradient, value)
    if tree_structure(gradient) != tree_structure(value):
        raise InvalidArgument(
            f"foreign: the vjp of {fn} returned a gradient of {name} of another form than {name}; return an "
            "array for an array, and a tuple, list or dict of arrays for such an argument."
        )
    return gradient
