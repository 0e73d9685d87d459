"""The catalogue of theorems as a static site, and as a page of Markdown."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from scanproof.lean.catalogue import Catalogue, Declaration
from scanproof.lean.citation import cite
from scanproof.lean.citing import citing_modules
from scanproof.lean.graph import library_graph
from scanproof.lean.remarks import remarks
from scanproof.report.pages import joined, render

FORMS = {"text": "Plain text", "bibtex": "BibTeX", "latex": "LaTeX"}


def write_site(catalogue: Catalogue, folder: Path) -> Path:
    """Write the site, with a page for each declaration, a search and a graph; return its first page.

    Links between pages are relative, so the folder can be served or opened anywhere.

    Args:
        catalogue: the catalogue of ``scanproof prove``.
        folder: the folder of the site, created if necessary; pages in it are replaced.
    """
    (folder / "theorem").mkdir(parents=True, exist_ok=True)
    (folder / "style.css").write_text(joined(("style.css", "site.css")), encoding="utf-8")
    (folder / "site.js").write_text(joined(("page.js", "site.js")), encoding="utf-8")
    known = {declaration.name: declaration for declaration in catalogue}
    users, citing = _users(catalogue), citing_modules()
    common = {"catalogue": catalogue, "release": version("scanproof"), "short": short, "file_of": file_of}
    for declaration in catalogue:
        _write(
            folder / "theorem" / file_of(declaration.name),
            render(
                "theorem.html.j2",
                **common,
                root="../",
                declaration=declaration,
                remarks=remarks(declaration),
                citing=citing.get(short(declaration.name), []),
                uses=_neighbours(declaration.uses, known),
                used_by=_neighbours(users[declaration.name], known),
                citations=_citations(declaration, catalogue),
            ),
        )
    entries = [
        {"name": d.name, "kind": d.kind, "says": d.summary, "file": file_of(d.name), "text": d.statement}
        for d in catalogue
    ]
    (folder / "catalogue.js").write_text(
        f"const CATALOGUE = {json.dumps(entries, ensure_ascii=False)};\n", encoding="utf-8"
    )
    modules = [(module, list(group)) for module, group in groupby(catalogue, key=lambda d: d.module)]
    _write(folder / "graph.html", render("graph.html.j2", **common, root="", graph=library_graph(catalogue)))
    _write(folder / "index.html", render("index.html.j2", **common, root="", modules=modules))
    return folder / "index.html"


def markdown(catalogue: Catalogue) -> str:
    """Return all theorems as a page of Markdown, by file; each name is an anchor."""
    lines = [
        "# Theorems",
        "",
        f"The {len(catalogue.theorems)} theorems of `Spec/`, each with the first paragraph of its",
        f"documentation. Checked with Lean {catalogue.lean.partition(',')[0]}; axioms: "
        f"{', '.join(catalogue.axioms)}.",
        "",
        "`scanproof theorems --markdown docs/THEOREMS.md` writes this page; `scanproof theorems NAME` prints",
        "one in full, `scanproof cite NAME` how to cite it.",
    ]
    for file, group in groupby(catalogue.theorems, key=lambda theorem: theorem.file):
        lines += ["", f"## {file}", ""]
        for theorem in group:
            name = short(theorem.name)
            lines.append(f'- <a id="{name}"></a>`{name}`, line {theorem.line}: {theorem.summary}')
    return "\n".join(lines) + "\n"


def short(name: str) -> str:
    """Return a name without the namespace ``Scanproof``."""
    return name.removeprefix("Scanproof.")


def file_of(name: str) -> str:
    """Return the file name of a declaration's page: its name without characters that URLs do not allow."""
    return re.sub(r"[^\w.'-]", lambda found: f"-{ord(found[0]):x}-", name) + ".html"


def _write(file: Path, page: str) -> None:
    file.write_text(page, encoding="utf-8")


def _users(catalogue: Catalogue) -> Mapping[str, list[str]]:
    users = defaultdict[str, list[str]](list)
    for declaration in catalogue:
        for name in declaration.uses:
            users[name].append(declaration.name)
    return users


def _neighbours(
    names: Iterable[str], known: Mapping[str, Declaration]
) -> list[tuple[str, list[Declaration]]]:
    """Return declarations, theorems first, then definitions and the rest."""
    found = [known[name] for name in names if name in known]
    theorems = [d for d in found if d.kind == "theorem"]
    others = [d for d in found if d.kind != "theorem"]
    return [(title, group) for title, group in (("Theorems", theorems), ("Definitions", others)) if group]


def _citations(declaration: Declaration, catalogue: Catalogue) -> list[tuple[str, str, str]]:
    if declaration.kind != "theorem":
        return []
    return [(form, label, cite(declaration, catalogue, form)) for form, label in FORMS.items()]
