"""Record the modules that a function calls, their tensors, and the tensors computed between the calls."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from itertools import count
from linecache import getline
from pathlib import Path
from types import CellType, FunctionType, MethodType
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from scanproof import causality, foundation
from scanproof.foundation.contract import callable_name

Kept = TypeVar("Kept")

_OWN_FOLDERS = (
    *(str(Path(each).parent) for each in (torch.__file__, causality.__file__, foundation.__file__)),
    str(Path(foundation.__file__).parents[1] / "adapters" / "foreign"),
)

_OPAQUE = ("torch.", "scanproof.adapters.foreign.")
"""Beginnings of the names of modules whose lines say nothing about the user's code."""

REACH = 4
"""Greatest number of functions, containers and objects between a function and a module that it refers to."""


SOURCE = 80
"""Number of characters of a source line that are shown."""


@dataclass(frozen=True)
class Line:
    """A line of source code.

    Attributes:
        file: name of the file.
        number: number of the line, from 1.
    """

    file: str
    number: int

    def __str__(self) -> str:
        inline = self.file.startswith("<")  # python -c, a prompt, a notebook
        place = f"line {self.number}" if inline else f"{Path(self.file).name}:{self.number}"
        source = "" if self.file == "<string>" else getline(self.file, self.number).strip()
        source = source if len(source) <= SOURCE else f"{source[:SOURCE]} …"
        return f"{place}: {source}" if source else place


@dataclass(eq=False)
class Call(Generic[Kept]):
    """One call of a module, or of the function that calls them.

    Attributes:
        name: dotted path of the module; empty for the checked module itself; None for a function, and for a
            module without a name.
        kind: class of the module, or name of the function.
        number: the number of the call, among calls of this module, from 1; 0 for a function.
        place: the number of calls, of any module, that began before this one.
        inputs: what was kept of the tensors among its arguments.
        outputs: what was kept of the tensors among its results.
        computed: what was kept of the tensors that its own code computed, in order, with their lines.
        calls: the calls that it made, in order.
        foreign: whether its code belongs to torch, or is a function of arrays.
    """

    name: str | None
    kind: str
    number: int = 0
    place: int = 0
    inputs: list[Kept] = field(default_factory=list)
    outputs: list[Kept] = field(default_factory=list)
    computed: list[tuple[Kept, Line]] = field(default_factory=list)
    calls: "list[Call[Kept]]" = field(default_factory=list)
    foreign: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})" if self.name else self.kind


class Watched(Generic[Kept]):
    """A function that records the calls of modules while it runs.

    Args:
        fn: the function.
        given: the caller's function, at which the names of modules begin.
        enter: for a tensor that a module receives, returns what to keep, or None, and the tensor to pass on.
        leave: for a tensor that a module returns, returns what to keep, or None.
        computed: for a tensor that the code of a call computed, returns what to keep, or None.

    Attributes:
        root: the latest call of ``fn``.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        given: Callable[..., Any],
        enter: Callable[[Tensor], tuple[Kept | None, Tensor]],
        leave: Callable[[Tensor], Kept | None],
        computed: Callable[[Call[Kept], Tensor], Kept | None],
    ) -> None:
        self._fn, self._given = fn, given
        self._enter, self._leave, self._computed = enter, leave, computed
        self.root: Call[Kept] = Call(None, callable_name(given))

    def __call__(self, *args: Any) -> Any:
        """Run ``fn``, and record the modules that it calls."""
        names, numbers = module_names(self._given), dict[int, int]()
        self.root = Call(None, self.root.kind, foreign=type(self._given).__module__.startswith(_OPAQUE))
        computed, place = _Computed(self.root, self._computed), count(1)
        plain_call = nn.Module.__call__

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            number = numbers[id(module)] = numbers.get(id(module), 0) + 1
            kind = type(module)
            made: Call[Kept] = Call(names.get(module), kind.__name__, number, next(place))
            made.foreign = kind.__module__.startswith(_OPAQUE)

            def given(tensor: Tensor) -> Tensor:
                kept, passed_on = self._enter(tensor)
                made.inputs += [] if kept is None else [kept]
                return passed_on

            caller = computed.made_by or self.root
            caller.calls.append(made)
            computed.made_by = None
            args, kwargs = _with_tensors(args, given), _with_tensors(kwargs, given)
            computed.made_by = made
            try:
                result = plain_call(module, *args, **kwargs)
                computed.made_by = None
                made.outputs += [kept for kept in map(self._leave, _tensors(result)) if kept is not None]
            finally:
                computed.made_by = caller
            return result

        nn.Module.__call__ = call  # type: ignore[method-assign]
        try:
            with computed, _eagerly():
                return self._fn(*args)
        finally:
            nn.Module.__call__ = plain_call  # type: ignore[method-assign]


class _Computed(TorchFunctionMode, Generic[Kept]):
    """A torch function mode that records computed tensors with the call that computes them, ``made_by``."""

    def __init__(self, root: Call[Kept], keep: Callable[[Call[Kept], Tensor], Kept | None]) -> None:
        super().__init__()
        self.made_by: Call[Kept] | None = root
        self._keep = keep

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.made_by and not self.made_by.foreign:
            for tensor in _tensors(args[0] if func is Tensor.__setitem__ else result):
                kept = self._keep(self.made_by, tensor)
                if kept is not None:
                    self.made_by.computed.append((kept, _line()))
        return result


def _eagerly() -> AbstractContextManager[Any]:
    """Return a context in which compiled modules run eagerly, so that their submodules are called."""
    if "torch._dynamo.eval_frame" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return nullcontext()
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def _line() -> Line:
    """Return the innermost running line outside torch and outside the checks of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN_FOLDERS):
        frame = frame.f_back
    return Line(frame.f_code.co_filename, frame.f_lineno)


