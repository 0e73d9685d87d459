"""Every block of Python in README and documentation runs, page by page, and prints what the page shows."""

import contextlib
import io
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from _pytest.mark import ParameterSet

import scanproof
from figures import same
from pages import PAGES, ROOT, name, rows_of
from verdicts import present

BLOCKS = re.compile(r"```python\n(?P<code>.*?)```(?:\n```text\n(?P<output>.*?)```)?", re.DOTALL)
TESTS = re.compile(r"```python title=\"(?P<file>test_\w+\.py)\"\n(?P<code>.*?)```", re.DOTALL)


def page_of(page: Path) -> ParameterSet:
    mark = [pytest.mark.lean] if "Oracle.start" in page.read_text() else []
    return pytest.param(page, id=name(page), marks=mark)


@pytest.mark.parametrize("page", [page_of(page) for page in PAGES if "```python" in page.read_text()])
def test_a_page_runs_from_its_top(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    text = page.read_text()
    if "transformers import" in text:
        request.getfixturevalue("_quiet")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    with torch.random.fork_rng(devices=[]):
        for number, block in enumerate(BLOCKS.finditer(text), start=1):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block["code"], "<string>", "exec"), names)
            if block["output"] is not None:
                found = printed.getvalue()
                assert same(block["output"], found), f"block {number} of {name(page)} prints:\n{found}"


@pytest.mark.parametrize("page", [page for page in PAGES if TESTS.search(page.read_text())], ids=name)
def test_tests_that_pages_show_pass(page: Path, tmp_path: Path) -> None:
    for block in TESTS.finditer(page.read_text()):
        (tmp_path / block["file"]).write_text(block["code"])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert "scanproof" in run.stdout  # the table of verdicts


OURS = ("exact", "coded", "random", "perturbation", "prefix", "batch")


def test_the_comparison_says_what_the_evidence_says() -> None:
    zoo = (ROOT / "docs" / "causality-zoo.md").read_text()
    mutants = " ".join((ROOT / "docs" / "mutants.md").read_text().split())
    faults, models = rows_of(zoo, "## Faults"), rows_of(zoo, "## Causal models")
    seen = sum(any(row[mode] == "LEAK" for mode in OURS) for row in faults)
    passed = sum(all(row[mode] in ("pass", "–") for mode in OURS) for row in models)
    alarms = sum(row["batch"] == "LEAK" for row in models)
    cuts = Counter(row["peer: all cuts"].partition(":")[0] for row in models)
    examples = Counter(row["peer: examples"] for row in models)
    peer_seen = present(re.search(r"sees (\d+) of the faults", zoo))[1]
    counts = re.search(r"^# .*? (\d+) selective scans.*? (\d+) of the mutants pass", mutants)
    every, passing = present(counts).groups()
    page = (ROOT / "docs" / "comparison.md").read_text()
    for said in (
        f"| {seen} of {len(faults)} | {peer_seen} |",
        f"| {passed} of {len(models)} | {cuts['pass']}, and {cuts['fails']} raise an error |",
        f"| {alarms} | {examples['LEAK']} |",
        f"[{passing} of {every} mutants](mutants.md)",
    ):
        assert said in page


def test_the_history_has_every_release_that_can_be_asked() -> None:
    table = rows_of((ROOT / "docs" / "history.md").read_text(), "## The same verdicts")
    kept = (ROOT / "ci" / "overlays").glob("transformers-*.txt")
    assert {"Check", *(path.stem.removeprefix("transformers-") for path in kept)} == set(table[0])


def test_the_readme_says_what_the_census_found() -> None:
    """Its sentence on counterexamples names the columns of models, and the packages of kernels, with some."""
    rows = rows_of((ROOT / "docs" / "census.md").read_text())
    wrong = [(row, column) for row in rows for column, cell in row.items() if cell.startswith("✗")]
    of_models = {column for row, column in wrong if row["Implementation"].startswith("transformers: ")}
    assert of_models == {"streaming", "chunked prefill", "padding"}
    packages = {row["Implementation"].partition(":")[0] for row, _ in wrong} - {"transformers"}
    assert packages == {"mamba-ssm", "fla-core", "ggml-py", "mlstm-kernels"}
    text = " ".join((ROOT / "README.md").read_text().split())
    assert (
        "counterexamples](docs/census-findings.md) are in decoding from caches, in prefill by chunks, under "
        "padding, and in functions of mamba-ssm, fla-core, ggml and mlstm-kernels."
    ) in text


def test_every_counterexample_of_the_census_is_shown_as_a_program() -> None:
    """A family, or a function, with a ✗ is named in a heading of the findings, above a program."""
    rows = rows_of((ROOT / "docs" / "census.md").read_text())
    wrong = {row["Implementation"] for row in rows if any(cell.startswith("✗") for cell in row.values())}
    assert wrong
    shown = set()
    page = (ROOT / "docs" / "census-findings.md").read_text()
    for section in re.split(r"\n###? ", page)[1:]:
        heading, _, text = section.partition("\n")
        code = "".join(block["code"] for block in BLOCKS.finditer(text))
        shown |= {family for family in plain(heading.rpartition(": ")[2]).split(",") if SHOWS.search(code)}
    assert {plain(each.rpartition(":")[2].removesuffix("_text")) for each in wrong} <= shown


SHOWS = re.compile(r"\b(show\(|assert )")
"""What a program has in it that stops where there is no fault."""


def plain(name: str) -> str:
    """Return a name of a family without what sets words apart: as a heading and as a config has it, alike."""
    return re.sub(r"[ _-]", "", name).lower()


def test_no_page_calls_a_bound_proved() -> None:
    made = ROOT / "docs" / "census.md"  # by scanproof census; tests/census reads what that says
    assert [name(page) for page in PAGES if page != made and "proved bound" in page.read_text()] == []


def test_the_readme_has_at_most_900_words() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 900


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings", reason="run: pip install 'scanproof[docs]'")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "ci/mkdocs.yml"]
    run = subprocess.run(
        [*build, "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "scanproof audit" in (tmp_path / "reference" / "cli.html").read_text()
    assert "urn:scanproof:report:2" in (tmp_path / "reference" / "json.html").read_text()
    assert (
        'id="scanproof.causality.gradients.certificate.certify"'
        in (tmp_path / "reference" / "python.html").read_text()
    )


def test_the_reference_has_every_name() -> None:
    page = (ROOT / "docs" / "reference" / "python.md").read_text()
    told = set(re.findall(r"^::: (\S+)$", page, re.MULTILINE))
    assert {f"{module}.{name}" for name, module in scanproof._EXPORTS.items()} <= told
