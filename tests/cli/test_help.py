"""Every page of help has an example and the exit codes; every example runs."""

import re
import shlex
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from scanproof.cli.app import app
from scanproof.cli.exits import LEGEND

LONG = {
    "demo": "scanproof.demo.tour.run_demo",
    "census": "scanproof.census.command.run_census",
    "bench causality": "scanproof.bench.causality.run_bench",
    "bench refinement": "scanproof.bench.refinement.run_bench",
    "bench ulps": "scanproof.bench.ulps.run_bench",
}
"""Commands of minutes, and what does their work; their own tests run that."""


def pages(command, path=()):
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from pages(inner, (*path, name))


PAGES = dict(pages(typer.main.get_command(app)))


def example_of(page):
    return re.fullmatch(r"Example: scanproof (.+)", page.epilog.split("\n\n")[0])[1]


def run(text):
    return CliRunner().invoke(app, shlex.split(text))


def test_all_commands_are_there():
    wanted = {"prove", "audit", "refine", "certify", "census", "fuzz", "bench", "theorems", "cite", "doctor"}
    assert wanted <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_fits_and_says_exit_codes(monkeypatch, name, columns):
    monkeypatch.setenv("COLUMNS", columns)
    result = run(f"{name} --help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= int(columns)
    said = " ".join(result.stdout.split())
    assert LEGEND in said
    assert f"Example: scanproof {example_of(PAGES[name])}" in said


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if not hasattr(page, "commands")])
def test_every_command_has_json_and_quiet(name):
    options = {option for parameter in PAGES[name].params for option in parameter.opts}
    assert "--json" in options
    assert {"--quiet", "-q"} <= options or name == "cite", "cite prints the citation alone"


@pytest.mark.lean
@pytest.mark.parametrize("name", [name for name in PAGES if name not in LONG])
def test_the_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(example_of(PAGES[name]))
    assert result.exit_code == 0, result.output
    assert len(result.stdout) > 60


@pytest.mark.parametrize("name", LONG)
def test_a_long_example_reaches_its_work(name, monkeypatch):
    class Reached(BaseException):
        pass

    def work(*arguments, **options):
        raise Reached

    module, _, function = LONG[name].rpartition(".")
    monkeypatch.setattr(import_module(module), function, work)
    with pytest.raises(Reached):
        run(example_of(PAGES[name]))
    assert example_of(PAGES[name]).startswith(name)


def test_a_misspelt_command_is_met_with_what_is_near():
    result = run("certfy x:y")
    assert result.exit_code == 2
    assert "Did you mean 'certify'?" in result.stderr


def test_shells_complete():
    assert "--install-completion" in run("--help").stdout
