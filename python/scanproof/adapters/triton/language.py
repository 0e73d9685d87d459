"""The functions of ``triton.language`` as the interpreter runs them, wherever a kernel has them from.

Triton replaces the functions of its modules at every launch. A name that a module gave to such a function
itself (``from triton.language import exp``) keeps the function that only compiles; it is replaced here too.
"""

import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import triton.language as tl
import triton.language.extra.libdevice as device_functions
from triton.runtime import interpreter as stock

from scanproof.adapters.triton import libdevice, reductions
from scanproof.adapters.triton.rewriting import LOOP

Scope = Any


class Language:
    """The replaced functions, and the modules whose kernels have been reached."""

    def __init__(self, scope: Scope) -> None:
        self._scope, self._reached = scope, set[int]()

    def reach(self, fn: Any) -> None:
        """Replace functions of the language that the module of a kernel has names of its own for."""
        names = fn.__globals__
        if id(names) in self._reached:
            return
        self._reached.add(id(names))
        module = _Names(names)
        self._scope.set_attr(module, LOOP, loop)
        self._scope.set_attr(module, "interpreter_semantic", stock.interpreter_semantic)
        self._scope.set_attr(module, "_InterpreterComparison", stock._InterpreterComparison)
        for name, value in list(names.items()):
            if callable(value) and tl.core.is_builtin(value):
                stock._patch_attr(module, name, value, stock.interpreter_builder, self._scope)


@contextmanager
def interpreted_language() -> Iterator[Language]:
    """Replace the functions of ``triton.language`` once, until the context ends."""
    scope = stock._patch_lang(_kernel_that_sees({"tl": tl, "core": tl.core}))
    for module in (tl, tl.core):
        scope.set_attr(module, "range", loop)
    reductions.replace(scope)
    for name, value in list(vars(device_functions).items()):
        if isinstance(value, types.FunctionType) and value.__module__ == device_functions.__name__:
            scope.set_attr(device_functions, name, _elementwise(name))
    language = Language(scope)
    inner = stock._LangPatchScope()

    def reach(fn: Any) -> Scope:
        language.reach(fn)
        return inner

    scope.set_attr(stock, "_patch_lang", reach)
    try:
        yield language
    finally:
        scope.restore()


class _Names:
    """The global names of a module, as attributes."""

    def __init__(self, names: dict[str, Any]) -> None:
        object.__setattr__(self, "__dict__", names)


def _kernel_that_sees(names: dict[str, Any]) -> Any:
    return types.FunctionType((lambda: None).__code__, names)


def loop(*bounds: Any, **hints: Any) -> Iterator[Any]:
    """Yield the numbers of a loop of a kernel as scalars of the kernel, as compiled loops have them."""
    step = hints.get("step")
    numbers = range(*map(int, map(_plain, bounds)), *([] if step is None else [int(_plain(step))]))
    for number in numbers:
        kind, dtype = (np.int32, tl.int32) if abs(number) < 2**31 else (np.int64, tl.int64)
        yield tl.tensor(stock.TensorHandle(np.array([number], kind), dtype), dtype)


def _plain(bound: Any) -> Any:
    if isinstance(bound, tl.constexpr):
        return bound.value
    return bound.handle.data.item() if isinstance(bound, tl.tensor) else bound


def _elementwise(name: str) -> Any:
    def function(*args: Any, _semantic: Any = None) -> Any:
        given = [stock.interpreter_semantic.to_tensor(x) for x in args]
        with np.errstate(all="ignore"):
            result = libdevice.computed(name, [x.handle.data for x in given])
        dtype = tl.int1 if result.dtype == np.bool_ else given[0].dtype
        type_ = tl.block_type(dtype, list(result.shape)) if given[0].type.is_block() else dtype
        return tl.tensor(stock.TensorHandle(result, dtype), type_)

    return function
