"""How many Lean processes fit into the memory of this machine."""

import os
from pathlib import Path

from scanproof.extras import extra
from scanproof.lean.errors import LeanUnavailable

_GIB = 2**30
_CGROUP_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)


def parallel_processes(bytes_each: int, most: int = 2) -> int:
    """Return how many processes of ``bytes_each`` bytes to run at the same time, at most ``most``.

    Raises:
        LeanUnavailable: the memory is too small for one process.
    """
    free = available_memory()
    fitting = int(free // bytes_each)
    if fitting < 1:
        raise LeanUnavailable(
            f"Lean as WebAssembly needs {bytes_each / _GIB:.1f} GiB of memory, but {free / _GIB:.1f} are"
            " free; close other programs, raise the container's memory limit, or install Lean with elan."
        )
    return max(1, min(fitting, most, os.cpu_count() or 1))


def available_memory() -> int:
    """Return the free memory in bytes, of the machine or of its container, whichever is less."""
    with extra("lean", "Lean processes"):
        from psutil import virtual_memory
    return min([int(virtual_memory().available), *_cgroup_rooms()])


def _cgroup_rooms() -> list[int]:
    rooms = []
    for limit, usage, statistics in _CGROUP_FILES:
        try:
            allowed = Path(limit).read_text().strip()
            used = int(Path(usage).read_text())
            reclaimable = _reclaimable(Path(statistics).read_text())
        except (OSError, ValueError):
            continue
        if allowed.isdigit():
            rooms.append(max(0, int(allowed) - used + reclaimable))
    return rooms


def _reclaimable(statistics: str) -> int:
    fields = dict(line.split() for line in statistics.splitlines() if len(line.split()) == 2)
    return int(fields.get("inactive_file", 0)) + int(fields.get("active_file", 0))
