"""What is named on a command line: objects of the user's modules, and dtypes."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from scanproof.errors import InvalidArgument

_DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def object_named(command: str, name: str) -> Any:
    """Import what ``"package.module:name"`` names, from the working folder too.

    Raises:
        InvalidArgument: there is no such object.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise InvalidArgument(f"{command}: name it as package.module:name, got {name!r}.")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ModuleNotFoundError, AttributeError) as error:
        raise InvalidArgument(f"{command}: there is no {name}: {error}.") from error
    return found


def dtype_named(command: str, name: str) -> torch.dtype:
    """Return a floating dtype by its name.

    Raises:
        InvalidArgument: it is none of float32, float64, bfloat16 and float16.
    """
    if name not in _DTYPES:
        raise InvalidArgument(f"{command}: --dtype must be one of {', '.join(_DTYPES)}, got {name!r}.")
    return _DTYPES[name]
