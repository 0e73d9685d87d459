"""What both functions get: the input, and cotangents if their gradients are compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.programs.record import record
from scanproof.programs.trees import leaves, mapped
from scanproof.refinement.gradients import draw_cotangents, own


@dataclass(frozen=True)
class Given:
    """An input of both functions.

    Attributes:
        args: the positional arguments.
        kwargs: the arguments by name.
        cotangents: for each floating or complex output, by its path; None: gradients are not compared.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    cotangents: dict[str, Tensor] | None = None

    @classmethod
    def of(cls, x: Any) -> "Given":
        """Return the arguments that ``x`` stands for.

        Raises:
            InvalidArgument: ``x`` holds no tensor, or has names that are no texts.
        """
        if isinstance(x, Mapping) and not all(isinstance(name, str) for name in x):
            raise InvalidArgument(f"check_same: x has the names {list(x)}; give texts as names.")
        args = () if isinstance(x, Mapping) else x if isinstance(x, tuple) else (x,)
        given = cls(args, dict(x) if isinstance(x, Mapping) else {})
        if not given.tensors:
            raise InvalidArgument(
                "check_same: x holds no tensor; give a tensor, a tuple, or a mapping by name."
            )
        return given

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors of the input, in the order of a recording."""
        return [tensor.detach() for _, tensor in leaves([*self.recorded()[0], *self.recorded()[1].values()])]

    @property
    def x(self) -> Any:
        """The input as a check takes it: a tensor, a tuple, or a mapping by name."""
        return self.kwargs or (self.args if len(self.args) != 1 else self.args[0])

    @property
    def shapes(self) -> str:
        """The shapes of the tensors, with names if there are several; those that are not drawn are marked."""
        names = [f"x[{i}]" for i in range(len(self.args))] if len(self.args) > 1 else [""]
        inputs = {**dict(zip(names, self.args, strict=False)), **self.kwargs}
        tensors = ((name + path, x) for name, each in inputs.items() for path, x in leaves(each))
        return ", ".join(f"{name} {tuple(x.shape)}{_kept(x)}".strip() for name, x in tensors)

    def equals(self, other: "Given") -> bool:
        """Whether two inputs hold the same tensors."""
        pairs = zip(self.tensors, other.tensors, strict=False)
        return len(self.tensors) == len(other.tensors) and all(torch.equal(one, two) for one, two in pairs)

    def recorded(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of :meth:`function`."""
        if self.cotangents is None:
            return self.args, self.kwargs
        return (self.args, self.kwargs, self.cotangents), {}

    def with_cotangents(self, fn: Callable[..., Any], seed: int) -> "Given":
        """Return the input with drawn cotangents for the outputs of ``fn`` that may have gradients.

        Raises:
            InvalidArgument: ``fn`` cannot be recorded.
            NothingEstablished: ``fn`` raised.
        """
        results = record(fn, *self.args, **self.kwargs).results  # leaves x and the state of fn as they were
        pulled = {path: y for path, y in results.items() if _has_gradient(y)}
        return replace(self, cotangents=draw_cotangents(pulled, seed))

    def function(self, fn: Callable[..., Any], parameters: Mapping[str, Tensor]) -> Callable[..., Any]:
        """Return what is compared: ``fn``, or its outputs and its gradients.

        Args:
            fn: the function.
            parameters: the parameters at which gradients are compared, by names that both functions share.
        """
        if self.cotangents is None:
            return fn

        def adjoint(args: Any, kwargs: Any, cotangents: Mapping[str, Tensor]) -> dict[str, Tensor]:
            inputs: dict[str, Tensor] = {}

            def leaf(path: str, tensor: Tensor) -> Tensor:
                if not _has_gradient(tensor):
                    return tensor
                inputs[path] = tensor.detach().requires_grad_()
                return own(inputs[path])  # fn may write into the copy

            with torch.enable_grad():
                names = [f"x[{i}]" for i in range(len(args))] if len(args) > 1 else ["x"]
                args = [mapped(each, leaf, name) for each, name in zip(args, names, strict=False)]
                kwargs = {name: mapped(each, leaf, name) for name, each in kwargs.items()}
                outputs = dict(leaves(fn(*args, **kwargs)))
                ends = {path: y for path, y in outputs.items() if path in cotangents and y.requires_grad}
                taken = {f"parameter {name}" if name in inputs else name: x for name, x in parameters.items()}
                sources = {**inputs, **taken}
                pulled = (
                    torch.autograd.grad(
                        list(ends.values()),
                        list(sources.values()),
                        [cotangents[path].to(y.dtype) for path, y in ends.items()],
                        allow_unused=True,
                        materialize_grads=True,
                    )
                    if ends
                    else [torch.zeros_like(source) for source in sources.values()]
                )
            gradients = {f"gradient of {name}": x for name, x in zip(sources, pulled, strict=True)}
            return {**{path or "result": y.detach() for path, y in outputs.items()}, **gradients}

        adjoint.__wrapped__ = fn  # type: ignore[attr-defined]  # names of modules are those of fn
        return adjoint


def _kept(tensor: Tensor) -> str:
    """Say that entries stay as they are where others are drawn."""
    if _has_gradient(tensor):
        return ""
    return f" of these {'truth values' if tensor.dtype == torch.bool else 'whole numbers'}"


def _has_gradient(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
