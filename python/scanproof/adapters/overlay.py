"""Packages in a folder of their own, for one process or one import.

Some packages change what other packages run: transformers chooses its kernels by what is installed. Such
packages, and old versions of installed packages, go into a folder in the user's cache. Their dependencies are
those of the running interpreter. No other process sees the folder.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.extras import extra
from scanproof.lean.store import LOCK_NAME, cache_folder

LISTS = Path(__file__).with_name("overlays")
"""Folder of the lists of packages whose kernels scanproof knows."""

_BUILD = "build.txt"
"""The list of the tools that build packages from source."""

_WITHOUT_CUDA = {
    f"{package}_{option}": "TRUE"
    for package in ("MAMBA", "CAUSAL_CONV1D")
    for option in ("SKIP_CUDA_BUILD", "FORCE_BUILD")
}
"""Tell mamba-ssm and causal-conv1d to skip their CUDA extension, and not to search for a built one."""


def overlay(requirements: Path) -> Path:
    """Return a folder that holds the packages of a list; they are installed if they are missing.

    Args:
        requirements: a requirements file of pip that pins every package, as ``name==version``.

    Raises:
        InvalidArgument: the file does not exist.
        MissingDependency: pip could not install the packages.
    """
    if not requirements.is_file():
        raise InvalidArgument(
            f"{requirements} is not a file; give a list of pinned packages, such as those in {LISTS}."
        )
    tools = requirements.with_name(_BUILD)
    path = (overlay(tools),) if tools.is_file() and requirements != tools else ()
    with extra("lean", "Folders of packages"):
        from filelock import FileLock
    interpreter = f"{sys.implementation.cache_tag} {sys.platform}\n"
    key = hashlib.sha256((interpreter + requirements.read_text()).encode()).hexdigest()[:16]
    kept = cache_folder() / "overlays"
    folder = kept / f"{requirements.stem}-{key}"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / LOCK_NAME):
        if not folder.is_dir():
            _install(requirements, folder, _before(path))
    os.utime(folder)
    return folder


def run_over(folder: Path, arguments: Sequence[str], *, timeout: float) -> "subprocess.CompletedProcess[str]":
    """Run this Python with the packages of a folder before all others."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=_before((folder,)),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def interpreting(folder: Path) -> dict[str, str]:
    """Return the variables for a process in which Triton, in a folder, starts with its interpreter."""
    from scanproof.adapters.triton.interpreter import VARIABLE

    return {**_before((folder,)), VARIABLE: "1"}


def _before(folders: Sequence[Path]) -> dict[str, str]:
    """Return an environment in which Python searches these folders first."""
    given = os.environ.get("PYTHONPATH")
    path = [*map(str, folders), *([given] if given else [])]
    return {**os.environ, **({"PYTHONPATH": os.pathsep.join(path)} if path else {})}


def _install(requirements: Path, folder: Path, environment: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=folder.parent) as staging:
        target = Path(staging) / "packages"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--no-build-isolation", "--no-compile", "--target", str(target)]
        done = subprocess.run(
            [*command, *options, "--requirement", str(requirements)],
            env={**environment, **_WITHOUT_CUDA},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            errors = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
            raise MissingDependency(f"pip could not install {requirements}: {'; '.join(errors[:3])}.")
        target.rename(folder)
