"""The memory that a kernel may touch: the entries of each tensor among its arguments."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Region:
    """The bytes from the first to the last entry of a tensor.

    Attributes:
        name: the argument of the kernel that holds the tensor.
        tensor: the tensor.
        first: address of the first entry.
        size: number of bytes up to the end of the last entry.
    """

    name: str
    tensor: Tensor
    first: int
    size: int

    @classmethod
    def of(cls, name: str, tensor: Tensor) -> "Region":
        """Return the region of a tensor whose strides are not negative, as those of PyTorch."""
        steps = zip(tensor.shape, tensor.stride(), strict=True)
        last = sum((size - 1) * stride for size, stride in steps) if tensor.numel() else -1
        return cls(name, tensor, tensor.data_ptr(), (last + 1) * tensor.element_size())

    def holds(self, addresses: NDArray[np.uint64], width: int) -> NDArray[np.bool_]:
        """Whether accesses of ``width`` bytes at these addresses stay inside."""
        within = addresses - np.uint64(self.first)  # an address before the first wraps around
        return within <= np.uint64(self.size - width) if self.size >= width else np.zeros(within.shape, bool)

    def entry(self, address: int) -> str:
        """Return the index of the entry at an address, such as ``x[0, 36]``."""
        offset = (address - self.first) // self.tensor.element_size()
        strides = self.tensor.stride()
        rest, index = offset, [0] * len(strides)
        for axis in sorted(range(len(strides)), key=lambda axis: -strides[axis]):
            if strides[axis] and self.tensor.shape[axis] > 1:
                index[axis] = min(rest // strides[axis], self.tensor.shape[axis] - 1)
                rest -= index[axis] * strides[axis]
        if rest:
            return f"{self.name} + {offset}"
        return f"{self.name}[{', '.join(map(str, index))}]"

    def outside(self, address: int) -> str:
        """Say how far an address is from the tensor."""
        width = self.tensor.element_size()
        shape = f"{self.name} of shape {tuple(self.tensor.shape)}"
        if address < self.first:
            return (
                f"{_entries((self.first - address + width - 1) // width)} before the first entry of {shape}"
            )
        return f"{_entries((address - self.first - self.size) // width + 1)} past the last entry of {shape}"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


class Storage:
    """Which programs of one launch wrote and read the entries of one allocation.

    An entry of the arrays stands for ``unit`` bytes. The number of a program is -1 where no program came.
    """

    def __init__(self, first: int, size: int, unit: int) -> None:
        self.first, self.unit = first, unit
        count = size // unit + 1
        self.writer = np.full(count, -1, np.int32)
        self.written_at = np.zeros(count, np.int32)
        self.atomic = np.zeros(count, bool)
        self.reader = np.full(count, -1, np.int32)
        self.read_at = np.zeros(count, np.int32)
        self.several_readers = np.zeros(count, bool)

    def places(self, addresses: NDArray[np.uint64]) -> Indices:
        """Return the places of addresses in the arrays."""
        found: Indices = (addresses.astype(np.int64) - self.first) // self.unit
        return found


def storages_of(regions: list[Region]) -> dict[int, Storage]:
    """Return a record for each allocation that regions lie in, by the address of the allocation."""
    units: dict[int, int] = {}
    held: dict[int, Any] = {}
    for region in regions:
        storage = region.tensor.untyped_storage()
        first = storage.data_ptr()
        width = region.tensor.element_size()
        units[first] = min(units.get(first, width), width)
        held[first] = storage
    return {first: Storage(first, storage.nbytes(), units[first]) for first, storage in held.items()}
