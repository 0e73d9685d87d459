"""The interface to Lean: a native Lean with Lake, or Lean compiled to WebAssembly."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from scanproof.lean.findings import Finding
from scanproof.lean.messages import Message
from scanproof.lean.modules import Graph
from scanproof.lean.progress import ShowStep


@dataclass(frozen=True)
class Build:
    """A library that Lean has checked.

    Attributes:
        folder: the folder of the ``.olean`` and ``.ilean`` files, with subfolders named like the modules.
        findings: the faults that Lean found, in order of file and line.
        checked: the modules that Lean checked now.
        skipped: the modules that were not checked, because an imported module has faults.
    """

    folder: Path
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    skipped: tuple[str, ...]


class Toolchain(Protocol):
    """A Lean of the project's version."""

    name: str
    """The name of the toolchain: ``lake`` or ``WebAssembly``."""

    identity: str
    """The key of the toolchain; a compiled module depends on it, the sources and the options."""

    def prepare(self, show: ShowStep) -> None:
        """Install what is missing.

        Raises:
            LeanUnavailable: the installation is not possible on this machine.
        """

    def build(self, graph: Graph, folder: Path, show: ShowStep) -> Build:
        """Check every module that changed since its last check.

        Args:
            graph: the modules.
            folder: an empty folder for this build only.
            show: shows the progress.

        Raises:
            LeanUnavailable: Lean crashed, or does not fit into memory.
        """

    def elaborate(self, build: Build, file: Path) -> list[Message]:
        """Elaborate one more file in the folder of the build; the file may import the library."""

    def close(self) -> None:
        """End the processes that :meth:`build` and :meth:`elaborate` left running."""

    def spawn(
        self, graph: Graph, executable: str, errors: int | IO[str] = subprocess.DEVNULL
    ) -> "subprocess.Popen[str]":
        """Start a ``lean_exe`` of the project, with pipes for its standard input and output.

        Its standard error goes to ``errors``, as ``subprocess.Popen`` takes it.
        """
