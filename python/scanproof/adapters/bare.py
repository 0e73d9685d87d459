"""Import of single modules of a package that cannot be imported without a GPU."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import update_wrapper
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any
from unittest.mock import patch

from scanproof.errors import MissingDependency


def bare_module(name: str, *, folder: Path | None = None, inert: tuple[str, ...] = ()) -> ModuleType:
    """Import a module without running the ``__init__`` of the packages that contain it.

    Args:
        name: ``"package.sub.module"``.
        folder: folder of the package and of its other imports; default: the path of Python.
        inert: names of modules, such as ``"triton"``, to replace by a stand-in, during the import and in the
            module afterwards. Every attribute, item and call of a stand-in returns the stand-in. A function
            or class that a stand-in decorates is kept and can be called. A kernel that is launched raises
            ``MissingDependency``, because nothing would be computed. Leave ``inert`` out where kernels run.

    Returns:
        The module. Neither it nor the packages stay in ``sys.modules``.

    Raises:
        MissingDependency: the package or the module is missing.
    """
    parents = [name.rpartition(".")[0]]
    while "." in parents[-1]:
        parents.append(parents[-1].rpartition(".")[0])
    root = parents[-1]
    found = PathFinder.find_spec(root, None if folder is None else [str(folder)])
    if found is None or found.submodule_search_locations is None:
        raise MissingDependency(f"{root} is missing; {name} needs it.")
    base = Path(next(iter(found.submodule_search_locations)))
    packages = {parent: _package(parent, base.joinpath(*parent.split(".")[1:])) for parent in parents}
    path = sys.path if folder is None else [*sys.path, str(folder)]
    stand_ins = {stand_in: _Inert(stand_in) for stand_in in inert}
    with patch.object(sys, "path", path), _replaced(root, {**packages, **stand_ins}):
        try:
            return import_module(name)
        except ModuleNotFoundError as missing:
            raise MissingDependency(f"{name} cannot be imported: {missing}.") from missing


class _Inert(ModuleType):
    """A stand-in: every attribute, item and call returns the stand-in."""

    __path__: list[str] = []  # noqa: RUF012  # a package, as importlib asks
    __version__ = "3.0.0"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None, is_package=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> "_Inert | _Decorated | type":
        if len(args) == 1 and not kwargs and isinstance(args[0], type):
            return args[0]
        if len(args) == 1 and not kwargs and isinstance(args[0], FunctionType | _Decorated):
            return _Decorated(args[0], self)
        return self

    def __getitem__(self, key: Any) -> "_Inert":
        return self

    def __iter__(self) -> "Iterator[_Inert]":
        return iter((self,))


class _Decorated:
    """A function that something inert decorates."""

    def __init__(self, function: Callable[..., Any], by: _Inert) -> None:
        self._function, self._by = function, by
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __getitem__(self, grid: Any) -> Any:
        raise MissingDependency(
            f"{self.__name__} cannot be launched: {self._by.__name__} is replaced by something inert."
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._by, name)


def _package(name: str, folder: Path) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    return package


@contextmanager
def _replaced(root: str, modules: Mapping[str, ModuleType]) -> Iterator[None]:
    """Put modules into ``sys.modules``, and restore it afterwards."""

    def concerned(name: str) -> bool:
        return any(name == top or name.startswith(f"{top}.") for top in (root, *modules))

    before = {name: module for name, module in sys.modules.items() if concerned(name)}
    for name in before:
        del sys.modules[name]
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if concerned(name)]:
            del sys.modules[name]
        sys.modules.update(before)
