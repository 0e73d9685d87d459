"""The user's cache folder, and the compiled modules kept there by content."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import platformdirs

_UNUSED_DAYS = 30


def cache_folder() -> Path:
    """Return the folder for everything that can be made again: ``$SCANPROOF_CACHE``, else the user's cache folder."""
    given = os.environ.get("SCANPROOF_CACHE")
    return Path(given).expanduser().resolve() if given else platformdirs.user_cache_path("scanproof")


class ModuleStore:
    """Compiled modules by key. An entry is a folder that appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, key: str) -> bool:
        return (self._folder / key).is_dir()

    def keep(self, key: str, files: Iterable[Path]) -> None:
        """Keep the files of a compiled module, under the suffixes that follow their common stem."""
        self._folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=self._folder))
        for file in files:
            _link(file, staging / _suffix(file))
        try:
            staging.rename(self._folder / key)
        except OSError:  # another process kept the same content first
            shutil.rmtree(staging)

    def place(self, key: str, stem: Path) -> None:
        """Put the files of a compiled module at ``stem`` plus their suffixes."""
        entry = self._folder / key
        os.utime(entry)
        stem.parent.mkdir(parents=True, exist_ok=True)
        for file in entry.iterdir():
            _link(file, stem.parent / (stem.name + file.name))

    def forget_unused(self) -> None:
        """Remove entries that no run has used for a month."""
        for entry in self._folder.iterdir() if self._folder.is_dir() else ():
            if entry.stat().st_mtime < time.time() - _UNUSED_DAYS * 86400:
                shutil.rmtree(entry, ignore_errors=True)


def _suffix(file: Path) -> str:
    return "." + file.name.split(".", 1)[1]


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
