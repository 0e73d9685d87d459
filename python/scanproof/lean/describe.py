"""Makes the catalogue: asks Lean about every declaration of a checked library."""

import json
import re
import tempfile
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scanproof.lean.catalogue import PROGRAM, Catalogue, Declaration, content_key
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.findings import Finding
from scanproof.lean.header import comment_end
from scanproof.lean.messages import Message
from scanproof.lean.modules import Graph, Module
from scanproof.lean.toolchain import Build, Toolchain

STANDARD_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})
_KINDS = frozenset(
    {"theorem", "definition", "structure", "class", "inductive", "instance", "opaque", "axiom"}
)
_BETWEEN = re.compile(r"\s*(?:@\[[^\]]*\]\s*)*(?:[a-z]\w*\s+)*")
_REASONS = {
    "sorryAx": "rests on sorry",
    "Lean.ofReduceBool": "rests on native_decide, which trusts compiled code",
    "Lean.trustCompiler": "rests on native_decide, which trusts compiled code",
}


@dataclass(frozen=True)
class _Place:
    """Where a declaration's name stands: line and column from 0, the column in UTF-16 units, as editors count."""

    name: str
    module: Module
    line: int
    column: int


def describe(graph: Graph, build: Build, toolchain: Toolchain) -> tuple[Catalogue, list[Finding]]:
    """Return the catalogue of a library without faults, and what the catalogue itself reveals to be wrong.

    Raises:
        LeanUnavailable: Lean did not answer.
    """
    places = [
        place for name, module in graph.modules.items() for place in _places(build.folder, name, module)
    ]
    answers = _ask(graph, build, toolchain, [place.name for place in places])
    rests_on = {answer["module"]: answer["axioms"] for answer in answers if "module" in answer}
    facts = {answer["name"]: answer for answer in answers if "name" in answer}
    if len(rests_on) != len(graph.modules) or len(facts) != len(places):
        raise LeanUnavailable(
            f"Lean described {len(facts)} of {len(places)} declarations and {len(rests_on)} of {len(graph.modules)} "
            "modules; please report this."
        )
    declarations = []
    for place in places:
        fact = facts[place.name.replace("«", "").replace("»", "")]
        if fact["kind"] in _KINDS:
            declarations.append(
                Declaration(
                    name=place.name,
                    kind=fact["kind"],
                    statement=fact["statement"],
                    docstring=docstring(place.module.source, place.line, place.column),
                    module=place.module.name,
                    file=place.module.file,
                    line=place.line + 1,
                    axioms=tuple(sorted(fact["axioms"])),
                )
            )
    declarations.sort(key=lambda d: (d.file, d.line))
    catalogue = Catalogue(
        lean=graph.project.version,
        toolchain=toolchain.identity,
        key=content_key(graph, toolchain),
        declarations=tuple(declarations),
    )
    return catalogue, sorted([*_undocumented(declarations), *_unfounded(graph, declarations, rests_on)])


def _ask(
    graph: Graph, build: Build, toolchain: Toolchain, names: list[str]
) -> list[dict[str, list[str] | str]]:
    imports = "\n".join(f"import all {name}" for name in graph.modules)
    program = PROGRAM.read_text(encoding="utf-8").replace("--IMPORTS", imports)
    program += f"example : True := audit! {' '.join(graph.modules)}\n"
    program += f"example : True := describe! {' '.join(names)}\n"
    file = build.folder / "Catalogue.lean"
    with tempfile.TemporaryDirectory(dir=build.folder) as folder:
        file = Path(folder) / "Catalogue.lean"
        file.write_text(program, encoding="utf-8")
        messages = toolchain.elaborate(graph, build, file)
    for message in messages:
        if message.severity == "error":
            raise LeanUnavailable(f"Lean could not describe the library: {message.text}")
    return [json.loads(line) for line in _lines(messages) if line.startswith("{")]


def _lines(messages: Iterable[Message]) -> list[str]:
    return [line for message in messages for line in message.text.splitlines()]


def _places(folder: Path, name: str, module: Module) -> list[_Place]:
    ilean = folder.joinpath(*name.split(".")).with_suffix(".ilean")
    places = []
    for key, uses in json.loads(ilean.read_text(encoding="utf-8"))["references"].items():
        constant = json.loads(key).get("c")
        if constant and uses["definition"] and constant["m"] == name and _is_public(constant["n"]):
            places.append(_Place(constant["n"], module, *uses["definition"][:2]))
    return places


def _is_public(name: str) -> bool:
    return not name.startswith("_private.") and name.split(".")[-1] != "_example"


def docstring(source: str, line: int, column: int) -> str:
    """Return the documentation comment of the declaration whose name stands at a place, or an empty text."""
    lines = source.splitlines(keepends=True)
    before = lines[line].encode("utf-16-le")[: 2 * column].decode("utf-16-le")
    position = sum(map(len, lines[:line])) + len(before)
    start = source.rfind("/--", 0, position)
    if start < 0:
        return ""
    end = comment_end(source, start)
    if end > position or not _BETWEEN.fullmatch(source, end, position):
        return ""
    first, _, rest = source[start + 3 : end - 2].strip().partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}".strip()


def _undocumented(declarations: Iterable[Declaration]) -> list[Finding]:
    return [
        Finding(d.file, d.line, 0, f"error: theorem {d.name} has no docstring; say in words what it states")
        for d in declarations
        if d.kind == "theorem" and not d.docstring
    ]


def _unfounded(
    graph: Graph, declarations: Iterable[Declaration], rests_on: dict[str, list[str]]
) -> list[Finding]:
    findings = []
    for d in declarations:
        for axiom in set(d.axioms) - STANDARD_AXIOMS:
            if axiom == d.name:
                findings.append(
                    Finding(d.file, d.line, 0, f"error: {d.name} is an axiom; prove it or remove it")
                )
            else:
                reason = _REASONS.get(axiom, f"rests on the axiom {axiom}")
                findings.append(Finding(d.file, d.line, 0, f"error: {d.name} {reason}"))
    blamed = {finding.file for finding in findings}
    for module, axioms in rests_on.items():
        file = graph.modules[module].file
        if file not in blamed:
            for axiom in set(axioms) - STANDARD_AXIOMS:
                reason = _REASONS.get(axiom, f"rests on the axiom {axiom}")
                findings.append(Finding(file, 1, 0, f"error: a private declaration of this module {reason}"))
    return findings
