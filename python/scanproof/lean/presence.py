"""Which Lean is installed, found without running or downloading anything."""

import os
import shutil
from pathlib import Path

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.install import sysroot
from scanproof.lean.lake import Lake
from scanproof.lean.node import find_node
from scanproof.lean.project import Project

INSTALL_ELAN = "curl -sSf https://elan.lean-lang.org/elan-init.sh | sh"


def elan_lacks(project: Project) -> bool:
    """Whether ``lean`` on the PATH belongs to elan, and elan would have to download the project's version."""
    lean = shutil.which("lean") or shutil.which("lean", path=str(Path.home() / ".elan" / "bin"))
    if lean is None or shutil.which("elan", path=str(Path(lean).parent)) is None:
        return False
    home = Path(os.environ.get("ELAN_HOME", Path.home() / ".elan"))
    return not (home / "toolchains" / f"leanprover--lean4---v{project.version}").is_dir()


def lake(project: Project) -> tuple[str | None, str]:
    """Return the version of Lake's Lean, or None, and the command that makes it usable."""
    install = f"elan toolchain install leanprover/lean4:v{project.version}"
    if elan_lacks(project):
        return None, install
    try:
        return Lake.require(project).identity, ""
    except LeanUnavailable:
        return None, install if shutil.which("elan") else INSTALL_ELAN


def webassembly() -> tuple[str | None, str]:
    """Return the folder of Lean as WebAssembly, or None, and the command that installs it."""
    try:
        node = find_node()
    except LeanUnavailable:
        return None, "pip install 'scanproof[wasm]'"
    folder = sysroot()
    if not folder.is_dir():
        return None, "scanproof prove"
    return f"{folder} (Node.js {node.executable})", ""
