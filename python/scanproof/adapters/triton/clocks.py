"""What atomic operations order: which accesses of other programs come before an access, on every run.

Programs of a grid run at the same time. A program that updates a scalar atomically after its writes (a lock,
a counter) lets another program that updates the same scalar later see these writes. These are the vector
clocks of data race detectors. Atomic updates of blocks order nothing here: kernels add up with them.
"""

import numpy as np
from numpy.typing import NDArray

Clock = NDArray[np.int32]


class Clocks:
    """For each program of a launch, how many releases of each other program it has seen."""

    def __init__(self, programs: int) -> None:
        self._programs = programs
        self._seen: dict[int, Clock] = {}
        self._released: dict[int, Clock] = {}
        self._releases: dict[int, int] = {}

    def now(self, program: int) -> int:
        """Return how many releases a program has made."""
        return self._releases.get(program, 0)

    def meet(self, address: int, program: int) -> None:
        """Let a program see what was released at an address, and release what it did itself."""
        seen = self._seen.get(program)
        if seen is None:
            seen = self._seen[program] = np.zeros(self._programs, np.int32)
        released = self._released.get(address)
        if released is not None:
            np.maximum(seen, released, out=seen)
        self._releases[program] = self.now(program) + 1
        seen[program] = self._releases[program]
        self._released[address] = seen.copy() if released is None else np.maximum(seen, released)

    def before(self, program: int, others: NDArray[np.int32], at: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether accesses of others, after ``at`` of their releases, come before one of ``program``."""
        seen = self._seen.get(program)
        if seen is None:
            return np.zeros(others.shape, bool)
        return at < seen[others]
