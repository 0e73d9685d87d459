"""The user's cache folder, and the compiled modules in it, stored by content."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from scanproof.extras import extra

LOCK_NAME = ".lock"
_UNUSED_DAYS = 30


def cache_folder() -> Path:
    """Return the folder for files that can be made again: ``$SCANPROOF_CACHE``, or else the user's cache."""
    if given := os.environ.get("SCANPROOF_CACHE"):
        folder = Path(given).expanduser()
    else:
        with extra("lean", "The folders of the cache"):
            from platformdirs import user_cache_path
        folder = user_cache_path("scanproof")
    return folder.resolve()  # WebAssembly does not follow links


class ModuleStore:
    """Compiled modules by key. An entry is a folder that is created in one atomic step."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, key: str) -> bool:
        return (self._folder / key).is_dir()

    def keep(self, key: str, stem: Path) -> None:
        """Keep the compiled files of a module; their names are ``stem`` plus a suffix."""
        self._folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=self._folder))
        for file in stem.parent.glob(f"{stem.name}.*"):
            if file.suffix != ".lean":
                _link(file, staging / file.name.removeprefix(stem.name))
        try:
            staging.rename(self._folder / key)
        except OSError:  # another process stored the same content first
            shutil.rmtree(staging)

    def place(self, key: str, stem: Path) -> None:
        """Put the compiled files of a module at ``stem`` plus a suffix."""
        entry = self._folder / key
        os.utime(entry)
        stem.parent.mkdir(parents=True, exist_ok=True)
        for file in entry.iterdir():
            _link(file, stem.with_name(stem.name + file.name))


def forget_unused() -> None:
    """Remove entries of the cache that no run has used for a month."""
    oldest = time.time() - _UNUSED_DAYS * 86400
    for entry in cache_folder().glob("*/*"):
        if entry.name != LOCK_NAME and entry.stat().st_mtime < oldest:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
