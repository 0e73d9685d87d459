"""The Lean project that a folder belongs to, and the settings in its lakefile."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scanproof.errors import InvalidArgument
from scanproof.lean import carried

_VERSION = re.compile(r"leanprover/lean4:v(?P<version>\d+\.\d+\.\d+\S*)")
_OPTIONS = re.compile(r"leanOptions\s*:=\s*#\[(?P<entries>[^\]]*)\](?!\s*\+\+)")
_OPTION = re.compile(r"⟨\s*`(?P<name>[\w.]+)\s*,\s*(?P<value>true|false|\d+)\s*⟩")
_LIBRARY = re.compile(r"\blean_lib\s+«?(?P<name>[\w-]+)»?")
_EXECUTABLE = re.compile(r"\blean_exe\s+«?(?P<name>[\w-]+)»?\s+where\s+root\s*:=\s*`(?P<root>[\w.]+)")
_LINE_COMMENT = re.compile(r"--.*")


@dataclass(frozen=True)
class Project:
    """A Lean project: a folder with ``lean-toolchain``, ``lakefile.lean`` and a library.

    Attributes:
        root: the folder.
        version: the version of Lean that the project uses, such as ``4.28.0``.
    """

    root: Path
    version: str
    _lakefile: str = field(repr=False)

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """Return the project that contains ``start``.

        The default is the project of the working folder, or else the project in the package.

        Raises:
            InvalidArgument: ``start`` is in no Lean project, or the project names no version.
        """
        where = (start or Path.cwd()).resolve()
        folder = next((folder for folder in (where, *where.parents) if _holds_project(folder)), None)
        if folder is None and start is None:
            folder = carried.project()
        if folder is None:
            raise InvalidArgument(
                f"{where} is not in a Lean project: lean-toolchain and lakefile.lean are not in this folder "
                "or in a folder above. Leave out --project to use the project in scanproof."
            )
        lakefile, toolchain = folder / "lakefile.lean", folder / "lean-toolchain"
        match = _VERSION.search(toolchain.read_text(encoding="utf-8"))
        if match is None:
            raise InvalidArgument(
                f"{toolchain} names no version; write one, such as leanprover/lean4:v4.28.0."
            )
        return cls(folder, match["version"], _LINE_COMMENT.sub("", lakefile.read_text(encoding="utf-8")))

    @cached_property
    def library(self) -> str:
        """The root module of the library."""
        names = _LIBRARY.findall(self._lakefile)
        if len(names) != 1:
            raise InvalidArgument(
                f"{self.root / 'lakefile.lean'} declares {len(names)} libraries; declare one."
            )
        return str(names[0])

    @cached_property
    def executables(self) -> dict[str, str]:
        """The root module of every ``lean_exe``, by its name."""
        return dict(_EXECUTABLE.findall(self._lakefile))

    def executable(self, name: str) -> str:
        """Return the root module of a ``lean_exe``.

        Raises:
            InvalidArgument: the lakefile declares no ``lean_exe`` with this name.
        """
        if name not in self.executables:
            raise InvalidArgument(
                f"{self.root / 'lakefile.lean'} declares no lean_exe {name} with a root module."
            )
        return self.executables[name]

    @cached_property
    def options(self) -> dict[str, str]:
        """The ``leanOptions`` that Lake passes to Lean, by name.

        Raises:
            InvalidArgument: this parser cannot read the options in the lakefile.
        """
        settings = _OPTIONS.findall(self._lakefile)
        if len(settings) != self._lakefile.count("leanOptions") or len(settings) > 1:
            raise self._not_understood("leanOptions")
        if "LeanArgs" in self._lakefile:
            raise self._not_understood("LeanArgs")
        entries = settings[0] if settings else ""
        if _OPTION.sub("", entries).replace(",", "").strip():
            raise self._not_understood("leanOptions")
        return dict(_OPTION.findall(entries))

    def _not_understood(self, name: str) -> InvalidArgument:
        return InvalidArgument(
            f"{self.root / 'lakefile.lean'} sets {name} in a way that only Lake understands; "
            "write leanOptions := #[⟨`name, true⟩, …] once, on the package."
        )


def _holds_project(folder: Path) -> bool:
    return (folder / "lakefile.lean").is_file() and (folder / "lean-toolchain").is_file()
