"""What a result depends on besides its subject and seed: versions, and the code of scanproof."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from scanproof.census.subject import Entry, Subject


def unanswered(subject: Subject, seed: int) -> Entry:
    """Return the entry of a subject before its first answer."""
    return Entry(
        name=subject.name,
        package=subject.package,
        version=subject.version or _version(subject.package),
        torch=version("torch"),
        scanproof=version("scanproof"),
        code=_code(),
        notes=subject.notes,
        seed=seed,
    )


def made_with(package: str) -> dict[str, str]:
    """Return the versions of a package, of torch and of scanproof, and the hash of scanproof's code."""
    return {
        package: _version(package),
        "torch": version("torch"),
        "scanproof": version("scanproof"),
        "code": _code(),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@cache
def _code() -> str:
    """Return a hash of every module and list of packages: a checkout changes without a new version."""
    root = Path(str(files("scanproof")))
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".txt")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
