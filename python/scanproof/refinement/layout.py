"""The memory layout of a tensor: imitated and written as source text. Kernels index by strides."""

from torch import Tensor

from scanproof.programs.memory import memory_of


def laid_out_like(values: Tensor, model: Tensor) -> Tensor:
    """Return ``values`` in the memory layout of ``model``, which has the same number of axes.

    The axes are in the same order, and the innermost axis has the same stride. Along an axis of ``model``
    with stride 0, the first entry of ``values`` is repeated.
    """
    shape = values.shape
    repeated = [axis for axis in range(model.ndim) if model.stride(axis) == 0]
    for axis in repeated:
        values = values.narrow(axis, 0, 1)
    own = [axis for axis in range(model.ndim) if axis not in repeated]
    step = min((model.stride(axis) for axis in own), default=1)
    strides = [0] * model.ndim
    for axis in sorted(own, key=lambda axis: (model.stride(axis), -axis)):
        strides[axis] = step
        step *= values.shape[axis]
    placed = values.new_zeros(step).as_strided(values.shape, strides)
    return placed.copy_(values).expand(shape)


def literal(tensor: Tensor) -> str:
    """Return source text that creates the tensor, strides included."""
    plain = tensor.is_contiguous()
    numbers = (tensor if plain else memory_of(tensor)).double().tolist()
    made = f"torch.tensor({numbers}, dtype={tensor.dtype}, device='{tensor.device}')"
    return made if plain else f"{made}.as_strided({tuple(tensor.shape)}, {tensor.stride()})"
