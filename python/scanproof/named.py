"""What is named on a command line: objects of the user's modules, and dtypes.

What the user's code raises becomes a sentence, also what is no ``Exception``: a module that calls
``sys.exit(0)`` must not end a check as if all had passed.
"""

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from scanproof.errors import InvalidArgument, MissingDependency, NothingEstablished
from scanproof.lean.errors import LeanUnavailable

_DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
_OURS = f"{Path(__file__).parent}{os.sep}"
_STANDARD = (f"{sysconfig.get_path('stdlib')}{os.sep}", "<frozen ")


def object_named(command: str, name: str) -> Any:
    """Import what ``"package.module:name"`` names, from the working folder too.

    Raises:
        InvalidArgument: there is no such object, or importing its module failed.
    """
    module, colon, attribute = name.partition(":")
    if not (colon and all(part.isidentifier() for part in [*module.split("."), *attribute.split(".")])):
        raise InvalidArgument(f"{command}: name it as package.module:name, got {name!r}.")
    found: Any = _import(command, module)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InvalidArgument(f"{command}: {module} has no {attribute}{near(part, vars(found))}")
        found = getattr(found, part)
    return found


def dtype_named(command: str, name: str, option: str = "--dtype") -> torch.dtype:
    """Return the floating dtype that an option of a command names.

    Raises:
        InvalidArgument: it is none of float32, float64, bfloat16 and float16.
    """
    if name not in _DTYPES:
        raise InvalidArgument(f"{command}: {option} must be one of {', '.join(_DTYPES)}, got {name!r}.")
    return _DTYPES[name]


def said(error: BaseException) -> str:
    """Return an exception in one line, with the last line of the user's code that it passed."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    text = ": ".join(part for part in (type(error).__name__, " ".join(str(error).split())) if part)
    frame = _culprit(error)
    return f"{text} ({frame.filename}, line {frame.lineno})" if frame else text


@contextmanager
def running(command: str, target: str) -> Iterator[None]:
    """Run a check of what the user named; what that raises becomes a sentence, a fault of the check does not.

    Raises:
        NothingEstablished: the code of the user raised, or what it calls.
    """
    try:
        yield
    except (InvalidArgument, LeanUnavailable, MissingDependency, NothingEstablished, KeyboardInterrupt):
        raise
    except BaseException as error:
        if _culprit(error) is None:
            raise
        notes = "".join(f", {note.partition(':')[0]}" for note in getattr(error, "__notes__", ()))
        raise NothingEstablished(
            f"{command}: nothing was established, for {target} raised {said(error)}{notes}."
        ) from error


def _culprit(error: BaseException) -> traceback.FrameSummary | None:
    """Return the last line of the user's that an exception passed, else that of a package where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if not _is_ours(frame) and not _is_installed(frame)]
    arose = [frame for frame in frames[-1:] if "site-packages" in frame.filename and not _is_ours(frame)]
    return users[-1] if users else arose[0] if arose else None


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith(_OURS)


def _is_installed(frame: traceback.FrameSummary) -> bool:
    return "site-packages" in frame.filename or frame.filename.startswith(_STANDARD)


def _import(command: str, name: str) -> ModuleType:
    """Import a module, from the working folder too, as ``python -m`` does."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            meant = near(name, _modules_beside(name))
            raise InvalidArgument(
                f"{command}: there is no module {error.name}{meant} Looked for in {here} and among what is "
                "installed."
            ) from error
        raise InvalidArgument(f"{command}: importing {name} raised {said(error)}.") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise InvalidArgument(f"{command}: importing {name} raised {said(error)}.") from error


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


def near(name: str, names: Iterable[str]) -> str:
    """Return the end of a sentence that there is no such name: with the one that comes near, if any."""
    close = get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]}?" if close else "."
