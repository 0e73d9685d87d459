"""Notice when Python looks at the entries of a tensor without an operation that PyTorch dispatches."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

METHODS = ("numpy", "tolist", "__array__", "__dlpack__")
"""The methods that give the entries of a tensor to Python."""


SMALL = 16
"""Whole numbers up to this one are common exponents and factors, so a second occurrence says nothing."""


class Numbers:
    """Numbers that Python saw, and that may come back as constants.

    A fraction may come back as any other fraction, because Python may have computed with it. A whole number
    counts as a size or an index, which only decides which operations run. Exception: the whole number is
    greater than ``SMALL`` and comes back as itself, its inverse, its root or its logarithm.

    Attributes:
        seen: whether Python saw a number that may come back.
    """

    def __init__(self) -> None:
        self.seen = False
        self._any = False
        self._whole: set[float] = set()

    def saw(self, number: Any) -> None:
        """Note that Python saw a number; None stands for several numbers of any kind."""
        if isinstance(number, int):
            if abs(number) > SMALL:
                size = abs(number)
                self._whole |= {size, 1 / size, math.sqrt(size), 1 / math.sqrt(size), math.log(size)}
                self.seen = True
        else:
            self._any = self.seen = True

    def taken_by(self, op: Any, args: Any, kwargs: Any) -> bool:
        """Whether an operation may compute with one of the numbers; sizes, axes and indices do not count."""
        schema = op._schema.arguments
        given = [*zip(schema, args, strict=False), *((each, kwargs.get(each.name)) for each in schema)]
        return any(
            isinstance(number, int | float)
            and any(kind in str(each.type) for kind in ("Tensor", "number", "float"))
            and (abs(number) in self._whole or (self._any and isinstance(number, float)))
            for each, number in given
        )

    def may_be_in(self, tensor: Tensor) -> bool:
        """Whether one of the numbers may be in a new tensor."""
        if self._any and tensor.is_floating_point():
            return True
        return tensor.numel() == 1 and abs(tensor.item()) in self._whole


@contextmanager
def asked(notice: Callable[[Tensor, str], None]) -> Iterator[None]:
    """Call ``notice(tensor, method)`` when this thread calls one of ``METHODS`` within the context."""
    thread = threading.get_ident()
    before = {name: vars(Tensor).get(name) for name in METHODS}

    def watched(name: str) -> Callable[..., Any]:
        method = getattr(Tensor, name)

        def call(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() == thread:
                notice(tensor, name)
            return method(tensor, *args, **kwargs)

        return call

    for name in METHODS:
        setattr(torch.Tensor, name, watched(name))
    try:
        yield
    finally:
        for name, method in before.items():
            if method is None:
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, method)
