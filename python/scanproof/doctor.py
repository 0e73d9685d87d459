"""What this machine offers, what is missing, and the command that mends it."""

import os
import platform
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Literal

State = Literal["ok", "optional", "missing"]

MEMORY_FOR_LEAN = 5 * 2**29
"""Bytes that one process of Lean as WebAssembly may take."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: what was looked at.
        state: it is there; it is not, and only some commands need it; it is not, and the main job needs it.
        detail: what was found.
        remedy: the command that mends it; empty where nothing is to be mended.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at Python, PyTorch and its devices, Lean, its proofs and the oracle, the cache, and the extras."""
    return [
        Finding("scanproof", "ok", f"{version('scanproof')}, Python {platform.python_version()}"),
        *_torch(),
        *_lean(),
        *_extras(),
    ]


def _torch() -> list[Finding]:
    import torch

    devices = [f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} threads)"]
    devices += [
        f"cuda:{number} ({torch.cuda.get_device_name(number)})" for number in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [Finding("PyTorch", "ok", torch.__version__), Finding("devices", "ok", ", ".join(devices))]


def _lean() -> list[Finding]:
    from scanproof.lean import presence
    from scanproof.lean.catalogue import cached
    from scanproof.lean.lake import Lake
    from scanproof.lean.memory import available_memory
    from scanproof.lean.modules import read_graph
    from scanproof.lean.project import Project
    from scanproof.lean.store import cache_folder
    from scanproof.lean.toolchain import Toolchain
    from scanproof.lean.webassembly import WebAssembly

    project = Project.find()
    graph = read_graph(project)
    lake, install_lake = presence.lake(project)
    wasm, install_wasm = presence.webassembly()
    usable = lake or wasm
    toolchain: Toolchain | None = None
    if lake:
        toolchain = Lake.require(project)
    elif wasm:
        toolchain = WebAssembly.require(project)
    proved = cached(graph, toolchain) if toolchain else None
    free, folder = available_memory() / 2**30, cache_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    need: State = "optional" if usable else "missing"
    return [
        Finding(
            "Lean sources", "ok", f"{project.root}, {len(graph.modules)} modules, Lean {project.version}"
        ),
        Finding("Lean by lake", "ok", lake)
        if lake
        else Finding("Lean by lake", "optional", "none", install_lake),
        Finding("Lean as WebAssembly", "ok", wasm)
        if wasm
        else Finding("Lean as WebAssembly", need, "none", install_wasm),
        Finding("toolchain", "ok", f"{toolchain.name}: the one that scanproof uses")
        if toolchain
        else Finding("toolchain", "missing", "none", install_wasm),
        Finding("oracle", "ok", f"the Lean runners, by {toolchain.name}; and their Python twin")
        if toolchain
        else Finding("oracle", "optional", "only the Python twin of the Lean runners", install_wasm),
        Finding("proofs", "ok", f"{len(proved.theorems)} theorems, checked as the sources stand")
        if proved
        else Finding("proofs", "optional", "not checked here as the sources stand", "scanproof prove"),
        Finding(
            "memory",
            "ok" if free * 2**30 > MEMORY_FOR_LEAN else "optional",
            f"{free:.1f} GiB free, Lean as WebAssembly takes {MEMORY_FOR_LEAN / 2**30:.1f}",
            "" if free * 2**30 > MEMORY_FOR_LEAN else "close other programs",
        ),
        Finding("cache", "ok", f"{folder}, {shutil.disk_usage(existing).free / 1e9:.0f} GB free"),
    ]


def _extras() -> list[Finding]:
    """Look at the packages of every extra that users install."""
    extras: dict[str, list[str]] = {}
    for requirement in requires("scanproof") or []:
        named = re.fullmatch(r"(?P<package>[\w.-]+).*;\s*extra\s*==\s*['\"](?P<extra>\w+)['\"]", requirement)
        if named and named["extra"] != "dev" and named["package"] != "scanproof":
            extras.setdefault(named["extra"], []).append(named["package"])
    findings = []
    for extra, packages in extras.items():
        here = {package: _version(package) for package in packages}
        missing = [package for package, found in here.items() if found is None]
        said = ", ".join(f"{package} {found or 'missing'}" for package, found in here.items())
        remedy = f"pip install 'scanproof[{extra}]'" if missing else ""
        findings.append(Finding(f"extra {extra}", "optional" if missing else "ok", said, remedy))
    return findings


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
