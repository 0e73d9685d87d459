"""One launch of a kernel: every read and write of its programs, checked.

An access outside the tensor that its pointer came from is not made: a read gives NaN (0 for integers), and a
write is dropped. Launches run one after another, so races are looked for among the programs of one launch. A
write that leaves the bits of an entry as they were races with nothing, so that several programs may write the
same number.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from scanproof.adapters.triton.clocks import Clocks
from scanproof.adapters.triton.findings import BOUNDS, RACES, UNINITIALISED
from scanproof.adapters.triton.regions import Region, Storage, storages_of

Mask = NDArray[np.bool_]
Addresses = NDArray[np.uint64]
Report = Callable[[str, str, str], None]
"""Called with the kind of a fault, the name of an argument, and what was seen."""

READ, WRITE, ATOMIC = "reads", "writes", "updates"


class Launch:
    """The accesses of the programs of one grid.

    Attributes:
        regions: the tensors among the arguments.
        program: the number of the program that runs.
        atomic_floats: whether floating numbers were added up atomically, so that orders round differently.
    """

    def __init__(self, tensors: dict[str, Tensor], grid: tuple[int, int, int], report: Report) -> None:
        self.regions = [Region.of(name, tensor) for name, tensor in tensors.items()]
        self.program = 0
        self.atomic_floats = False
        self._grid, self._report = grid, report
        self._storages = storages_of(self.regions)
        self._clocks = Clocks(grid[0] * grid[1] * grid[2])

    def permitted(
        self, action: str, addresses: Addresses, mask: Mask, regions: tuple[Region, ...], width: int
    ) -> tuple[Mask, tuple[Region, ...]]:
        """Return the lanes whose access is inside, and the regions; report the first one that is not.

        Args:
            action: ``READ``, ``WRITE`` or ``ATOMIC``.
            addresses: address of each lane.
            mask: the lanes that access memory.
            regions: the tensors that the pointer came from.
            width: bytes of an entry.
        """
        inside = np.zeros(addresses.shape, bool)
        for region in regions:
            inside |= region.holds(addresses, width)
        outside = mask & ~inside
        if outside.any():
            address = int(addresses[outside].flat[0])
            nearest = min(regions, key=lambda region: abs(address - region.first))
            lanes = f"{int(outside.sum())} of {int(mask.sum())} lanes"
            self._report(
                BOUNDS,
                nearest.name,
                f"program {self._shown(self.program)} {action} {nearest.outside(address)} ({lanes})",
            )
        return mask & inside, regions

    def read(self, addresses: Addresses, regions: tuple[Region, ...]) -> None:
        """Record the reads of a program, at the addresses of its lanes."""
        for storage, at in self._by_storage(addresses, regions):
            places = storage.places(at)
            self._against(storage, places, at, storage.writer, storage.written_at, READ, "wrote", regions)
            before = storage.reader[places]
            storage.several_readers[places] |= (before >= 0) & (before != self.program)
            storage.reader[places] = self.program
            storage.read_at[places] = self._clocks.now(self.program)

    def write(self, addresses: Addresses, changed: Mask, regions: tuple[Region, ...]) -> None:
        """Record the writes of a program; ``changed`` says which of them changed the entry."""
        for storage, at in self._by_storage(addresses[changed], regions):
            places = storage.places(at)
            self._against(storage, places, at, storage.writer, storage.written_at, WRITE, "wrote", regions)
            self._against_readers(storage, places, at, WRITE, regions)
            storage.writer[places] = self.program
            storage.written_at[places] = self._clocks.now(self.program)
            storage.atomic[places] = False

    def update(self, addresses: Addresses, regions: tuple[Region, ...], *, scalar: bool) -> None:
        """Record the atomic updates of a program; those of a scalar order the accesses around them."""
        if scalar and addresses.size:
            self._clocks.meet(int(addresses.flat[0]), self.program)
        for storage, at in self._by_storage(addresses, regions):
            places = storage.places(at)
            plain = ~storage.atomic[places]
            self._against(
                storage,
                places[plain],
                at[plain],
                storage.writer,
                storage.written_at,
                ATOMIC,
                "wrote",
                regions,
            )
            self._against_readers(storage, places, at, ATOMIC, regions)
            storage.writer[places] = self.program
            storage.written_at[places] = self._clocks.now(self.program)
            storage.atomic[places] = True

    def lanes_differ(self, addresses: Addresses, regions: tuple[Region, ...]) -> None:
        """Report that lanes of one program wrote different numbers to one entry."""
        region = self._region_at(int(addresses.flat[0]), regions)
        self._report(
            RACES,
            region.name,
            f"program {self._shown(self.program)} writes two different numbers to "
            f"{region.entry(int(addresses.flat[0]))} in one store",
        )

    def uninitialised(self, addresses: Addresses, regions: tuple[Region, ...]) -> None:
        """Note that a program read an entry that nothing had written."""
        region = self._region_at(int(addresses.flat[0]), regions)
        self._report(
            UNINITIALISED,
            region.name,
            f"program {self._shown(self.program)} reads {region.entry(int(addresses.flat[0]))}, "
            "which nothing had written",
        )

    def _against(
        self,
        storage: Storage,
        places: Any,
        addresses: Addresses,
        others: NDArray[np.int32],
        at: NDArray[np.int32],
        action: str,
        did: str,
        regions: tuple[Region, ...],
    ) -> None:
        """Report the first access that races with one of another program."""
        other = others[places]
        foreign = (other >= 0) & (other != self.program)
        if not foreign.any():
            return
        foreign[foreign] &= ~self._clocks.before(self.program, other[foreign], at[places][foreign])
        if not foreign.any():
            return
        lane = int(np.flatnonzero(foreign)[0])
        address = int(addresses[lane])
        region = self._region_at(address, regions)
        self._report(
            RACES,
            region.name,
            f"program {self._shown(self.program)} {action} {region.entry(address)}, which program "
            f"{self._shown(int(other[lane]))} {did} without an order between the two",
        )

    def _against_readers(
        self,
        storage: Storage,
        places: Any,
        addresses: Addresses,
        action: str,
        regions: tuple[Region, ...],
    ) -> None:
        """Report a write to an entry that another program read; several readers are known by the last one."""
        self._against(storage, places, addresses, storage.reader, storage.read_at, action, "reads", regions)
        mine = (storage.reader[places] == self.program) & storage.several_readers[places]
        if mine.any() and not self._clocks.now(self.program):
            address = int(addresses[mine][0])
            region = self._region_at(address, regions)
            self._report(
                RACES,
                region.name,
                f"program {self._shown(self.program)} {action} {region.entry(address)}, which another "
                "program reads without an order between the two",
            )

    def _by_storage(
        self, addresses: Addresses, regions: tuple[Region, ...]
    ) -> list[tuple[Storage, Addresses]]:
        flat = addresses.reshape(-1)
        if len(regions) == 1:
            first = regions[0].tensor.untyped_storage().data_ptr()
            return [(self._storages[first], flat)] if flat.size else []
        found, left = [], np.ones(flat.shape, bool)
        for region in regions:
            here = left & region.holds(flat, region.tensor.element_size())
            if here.any():
                first = region.tensor.untyped_storage().data_ptr()
                found.append((self._storages[first], flat[here]))
                left &= ~here
        return found

    def _region_at(self, address: int, regions: tuple[Region, ...]) -> Region:
        here = [region for region in regions if 0 <= address - region.first < region.size]
        return (here or list(regions))[0]

    def _shown(self, program: int) -> str:
        """Return the index of a program in its grid, without trailing axes of size 1."""
        _, y, z = self._grid
        index = (program // (y * z), program // z % y, program % z)
        kept = 3 if z > 1 else 2 if y > 1 else 1
        return f"({', '.join(map(str, index[:kept]))})"
