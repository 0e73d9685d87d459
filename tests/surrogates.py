"""Integer stand-ins for nonlinearities, as the files of values in ``Spec/Statements`` define them."""

import numpy as np
import torch

from scanproof.refinement.kernels.arithmetic import KernelExact


def exp(x):
    return 1 + x + x * x


def log(x):
    return x * x - x


def quotient(x, y):
    return x + y


def silu(x):
    return x * quotient(1, 1 + exp(-x))


def softplus(x):
    u = 1 + exp(x)
    log1p = torch.where(u == 1, exp(x), log(u) * quotient(exp(x), u - 1))
    return torch.where(x > 20, x, log1p)


class Surrogates(KernelExact):
    """Exact arithmetic with the stand-ins in place of nonlinearities and of the quotient."""

    def exp(self, x):
        return exp(x)

    def log1p(self, x):
        return np.where(1 + x == 1, x, log(1 + x) * quotient(x, x))

    def div(self, x, y):
        return quotient(x, y)
