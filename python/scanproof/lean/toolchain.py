"""Something that can check Lean files: a native Lean with Lake, or Lean compiled to WebAssembly."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scanproof.errors import InvalidArgument
from scanproof.lean.findings import Finding
from scanproof.lean.messages import Message
from scanproof.lean.modules import Graph
from scanproof.lean.progress import ShowStep
from scanproof.lean.project import Project

CHOICES = ("auto", "lake", "wasm")


@dataclass(frozen=True)
class Build:
    """A checked library.

    Attributes:
        folder: where the ``.olean`` and ``.ilean`` files lie, in folders like the modules' names.
        findings: the faults that Lean found, in order of file and line.
        checked: the modules that Lean checked now.
        skipped: the modules that were not checked, because one they import has faults.
    """

    folder: Path
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    skipped: tuple[str, ...]


class Toolchain(Protocol):
    """A Lean of the project's version."""

    name: str
    """What to call it: ``lake`` or ``WebAssembly``."""

    identity: str
    """What a compiled module depends on besides the sources and the options."""

    def prepare(self, show: ShowStep) -> None:
        """Install what is missing.

        Raises:
            LeanUnavailable: that cannot be done here.
        """

    def build(self, graph: Graph, folder: Path, show: ShowStep) -> Build:
        """Check every module that changed since it was last checked; ``folder`` is empty and for this build alone."""

    def elaborate(self, graph: Graph, build: Build, file: Path) -> list[Message]:
        """Elaborate one more file, which may import the modules of a build."""

    def spawn(self, graph: Graph, executable: str) -> "subprocess.Popen[str]":
        """Start a ``lean_exe`` of the project, with pipes for its standard input and output."""


def find_toolchain(
    project: Project, choice: str = "auto", note: Callable[[str], None] = lambda text: None
) -> Toolchain:
    """Return the Lean to use: Lake's where it has the project's version, else WebAssembly.

    Args:
        project: the project to check.
        choice: ``auto``, or ``lake`` or ``wasm`` to insist on one.
        note: told in a sentence why Lake is passed over, where one might expect it to be used.

    Raises:
        InvalidArgument: there is no such choice.
        LeanUnavailable: ``lake`` was chosen and is not usable, or ``wasm`` has another version than the project.
    """
    from scanproof.lean.lake import Lake
    from scanproof.lean.webassembly import WebAssembly

    if choice not in CHOICES:
        raise InvalidArgument(f"There is no toolchain {choice!r}; choose one of {', '.join(CHOICES)}.")
    if choice == "lake":
        return Lake.require(project)
    if choice == "auto" and (lake := Lake.find(project, note)):
        return lake
    return WebAssembly.require(project)
