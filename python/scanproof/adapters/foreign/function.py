"""A function of arrays as a function of tensors, with gradients by its own vector-Jacobian product."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import update_wrapper
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils._pytree import TreeSpec, tree_flatten

from scanproof.adapters.foreign.arrays import to_numpy, to_own
from scanproof.adapters.foreign.body import TENSOR, Call, Form, Pull
from scanproof.adapters.foreign.named import Vjp, by_name
from scanproof.adapters.foreign.operation import enter, operation
from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import callable_name

Arrays = Literal["numpy", "dlpack"]


def foreign(
    fn: Callable[..., Any], vjp: Vjp | None = None, *, arrays: Arrays = "numpy"
) -> Callable[..., Any]:
    """Return a function of arrays as a function of tensors, which every check of scanproof takes.

    Args:
        fn: the function. Tensors among its arguments arrive as arrays of the same shapes and dtypes, also
            within tuples, lists and dicts. They are contiguous copies, so ``fn`` may write into them. Other
            arguments arrive as they are. ``fn`` returns an array, or tuples, lists or dicts of arrays: any
            objects that offer DLPack, of any device. They become tensors on the device of the first tensor.
        vjp: the vector-Jacobian product of ``fn``, called as ``vjp(inputs, cotangents)``. ``inputs`` is a
            dict of the arguments by the names of the parameters of ``fn``, with defaults. ``cotangents`` has
            the form of what ``fn`` returned: an array for each floating array, zero where nothing was asked,
            and None for everything else. ``vjp`` returns a dict of gradients by the names of the arguments.
            Each gradient has the form, the shapes and at least the precision of its argument. None stands
            for a gradient of zeros. Only floating arrays need gradients. A function of one argument may
            return its gradient without a dict. Default: there is no gradient, and checks of gradients say so.
        arrays: what the arrays are: ``"numpy"``, or ``"dlpack"`` for objects that offer DLPack, such as
            ``jax.dlpack.from_dlpack`` and ``torch.from_dlpack`` take. NumPy takes bfloat16 if ml_dtypes is
            installed.

    Returns:
        The function of tensors. In a recorded program it is the operation ``foreign::name of fn``, which no
        reading can look into; the report says so, and numeric probes decide.

    Raises:
        InvalidArgument: here: an argument is wrong, or the parameters of ``fn`` have no names. In a call of
            the function: no argument is a tensor, PyTorch or NumPy lacks a dtype, or a gradient is missing or
            does not fit its argument.

    Example:
        >>> import numpy as np, torch
        >>> from scanproof import check_prefix
        >>> from scanproof.adapters.foreign import foreign
        >>> total = foreign(lambda x: x.cumsum(1), lambda inputs, dy: dy[:, ::-1].cumsum(1)[:, ::-1])
        >>> total(torch.ones(1, 3, requires_grad=True)).sum().backward()
        >>> check_prefix(total, torch.randn(2, 16, 3)).verdict.name
        'CAUSAL'
    """
    for name, given in {"fn": fn, "vjp": vjp}.items():
        if not callable(given) and (given is not None or name == "fn"):
            raise InvalidArgument(f"foreign: {name} must be a function, got {type(given).__name__}.")
    if arrays not in get_args(Arrays):
        raise InvalidArgument(
            f"foreign: arrays must be one of {', '.join(map(repr, get_args(Arrays)))}, got {arrays!r}."
        )
    pull = None if vjp is None else by_name(fn, vjp)
    return Foreign(fn, pull, to_numpy if arrays == "numpy" else to_own)


class Foreign:
    """A function of arrays as a function of tensors.

    Args:
        fn: the function.
        pull: its vector-Jacobian product; None if there is none.
        to_array: makes an array from a tensor.
        in_float64: context around ``fn`` and ``pull`` where a tensor is in float64.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        pull: Pull | None,
        to_array: Callable[[Tensor], Any],
        in_float64: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        update_wrapper(self, fn)
        self._fn, self._pull, self._to_array, self._in_float64 = fn, pull, to_array, in_float64
        self._numbers: dict[Any, tuple[int, Call]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function with arrays in place of tensors; return tensors in place of its arrays."""
        leaves, spec = tree_flatten((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        name = callable_name(self._fn)
        if not tensors:
            raise InvalidArgument(
                f"foreign: {name} got no tensor; pass at least one, which becomes an array."
            )
        others = tuple(TENSOR if isinstance(leaf, Tensor) else leaf for leaf in leaves)
        number, call = self._call_of(others, spec, name)
        if self._pull is None or not any(tensor.requires_grad for tensor in tensors):
            results: Sequence[Tensor] = operation(name)([tensor.detach() for tensor in tensors], number)
        else:
            results = _differentiable(call, number, *tensors)
        assert call.form is not None
        return call.form.filled(results)

    def _call_of(self, others: tuple[Any, ...], spec: TreeSpec, name: str) -> "tuple[int, Call]":
        """Return the call with these arguments beside tensors, entered once."""
        key: Any = (spec, others, tuple(map(type, others)))
        try:
            if key in self._numbers:
                return self._numbers[key]
        except TypeError:  # an argument cannot be hashed
            key = object()
        call = Call(name, self._fn, self._pull, self._to_array, Form(others, spec), self._in_float64)
        number = enter(call)
        self._numbers[key] = number, call
        return number, call


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: Call, number: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        results = operation(call.name)([tensor.detach() for tensor in tensors], number)
        ctx.call, ctx.form = call, call.form
        ctx.save_for_backward(*tensors)
        ctx.mark_non_differentiable(*(result for result in results if not result.is_floating_point()))
        ctx.floating = [result.is_floating_point() for result in results]
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        given = [each if floats else None for each, floats in zip(cotangents, ctx.floating, strict=True)]
        return None, None, *ctx.call.pulled(ctx.saved_tensors, given, ctx.form, ctx.needs_input_grad[2:])


_differentiable: Callable[..., Sequence[Tensor]] = _Differentiable.apply
