"""``scanproof theorems`` and ``scanproof cite`` on the catalogue that the package carries."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from scanproof.cli.app import app
from scanproof.lean import carried, catalogue, citation

ROOT = Path(__file__).parents[2]
NAME = "Runner.take_outputs_append"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.lean
def test_the_carried_catalogue_is_what_lean_says() -> None:
    said, kept = catalogue.load(ROOT), catalogue.carried()
    mend = "run make catalogue"
    assert (kept.lean, kept.declarations) == (said.lean, said.declarations), mend


def test_the_list_has_every_theorem_with_what_it_says() -> None:
    output = run("theorems").stdout
    for theorem in catalogue.carried().theorems:
        assert f"{theorem.name}\n" in output
    assert run("theorems", "--quiet").stdout.splitlines() == [
        one.name for one in catalogue.carried().theorems
    ]


def test_words_must_all_occur() -> None:
    found = run("theorems", "append", "PREFIX", "--quiet").stdout.splitlines()
    assert "Scanproof.selectiveMamba_runList_append_outputs_prefix" in found
    texts = {
        one.name: f"{one.name} {one.statement} {one.docstring}".lower()
        for one in catalogue.carried().theorems
    }
    assert found == [name for name, text in texts.items() if "append" in text and "prefix" in text]


@pytest.mark.parametrize("name", [NAME, f"Scanproof.{NAME}"])
def test_one_alone_is_shown_in_full(name: str) -> None:
    output = run("theorems", name).stdout
    theorem = catalogue.carried().theorem(NAME)
    assert f"{theorem.file}, line {theorem.line}; axioms: " in output
    assert "".join(theorem.statement.split()) in "".join(output.split())


def test_json() -> None:
    content = json.loads(run("theorems", NAME, "--json").stdout)
    assert [one["name"] for one in content["theorems"]] == [f"Scanproof.{NAME}"]
    content = json.loads(run("cite", NAME, "--json", "--format", "text").stdout)
    (cited,) = content["citations"]
    assert cited["citation"].startswith(f"Theorem Scanproof.{NAME}. In: scanproof contributors")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["theorems", "take_outputs_apend"], "did you mean"),
        (["theorems", "append", "wavelets"], "No theorem mentions append and wavelets; try fewer"),
        (["cite", "Runner.take_outputs_apend"], f"did you mean {NAME}"),
        (
            ["cite", NAME, "--format", "ris"],
            "The form of a citation is 'ris'; choose one of bibtex, latex, text, cff",
        ),
    ],
)
def test_unknown_names_are_met_with_what_is_near(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_several_theorems_are_cited_together() -> None:
    assert run("cite", NAME, "runDiagonalTransitions_error").stdout.count("@misc{scanproof:") == 2


def test_every_theorem_has_a_key_of_its_own_that_bibtex_takes() -> None:
    kept = catalogue.carried()
    keys = [citation.cite(one, kept, "bibtex").partition("{")[2].partition(",")[0] for one in kept.theorems]
    assert len(set(keys)) == len(keys)
    assert all(key.isascii() and not set(key) & set("{}#%\\\"' ,~=") for key in keys)


def test_latex_escapes_what_latex_reads() -> None:
    text = run("cite", NAME, "--format", "latex").stdout
    assert (
        text == "Theorem~\\texttt{Scanproof.Runner.take\\_outputs\\_append}~\\cite{scanproof:" + NAME + "}\n"
    )


def test_the_hash_is_that_of_git() -> None:
    known = "Spec/Runner.lean"
    content = (ROOT / known).read_bytes()
    assert (
        carried.swhid(known)
        == f"swh:1:cnt:{hashlib.sha1(b'blob %d' % len(content) + bytes(1) + content).hexdigest()}"
    )


def test_the_year_and_author_are_those_of_the_citation_file() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(cff["date-released"]).startswith(str(citation.YEAR))
    assert cff["authors"] == [{"name": citation.AUTHOR}]
    assert cff["version"] == version("scanproof")
