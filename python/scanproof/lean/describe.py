"""Make the catalogue: ask Lean about every declaration of a checked library."""

import json
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanproof.lean.catalogue import PROGRAM, Catalogue, Declaration, content_key
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.findings import Finding
from scanproof.lean.header import comment_end
from scanproof.lean.messages import Message
from scanproof.lean.modules import Graph, Module
from scanproof.lean.toolchain import Build, Toolchain
from scanproof.lean.uses import Uses

STANDARD_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})
_KINDS = frozenset(
    {"theorem", "definition", "structure", "class", "inductive", "instance", "opaque", "axiom"}
)
_BETWEEN = re.compile(r"\s*(?:@\[[^\]]*\]\s*)*(?:[a-z]\w*\s+)*(?:\(priority := \w+\)\s+)?")
_REASONS = {
    "sorryAx": "rests on sorry",
    "Lean.ofReduceBool": "rests on native_decide, which trusts compiled code",
    "Lean.trustCompiler": "rests on native_decide, which trusts compiled code",
}


@dataclass(frozen=True)
class _Place:
    """Position of a declaration's name: line and column, counted from 0, the column in UTF-16 units."""

    name: str
    module: Module
    line: int
    column: int


def describe(
    graph: Graph, build: Build, toolchain: Toolchain, folder: Path
) -> tuple[Catalogue, list[Finding]]:
    """Return the catalogue of a library without faults, and the faults that the catalogue reveals.

    Args:
        graph: the modules.
        build: their build.
        toolchain: the toolchain that built them.
        folder: the folder of the build.

    Raises:
        LeanUnavailable: Lean did not answer.
    """
    places: list[_Place] = []
    answers: list[dict[str, Any]] = []
    for group in _groups(graph):
        known = {place.name for place in places}  # ``main``, which each executable has
        found = [
            place
            for name in group
            for place in _places(build.folder, name, graph.modules[name])
            if place.name not in known
        ]
        file = folder / "Catalogue.lean"
        file.write_text(_program(group, [place.name for place in found]), encoding="utf-8")
        answers += _answers(toolchain.elaborate(build, file))
        places += found
    rests_on = {answer["module"]: answer["axioms"] for answer in answers if "module" in answer}
    facts = {answer["name"]: answer for answer in answers if "name" in answer}
    described, asked = len(rests_on) + len(facts), len(graph.modules) + len(places)
    if described != asked:
        raise LeanUnavailable(f"Lean described {described} of {asked} modules and names; please report this.")
    names = {unquoted(place.name): place.name for place in places}
    uses = Uses(
        {name for name in names if facts[name]["kind"] in _KINDS},
        {answer["constant"]: answer["uses"] for answer in reversed(answers) if "constant" in answer},
    )
    declarations = []
    for place in places:
        fact = facts[unquoted(place.name)]
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
                    uses=tuple(names[used] for used in uses.of(unquoted(place.name))),
                )
            )
    declarations.sort(key=lambda d: (d.file, d.line))
    catalogue = Catalogue(
        lean=next(answer["lean"] for answer in answers if "lean" in answer),
        toolchain=toolchain.identity,
        key=content_key(graph, toolchain),
        declarations=tuple(declarations),
    )
    return catalogue, sorted([*_undocumented(declarations), *unfounded(graph, declarations, rests_on)])


def unquoted(name: str) -> str:
    """Return a name without the marks around parts that are no identifiers, as the Lean program prints it."""
    return name.replace("«", "").replace("»", "")


def _groups(graph: Graph) -> list[list[str]]:
    """Return the modules in groups that one file can import.

    Two functions ``main`` clash, so each executable after the first is a group of its own.
    """
    apart = [root for root in [*graph.project.executables.values()][1:] if root in graph.modules]
    return [[name for name in graph.modules if name not in apart], *([root] for root in apart)]


def _program(modules: list[str], names: list[str]) -> str:
    imports = "\n".join(f"import all {name}" for name in modules)
    program = PROGRAM.read_text(encoding="utf-8").replace("--IMPORTS", imports)
    return (
        f"{program}\nexample : True := audit! {' '.join(modules)}\n"
        f"example : True := describe! {' '.join(names)}\n"
    )


def _answers(messages: Iterable[Message]) -> list[dict[str, Any]]:
    answers = []
    for message in messages:
        if message.severity == "error":
            raise LeanUnavailable(f"Lean could not describe the library: {message.text}")
        answers += [json.loads(line) for line in message.text.split("\n") if line.startswith("{")]
    return answers


def _places(folder: Path, name: str, module: Module) -> list[_Place]:
    """Return the public declarations of a module, with their positions as far as Lean lists them."""
    ilean = json.loads(folder.joinpath(*name.split(".")).with_suffix(".ilean").read_text(encoding="utf-8"))
    starts = {}
    for key, uses in ilean["references"].items():
        constant = json.loads(key).get("c")
        if constant and uses["definition"] and constant["m"] == name:
            starts[constant["n"]] = uses["definition"][:2]
    starts |= {declared: ranges[4:6] for declared, ranges in ilean["decls"].items()}
    return [_Place(declared, module, *start) for declared, start in starts.items() if _is_public(declared)]


def _is_public(name: str) -> bool:
    return not name.startswith("_private.") and name.split(".")[-1] != "_example"


def docstring(source: str, line: int, column: int) -> str:
    """Return the documentation comment of the declaration at a position, or an empty text."""
    lines = source.split("\n")
    before = lines[line].encode("utf-16-le")[: 2 * column].decode("utf-16-le")
    position = sum(len(earlier) + 1 for earlier in lines[:line]) + len(before)
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
        Finding(d.file, d.line, 0, f"error: theorem {d.name} has no docstring; write its statement in words")
        for d in declarations
        if d.kind == "theorem" and not d.docstring
    ]


def unfounded(
    graph: Graph, declarations: Iterable[Declaration], rests_on: dict[str, list[str]]
) -> list[Finding]:
    """Return a fault for each public declaration, or else module, that rests on axioms other than Lean's."""
    findings = [
        Finding(d.file, d.line, 0, f"error: {d.name} {_reason(axiom, d.name)}")
        for d in declarations
        for axiom in set(d.axioms) - STANDARD_AXIOMS
    ]
    blamed = {finding.file for finding in findings}
    findings += [
        Finding(
            graph.modules[module].file, 1, 0, f"error: a private declaration of this module {_reason(axiom)}"
        )
        for module, axioms in rests_on.items()
        for axiom in set(axioms) - STANDARD_AXIOMS
        if graph.modules[module].file not in blamed
    ]
    return findings


def _reason(axiom: str, name: str | None = None) -> str:
    if axiom == name:
        return "is an axiom; prove it or remove it"
    return _REASONS.get(axiom, f"rests on the axiom {axiom}")
