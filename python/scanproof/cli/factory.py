"""Find and call what the user names as ``package.module:factory``; explain every mistake in a sentence."""

import inspect
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from scanproof.errors import InvalidArgument


def make(
    command: str, target: str, seed: int, known: Collection[str], pair: tuple[str, str] = ("fn", "spec")
) -> dict[str, Any]:
    """Call a factory and return what it made, as arguments: ``fn``, and ``spec`` and others that it gave.

    Args:
        command: name of the command, for messages.
        target: ``package.module:factory``; modules in the working folder are found too.
        seed: seed of PyTorch's global generator while the factory runs; the generator is left as it was.
        known: what a mapping may hold.
        pair: the names of the first and of the second thing that a tuple holds.

    Raises:
        InvalidArgument: there is no such factory, it failed, or it returned something else.
    """
    import torch

    from scanproof.named import said

    first, second = pair
    wanted = f"{first}, a function or module; or ({first}, {second}); or a mapping with {first!r}"
    factory = _find(command, target, wanted)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            made = factory()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise InvalidArgument(f"{command}: {target} raised {said(error)}.") from error
    if isinstance(made, Mapping) and callable(made.get(first)):
        unknown = [key for key in made if key not in known]
        if unknown:
            raise InvalidArgument(
                f"{command}: {target} returned a mapping with {unknown[0]!r}; {command} takes "
                f"{', '.join(sorted(known))}."
            )
        return dict(made)
    if isinstance(made, tuple) and len(made) == 2 and callable(made[0]):
        return {first: made[0], second: made[1]}
    if callable(made):
        return {first: made}
    raise InvalidArgument(f"{command}: {target} returned {_shown(made)}; return {wanted}.")


def _find(command: str, target: str, wanted: str) -> Callable[[], Any]:
    import torch

    from scanproof.named import object_named

    factory = object_named(command, target)
    if not callable(factory) or isinstance(factory, torch.nn.Module):
        raise InvalidArgument(
            f"{command}: {target} is {_shown(factory)}; name a function without arguments that returns one."
        )
    if inspect.iscoroutinefunction(factory):
        raise InvalidArgument(f"{command}: {target} is async; name a function that returns without await.")
    try:
        parameters = inspect.signature(factory).parameters
    except ValueError:
        parameters = MappingProxyType({})  # written in C: what it takes shows in the call
    needed = [
        parameter.name
        for parameter in parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise InvalidArgument(
            f"{command}: {target} takes {', '.join(needed)}; name a function without arguments that returns "
            f"{wanted}."
        )
    return factory  # type: ignore[no-any-return]


def _shown(value: Any) -> str:
    if value is None:
        return "None"
    kind = type(value).__name__
    article = "an" if kind[0].lower() in "aeiou" else "a"
    return f"{article} {kind}"
