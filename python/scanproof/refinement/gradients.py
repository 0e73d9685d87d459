"""Gradients of an implementation, by PyTorch's autograd: vector-Jacobian products with given cotangents."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.programs.memory import copied

COTANGENTS = {f"d{output}": output for output in ("y", "last_state", "last_re", "last_im")}
"""The name of each cotangent among the inputs of a check, and the output that the cotangent belongs to."""

_STEPS = 32
"""Drawn cotangents are multiples of 1/32 that every floating dtype down to bfloat16 holds exactly."""


class NoGradientError(Exception):
    """An implementation offers no gradient of some outputs; all other values can be compared.

    Attributes:
        outputs: the outputs without a gradient.
    """

    def __init__(self, reason: str, outputs: Collection[str]) -> None:
        super().__init__(reason)
        self.outputs = frozenset(outputs)


def with_gradients(
    run: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
    arguments: Mapping[str, Tensor],
    cotangents: Mapping[str, Tensor],
    at: Collection[str],
) -> dict[str, Tensor]:
    """Run an implementation, and pull cotangents back through it.

    Args:
        run: the implementation, from arguments by name to outputs by name.
        arguments: its arguments by name; the implementation gets copies.
        cotangents: the cotangents by the names of outputs; an output that is left out has a cotangent of
            zero.
        at: the names of the floating arguments whose gradients are wanted.

    Returns:
        The outputs, and the gradients, each under ``d`` and the name of the argument. A gradient is zero if
        autograd finds no path.

    Raises:
        InvalidArgument: an output with a cotangent is not returned, or its dtype cannot hold the cotangent.
        NoGradientError: autograd does not reach an output with a cotangent, or the backward pass says that it
            is not implemented.
    """
    with torch.enable_grad():
        outputs, leaves = recorded(run, arguments, at)
        given = {}
        for name, cotangent in cotangents.items():
            if name not in outputs:
                raise InvalidArgument(
                    f"a cotangent of {name} is given, but fn(…) returns no {name}; leave {name!r} out of the"
                    " cotangents."
                )
            y = outputs[name]
            given[name] = cotangent.to(y.dtype)
            if not torch.equal(given[name].double(), cotangent.double()):
                raise InvalidArgument(
                    f"the cotangent of {name} does not fit into {y.dtype}, the dtype of {name} of fn(…);"
                    " give numbers that this dtype holds."
                )
        if missing := [name for name in given if not outputs[name].requires_grad]:
            raise NoGradientError(
                f"fn(…) has no gradient of {' and '.join(missing)} (autograd finds no path); if that is"
                " intended, leave the output out of cotangents=, or check without gradients",
                missing,
            )
        try:
            pulled = torch.autograd.grad(
                [outputs[name] for name in given],
                list(leaves.values()),
                list(given.values()),
                allow_unused=True,
            )
        except NotImplementedError as error:
            raise NoGradientError(
                f"the backward pass of fn(…) raised NotImplementedError: {error}; give cotangents= only for"
                " outputs that have a backward pass, or check without gradients",
                given,
            ) from error
    results = {name: y.detach() for name, y in outputs.items()}
    for (name, leaf), gradient in zip(leaves.items(), pulled, strict=True):
        results[f"d{name}"] = torch.zeros_like(leaf).detach() if gradient is None else gradient
    return results


def pulled_back(
    run: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
    arguments: Mapping[str, Tensor],
    cotangents: Mapping[str, Tensor],
    at: Collection[str],
) -> dict[str, Tensor]:
    """Return what :func:`with_gradients` returns, by operations that can be recorded.

    Each cotangent must belong to an output with a gradient. The implementation may write only into arguments
    of which ``clone`` keeps the strides.
    """
    with torch.enable_grad():
        leaves = {name: arguments[name].detach().requires_grad_() for name in at}
        given = {name: own(leaves[name]) if name in leaves else x for name, x in arguments.items()}
        outputs = run(given)
        pulled = torch.autograd.grad(
            [outputs[name] for name in cotangents],
            list(leaves.values()),
            [cotangent.to(outputs[name].dtype) for name, cotangent in cotangents.items()],
            allow_unused=True,
            materialize_grads=True,
        )
    results = {name: y.detach() for name, y in outputs.items()}
    return {**results, **{f"d{name}": x for name, x in zip(leaves, pulled, strict=True)}}


def own(leaf: Tensor) -> Tensor:
    """Return a tensor with the numbers and the strides of a leaf: a copy if that keeps the strides."""
    copy = leaf.clone()
    return copy if copy.stride() == leaf.stride() and not leaf.storage_offset() else leaf.view_as(leaf)


def recorded(
    run: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
    arguments: Mapping[str, Tensor],
    at: Collection[str],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Run an implementation on copies of its arguments, and record it for autograd.

    Returns:
        The outputs, and the leaves for the arguments in ``at``.
    """
    with torch.enable_grad():
        copies = {name: copied(tensor) for name, tensor in arguments.items()}
        leaves = {name: copies[name].requires_grad_() for name in at}
        given = {name: _copy(copy) if name in leaves else copy for name, copy in copies.items()}
        return run(given), leaves


class _Copy(torch.autograd.Function):
    """A copy with the strides of the original, which an implementation may write into."""

    @staticmethod
    def forward(context: Any, original: Tensor) -> Tensor:
        own: Any = original.new_empty(0)
        result: Tensor = own.set_(copied(original))  # not a view, so the implementation may write into it
        return result

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient


_copy: Callable[[Tensor], Tensor] = _Copy.apply


def draw_cotangents(like: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Return random cotangents with the shapes, dtypes and devices of ``like``: normal, multiples of 1/32."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(y: Tensor) -> Tensor:
        return (torch.randn(y.shape, generator=generator) * _STEPS).round().div(_STEPS)

    return {
        name: (torch.complex(drawn(y), drawn(y)) if y.is_complex() else drawn(y)).to(y)
        for name, y in like.items()
    }
