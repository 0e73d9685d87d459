from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanproof.lean.catalogue import Declaration
from scanproof.lean.describe import docstring, unfounded
from scanproof.lean.modules import Graph, Module
from scanproof.lean.project import Project

COMMENT = st.text(st.sampled_from("ab λ𝔸-/`\n\x0c\u2028"), min_size=1).filter(
    lambda t: "/-" not in f" {t} " and "-/" not in f" {t} "
)


def at(source: str, name: str) -> str:
    """Return the docstring of the last occurrence of a name."""
    before = source[: source.rindex(name)]
    line = before.count("\n")
    column = len(before[before.rfind("\n") + 1 :].encode("utf-16-le")) // 2
    return docstring(source, line, column)


@pytest.mark.parametrize(
    "between",
    [
        "\ntheorem ",
        " theorem ",
        "\n@[simp] theorem ",
        "\n@[simp, grind =]\nprotected theorem ",
        "\nprivate noncomputable def ",
        "\nclass inductive ",
        "\ninstance (priority := low) ",
    ],
)
def test_it_stands_before_the_keyword(between: str) -> None:
    assert at(f"/-- Other. -/\ndef y := 1\n\n/-- Says what. -/{between}name : True", "name") == "Says what."


@pytest.mark.parametrize(
    "source",
    [
        "theorem name : True",
        "/-- Other. -/\ndef y := 1\ntheorem name : True",
        "/- No docstring. -/\ntheorem name : True",
        "/-! Module. -/\ntheorem name : True",
        "/-- theorem name",
    ],
)
def test_there_is_none(source: str) -> None:
    assert at(source, "name") == ""


def test_indentation_is_taken_away() -> None:
    source = "/-- First.\n    Second.\n      Third. -/\ntheorem name : True"
    assert at(source, "name") == "First.\nSecond.\n  Third."


def test_comments_inside_are_kept() -> None:
    assert at("/-- A /- nested -/ comment. -/ def name := 1", "name") == "A /- nested -/ comment."


@given(COMMENT)
def test_any_text_comes_back(text: str) -> None:
    found = at(f"/-- {text} -/ theorem name : True", "name")
    assert found.split() == text.split()


@given(st.text(st.sampled_from("𝔸λ ")))
def test_columns_count_as_editors_do(before: str) -> None:
    assert at(f"/-- {before}. -/ theorem name : True", "name").split() == f"{before}.".split()


def theorem(name: str, *axioms: str) -> Declaration:
    return Declaration(name, "theorem", "", "", "Spec.A", "Spec/A.lean", 7, axioms, ())


@pytest.mark.parametrize(
    ("declarations", "module_axioms", "said"),
    [
        ([theorem("t", "propext", "Quot.sound")], ["propext", "Classical.choice"], []),
        ([theorem("t", "sorryAx")], ["sorryAx"], ["Spec/A.lean:7:0: error: t rests on sorry"]),
        ([theorem("t", "t")], ["t"], ["Spec/A.lean:7:0: error: t is an axiom; prove it or remove it"]),
        ([theorem("t", "ours")], ["ours"], ["Spec/A.lean:7:0: error: t rests on the axiom ours"]),
        (
            [theorem("t", "propext")],
            ["propext", "sorryAx"],
            ["Spec/A.lean:1:0: error: a private declaration of this module rests on sorry"],
        ),
    ],
)
def test_axioms_that_are_not_lean_s_own(
    declarations: list[Declaration], module_axioms: list[str], said: list[str]
) -> None:
    project = Project(Path("/nowhere"), "4.28.0", "lean_lib Spec\n")
    graph = Graph(project, {"Spec.A": Module("Spec.A", "Spec/A.lean", "")})
    assert [str(f) for f in unfounded(graph, declarations, {"Spec.A": module_axioms})] == said
