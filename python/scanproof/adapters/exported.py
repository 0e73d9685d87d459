"""A module exported to ONNX, and run by ONNX Runtime or OpenVINO, as a function of tensors without gradients.

The export has fixed shapes. torch.onnx needs the packages onnx and onnxscript.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanproof.adapters.foreign import foreign

Run = Callable[[Tensor], Tensor]
Array = NDArray[Any]


def to_onnx(module: nn.Module, x: Tensor) -> bytes:
    """Return a module as a model in the format of ONNX, for inputs of the shape and dtype of ``x``."""
    with torch.no_grad():
        program: Any = torch.onnx.export(module, (x,), dynamo=True, verbose=False)
    model: bytes = program.model_proto.SerializeToString()
    return model


def by_onnxruntime(model: bytes) -> Run:
    """Return what ONNX Runtime computes on the CPU with one thread, a function of one float32 tensor.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def onnxruntime(x: Array) -> Any:
        return session.run(None, {name: x.astype(np.float32)})[0]

    return foreign(onnxruntime)


def by_openvino(model: bytes, precision: Literal["f32", "bf16"] | None = None) -> Run:
    """Return what OpenVINO computes on the CPU with one thread, a function of one float32 tensor.

    Args:
        model: a model in the format of ONNX.
        precision: the precision of its products; None for OpenVINO's default, which is bfloat16 where the
            processor has it.

    Raises:
        ImportError: openvino is not installed.
    """
    core = import_module("openvino").Core()
    options: dict[str, Any] = {"INFERENCE_NUM_THREADS": 1}
    if precision is not None:
        options["INFERENCE_PRECISION_HINT"] = precision
    compiled = core.compile_model(core.read_model(model), "CPU", options)

    def openvino(x: Array) -> Any:
        return np.array(compiled(x.astype(np.float32))[0])

    return foreign(openvino)
