import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scanproof.lean.project import Project

LAKEFILE = """import Lake
open Lake DSL

package scanproof where
  leanOptions := #[⟨`autoImplicit, false⟩, ⟨`linter.missingDocs, true⟩]

@[default_target]
lean_lib Spec
"""

MakeProject = Callable[[dict[str, str]], Project]
AddCommand = Callable[[str, str], None]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, for this test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SCANPROOF_CACHE", str(folder))
    return folder


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Write a Lean project whose library has these sources, by module name; later calls add to it."""

    def make(modules: dict[str, str], lakefile: str = LAKEFILE) -> Project:
        root = tmp_path / "project"
        root.mkdir(exist_ok=True)
        (root / "lean-toolchain").write_text("leanprover/lean4:v4.28.0\n")
        (root / "lakefile.lean").write_text(lakefile, encoding="utf-8")
        for name, source in modules.items():
            file = root.joinpath(*name.split(".")).with_suffix(".lean")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source, encoding="utf-8")
        return Project.find(root)

    return make


@pytest.fixture
def add_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddCommand:
    """Put a command, written in Python, on the PATH; there is nothing else on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))

    def add(name: str, program: str) -> None:
        file = folder / name
        file.write_text(f"#!{sys.executable}\n{program}", encoding="utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    return add


@pytest.fixture
def fake_lean(add_command: AddCommand, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Put a Node.js that behaves as Lean would on the PATH; returns the file where it logs what it did."""
    from scanproof.lean import webassembly

    log = tmp_path / "lean.log"
    monkeypatch.setenv("FAKE_LEAN_LOG", str(log))
    add_command("node", (Path(__file__).parent / "fake_lean.py").read_text(encoding="utf-8"))
    add_command("npm", "raise SystemExit('not expected to run')")
    monkeypatch.setattr(webassembly, "install", lambda node, show: None)
    return log


@pytest.fixture
def lean_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with no proofs in it, and the user's own installation of Lean."""
    from scanproof.lean.install import install
    from scanproof.lean.node import find_node
    from scanproof.lean.progress import silent
    from scanproof.lean.store import cache_folder

    install(find_node(), silent)
    toolchains = cache_folder() / "toolchains"
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "toolchains").symlink_to(toolchains)
    monkeypatch.setenv("SCANPROOF_CACHE", str(folder))
    return folder