def _with_tensors(value: Any, replaced: Callable[[Tensor], Tensor]) -> Any:
    """Return ``value`` with its tensors replaced, through tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return replaced(value)
    if type(value) is dict:
        return {key: _with_tensors(each, replaced) for key, each in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_with_tensors(each, replaced) for each in value)
    return value


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of tuples, lists, mappings and dataclasses."""
    if isinstance(value, Tensor):
        yield value
        return
    inner: Iterable[Any] = ()
    if isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, tuple | list):
        inner = value
    elif is_dataclass(value):
        inner = [getattr(value, each.name) for each in fields(value)]
    for each in inner:
        yield from _tensors(each)


def module_names(fn: Callable[..., Any]) -> dict[nn.Module, str]:
    """Return the dotted paths of modules: ``fn`` itself, the module of its method, or modules it refers to.

    A path begins at ``fn`` itself, or with the name by which ``fn`` refers to the outermost module.
    """
    names: dict[nn.Module, str] = {}
    for prefix, root in _roots(fn, (), set()):
        for path, module in root.named_modules():
            parts = [part for part in path.split(".") if part not in ("", "_orig_mod")]
            names.setdefault(module, ".".join([*prefix, *parts]))
    return names


def _roots(value: Any, way: tuple[str, ...], seen: set[int]) -> Iterator[tuple[tuple[str, ...], nn.Module]]:
    """Yield the outermost modules that a value refers to, with the names on the way."""
    if isinstance(value, nn.Module):
        yield tuple(filter(None, way)), value
    elif id(value) not in seen and len(way) < REACH:
        seen.add(id(value))
        for name, part in _parts(value):
            yield from _roots(part, (*way, name), seen)


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the values that a function, method, partial, container or callable object holds, by name."""
    if isinstance(value, partial):
        return [("", value.func), *(("", each) for each in value.args), *value.keywords.items()]
    if isinstance(value, MethodType):
        return [("", value.__self__), ("", value.__func__)]
    if isinstance(value, FunctionType):
        code, known = value.__code__, value.__globals__
        cells = zip(code.co_freevars, value.__closure__ or (), strict=True)
        closed = [(name, cell.cell_contents) for name, cell in cells if cell != CellType()]
        return [*closed, *((name, known[name]) for name in code.co_names if name in known)]
    if isinstance(value, list | tuple):
        return [(str(place), each) for place, each in enumerate(value)]
    if isinstance(value, dict):
        return [(str(key), each) for key, each in value.items()]
    return getattr(value, "__dict__", {}).items() if callable(value) and not isinstance(value, type) else ()
