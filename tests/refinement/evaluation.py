"""Any kernel or block, evaluated operation by operation in PyTorch, so that autograd goes through it."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scanproof import Kernel
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.runners import Spec


class Turning(torch.Tensor):
    """A tensor that can be indexed backwards, as arrays can."""

    def __getitem__(self, index: Any) -> Tensor:
        entries = index if isinstance(index, tuple) else (index,)
        backwards = [i for i, entry in enumerate(entries) if isinstance(entry, slice) and entry.step == -1]
        if not backwards:
            return super().__getitem__(index)
        assert all(entry == slice(None) for i, entry in enumerate(entries) if i not in backwards)
        return self.flip(backwards)


class Evaluation(KernelArithmetic):
    """The operations of a dtype, in one order.

    ``factors`` is applied to what enters a sum of products, as tensor cores round it.
    """

    def __init__(
        self, dtype: torch.dtype = torch.float32, factors: Callable[[Tensor], Tensor] = lambda x: x
    ) -> None:
        self.dtype, self.factors = dtype, factors

    def lift(self, array: Tensor | NDArray[Any]) -> Tensor:
        tensor = array if isinstance(array, Tensor) else torch.from_numpy(np.array(array, dtype=np.float64))
        return tensor.to(self.dtype).as_subclass(Turning)

    def concatenate(self, parts: Iterable[Tensor], axis: int) -> Tensor:
        return torch.cat(tuple(parts), axis)

    def dot(self, x: Tensor, y: Tensor, plus: Tensor | None = None) -> Tensor:
        total = (self.factors(x) * self.factors(y)).sum(-1)
        return total if plus is None else total + plus

    def scan(self, a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
        a, h, states = a.expand(b.shape), h0, []
        for t in range(b.shape[1]):
            h = a[:, t] * h + b[:, t]
            states.append(h)
        return torch.stack(states, 1)

    def exp(self, x: Tensor) -> Tensor:
        return x.exp()

    def sigmoid(self, x: Tensor) -> Tensor:
        return x.sigmoid()

    def softplus(self, x: Tensor) -> Tensor:
        return functional.softplus(x)

    def silu(self, x: Tensor) -> Tensor:
        return functional.silu(x)

    def div(self, x: Tensor, y: Tensor) -> Tensor:
        return x / y

    def sqrt(self, x: Tensor) -> Tensor:
        return x.sqrt()

    def maximum(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.maximum(x, y)


def kernel_in(kernel: Kernel, arithmetic: Evaluation) -> Callable[..., Any]:
    """Return the kernel as an implementation."""

    def implementation(**inputs: Tensor) -> tuple[Tensor, ...]:
        arrays = {name: x.detach().double().numpy() for name, x in inputs.items()}
        lifted = {name: arithmetic.lift(x) for name, x in inputs.items()}
        results = kernel._run(arithmetic, lifted, arrays)
        return tuple(result.as_subclass(Tensor) for result in results)

    return implementation


def block_in(spec: Spec, arithmetic: Evaluation) -> Callable[[Tensor], Tensor]:
    """Return the block of a spec as an implementation."""

    def implementation(x: Tensor) -> Tensor:
        y, _ = spec._run(arithmetic, arithmetic.lift(x), spec._initial_state(len(x), arithmetic))
        return y.as_subclass(Tensor)

    return implementation
