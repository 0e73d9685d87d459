"""Every page of help has an example and the exit codes; every example runs."""

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Never

import pytest
from typer.testing import CliRunner, Result

from examples import EXAMPLES, PAGES, example
from scanproof import cli
from scanproof.cli.app import app
from scanproof.cli.exits import LEGEND

RUN_WHERE_ITS_OUTCOME_IS_READ = {"demo", "census", "kernel"}
"""``tests/demo/test_tour.py``, ``tests/census/test_census.py`` and, where Triton is installed,
``tests/adapters/triton/test_command.py`` run these examples."""


def run(text: str) -> Result:
    return CliRunner().invoke(app, shlex.split(text))


def test_all_commands_are_there() -> None:
    wanted = {"prove", "audit", "refine", "certify", "census", "fuzz", "bench", "theorems", "cite", "doctor"}
    assert wanted <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_fits_and_says_exit_codes(monkeypatch: pytest.MonkeyPatch, name: str, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = run(f"{name} --help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= int(columns)
    said = " ".join(result.stdout.split())
    assert LEGEND in said
    assert f"Example: scanproof {EXAMPLES[name]}" in said


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if not hasattr(page, "commands")])
def test_every_command_has_json_and_quiet(name: str) -> None:
    options = {option for parameter in PAGES[name].params for option in parameter.opts}
    assert "--json" in options
    assert {"--quiet", "-q"} <= options or name == "cite", "cite prints the citation alone"


@pytest.mark.lean
@pytest.mark.parametrize("name", [name for name in PAGES if name not in RUN_WHERE_ITS_OUTCOME_IS_READ])
def test_the_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])  # commands look in the working folder, too
    assert EXAMPLES[name].startswith(name)
    result = CliRunner().invoke(app, example(name))
    assert result.exit_code == 0, result.output
    assert len(result.stdout) > 60


def test_a_misspelt_command_is_met_with_what_is_near() -> None:
    result = run("certfy x:y")
    assert result.exit_code == 2
    assert "Did you mean 'certify'?" in result.stderr


def test_shells_complete() -> None:
    assert "--install-completion" in run("--help").stdout


SEEDED = [name for name, page in PAGES.items() if any(one.name == "seed" for one in page.params)]


@pytest.mark.parametrize("seed", ["-1", str(2**32), "x"])
@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_out_of_range_is_refused(name: str, seed: str) -> None:
    target = ["scanproof.demo.factories:block"] * (name in ("audit", "certify", "refine"))
    result = CliRunner().invoke(app, [*name.split(), *target, "--seed", seed])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--seed'" in result.stderr


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if not hasattr(page, "commands")])
@pytest.mark.parametrize("wrong", [["--no-such-option"], ["one", "two"]])
def test_what_a_command_does_not_take_is_refused(name: str, wrong: list[str]) -> None:
    if name in ("fuzz", "theorems", "cite") and wrong[0] == "one":
        wrong = [*wrong, "--no-such-option"]  # these take any number of names
    if name == "kernel":
        wrong = [*wrong, "--spec", "SsdScan"]  # that it is missing would be said first
    result = CliRunner().invoke(app, [*name.split(), *wrong])
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.search("No such option|unexpected extra argument", result.stderr)


def test_an_interruption_before_there_are_commands_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(ModuleType):
        def __getattr__(self, name: str) -> Never:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "scanproof.cli.app", Slow("scanproof.cli.app"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
