"""Notice when Python looks at the entries of a tensor without an operation that PyTorch dispatches."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

METHODS = ("numpy", "tolist", "__array__", "__dlpack__")
"""What gives the entries of a tensor to Python."""


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
