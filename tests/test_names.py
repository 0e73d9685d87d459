"""The table of names, docs/reference/names.md, has the names of the code, and all of those of checks."""

import inspect
import re
import shlex
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import scanproof
from block_case import scalar_s4
from examples import PAGES as COMMANDS
from pages import PAGES, ROOT, rows_of
from running_sum import RunningSum
from scanproof import programs, pytest_plugin
from scanproof.adapters import triton
from scanproof.adapters.triton.findings import QUESTIONS
from scanproof.auditing.audit import CHECKS
from scanproof.causality.gradients.drop_in import DropInFields
from scanproof.census.kind import KERNEL_COLUMNS
from scanproof.census.subject import COLUMNS
from scanproof.report.report import CheckReport
from scanproof.report.verdict import Verdict

PAGE = (ROOT / "docs" / "reference" / "names.md").read_text(encoding="utf-8")
PACKAGE = Path(scanproof.__file__).parent
SEED = "assert_strictly_causal"
"""A name of causal-certificate, which has a section of its own."""


def code(text: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def section(heading: str) -> str:
    """Return the text of a section."""
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def column(heading: str, name: str) -> list[str]:
    """Return what stands between backticks in a column of the first table of a section."""
    return [word for row in rows_of(PAGE, f"\n## {heading}\n") for word in code(row[name])]


ROWS = {code(row["Check"])[0]: row for row in rows_of(PAGE, "\n## Checks\n")}
EXPORTS = {name: getattr(scanproof, name) for name in scanproof.__all__}
REPORTS = {
    name: value
    for name, value in EXPORTS.items()
    if inspect.isclass(value) and issubclass(value, CheckReport)
}
CALLS: Mapping[str, Callable[..., Any]] = {
    name: value
    for name, value in EXPORTS.items()
    if inspect.isfunction(value) and inspect.signature(value).return_annotation in REPORTS.values()
}
TAKEN = {name: inspect.signature(call).parameters for name, call in CALLS.items()}


@pytest.fixture(scope="module")
def made() -> dict[str, CheckReport]:
    """Return a report of every check, by the name of its call."""
    x = torch.randn(2, 6, 1, generator=torch.Generator().manual_seed(0))
    others = {"spec": scalar_s4(inProj=1.0, a=1.0, outProj=1.0, skip=0.0), "g": RunningSum()}
    return {
        name: call(RunningSum(), **{key: value for key, value in others.items() if key in TAKEN[name]}, x=x)
        for name, call in CALLS.items()
    }


def test_every_check_has_a_row() -> None:
    assert list(ROWS) == [*CHECKS, "same", "audit"]
    assert set(column("Checks", "Call")) == CALLS.keys()
    assert set(column("Checks", "Report")) == REPORTS.keys()


@pytest.mark.parametrize("check", ROWS)
def test_a_report_has_the_names_of_its_row(check: str, made: Mapping[str, CheckReport]) -> None:
    row = {name: code(cell) for name, cell in ROWS[check].items()}
    [call], [report], [first], [module] = (
        row["Call"],
        row["Report"],
        row["First line of the report"],
        row["Module"],
    )
    assert type(made[call]) is EXPORTS[report]
    assert made[call].check == check
    assert made[call].summary().startswith(first)
    assert made[call].document()["reports"][0]["check"] == check
    assert made[call].rows()
    assert made[call].verdict.passed
    assert CALLS[call].__module__ == "scanproof." + module.removesuffix(".py").replace("/", ".")


@pytest.mark.parametrize("check", ROWS)
def test_a_command_runs_the_check_of_its_row(check: str) -> None:
    _, command, *rest = shlex.split(code(ROWS[check]["Command"])[0])
    options = [word for word in rest if ":" not in word]
    taken = {name for parameter in COMMANDS[command].params for name in parameter.opts}
    assert set(options[::2]) <= taken
    assert options in ([], ["--check", check])


def test_the_census_has_the_columns_of_the_table() -> None:
    assert set(column("Checks", "Census column")) == COLUMNS.keys() & set(CHECKS)


def test_the_table_says_what_a_column_of_the_census_holds() -> None:
    rows = rows_of(PAGE, "\n## Census columns\n")
    assert [code(row["Column"]) for row in rows] == [
        [name] for name, held in COLUMNS.items() if held != (name,)
    ]
    assert all(tuple(code(row["Answers"])) == COLUMNS[code(row["Column"])[0]] for row in rows)


def test_the_table_says_what_a_column_of_the_census_of_kernels_holds() -> None:
    rows = rows_of(PAGE, "\n## Columns of the census of kernels\n")
    held = {code(row["Column"])[0]: tuple(code(row["Answers"])) for row in rows}
    assert list(held.items()) == list(KERNEL_COLUMNS.items())


def test_every_argument_of_a_check_is_in_the_table_or_from_causal_certificate() -> None:
    named = {*column("Arguments", "Argument"), *code(section("Names from causal-certificate"))}
    assert set().union(*TAKEN.values()) <= named


def test_every_argument_of_the_table_is_taken() -> None:
    for row in rows_of(PAGE, "\n## Arguments\n"):
        for argument in code(row["Argument"]):
            takers = {name for name, parameters in TAKEN.items() if argument in parameters}
            assert takers, argument
            only = re.match(r"`(\w+)` only:", row["Meaning"])
            assert takers == {only[1]} if only else len(takers) > 1, argument


def test_the_first_argument_of_every_check_has_one_name() -> None:
    first = {name: next(iter(parameters)) for name, parameters in TAKEN.items()}
    assert first == {name: "f" if name == "check_same" else "fn" for name in TAKEN}
    assert all({"x", "seed"} <= parameters.keys() for parameters in TAKEN.values())


def test_every_field_of_the_table_is_a_field_of_a_report(made: Mapping[str, CheckReport]) -> None:
    for field in column("Fields of reports", "Field"):
        assert any(hasattr(report, field) for report in made.values()), field
    for field in ("verdict", "reason", "call", "seed", "dtype", "device"):
        assert all(hasattr(report, field) for report in made.values()), field


def test_every_verdict_stands_in_the_table_as_what_it_is() -> None:
    held = {*column("Verdicts", "Holds exactly"), *column("Verdicts", "Holds up to rounding")}
    refuted = set(column("Verdicts", "Refuted"))
    below = {word for word in code(section("Verdicts").rpartition("|")[2]) if word in Verdict.__members__}
    assert held | refuted | below == Verdict.__members__.keys()
    assert {name for name in held | refuted if Verdict[name].passed} == held
    assert {name for name in held | refuted if Verdict[name].found} == refuted
    assert {name for name in below if Verdict[name].passed} == {"TOLERATED"}


def test_the_names_of_causal_certificate_are_where_the_page_says() -> None:
    words = code(section("Names from causal-certificate"))
    [file] = [word for word in words if word.endswith(".py")]
    drop_in = import_module("scanproof." + file.removesuffix(".py").replace("/", "."))
    assert EXPORTS[SEED] is getattr(drop_in, SEED)
    assert {"temporal_leak", "crossbatch_leak"} <= {word for word in words if hasattr(DropInFields, word)}
    assert [name for name, parameters in TAKEN.items() if "generator" in parameters] == ["certify"]


def test_every_file_that_the_page_names_is_there() -> None:
    for word in code(PAGE):
        if word.endswith(".py"):
            assert (PACKAGE / word).is_file(), word


def test_pages_name_no_check_that_does_not_exist() -> None:
    """The names of Lean have a namespace before them, as in ``Listing.check_sound``."""
    for page in PAGES:
        named = set(re.findall(r"(?<![\w.])(?:check|assert)_\w+", page.read_text(encoding="utf-8")))
        assert named <= EXPORTS.keys() | {*programs.__all__, *triton.__all__}, page


def test_the_names_about_triton_kernels_are_in_the_code() -> None:
    named = {word for row in rows_of(PAGE, "\n## Triton kernels\n") for word in code(row["Name"])}
    parameters = inspect.signature(triton.check_kernel).parameters
    elsewhere = {*column("Arguments", "Argument")}
    assert parameters.keys() <= named | elsewhere
    known = {*triton.__all__, *parameters, *QUESTIONS, "scanproof_triton"}
    assert named <= known
    assert set(QUESTIONS) <= named
    assert hasattr(pytest_plugin, "scanproof_triton")
