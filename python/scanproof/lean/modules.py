"""The modules of the library, their imports, and a key for the content of each module."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

from scanproof.errors import InvalidArgument
from scanproof.lean.findings import Finding
from scanproof.lean.header import Header, parse_header
from scanproof.lean.project import Project

_FORBIDDEN = {
    "debug.skipKernelTC": "lets a proof past Lean's kernel",
    "addDeclWithoutChecking": "lets a proof past Lean's kernel",
    "warn.sorry": "can hide a sorry",
}


@dataclass(frozen=True)
class Module:
    """A Lean source file.

    Attributes:
        name: name of the module, such as ``Spec.Runner``.
        file: path of the file relative to the project, with forward slashes.
        source: text of the file.
    """

    name: str
    file: str
    source: str

    @cached_property
    def header(self) -> Header:
        """The header of the file with its imports."""
        return parse_header(self.source)


@dataclass(frozen=True)
class Graph:
    """The modules of a project's library by name, and the imports between these modules."""

    project: Project
    modules: dict[str, Module]

    @cached_property
    def imports(self) -> dict[str, tuple[str, ...]]:
        """The imported modules of the library, for every module."""
        return {
            name: tuple(i.module for i in module.header.imports if self._is_ours(i.module))
            for name, module in self.modules.items()
        }

    def _is_ours(self, name: str) -> bool:
        return name.split(".")[0] == self.project.library

    def closure(self, *roots: str) -> list[str]:
        """Return these modules and everything that they import from the library, imports before importers."""
        wanted: dict[str, tuple[str, ...]] = {}
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted[name] = self.imports[name]
                waiting.extend(wanted[name])
        return list(TopologicalSorter(wanted).static_order())

    def faults(self) -> list[Finding]:
        """Return the faults that need no Lean: missing modules, cycles, and unreachable modules."""
        missing = [
            Finding(module.file, imported.line, 0, f"error: imports {imported.module}, which does not exist")
            for module in self.modules.values()
            for imported in module.header.imports
            if self._is_ours(imported.module) and imported.module not in self.modules
        ]
        if missing:
            return sorted(missing)
        try:
            TopologicalSorter(self.imports).prepare()
        except CycleError as error:
            cycle = error.args[1][::-1]
            return [Finding(self.modules[cycle[0]].file, 1, 0, f"error: imports itself: {' → '.join(cycle)}")]
        return sorted([*self._unreached(), *self._unchecked()])

    def _unreached(self) -> list[Finding]:
        roots = [self.project.library, *self.project.executables.values()]
        reached = self.closure(*(root for root in roots if root in self.modules))
        advice = f"error: {self.project.library}.lean does not import this module; import it there"
        return [
            Finding(self.modules[name].file, 1, 0, advice) for name in self.modules if name not in reached
        ]

    def _unchecked(self) -> list[Finding]:
        findings = [
            Finding(module.file, number, 0, f"error: {text} {why}; remove it")
            for module in self.modules.values()
            for number, line in enumerate(module.source.split("\n"), start=1)
            for text, why in _FORBIDDEN.items()
            if text in line.replace("«", "").replace("»", "")
        ]
        for text, why in _FORBIDDEN.items():
            if text in self.project.options:
                findings.append(Finding("lakefile.lean", 1, 0, f"error: the option {text} {why}; remove it"))
        return findings

    def keys(self, toolchain: str) -> dict[str, str]:
        """Return a key for every module; the key depends on toolchain, options, text and imports."""
        settings = f"{toolchain}\n{sorted(self.project.options.items())}\n"
        keys: dict[str, str] = {}
        for name in TopologicalSorter(self.imports).static_order():
            imports = "".join(sorted(keys[imported] for imported in self.imports[name]))
            text = f"{settings}{name}\n{imports}\n{self.modules[name].source}"
            keys[name] = hashlib.sha256(text.encode()).hexdigest()[:32]
        return keys


def read_graph(project: Project) -> Graph:
    """Read the root file of the library and every Lean file in its folder.

    Raises:
        InvalidArgument: the root file does not exist, or a file is not UTF-8 text.
    """
    root = Path(f"{project.library}.lean")
    if not (project.root / root).is_file():
        raise InvalidArgument(f"{project.root} has no file {root}, the root of its library; write it.")
    folder = project.root / project.library
    inner = sorted(path.relative_to(project.root) for path in folder.rglob("*.lean"))
    modules = [_read(project, PurePosixPath(file)) for file in (root, *inner)]
    return Graph(project, {module.name: module for module in modules})


def _read(project: Project, file: PurePosixPath) -> Module:
    name = ".".join(file.with_suffix("").parts)
    try:
        return Module(name, str(file), (project.root / file).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{file} is not UTF-8 text: {error}.") from error
