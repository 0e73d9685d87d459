"""The catalogue as a site: what pages say, that links lead somewhere, and how it behaves in a browser."""

import re
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from chromium import Scheme, chromium, opened
from scanproof import theorems
from scanproof.lean import catalogue as catalogues
from scanproof.lean.catalogue import Catalogue, Declaration
from scanproof.lean.citation import cite
from scanproof.lean.citing import citing_modules
from scanproof.lean.graph import library_graph
from scanproof.lean.remarks import remarks
from scanproof.lean.site import file_of, markdown, write_site
from verdicts import present

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

ROOT = Path(__file__).parents[2]


def declared(name: str, kind: str, statement: str, says: str, file: str, *uses: str) -> Declaration:
    module = file.removesuffix(".lean").replace("/", ".")
    return Declaration(
        f"Scanproof.{name}",
        kind,
        f"Scanproof.{name} {statement}",
        says,
        module,
        file,
        7,
        ("propext",) if kind == "theorem" else (),
        tuple(f"Scanproof.{used}" for used in uses),
    )


CATALOGUE = Catalogue(
    "4.28.0, commit x",
    "wasm",
    "0123",
    (
        declared(
            "matrixCausal_iff_reach_cuts",
            "theorem",
            "{α : Type} [Lean.Grind.Semiring α]",
            "Cuts suffice.",
            "Spec/Certificate/Cuts.lean",
            "Runner",
            "Runner.take_outputs_append",
        ),
        declared(
            "Runner", "structure", "(σ ι ο : Type) : Type", "A machine with states `σ`.", "Spec/Runner.lean"
        ),
        declared(
            "Runner.take_outputs_append",
            "theorem",
            "(r : Scanproof.Runner σ ι ο) : r.take < 1 & <b>",
            "Appending changes nothing.\n\nMore `words`.",
            "Spec/Runner.lean",
            "Runner",
        ),
        declared("scan_α'", "theorem", "[Scanproof.Scalar α]", "Of scans.", "Spec/Scan/Tree.lean", "Runner"),
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(CATALOGUE, folder)
    return folder


def page(folder: Path, name: str) -> str:
    return (folder / "theorem" / file_of(f"Scanproof.{name}")).read_text(encoding="utf-8")


def test_a_page_says_everything(folder: Path) -> None:
    text = page(folder, "Runner.take_outputs_append")
    for part in (
        "r.take &lt; 1 &amp; &lt;b&gt;",
        '<p class="meaning">Appending changes nothing.</p>',
        "More <code>words</code>.",
        "axioms of Lean: propext",
        "What it does not say",
        "<code>Spec/Runner.lean</code>, line 7",
        "Checked with Lean 4.28.0 by wasm",
        "<code>scanproof.causality.outputs.prefix_report</code>: What the check of prefixes reports.",
        'id="Scanproof.Runner.take_outputs_append"',
    ):
        assert part in text


def test_neighbours_are_those_used_and_those_that_use(folder: Path) -> None:
    def between(text: str, first: str, last: str) -> list[str]:
        return re.findall(r'<a href="[^"]*"><code>([^<]*)', text.partition(first)[2].partition(last)[0])

    text = page(folder, "matrixCausal_iff_reach_cuts")
    assert between(text, 'id="uses"', 'id="used-by"') == ["Runner.take_outputs_append", "Runner"]
    text = page(folder, "Runner.take_outputs_append")
    assert between(text, 'id="used-by"', "<h2>Where") == ["matrixCausal_iff_reach_cuts"]


def test_every_link_leads_somewhere(folder: Path) -> None:
    pages = list(folder.rglob("*.html"))
    assert len(pages) == len(CATALOGUE.declarations) + 2
    for file in pages:
        for address in re.findall(r'(?:href|src)="([^"]*)"', file.read_text(encoding="utf-8")):
            if not address.startswith("data:"):
                path, _, anchor = unquote(unescape(address)).partition("#")
                target = file.parent / path if path else file
                assert target.is_file(), f"{address} in {file.name}"
                assert not anchor or f'id="{anchor}"' in unescape(target.read_text(encoding="utf-8"))


def test_remarks_follow_the_statement() -> None:
    algebra, _, runner, scan = (remarks(declaration) for declaration in CATALOGUE)
    assert "laws of the algebra" in algebra.assumes[0]
    assert "probes" in algebra.not_said[1]
    assert runner.assumes == ()
    assert scan.assumes[0].startswith("No law of arithmetic")
    assert all("PyTorch" in found.not_said[-1] for found in (algebra, runner, scan))


def test_only_a_statement_without_the_rounding_model_says_nothing_of_rounding() -> None:
    declaration = next(iter(CATALOGUE))
    rounding = replace(declaration, statement=f"{declaration.statement} (r : Scanproof.Rounding α)")
    nothing = "The theorem says nothing about rounding."
    assert nothing in remarks(declaration).not_said
    assert nothing not in remarks(rounding).not_said
    assert set(remarks(declaration).assumes) < set(remarks(rounding).assumes)


def test_modules_cite_what_their_code_takes() -> None:
    citing = citing_modules()
    assert any(one.rests and one.module.endswith("prefix_report") for one in citing[theorems.RUNNER_APPEND])
    named = [one for one in citing["laurent_pair"] if one.module == "scanproof.causality.gradients.coded"]
    assert [one.rests for one in named] == [False]
    runners = next(one for one in citing[theorems.SCAN_ERROR] if one.module.endswith(".runners"))
    assert runners.says.startswith("The list runners of the Lean library")


def test_the_graph_has_users_to_the_right() -> None:
    graph = library_graph(CATALOGUE)
    place = {node.module: node.x for node in graph.nodes}
    assert {(edge.user, edge.used, edge.count) for edge in graph.edges} == {
        ("Spec.Certificate.Cuts", "Spec.Runner", 2),
        ("Spec.Scan.Tree", "Spec.Runner", 1),
    }
    assert all(place[edge.user] > place[edge.used] for edge in graph.edges)


def test_markdown_names_every_theorem_once() -> None:
    text = markdown(CATALOGUE)
    for theorem in CATALOGUE.theorems:
        assert text.count(f"`{theorem.name.removeprefix('Scanproof.')}`, line 7") == 1
    assert "The 3 theorems" in text


def test_six_hundred_theorems_take_seconds(tmp_path: Path) -> None:
    theorem = CATALOGUE.declarations[0]
    many = tuple(replace(theorem, name=f"Scanproof.t{number}", uses=()) for number in range(600))
    began = time.process_time()
    write_site(replace(CATALOGUE, declarations=many), tmp_path)
    assert time.process_time() - began < 20


def test_theorems_md_is_that_of_the_carried_catalogue() -> None:
    found = (ROOT / "docs" / "THEOREMS.md").read_text(encoding="utf-8")
    assert found == markdown(catalogues.carried()), "run: make catalogue"


@pytest.mark.lean
def test_the_carried_catalogue_is_what_lean_says() -> None:
    assert catalogues.carried().declarations == catalogues.load(ROOT).declarations, "run: make catalogue"


@pytest.fixture(scope="module")
def browser() -> "Iterator[BrowserContext]":
    with chromium() as context:
        yield context


def test_search_finds_names_meanings_and_statements(browser: "BrowserContext", folder: Path) -> None:
    with opened(browser, folder / "index.html") as shown:
        found = shown.locator("#found li")
        shown.keyboard.press("/")
        shown.keyboard.type("append nothing")
        assert shown.locator("#count").inner_text() == "1 found"
        assert not shown.locator("#all").is_visible()
        assert found.inner_text() == "Runner.take_outputs_append: Appending changes nothing."
        shown.locator("#search").fill("cuts nothing")
        assert shown.locator("#count").inner_text() == "0 found"
        shown.locator("#search").fill("semiring")
        assert found.all_inner_texts() == ["matrixCausal_iff_reach_cuts: Cuts suffice."]
        shown.locator("#search").fill("runner")
        assert found.first.inner_text().startswith("Runner.take_outputs_append")
        found.first.locator("a").press("Enter")
        assert shown.locator("h1").inner_text().startswith("Runner.take_outputs_append")


@pytest.mark.parametrize("form", ["bibtex", "text", "latex"])
def test_citations_are_copied(browser: "BrowserContext", folder: Path, form: str) -> None:
    theorem = CATALOGUE.declarations[3]
    browser.grant_permissions(["clipboard-read", "clipboard-write"])
    with opened(browser, folder / "theorem" / file_of(theorem.name)) as shown:
        shown.locator(f"[data-copy=cite-{form}]").click()
        assert shown.evaluate("navigator.clipboard.readText()") == cite(theorem, CATALOGUE, form)


def test_the_graph_shows_neighbours(browser: "BrowserContext", folder: Path) -> None:
    with opened(browser, folder / "graph.html") as shown:
        shown.locator("[data-module='Spec.Scan.Tree']").focus()
        near = shown.locator(".node.near").evaluate_all("nodes => nodes.map((node) => node.dataset.module)")
        assert sorted(near) == ["Spec.Runner", "Spec.Scan.Tree"]
        assert shown.locator(".edge.near").count() == 1
        shown.keyboard.press("Enter")
        shown.wait_for_url("**/index.html#Spec.Scan.Tree")


def test_a_module_reached_by_keys_is_seen_whole(browser: "BrowserContext", folder: Path) -> None:
    with opened(browser, folder / "graph.html") as shown:
        shown.set_viewport_size({"width": 320, "height": 800})
        frame = present(shown.locator(".graph").bounding_box())
        for node in shown.locator(".node").all():
            node.focus()
            box = present(node.bounding_box())
            assert frame["x"] <= box["x"]
            assert box["x"] + box["width"] <= frame["x"] + frame["width"]


@pytest.mark.parametrize(("scheme", "colour"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 28)")])
def test_it_is_light_and_dark(
    browser: "BrowserContext", folder: Path, tmp_path: Path, scheme: Scheme, colour: str
) -> None:
    with opened(browser, folder / "index.html", scheme) as shown:
        assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == colour
        picture = shown.screenshot()
        assert struct.unpack(">II", picture[16:24]) == (1100, 800)
        assert len(picture) > 15_000
