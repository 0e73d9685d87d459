"""Theorems that Python names are in the catalogue that ``scanproof prove`` made."""

import re
from pathlib import Path

import pytest

from scanproof import theorems
from scanproof.lean import catalogue
from scanproof.refinement.runners import DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec

ROOT = Path(__file__).parents[1]
NAMED = {name: value for name, value in vars(theorems).items() if name.isupper()}
FIVE = (
    "diagonalS4_runList_append_outputs_prefix",
    "compactMamba_runList_append_outputs_prefix",
    "selectiveMamba_runListAux_append_outputs_prefix",
    "selectiveMamba_runList_append_outputs_prefix",
    "diagonalSelectiveScan_append",
)


@pytest.fixture(scope="module")
def statements():
    return {theorem.name: theorem for theorem in catalogue.load(ROOT).theorems}


@pytest.mark.lean
@pytest.mark.parametrize("name", [*NAMED.values(), *FIVE])
def test_named_theorems_are_proved(statements, name):
    assert f"Scanproof.{name}" in statements


@pytest.mark.lean
def test_prefix_theorems_say_that_the_past_stays(statements):
    for name in FIVE[:4]:
        statement = " ".join(statements[f"Scanproof.{name}"].statement.split())
        assert re.search(
            r"List\.take xs\.length \(m\.runList.*\(xs \+\+ ys\)\)\.snd = \(m\.runList", statement
        )
        assert "[Scanproof.Scalar α]" in statement


@pytest.mark.lean
def test_each_spec_names_a_theorem_about_its_own_lean_structure(statements):
    for spec in (DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec):
        assert f"(m : Scanproof.{spec.__name__} " in statements[f"Scanproof.{spec.theorem}"].statement


@pytest.mark.lean
def test_theorems_named_in_docstrings_exist(statements):
    sources = "\n".join(file.read_text() for file in (ROOT / "python").rglob("*.py"))
    named = set(re.findall(r"Lean theorem\s+``([\w.]+)``", sources))
    assert named >= {"runDiagonalTransitions_tree", "runDiagonalTransitions_chunks"}
    assert {f"Scanproof.{name}" for name in named} <= set(statements)
