import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from scanproof.lean import memory
from scanproof.lean.errors import LeanUnavailable

GIB = 2**30


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of 8 GiB and 4 cores; returns the folder where a container's limits would stand."""
    names = ("memory.max", "memory.current", "memory.stat")
    monkeypatch.setattr(memory, "_CGROUP_FILES", [tuple(str(tmp_path / name) for name in names)])
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8 * GIB))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return tmp_path


def limit(folder: Path, most: str, used: int, files: int = 0) -> None:
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\nactive_file {files}\ninactive_file 0\n")


def test_two_at_most(machine: Path) -> None:
    assert memory.parallel_processes(1 * GIB) == 2


def test_one_when_two_do_not_fit(machine: Path) -> None:
    assert memory.parallel_processes(5 * GIB) == 1


def test_one_on_one_core(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert memory.parallel_processes(1 * GIB) == 1


def test_none_fits(machine: Path) -> None:
    with pytest.raises(LeanUnavailable, match=r"needs 9\.0 GiB of memory, but 8\.0 are free"):
        memory.parallel_processes(9 * GIB)


def test_a_container_may_allow_less(machine: Path) -> None:
    limit(machine, str(4 * GIB), 1 * GIB)
    assert memory.available_memory() == 3 * GIB


def test_cached_files_count_as_free(machine: Path) -> None:
    limit(machine, str(4 * GIB), 3 * GIB, files=2 * GIB)
    assert memory.available_memory() == 3 * GIB


def test_a_container_without_limit(machine: Path) -> None:
    limit(machine, "max", 1 * GIB)
    assert memory.available_memory() == 8 * GIB
