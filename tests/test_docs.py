"""Every block of Python in README and documentation runs, page by page, and prints what the page shows."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = re.compile(r"```python\n(?P<code>.*?)```(?:\n```text\n(?P<output>.*?)```)?", re.DOTALL)
TESTS = re.compile(r"```python title=\"(?P<file>test_\w+\.py)\"\n(?P<code>.*?)```", re.DOTALL)
SHELL = re.compile(r"```(?:bash|console)\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"^(?:\$ )?scanproof ((?:bench )?[a-z]+)", re.MULTILINE)


def without_numbers(text):
    """Numbers vary between machines; what is said of them does not."""
    return re.sub(r"-?\d+(\.\d+)?(e[+-]\d+)?", "#", text)


def name(page):
    return page.relative_to(ROOT).as_posix()


def page_of(page):
    mark = [pytest.mark.lean] if "Oracle.start" in page.read_text() else []
    return pytest.param(page, id=name(page), marks=mark)


@pytest.mark.parametrize("page", [page_of(page) for page in PAGES if "```python" in page.read_text()])
def test_a_page_runs_from_its_top(page, tmp_path, monkeypatch):
    text = page.read_text()
    if "adapters.transformers" in text:
        pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    with torch.random.fork_rng(devices=[]):
        for number, block in enumerate(BLOCKS.finditer(text), start=1):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block["code"], "<string>", "exec"), names)
            if block["output"] is not None:
                wanted = without_numbers(block["output"])
                assert without_numbers(printed.getvalue()) == wanted, f"block {number} of {name(page)}"


def test_no_block_of_python_is_passed_over():
    for page in PAGES:
        text = page.read_text()
        assert len(BLOCKS.findall(text)) + len(TESTS.findall(text)) == text.count("```python")


@pytest.mark.parametrize("page", [page for page in PAGES if TESTS.search(page.read_text())], ids=name)
def test_tests_that_pages_show_pass(page, tmp_path):
    for block in TESTS.finditer(page.read_text()):
        (tmp_path / block["file"]).write_text(block["code"])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert "scanproof" in run.stdout  # the table of verdicts


def test_commands_that_pages_name_are_there():
    from typer.main import get_command

    from scanproof.cli.app import app

    def known(words, command):
        if not hasattr(command, "commands"):
            return True
        return bool(words) and words[0] in command.commands and known(words[1:], command.commands[words[0]])

    shell = {name(page): "".join(SHELL.findall(page.read_text())) for page in PAGES}
    named = {(page, found) for page, text in shell.items() for found in COMMANDS.findall(text)}
    assert named
    assert [(page, found) for page, found in named if not known(found.split(), get_command(app))] == []


CHECKS = re.compile(r"^(?:\$ )?scanproof ((?:audit|certify|refine|cite|theorems) .*)$", re.MULTILINE)


def test_checks_that_pages_run_from_the_command_line_pass(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from scanproof.cli.app import app

    monkeypatch.chdir(tmp_path)
    shown = [
        line for page in PAGES for text in SHELL.findall(page.read_text()) for line in CHECKS.findall(text)
    ]
    assert shown
    for line in shown:
        run = CliRunner().invoke(app, shlex.split(line))
        assert run.exit_code == 0, f"scanproof {line}: {run.output}"
    assert (tmp_path / "report.html").is_file()


def test_the_comparison_says_what_the_evidence_says():
    zoo = (ROOT / "docs" / "causality-zoo.md").read_text()
    mutants = " ".join((ROOT / "docs" / "mutants.md").read_text().split())
    table = zoo.partition("## Causal models")[2]
    models = [row.split("|")[1:-1] for row in table.splitlines() if row.startswith("|") and "**" not in row]
    head, cells = [name.strip() for name in models[0]], [[cell.strip() for cell in row] for row in models[2:]]
    cuts, examples = (
        [row[head.index(f"peer: {name}")] for row in cells] for name in ("all cuts", "examples")
    )
    faults, seen = re.search(
        r"sees (\d+ of the \d+) faults.*sees (\d+) of the faults", zoo, re.DOTALL
    ).groups()
    every, passing = re.search(r"^# .*? (\d+) selective scans.*? (\d+) of the mutants pass", mutants).groups()
    fails = sum(cell.startswith("fails") for cell in cuts)
    page = (ROOT / "docs" / "comparison.md").read_text()
    for said in (
        f"| {faults.replace('of the', 'of')} | {seen} |",
        f"| {len(cells)} of {len(cells)} | {cuts.count('pass')}, and {fails} raise an error |",
        f"| 0 | {examples.count('LEAK')} |",
        f"[{passing} of {every} mutants](mutants.md)",
    ):
        assert said in page


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_the_site_builds_without_a_warning(tmp_path):
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
    assert "urn:scanproof:report:1" in (tmp_path / "reference" / "json.html").read_text()
    assert (
        'id="scanproof.causality.certificate.certify"' in (tmp_path / "reference" / "python.html").read_text()
    )
