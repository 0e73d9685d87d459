"""The run of a grid: its programs one after another, in the order that is watched."""

import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor
from triton.runtime import interpreter as stock
from triton.tools.tensor_descriptor import TensorDescriptor

from scanproof.adapters.triton.builder import CheckedBuilder
from scanproof.adapters.triton.language import Language
from scanproof.adapters.triton.launch import Launch
from scanproof.adapters.triton.rounded import refuse_float8
from scanproof.adapters.triton.watch import Watch
from scanproof.errors import InvalidArgument


def executor(watch: Watch, language: Language) -> type:
    """Return the class that stands in for ``GridExecutor`` of Triton."""

    class Executor(stock.GridExecutor):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> None:
            taken = inspect.getfullargspec(self.fn)
            kwargs = {name: x for name, x in kwargs.items() if name in taken.args or name in taken.kwonlyargs}
            for hook in self.pre_run_hooks:
                hook(*args, **kwargs)
            given = inspect.getcallargs(self.fn, *args, **kwargs)
            grid = self.grid(given) if callable(self.grid) else self.grid
            sizes = tuple(int(size) for size in grid) + (1,) * (3 - len(grid))
            self._run_grid(given, (sizes[0], sizes[1], sizes[2]))

        def _run_grid(self, given: dict[str, Any], grid: tuple[int, int, int]) -> None:
            name = self.fn.__name__
            watch.launches[name] += 1
            tensors = tensors_of(given)
            for argument, tensor in tensors.items():
                if tensor.device.type != "cpu":
                    raise InvalidArgument(
                        f"{name}: {argument} is on {tensor.device}; the interpreter runs on the CPU, so give "
                        "tensors on the CPU."
                    )

            def report(kind: str, argument: str, text: str) -> None:
                watch.report(name, kind, argument, text)

            launch = Launch(tensors, grid, report)
            builder: CheckedBuilder = stock.interpreter_builder
            outer = builder.launch
            builder.begin(launch)
            builder.exact_products, builder.products = watch.exact_products, watch.products
            language.reach(self.fn)
            try:
                with torch.no_grad(), np.errstate(all="ignore"):
                    arguments = {
                        argument: x if argument in self.constexprs else _converted(argument, x, launch)
                        for argument, x in given.items()
                    }
                    builder.set_grid_dim(*grid)
                    for program in watch.programs(grid[0] * grid[1] * grid[2]):
                        index = (
                            program // (grid[1] * grid[2]),
                            program // grid[2] % grid[1],
                            program % grid[2],
                        )
                        builder.enter(program, index)
                        self.fn(**arguments)
            finally:
                builder.launch = outer
            if launch.atomic_floats:
                watch.atomic_floats.add(name)

    return Executor


def tensors_of(given: Any, name: str = "") -> dict[str, Tensor]:
    """Return the tensors among the arguments of a kernel, by name."""
    if isinstance(given, TensorDescriptor):
        return tensors_of(given.base, name)
    if hasattr(given, "data_ptr"):
        return {name: stock._unwrap_tensor(given)}
    if isinstance(given, dict):
        parts = given.items()
    elif isinstance(given, tuple):
        parts = ((f"{name}[{place}]", x) for place, x in enumerate(given))  # type: ignore[assignment]
    else:
        return {}
    return {key: tensor for part, x in parts for key, tensor in tensors_of(x, part).items()}


def _converted(name: str, x: Any, launch: Launch) -> Any:
    """Return an argument as the kernel sees it; pointers carry the tensor that they point to."""
    if isinstance(x, tuple):
        parts = [_converted(f"{name}[{place}]", part, launch) for place, part in enumerate(x)]
        return stock._tuple_create(x, parts)
    converted = stock._implicit_cvt(x)
    if hasattr(x, "data_ptr"):
        refuse_float8(converted.dtype)
        converted.handle.attr["regions"] = tuple(r for r in launch.regions if r.name == name)
    return converted
