"""Citations of theorems: BibTeX, LaTeX, plain text, and the references of a CITATION.cff."""

import json
import re
from collections.abc import Callable
from importlib.metadata import version

from scanproof.errors import InvalidArgument
from scanproof.lean.carried import swhid
from scanproof.lean.catalogue import Catalogue, Declaration

AUTHOR = "scanproof contributors"
YEAR = 2026
"""The year of this version, as in ``CITATION.cff``; a test compares both."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
    **{chr(0x2080 + digit): f"\\textsubscript{{{digit}}}" for digit in range(10)},
}


def cite(theorem: Declaration, catalogue: Catalogue, form: str) -> str:
    """Return a citation of a theorem, at this version of scanproof.

    Args:
        theorem: a theorem of the catalogue.
        catalogue: the catalogue of this version.
        form: ``bibtex``, ``latex``, ``text``, or ``cff`` (a block ``references:``).

    Raises:
        InvalidArgument: ``form`` is none of these.
    """
    if form not in FORMS:
        raise InvalidArgument(f"The form of a citation is {form!r}; choose one of {', '.join(FORMS)}.")
    return FORMS[form](theorem, catalogue)


def _text(theorem: Declaration, catalogue: Catalogue) -> str:
    return (
        f"Theorem {theorem.name}. In: {AUTHOR} ({YEAR}), scanproof, version {version('scanproof')}, "
        f"{theorem.file}, line {theorem.line}. {_checked(theorem, catalogue)}. {swhid(theorem.file)}"
    )


def _latex(theorem: Declaration, catalogue: Catalogue) -> str:
    return f"Theorem~\\texttt{{{_escaped(theorem.name)}}}~\\cite{{{_key(theorem)}}}"


def _bibtex(theorem: Declaration, catalogue: Catalogue) -> str:
    file = _escaped(theorem.file)
    return "\n".join(
        [
            f"@misc{{{_key(theorem)},",
            f"  author       = {{{{{AUTHOR}}}}},",
            f"  title        = {{{{Theorem \\texttt{{{_escaped(theorem.name)}}}}}}},",
            f"  howpublished = {{scanproof, version {version('scanproof')}, "
            f"\\texttt{{{file}}}, line {theorem.line}}},",
            f"  year         = {{{YEAR}}},",
            f"  note         = {{{_checked(theorem, catalogue)}. \\texttt{{{swhid(theorem.file)}}}}}",
            "}",
        ]
    )


def _cff(theorem: Declaration, catalogue: Catalogue) -> str:
    return "\n".join(
        [
            "references:",
            "  - type: software-code",
            f"    title: {json.dumps(f'Theorem {theorem.name}', ensure_ascii=False)}",
            "    authors:",
            f"      - name: {AUTHOR}",
            f"    version: {version('scanproof')}",
            f"    year: {YEAR}",
            "    license: Apache-2.0",
            f"    filename: {theorem.file}",
            f"    loc-start: {theorem.line}",
            f"    notes: {json.dumps(f'{_checked(theorem, catalogue)}.')}",
            "    identifiers:",
            "      - type: swh",
            f"        value: {swhid(theorem.file)}",
        ]
    )


FORMS: dict[str, Callable[[Declaration, Catalogue], str]] = {
    "bibtex": _bibtex,
    "latex": _latex,
    "text": _text,
    "cff": _cff,
}


def _checked(theorem: Declaration, catalogue: Catalogue) -> str:
    axioms = ", ".join(theorem.axioms) or "none"
    return f"Checked with Lean {catalogue.lean.partition(',')[0]}; axioms of its proof: {axioms}"


def _key(theorem: Declaration) -> str:
    """Return a valid BibTeX key, different for every name: letters, digits and a few marks."""
    name = theorem.name.removeprefix("Scanproof.")
    return "scanproof:" + re.sub(r"[^\w.:-]|[^\x00-\x7f]", lambda found: f"-{ord(found[0]):x}-", name)


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in text)
