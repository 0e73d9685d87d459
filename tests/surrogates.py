"""Integer stand-ins for nonlinearities, as the files of values in ``Spec/Statements`` define them."""

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelExact

Integers = TypeVar("Integers", int, np.ndarray[Any, Any], Tensor)


def exp(x: Integers) -> Integers:
    return 1 + x + x * x


def log(x: Integers) -> Integers:
    return x * x - x


def quotient(x: Integers | int, y: Integers) -> Integers:
    return x + y


def silu(x: Integers) -> Integers:
    return x * quotient(1, 1 + exp(-x))


def softplus(x: Tensor) -> Tensor:
    u = 1 + exp(x)
    log1p = torch.where(u == 1, exp(x), log(u) * quotient(exp(x), u - 1))
    return torch.where(x > 20, x, log1p)


class Surrogates(KernelExact):
    """Exact arithmetic with the stand-ins in place of nonlinearities and of the quotient."""

    def exp(self, x: Value) -> Value:
        return exp(x)

    def log1p(self, x: Value) -> Value:
        return np.where(1 + x == 1, x, log(1 + x) * quotient(x, x))

    def div(self, x: Value, y: Value) -> Value:
        return quotient(x, y)
