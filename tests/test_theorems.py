"""Theorems that Python names are in the catalogue that ``scanproof prove`` made."""

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from scanproof import theorems
from scanproof.lean import catalogue
from scanproof.lean.catalogue import Declaration
from scanproof.refinement.runners import DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec

ROOT = Path(__file__).parents[1]
NAMED = {name: value for name, value in vars(theorems).items() if name.isupper()}
PYTHON_TOO = {
    "Oracle",
    "Scalar",
    "DiagonalS4Spec",
    "MambaBlockSpec",
    "SelectiveMambaBlockSpec",
    "MambaCheckpoint",
}
"""Namespaces whose names stand for Python classes as well."""
FIVE = (
    "diagonalS4_runList_append_outputs_prefix",
    "compactMamba_runList_append_outputs_prefix",
    "selectiveMamba_runListAux_append_outputs_prefix",
    "selectiveMamba_runList_append_outputs_prefix",
    "diagonalSelectiveScan_append",
)


@pytest.fixture(scope="module")
def statements() -> dict[str, Declaration]:
    return {theorem.name: theorem for theorem in catalogue.load(ROOT).theorems}


@pytest.mark.lean
@pytest.mark.parametrize("name", [*NAMED.values(), *FIVE])
def test_named_theorems_are_proved(statements: dict[str, Declaration], name: str) -> None:
    assert f"Scanproof.{name}" in statements


@pytest.mark.lean
def test_prefix_theorems_say_that_the_past_stays(statements: dict[str, Declaration]) -> None:
    for name in FIVE[:4]:
        statement = " ".join(statements[f"Scanproof.{name}"].statement.split())
        assert re.search(
            r"List\.take xs\.length \(m\.runList.*\(xs \+\+ ys\)\)\.snd = \(m\.runList", statement
        )
        assert "[Scanproof.Scalar α]" in statement


@pytest.mark.lean
def test_each_spec_names_a_theorem_about_its_own_lean_structure(statements: dict[str, Declaration]) -> None:
    for spec in (DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec):
        assert f"(m : Scanproof.{spec.__name__} " in statements[f"Scanproof.{spec.theorem}"].statement


def named_in(text: str, namespaces: Collection[str]) -> set[str]:
    """Return what a text names as Lean declarations, by the three ways in which that is written."""
    text = text.replace("`Scanproof.", "`")
    introduced = re.findall(r"(?:Lean )?[Tt]heorem\s+`+([\w.]+)`+", text)
    quoted = re.findall(r"`+([\w.]+)`+", text)
    qualified = [name for name in quoted if name.partition(".")[0] in namespaces and "." in name]
    words = r"(?:\w+\.)?(?:[a-z]+[A-Z0-9]\w*_\w+|(?:not_)?causal_(?:iff|circular)\w+)"
    lean_case = [name for name in quoted if re.fullmatch(words, name)]
    return {*introduced, *qualified, *lean_case}


@pytest.mark.lean
def test_what_python_and_docs_name_exists() -> None:
    declared = {item.name.removeprefix("Scanproof.") for item in catalogue.load(ROOT).declarations}
    namespaces = {name.partition(".")[0] for name in declared if "." in name} - PYTHON_TOO
    for file in [*(ROOT / "python").rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        assert named_in(file.read_text(), namespaces) <= declared, file


@pytest.mark.parametrize(
    "text",
    [
        "by the Lean theorem ``gone``",
        "the property is ``Runner.gone``",
        "theorem `gone` says",
        "as in `scanOf_gone`",
        "`Scanproof.Runner.gone`",
    ],
)
def test_every_way_of_naming_a_theorem_is_seen(text: str) -> None:
    assert [name.endswith("gone") for name in named_in(text, {"Runner"})] == [True]


@pytest.mark.lean
def test_every_theorem_is_restated() -> None:
    restated = "\n".join(file.read_text() for file in sorted((ROOT / "Spec/Statements").glob("*.lean")))
    named = {word.rpartition(".")[2] for word in re.findall(r"[\w.'₀-₉]+", restated)}
    missing = [
        theorem.name
        for theorem in catalogue.load(ROOT).theorems
        if "theorem" in (ROOT / theorem.file).read_text().splitlines()[theorem.line - 1]
        and theorem.name.rpartition(".")[2] not in named
    ]
    assert not missing, f"restate them in Spec/Statements: {missing}"
