"""Run a function at another floating-point precision, with its parameters, constants and casts."""

from collections.abc import Callable, Iterable
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

_CASTS = {
    getattr(Tensor, name): getattr(torch, name)
    for name in ("half", "bfloat16", "float", "double", "chalf", "cfloat", "cdouble")
}
_CONSTANTS = {int, float, bool, str, type(None), type(...), torch.device}


def unit_roundoff(dtype: torch.dtype) -> float:
    """Return u, the greatest relative error of rounding to nearest in ``dtype``."""
    return torch.finfo(dtype).eps / 2


def with_all_digits(x: Tensor) -> Tensor:
    """Return ``x`` in float64 with random digits appended; they round away in the precision of ``x``."""
    short = x.dtype != torch.float64 or torch.equal(x.float().double(), x)
    own = x.dtype if x.element_size() < 4 else torch.float32 if short else torch.float64
    noise = torch.rand(x.shape, generator=torch.Generator("cpu").manual_seed(0), dtype=torch.float64) - 0.5
    return x.double() * (1 + unit_roundoff(own) * noise.to(x.device))


class AtPrecision(TorchFunctionMode):
    """A torch function mode that gives every floating tensor of torch functions one precision.

    Parameters, buffers and captured constants are replaced by copies. The copies are made once and kept until
    the mode is dropped. So a function that writes into its buffers reads back what it wrote, and the
    originals never change. Casts such as ``x.float()``, ``dtype=`` arguments and torch's default dtype become
    the requested precision.

    Two things keep their own precision: compiled kernels that cast inside, and casts in the backward of a
    Python ``autograd.Function``. Autocast does not interfere, because it leaves float64 alone. Random numbers
    drawn within the mode differ from those of the same seed outside.

    Args:
        dtype: the requested precision.
        all_digits: whether ``input`` appends random digits up to float64.
        kept: dtypes that casts still round to.

    Attributes:
        dtype: the requested precision.
        met: every floating dtype that the code named or used, except those of autocast.
        coarsest: the lowest precision in which anything was computed, at most the requested one.
        unreached: names of the operations that took the requested precision and returned a lower one.
        all_digits: as given.
        kept: as given.
        lifted: the casts to another precision that the mode replaced, in words.
    """

    def __init__(
        self,
        dtype: torch.dtype,
        all_digits: bool = False,
        kept: frozenset[torch.dtype] = frozenset(),
    ) -> None:
        super().__init__()
        self.dtype, self._complex = dtype, dtype.to_complex()
        self.all_digits, self.kept = all_digits, kept
        self._copies: dict[
            int, tuple[Tensor, Tensor]
        ] = {}  # the original is kept too, or its id could be reused
        self._targets: dict[torch.dtype, torch.dtype] = {}  # of the ones met
        self.coarsest = dtype
        self.met: set[torch.dtype] = set()
        self.unreached: set[str] = set()
        self.lifted: set[str] = set()
        self._outer_default: list[torch.dtype] = []

    def input(self, x: Tensor) -> Tensor:
        """Return an input at this precision; token ids stay as they are."""
        if not x.is_floating_point():
            return x
        return with_all_digits(x) if self.all_digits else x.to(self.dtype)

    def __enter__(self) -> Self:
        self._outer_default.append(torch.get_default_dtype())
        torch.set_default_dtype(self.dtype)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)  # type: ignore[no-untyped-call]
        torch.set_default_dtype(self._outer_default.pop())

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _CASTS:
            args, func = (args[0], _CASTS[func], *args[1:]), Tensor.to
        inexact: list[Tensor] = []

        def argument(value: Any) -> Any:
            if isinstance(value, torch.dtype) and value is not self._target(value):
                self.lifted.add(
                    f"{getattr(func, '__name__', repr(func))}({str(value).removeprefix('torch.')})"
                )
            value = self._argument(value)
            if isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex()):
                inexact.append(value)
            return value

        def result(value: Any) -> Any:
            if inexact and self._is_other(value):
                self.unreached.add(getattr(func, "__name__", repr(func)))
            return self._convert(value)

        returned = func(*_mapped(argument, args), **_mapped(argument, kwargs))
        for device in {value.device.type for value in inexact}:
            if torch.is_autocast_enabled(device):
                self._meet(torch.get_autocast_dtype(device))
        return _mapped(result, returned)

    def _argument(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return self._convert(value)
        if not self._is_other(value):
            return value
        if id(value) not in self._copies:
            self._copies[id(value)] = (value, self._convert(value))
        return self._copies[id(value)][1]

    def _convert(self, value: Any) -> Any:
        if isinstance(value, torch.dtype):
            return self._target(value)
        return value.to(self._target(value.dtype)) if self._is_other(value) else value

    def _is_other(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dtype != self._target(value.dtype)

    def _target(self, dtype: torch.dtype) -> torch.dtype:
        if dtype not in self._targets:
            self._targets[dtype] = dtype
            if dtype.is_floating_point or dtype.is_complex:
                self._meet(dtype)
                self.met.add(dtype)
            if (dtype.is_floating_point or dtype.is_complex) and dtype not in self.kept:
                self._targets[dtype] = self._complex if dtype.is_complex else self.dtype
        return self._targets[dtype]

    def _meet(self, dtype: torch.dtype) -> None:
        self.coarsest = max(self.coarsest, dtype, key=unit_roundoff)


def _mapped(convert: Callable[[Any], Any], value: Any) -> Any:
    """Do what ``tree_map`` does, faster for tensors, constants, tuples, lists and dictionaries."""
    kind = type(value)
    if kind is Tensor or kind is torch.dtype:
        return convert(value)
    if kind in _CONSTANTS:
        return value
    if kind is tuple or kind is list:
        return kind([_mapped(convert, part) for part in value])
    if kind is dict:
        return {key: _mapped(convert, part) for key, part in value.items()}
    return tree_map(convert, value)
