"""What code around kernels asks of a GPU, answered without one: properties, streams, devices."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.runtime import driver

_PROPERTIES = SimpleNamespace(
    name="Triton interpreter",
    major=9,
    minor=0,
    multi_processor_count=16,
    total_memory=1 << 34,
    warp_size=32,
    shared_memory_per_block_optin=232448,
    max_threads_per_multi_processor=2048,
)
_STREAM = SimpleNamespace(cuda_stream=0, synchronize=lambda: None, wait_stream=lambda stream: None)
_FACTORIES = (
    "arange", "empty", "empty_like", "empty_strided", "eye", "full", "full_like", "linspace", "ones",
    "ones_like", "rand", "randint", "randn", "tensor", "zeros", "zeros_like",
)  # fmt: skip


class _Device:
    """Takes the place of ``torch.cuda.device``."""

    def __init__(self, device: Any) -> None:
        self.index = 0

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *error: object) -> None:
        """Do nothing."""


class _Driver:
    """Takes the place of Triton's driver, which finds no GPU."""

    utils = SimpleNamespace(
        get_device_properties=lambda device: {
            "max_shared_mem": 232448,
            "multiprocessor_count": 16,
            "max_num_regs": 65536,
            "warpSize": 32,
        }
    )

    def get_current_target(self) -> Any:
        return GPUTarget("cpu", 0, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_device_interface(self) -> Any:
        return torch.cuda

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")


@contextmanager
def pretended() -> Iterator[None]:
    """Let ``torch.cuda`` and Triton's driver answer as if there were a GPU, until the context ends.

    Tensors stay on the CPU and say that they are on a GPU (``is_cuda``), so that wrappers launch their
    kernels and not their fallbacks. Tensors that are asked for on a GPU are made on the CPU.
    """
    answers = {
        "device": _Device,
        "current_device": lambda: 0,
        "get_device_capability": lambda device=None: (_PROPERTIES.major, _PROPERTIES.minor),
        "get_device_name": lambda device=None: _PROPERTIES.name,
        "get_device_properties": lambda device=None: _PROPERTIES,
        "current_stream": lambda device=None: _STREAM,
        "synchronize": lambda device=None: None,
        "set_device": lambda device: None,
    }
    with ExitStack() as stack:
        for name, answer in answers.items():
            stack.enter_context(patch.object(torch.cuda, name, answer))
        for name in _FACTORIES:
            stack.enter_context(patch.object(torch, name, _on_cpu(getattr(torch, name))))
        stack.enter_context(patch.object(Tensor, "is_cuda", property(lambda self: True)))
        stack.callback(setattr, driver, "_active", driver._active)
        driver.set_active(_Driver())
        yield


def _on_cpu(make: Any) -> Any:
    def made(*args: Any, **kwargs: Any) -> Any:
        if "device" in kwargs and torch.device(kwargs["device"] or "cpu").type == "cuda":
            kwargs["device"] = "cpu"
        return make(*args, **kwargs)

    return made
