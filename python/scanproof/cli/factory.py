"""What the user names as ``package.module:factory``: found, called, and every mistake said in a sentence."""

import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from scanproof.errors import InvalidArgument

WANTED = "what to check, a function or a module; or (that, its spec); or a mapping of arguments with 'fn'"


def make(target: str, seed: int) -> dict[str, Any]:
    """Call a factory and return what it made, as arguments: ``fn``, and ``spec`` and others that it gave.

    Args:
        target: ``package.module:factory``; modules in the working folder are found too.
        seed: seed of PyTorch's global generator while the factory runs; the generator is left as it was.

    Raises:
        InvalidArgument: there is no such factory, it failed, or it returned something else.
    """
    import torch

    factory = _find(target)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            made = factory()
        except Exception as error:
            raise InvalidArgument(f"{target} raised {said(error)}.") from error
    if isinstance(made, Mapping) and callable(made.get("fn")):
        return dict(made)
    if isinstance(made, tuple) and len(made) == 2 and callable(made[0]):
        return {"fn": made[0], "spec": made[1]}
    if callable(made):
        return {"fn": made}
    raise InvalidArgument(f"{target} returned {_shown(made)}; return {WANTED}.")


def said(error: BaseException) -> str:
    """Return an exception in one line, with the last line that it passed outside of installed packages."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    text = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    frame = [frame for frame in frames if "site-packages" not in frame.filename][-1]
    return f"{type(error).__name__}: {text} ({frame.filename}, line {frame.lineno})"


def _find(target: str) -> Callable[[], Any]:
    module_name, colon, name = target.partition(":")
    if not (colon and all(part.isidentifier() for part in [*module_name.split("."), *name.split(".")])):
        raise InvalidArgument(f"{target!r} names no factory; say it as package.module:factory.")
    import torch

    factory: Any = _import(module_name)
    for part in name.split("."):
        if not hasattr(factory, part):
            near = _near(part, vars(factory))
            raise InvalidArgument(f"{module_name} has no {name}{near}")
        factory = getattr(factory, part)
    if not callable(factory) or isinstance(factory, torch.nn.Module):
        raise InvalidArgument(
            f"{target} is {_shown(factory)}; name a function without arguments. It returns {WANTED}."
        )
    needed = [
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise InvalidArgument(
            f"{target} takes {', '.join(needed)}; name a function without any. Its result is {WANTED}."
        )
    return factory  # type: ignore[no-any-return]


def _import(name: str) -> ModuleType:
    """Import a module, from the working folder too, as ``python -m`` does."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise InvalidArgument(
                f"There is no module {error.name}{_near(name, _modules_beside(name))} It was looked for in "
                f"{here} and among what is installed."
            ) from error
        raise InvalidArgument(f"Importing {name} raised {said(error)}.") from error
    except Exception as error:
        raise InvalidArgument(f"Importing {name} raised {said(error)}.") from error


def _modules_beside(name: str) -> list[str]:
    parent = name.rpartition(".")[0]
    try:
        spec = find_spec(parent) if parent else None
    except ImportError:
        spec = None
    folders = list(spec.submodule_search_locations or ()) if spec else [str(Path.cwd())]
    prefix = f"{parent}." if spec else ""
    stems = (entry.stem for folder in folders for entry in Path(folder).iterdir())
    return [prefix + stem for stem in stems if stem.isidentifier()]


def _near(name: str, names: Any) -> str:
    near = get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else "."


def _shown(value: Any) -> str:
    if value is None:
        return "None"
    kind = type(value).__name__
    article = "an" if kind[0].lower() in "aeiou" else "a"
    return f"{article} {kind}"
