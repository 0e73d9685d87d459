"""The Lean files in the package: the sources of the project, and the catalogue of its theorems."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from scanproof.lean.store import cache_folder

CATALOGUE = Path(__file__).with_name("catalogue.json")
"""The output of ``scanproof prove --catalogue`` for these sources; a test compares it with Lean's answer."""

_IN_WHEEL = Path(__file__).with_name("project")
_CHECKOUT = Path(__file__).parents[3]


def sources() -> Path:
    """Return the folder with the Lean sources, in an installed wheel or in the checkout."""
    return _IN_WHEEL if _IN_WHEEL.is_dir() else _CHECKOUT


def project() -> Path:
    """Return a folder with the Lean sources that Lake may write into; for a wheel, a copy in the cache."""
    folder = sources()
    if folder == _CHECKOUT:
        return folder
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    copy = cache_folder() / "projects" / digest.hexdigest()[:16]
    if copy.is_dir():
        os.utime(copy)
        return copy
    copy.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=copy.parent))
    shutil.copytree(folder, staging, dirs_exist_ok=True)
    try:
        staging.rename(copy)
    except OSError:  # another process made the same copy first
        shutil.rmtree(staging)
    return copy


def swhid(file: str) -> str:
    """Return the SWHID of a source file of the project, which identifies the content of the file.

    Source: ISO/IEC 18670, contents; the hash is that of a git blob.
    """
    content = (sources() / file).read_bytes()
    header = f"blob {len(content)}\0".encode()
    return f"swh:1:cnt:{hashlib.sha1(header + content, usedforsecurity=False).hexdigest()}"
