"""One call of a function of arrays: what it gets beside the numbers in tensors, and what it returns."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from scanproof.adapters.foreign.arrays import is_array, to_tensor
from scanproof.errors import InvalidArgument
from scanproof.foundation.judgement import dtype_name

Pull = Callable[[tuple[Any, ...], dict[str, Any], Any], tuple[tuple[Any, ...], dict[str, Any]]]
"""From the arguments and the cotangents of the results to the gradients, in the form of the arguments."""


class _Tensor:
    """Stands for a tensor in the form of arguments and results."""


TENSOR = _Tensor()


@dataclass(frozen=True)
class Missing:
    """Stands for the gradient at an argument, by its name, that a vector-Jacobian product left out."""

    argument: str


@dataclass(frozen=True)
class Form:
    """A tree of tensors and other objects, without the tensors.

    Attributes:
        leaves: the leaves of the tree; ``TENSOR`` stands for a tensor.
        spec: the shape of the tree.
    """

    leaves: tuple[Any, ...]
    spec: TreeSpec

    def filled(self, arrays: Iterable[Any], *, alone: bool = False) -> Any:
        """Return the tree with these arrays as tensors; ``alone`` puts None in place of other objects."""
        left = iter(arrays)
        leaves = [next(left) if leaf is TENSOR else None if alone else leaf for leaf in self.leaves]
        return tree_unflatten(leaves, self.spec)


@dataclass
class Call:
    """A call of a function of arrays, but for the numbers in its tensors.

    Attributes:
        name: name of the function, for messages.
        fn: the function.
        pull: its vector-Jacobian product; None if there is none.
        to_array: makes an array from a tensor.
        arguments: the form of the pair of positional and named arguments.
        in_float64: context around the function and its product where a tensor is in float64.
        form: the form of the result of the last run.
    """

    name: str
    fn: Callable[..., Any]
    pull: Pull | None
    to_array: Callable[[Tensor], Any]
    arguments: Form
    in_float64: Callable[[], AbstractContextManager[Any]] = nullcontext
    form: Form | None = None

    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Call the function; keep the form of its result, and return its arrays as tensors."""
        with self._context(tensors):
            args, kwargs = self.arguments.filled(map(self.to_array, tensors))
            leaves, spec = tree_flatten(self.fn(*args, **kwargs))
            found = [to_tensor(leaf, f"a result of {self.name}") for leaf in leaves if is_array(leaf)]
        self.form = Form(tuple(TENSOR if is_array(leaf) else leaf for leaf in leaves), spec)
        return [tensor.to(tensors[0].device) for tensor in found]

    def pulled(
        self,
        tensors: Sequence[Tensor],
        cotangents: Sequence[Tensor | None],
        form: Form,
        wanted: Sequence[bool],
    ) -> list[Tensor | None]:
        """Return the gradients at tensors, where they are wanted.

        Args:
            tensors: the tensors among the arguments.
            cotangents: those of the tensors among the results; None for one that has no gradient.
            form: the form of the result of the run.
            wanted: for each tensor, whether its gradient is wanted.

        Raises:
            InvalidArgument: a gradient is missing or does not fit its argument.
        """
        assert self.pull is not None
        with self._context(tensors):
            arrays = [each if each is None else self.to_array(each) for each in cotangents]
            args, kwargs = self.arguments.filled(map(self.to_array, tensors))
            gradients, spec = tree_flatten(self.pull(args, kwargs, form.filled(arrays, alone=True)))
        if spec != self.arguments.spec:
            raise InvalidArgument(
                f"foreign: the vjp of {self.name} returned gradients of another form than its arguments; "
                "return an array for an array, and a tuple, list or dict of arrays for such an argument."
            )
        pairs = zip(gradients, self.arguments.leaves, strict=True)
        found = [gradient for gradient, leaf in pairs if leaf is TENSOR]
        return [
            self._gradient(gradient, tensor) if wanted_here else None
            for gradient, tensor, wanted_here in zip(found, tensors, wanted, strict=True)
        ]

    def _context(self, tensors: Sequence[Tensor]) -> AbstractContextManager[Any]:
        return self.in_float64() if any(x.dtype == torch.float64 for x in tensors) else nullcontext()

    def _gradient(self, gradient: Any, tensor: Tensor) -> Tensor:
        if gradient is None:
            return torch.zeros_like(tensor)
        says = f"foreign: the vjp of {self.name} returned"
        if isinstance(gradient, Missing):
            name = gradient.argument
            raise InvalidArgument(
                f"{says} no gradient of {name}; return one, or None for {name} if it is zero."
            )
        wanted = (
            f"return an array in {dtype_name(tensor.dtype)} of shape {tuple(tensor.shape)}, as the argument"
        )
        if not is_array(gradient):
            raise InvalidArgument(f"{says} a gradient that is a {type(gradient).__name__}; {wanted}.")
        found = to_tensor(gradient, f"a gradient of {self.name}")
        wider = torch.promote_types(found.dtype, tensor.dtype) == found.dtype
        if found.shape != tensor.shape or not wider or found.is_complex():
            raise InvalidArgument(
                f"{says} a gradient in {dtype_name(found.dtype)} of shape {tuple(found.shape)}; {wanted}."
            )
        return found.to(tensor.device, tensor.dtype)
