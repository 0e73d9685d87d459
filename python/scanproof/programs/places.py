"""The module and the line of the user's code that ran an operation."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from linecache import getline
from pathlib import Path
from threading import get_ident
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from scanproof import foundation

_FOREIGN = (
    *(str(Path(each).parent) for each in (torch.__file__, __file__, foundation.__file__)),
    *(str(Path(foundation.__file__).parents[1] / each) for each in ("same", Path("adapters", "foreign"))),
)
SOURCE = 80
"""Number of characters of a line of source code that are shown."""

REACH = 4
"""Greatest number of functions, containers and objects between a function and a module that it holds."""


class Place:
    """The place of an operation: the module, and the first line of code outside of torch.

    Attributes:
        module: dotted path and class of the module; empty outside of modules.
    """

    __slots__ = ("_code", "_instruction", "module")

    def __init__(self, module: str, code: CodeType | None, instruction: int) -> None:
        self.module, self._code, self._instruction = module, code, instruction

    @property
    def file(self) -> str:
        """Path of the source file; empty if no line is known."""
        return self._code.co_filename if self._code else ""

    @property
    def line(self) -> int:
        """Number of the line, counted from 1; 0 if no line is known."""
        if self._code is None:
            return 0
        for start, end, line in self._code.co_lines():
            if start <= self._instruction < end and line is not None:
                return line
        return self._code.co_firstlineno

    @property
    def source(self) -> str:
        """The text of the line, shortened."""
        text = getline(self.file, self.line).strip()
        return text if len(text) <= SOURCE else f"{text[:SOURCE]} …"

    def __str__(self) -> str:
        line = f"{Path(self.file).name}:{self.line}" if self.file else ""
        line = f"{line}: {self.source}" if line and self.source else line
        return ", ".join(part for part in (self.module, line) if part) or "an unknown place"


NOWHERE = Place("", None, 0)


class Where:
    """Follows calls of modules within a context, and returns the current place of execution.

    Args:
        fn: the function; the paths start at modules that ``fn`` is, holds or closes over.
        outermost: the code that calls ``fn``; the lines above are no part of ``fn``.
    """

    def __init__(self, fn: Callable[..., Any], outermost: CodeType) -> None:
        self._outermost = outermost
        self._names = module_names(fn)
        self._stack = [""]
        self._thread = get_ident()
        self._foreign: dict[int, tuple[bool, CodeType]] = {}
        self._places: dict[tuple[str, int, int], Place] = {}

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow calls of modules by this thread within the context."""
        with ExitStack() as stack:
            for handle in (
                register_module_forward_pre_hook(self._enter),
                register_module_forward_hook(self._leave, always_call=True),
            ):
                stack.callback(handle.remove)
            yield

    def now(self, depth: int) -> Place:
        """Return the place of the first frame outside of torch, at least ``depth`` frames up."""
        foreign = self._foreign
        frame = sys._getframe(depth)
        while True:
            code = frame.f_code
            known = foreign.get(id(code))  # code hashes slowly
            if known is None:
                known = foreign[id(code)] = code.co_filename.startswith(_FOREIGN), code
            if not known[0]:
                key = self._stack[-1], id(code), frame.f_lasti
                place = self._places.get(key)
                if place is None:
                    place = self._places[key] = Place(key[0], code, key[2])
                return place
            if code is self._outermost or frame.f_back is None:
                return Place(self._stack[-1], None, 0)
            frame = frame.f_back

    def _enter(self, module: nn.Module, args: Any) -> None:
        if get_ident() != self._thread:
            return
        kind = type(module).__name__
        name = self._names.get(id(module))
        self._stack.append(f"{name} ({kind})" if name else kind)

    def _leave(self, module: nn.Module, args: Any, result: Any) -> None:
        if get_ident() == self._thread and len(self._stack) > 1:
            self._stack.pop()


def module_names(fn: Callable[..., Any]) -> dict[int, str]:
    """Return the dotted paths, by id, of the modules that ``fn`` is, holds or closes over."""
    names: dict[int, str] = {}
    for prefix, held in _held(fn, "", REACH):
        if isinstance(held, nn.Module):
            for path, module in held.named_modules(prefix=prefix):
                names.setdefault(id(module), path)
    return names


def held_tensors(fn: Callable[..., Any]) -> set[int]:
    """Return the ids of the tensors that ``fn`` holds or closes over before it runs."""
    tensors = set()
    for _, held in _held(fn, "", REACH):
        if isinstance(held, nn.Module):
            tensors |= {id(tensor) for tensor in (*held.parameters(), *held.buffers())}
        else:
            tensors.add(id(held))
    return tensors


def held_parameters(fn: Callable[..., Any]) -> dict[str, nn.Parameter]:
    """Return the parameters that ``fn`` holds or closes over, by name.

    The names are those of the module if ``fn`` leads to one outermost module; otherwise they begin with the
    name by which ``fn`` holds each module.
    """
    things: dict[int, tuple[str, nn.Module | Tensor]] = {}
    for name, held in _held(fn, "", REACH):
        things.setdefault(id(held), (name, held))
    modules = [held for _, held in things.values() if isinstance(held, nn.Module)]
    found: dict[str, nn.Parameter] = {}
    for name, held in things.values():
        if isinstance(held, nn.Module):
            prefix = f"{name}." if name and len(modules) > 1 else ""
            for path, parameter in held.named_parameters():
                found.setdefault(prefix + path, parameter)
        elif isinstance(held, nn.Parameter):
            found.setdefault(name, held)
    return found


def _held(thing: Any, name: str, reach: int) -> Iterator[tuple[str, nn.Module | Tensor]]:
    """Yield the tensors and the outermost modules that a callable leads to."""
    if isinstance(thing, nn.Module | Tensor):
        yield name, thing
    elif not reach or isinstance(thing, type):
        return
    elif isinstance(thing, partial):
        yield from _held(thing.func, name, reach)
    elif isinstance(thing, MethodType):
        yield from _held(thing.__self__, name, reach - 1)
    elif isinstance(thing, FunctionType):
        yield from _held(getattr(thing, "__wrapped__", None), name, reach)  # first: its names are the user's
        for free, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            with suppress(ValueError):  # an empty cell
                yield from _held(cell.cell_contents, free, reach - 1)
        for used in thing.__code__.co_names:
            yield from _held(thing.__globals__.get(used), used, reach - 1)
        for given in thing.__defaults__ or ():
            yield from _held(given, "", reach - 1)
    elif isinstance(thing, list | tuple):
        for number, each in enumerate(thing):
            yield from _held(each, f"{name}[{number}]", reach - 1)
    elif hasattr(thing, "__dict__") and not isinstance(thing, ModuleType):
        for attribute, held in list(vars(thing).items()):
            yield from _held(held, attribute, reach - 1)
