"""Several inputs packed into one tensor along the feature axis, so that checks see one input."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import TypeVar

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes, check_axes
from scanproof.foundation.judgement import dtype_name

Inputs = Tensor | Sequence[Tensor] | Mapping[str, Tensor]
"""One tensor; or several with the same positions and examples: positional arguments, or keyword arguments."""

InputsT = TypeVar("InputsT", bound=Inputs)


@dataclass(frozen=True)
class Packing:
    """How several tensors are packed into one; positions and examples stay on the axes that the call names.

    The feature axis is the first other axis. It holds the entries at one position of one example, tensor by
    tensor.

    Attributes:
        keys: the keyword of each tensor; None for positional arguments.
        features: the shape of each tensor without the axes of positions and of examples.
        axes: where all tensors keep positions and examples.
    """

    keys: tuple[str, ...] | None
    features: tuple[tuple[int, ...], ...]
    axes: Axes

    @classmethod
    def of(cls, check: str, inputs: Sequence[Tensor] | Mapping[str, Tensor], axes: Axes) -> "Packing":
        """Return how to pack ``inputs``.

        Raises:
            InvalidArgument: there is no tensor, or tensors differ in positions, examples, dtype or device.
        """
        keys = tuple(inputs) if isinstance(inputs, Mapping) else None
        names = [_name(keys, i) for i in range(len(inputs))]
        tensors = _tensors(inputs)
        _check_alike(check, names, tensors, axes)
        lead = len(_leading(axes))
        return cls(keys, tuple(tuple(_to_front(tensor, axes).shape[lead:]) for tensor in tensors), axes)

    def pack(self, inputs: Sequence[Tensor] | Mapping[str, Tensor]) -> Tensor:
        """Return the tensors as one."""
        fronts = [_to_front(tensor, self.axes) for tensor in _tensors(inputs)]
        lead = fronts[0].shape[: len(self._places)]
        flat = torch.cat([front.reshape(*lead, -1) for front in fronts], -1)
        flat = flat.reshape(*flat.shape, *[1] * (self._rank - flat.dim()))
        return flat.movedim(tuple(range(len(lead))), self._places)

    def unpack(self, packed: Tensor) -> tuple[Tensor, ...]:
        """Return the contiguous tensors of a packed one, which may have any length and number of examples."""
        numbers = tuple(range(len(self._places)))
        flat = packed.movedim(self._places, numbers).flatten(len(numbers))
        tensors = []
        for part, shape in zip(flat.split(self._sizes, -1), self.features, strict=True):
            front = part.reshape(*part.shape[:-1], *shape)
            axes = tuple(axis % front.dim() for axis in _leading(self.axes))
            tensors.append(front.movedim(numbers, axes).contiguous())
        return tuple(tensors)

    def restore(self, packed: Tensor) -> tuple[Tensor, ...] | dict[str, Tensor]:
        """Return the tensors as a call passes them as ``x``: a tuple, or a dictionary by keyword."""
        tensors = self.unpack(packed)
        return tensors if self.keys is None else dict(zip(self.keys, tensors, strict=True))

    def place(self, index: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """Return the name of the tensor that holds an entry of the packed one, and the index in it."""
        leading = [index[place] for place in self._places]
        feature = index[self._feature_axis]
        number = 0
        while feature >= self._sizes[number]:
            feature -= self._sizes[number]
            number += 1
        shape = self.features[number]
        entry = (
            [int(i) for i in torch.unravel_index(torch.tensor(feature, device="cpu"), shape)] if shape else []
        )
        rank = len(leading) + len(shape)
        named = {axis % rank: i for axis, i in zip(_leading(self.axes), leading, strict=True)}
        return _name(self.keys, number), tuple(
            named[axis] if axis in named else entry.pop(0) for axis in range(rank)
        )

    def swaps(self, x: Tensor, other: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield each input's name, and a packed ``x`` with only that input taken from ``other``."""
        parts, others = (packed.split(self._sizes, self._feature_axis) for packed in (x, other))
        for number, part in enumerate(others):
            swapped = [*parts[:number], part, *parts[number + 1 :]]
            yield _name(self.keys, number), torch.cat(swapped, self._feature_axis)

    @property
    def _sizes(self) -> list[int]:
        return [prod(shape) for shape in self.features]

    @property
    def _rank(self) -> int:
        """The smallest rank with room for features where positions and examples are on different axes."""
        axes = _leading(self.axes)
        return next(
            rank
            for rank in count(len(axes) + 1)
            if all(-rank <= axis < rank for axis in axes) and len({axis % rank for axis in axes}) == len(axes)
        )

    @property
    def _feature_axis(self) -> int:
        return next(axis for axis in range(self._rank) if axis not in self._places)

    @property
    def _places(self) -> tuple[int, ...]:
        return tuple(axis % self._rank for axis in _leading(self.axes))


def _leading(axes: Axes) -> tuple[int, ...]:
    return (axes.seq,) if axes.batch is None else (axes.batch, axes.seq)


def _to_front(tensor: Tensor, axes: Axes) -> Tensor:
    """Return a view with examples, if there are any, and positions in front."""
    leading = _leading(axes)
    return tensor.movedim(leading, tuple(range(len(leading))))


def _tensors(inputs: Sequence[Tensor] | Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    return tuple(inputs.values() if isinstance(inputs, Mapping) else inputs)


def _name(keys: tuple[str, ...] | None, number: int) -> str:
    return f"x[{number}]" if keys is None else keys[number]


def _check_alike(check: str, names: list[str], tensors: tuple[Tensor, ...], axes: Axes) -> None:
    if not tensors:
        raise InvalidArgument(f"{check}: x holds no tensor; pass at least one.")
    for name, tensor in zip(names, tensors, strict=True):
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            kind = f"{tensor.dtype}" if isinstance(tensor, Tensor) else type(tensor).__name__
            raise InvalidArgument(
                f"{check}: {name} of several inputs must be a floating torch.Tensor, got {kind}; pass "
                "inputs that are not sequences by kwargs=."
            )
        check_axes(check, name, tensor, axes)
    first = tensors[0]
    for name, tensor in zip(names[1:], tensors[1:], strict=True):
        for axis, number in (("seq_dim", axes.seq), ("batch_dim", axes.batch)):
            if number is not None and tensor.shape[number] != first.shape[number]:
                raise InvalidArgument(
                    f"{check}: inputs must have the same size along {axis}={number}, got "
                    f"{tensor.shape[number]} for {name} and {first.shape[number]} for {names[0]}; pass "
                    "inputs that are not sequences by kwargs=."
                )
        if (tensor.dtype, tensor.device) != (first.dtype, first.device):
            raise InvalidArgument(
                f"{check}: inputs must have the same dtype and device, but {name} is "
                f"{dtype_name(tensor.dtype)} on {tensor.device} and {names[0]} is {dtype_name(first.dtype)} "
                f"on {first.device}; convert them inside fn, or pass some by kwargs=."
            )
