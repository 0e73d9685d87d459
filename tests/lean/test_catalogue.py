import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanproof.errors import InvalidArgument
from scanproof.lean import catalogue as catalogues
from scanproof.lean.catalogue import Catalogue, Declaration
from scanproof.lean.project import Project

MakeProject = Callable[..., Project]
DECLARATIONS = st.builds(
    Declaration,
    name=st.text(),
    kind=st.sampled_from(["theorem", "definition"]),
    statement=st.text(),
    docstring=st.text(),
    module=st.text(),
    file=st.text(),
    line=st.integers(1),
    axioms=st.lists(st.text()).map(tuple),
    uses=st.lists(st.text()).map(tuple),
)
CATALOGUES = st.builds(
    Catalogue,
    lean=st.text(),
    toolchain=st.text(),
    key=st.text(),
    declarations=st.lists(DECLARATIONS).map(tuple),
)


def theorem(name: str, *axioms: str, docstring: str = "") -> Declaration:
    return Declaration(name, "theorem", f"{name} : True", docstring, "Spec", "Spec.lean", 1, axioms, ())


@given(CATALOGUES)
def test_json_keeps_everything(catalogue: Catalogue) -> None:
    assert Catalogue.from_json(catalogue.to_json()) == catalogue


def test_json_is_readable() -> None:
    catalogue = Catalogue("4.28.0", "lake", "k", (theorem("Scanproof.é_λ", docstring="∀ ε"),))
    text = catalogue.to_json()
    assert "é_λ" in text
    assert json.loads(text)["schema_version"] == catalogues.SCHEMA_VERSION


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"schema_version": 99, "declarations": []}', "schema version 99"),
        ('{"declarations": []}', "not a catalogue"),
        ('{"schema_version": 2, "declarations": [{"name": "x"}]}', "not a catalogue"),
        ("[]", "not a catalogue"),
        ("not json", "not a catalogue"),
    ],
)
def test_other_json_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        Catalogue.from_json(text)


def test_theorems_are_found_by_full_and_by_short_name() -> None:
    catalogue = Catalogue("4.28.0", "lake", "k", (theorem("Scanproof.Runner.append"), theorem("other")))
    assert catalogue.theorem("Runner.append") is catalogue.theorem("Scanproof.Runner.append")
    assert catalogue.theorem("other").name == "other"
    with pytest.raises(
        InvalidArgument, match=r"None of the 2 theorems is called 'gone'; scanproof theorems lists them"
    ):
        catalogue.theorem("gone")
    with pytest.raises(InvalidArgument, match=r"called 'Runner.apend'; did you mean Runner.append\?"):
        catalogue.theorem("Runner.apend")


def test_axioms_are_those_of_all_theorems() -> None:
    catalogue = Catalogue(
        "4.28.0", "lake", "k", (theorem("a", "propext"), theorem("b", "Quot.sound", "propext"))
    )
    assert catalogue.axioms == ("Quot.sound", "propext")


def test_the_summary_is_the_first_paragraph() -> None:
    assert theorem("a", docstring="Says\nthis.\n\nAnd that.").summary == "Says this."


def test_loading_what_was_not_proved(make_project: MakeProject, cache: Path) -> None:
    project = make_project({"Spec": "module\n"})
    with pytest.raises(InvalidArgument, match=r"have not been checked; run scanproof prove"):
        catalogues.load(project.root)
