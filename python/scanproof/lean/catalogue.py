"""The catalogue of a checked library: every public declaration, as Lean prints it."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

from scanproof.errors import InvalidArgument
from scanproof.lean.carried import CATALOGUE
from scanproof.lean.find import find_toolchain
from scanproof.lean.modules import Graph, read_graph
from scanproof.lean.project import Project
from scanproof.lean.store import cache_folder
from scanproof.lean.toolchain import Toolchain

SCHEMA_VERSION = 2
PROGRAM = Path(__file__).with_name("catalogue.lean")


@dataclass(frozen=True)
class Declaration:
    """A public declaration of the library.

    Attributes:
        name: the full name, such as ``Scanproof.Runner.runList_append``.
        kind: ``theorem``, ``definition``, ``structure``, ``class``, ``inductive``, ``instance``, ``opaque``
            or ``axiom``.
        statement: name, parameters and type, exactly as Lean prints them. The type of a theorem is its
            statement.
        docstring: the documentation, empty if there is none.
        module: the module of the declaration.
        file: the source file, relative to the project.
        line: the line of the name, counted from 1.
        axioms: the axioms that the declaration rests on through proofs of this library. Axioms behind the
            theorems of Lean's own library are not listed.
        uses: the public declarations of the library that the statement or the proof mentions, directly or
            through private declarations.
    """

    name: str
    kind: str
    statement: str
    docstring: str
    module: str
    file: str
    line: int
    axioms: tuple[str, ...]
    uses: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join(self.docstring.partition("\n\n")[0].split())


@dataclass(frozen=True)
class Catalogue:
    """All public declarations of a library whose proofs were checked.

    Attributes:
        lean: the version string of the Lean that checked the library.
        toolchain: the key of the toolchain that checked the library.
        key: the key of the sources, which changes if any source changes.
        declarations: the declarations in order of file and line.
    """

    lean: str
    toolchain: str
    key: str
    declarations: tuple[Declaration, ...]

    @property
    def theorems(self) -> tuple[Declaration, ...]:
        """The theorems alone."""
        return tuple(d for d in self.declarations if d.kind == "theorem")

    @property
    def axioms(self) -> tuple[str, ...]:
        """All axioms that the theorems rest on."""
        return tuple(sorted({axiom for theorem in self.theorems for axiom in theorem.axioms}))

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self.declarations)

    def theorem(self, name: str) -> Declaration:
        """Return a theorem by its full name, or by its name inside the namespace ``Scanproof``.

        Raises:
            InvalidArgument: no theorem has this name.
        """
        for theorem in self.theorems:
            if theorem.name in (name, f"Scanproof.{name}"):
                return theorem
        short = [theorem.name.removeprefix("Scanproof.") for theorem in self.theorems]
        near = get_close_matches(name.removeprefix("Scanproof."), short, n=3)
        meant = f"did you mean {' or '.join(near)}?" if near else "scanproof theorems lists them."
        raise InvalidArgument(f"None of the {len(short)} theorems is called {name!r}; {meant}")

    def to_json(self) -> str:
        """Return the catalogue as JSON text."""
        content = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Catalogue":
        """Read a catalogue that :meth:`to_json` wrote.

        Raises:
            InvalidArgument: the text is not a catalogue with this schema version.
        """
        try:
            content = json.loads(text)
            version = content.pop("schema_version")
            if version != SCHEMA_VERSION:
                raise InvalidArgument(
                    f"The catalogue has schema version {version}; expected {SCHEMA_VERSION}."
                )
            declarations = (
                Declaration(**{**d, "axioms": tuple(d["axioms"]), "uses": tuple(d["uses"])})
                for d in content.pop("declarations")
            )
            return cls(declarations=tuple(declarations), **content)
        except (AttributeError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise InvalidArgument(f"The file is not a catalogue of scanproof: {error!r}.") from error


def carried() -> Catalogue:
    """Return the catalogue in the package, with the theorems of this version."""
    return Catalogue.from_json(CATALOGUE.read_text(encoding="utf-8"))


def load(project: Path | None = None) -> Catalogue:
    """Return the catalogue of the project that contains a folder (default: the working folder).

    Raises:
        InvalidArgument: the folder is in no Lean project, or the current proofs have not been checked.
    """
    found = Project.find(project)
    catalogue = cached(read_graph(found), find_toolchain(found))
    if catalogue is None:
        raise InvalidArgument(
            f"The current proofs in {found.root} have not been checked; run scanproof prove."
        )
    return catalogue


def content_key(graph: Graph, toolchain: Toolchain) -> str:
    """Return a key of the sources, the options, the toolchain and the code that makes the catalogue."""
    keys = graph.keys(toolchain.identity)
    text = PROGRAM.read_text(encoding="utf-8") + str(sorted(keys.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def cached(graph: Graph, toolchain: Toolchain) -> Catalogue | None:
    """Return the cached catalogue of exactly these sources, or None."""
    try:
        return Catalogue.from_json(_file(content_key(graph, toolchain)).read_text(encoding="utf-8"))
    except (FileNotFoundError, InvalidArgument):
        return None


def keep(catalogue: Catalogue) -> None:
    """Put a catalogue into the cache."""
    file = _file(catalogue.key)
    file.parent.mkdir(parents=True, exist_ok=True)
    write(catalogue, file)


def write(catalogue: Catalogue, file: Path) -> None:
    """Write a catalogue as JSON, in one atomic step."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as staging:
        staging.write(catalogue.to_json())
    Path(staging.name).chmod(0o644)
    Path(staging.name).replace(file)


def _file(key: str) -> Path:
    return cache_folder() / "catalogues" / f"{key}.json"
