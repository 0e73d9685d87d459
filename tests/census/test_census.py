"""A census asks once, goes on where it was cut off, and writes every answer that it got."""

import json

import pytest
from typer.testing import CliRunner

from scanproof import InvalidArgument, Verdict
from scanproof.census import command
from scanproof.census.page import html
from scanproof.census.subject import COLUMNS, Answer, Entry, Subject
from scanproof.census.subjects import subjects
from scanproof.census.table import document, markdown
from scanproof.census.worker import examine
from scanproof.cli.app import app
from scanproof.lean.progress import silent


def said(check, verdict, worst=None, evidence="36 cuts | <b>"):
    return Answer(check=check, verdict=verdict, evidence=evidence, worst=worst)


def entry(name="a: one", *answers, **options):
    return Entry(name=name, package="a", version="1.0", answers=answers, **options)


MIXED = entry(
    "a: mixed",
    said("VJP certificate", "CAUSAL"),
    said("steps", "STREAMS", 1e-7),
    said("steps (positions given)", "DIVERGES", 0.25),
    said("left padding", "NOT_APPLICABLE"),
    said("chunked prefill", "INCONCLUSIVE"),
)


def test_a_column_is_the_gravest_of_its_checks_with_its_own_number():
    assert MIXED.column("causal") == (Verdict.CAUSAL, None)
    assert MIXED.column("streaming") == (Verdict.DIVERGES, 0.25)
    assert MIXED.column("padding") == (Verdict.NOT_APPLICABLE, None)
    assert MIXED.column("refines") == (Verdict.NOT_APPLICABLE, None)
    assert entry(problem="gone").column("causal")[0] is Verdict.INCONCLUSIVE
    assert [answer.check for answer in MIXED.findings] == ["steps (positions given)"]


def test_every_check_of_streaming_has_a_column():
    from scanproof.streaming.probes import probes

    known = {check for checks in COLUMNS.values() for check in checks}
    assert {probe.name for probe in probes((1,))} <= known


def test_it_goes_on_where_it_was_cut_off(tmp_path):
    asked = []

    def examine(name, seed):
        asked.append(name)
        return entry(name, said("steps", "STREAMS"), seed=seed)

    kept = tmp_path / "census.jsonl"
    command.collect(["a", "b"], kept, 0, 1, silent, examine)
    kept.write_text(kept.read_text() + '{"name": "c", "pack')  # what a run that was killed leaves
    entries = command.collect(["a", "b", "c"], kept, 0, 2, silent, examine)
    assert asked == ["a", "b", "c"]
    assert [found.name for found in entries] == ["a", "b", "c"]
    command.collect(["a"], kept, 1, 1, silent, examine)
    assert asked == ["a", "b", "c", "a"]


def test_what_failed_is_asked_again(tmp_path):
    answers = iter([entry("a", problem="no network"), entry("a", said("steps", "STREAMS"))])

    def examine(name, seed):
        return next(answers)

    kept = tmp_path / "census.jsonl"
    assert command.collect(["a"], kept, 0, 1, silent, examine)[0].problem == "no network"
    assert not command.collect(["a"], kept, 0, 1, silent, examine)[0].problem


def test_the_table_says_everything():
    broken = entry("a: broken", problem="ImportError: no")
    text = markdown([MIXED, broken], "2026-01-02")
    assert "2 implementations, 1 with findings" in text
    assert "| a: mixed | a 1.0 | ✓ | · | · | · | ✗ 2e-01 | ? | · | · | · |" in text
    assert "steps (positions given): DIVERGES: 36 cuts \\| &lt;b>" in text
    assert "chunked prefill: 36 cuts" in text
    assert "ImportError: no" in text
    plain = json.loads(json.dumps(document([MIXED, broken], "2026-01-02")))
    assert plain["entries"][0]["cells"]["streaming"] == {"verdict": "DIVERGES", "worst": 0.25}
    page = html([MIXED, broken], "2026-01-02")
    assert "36 cuts | &lt;b&gt;" in page
    assert page.count("<section") == 2


def test_what_a_package_raises_is_a_problem_of_its_entry():
    def raises(seed):
        raise RuntimeError("no such kernel")

    found = examine(Subject("x: y", "nowhere", raises), 3)
    assert (found.problem, found.version, found.seed) == (
        "RuntimeError: no such kernel",
        "not installed",
        3,
    )


def test_a_process_that_dies_is_a_problem_of_its_entry():
    found = command.in_a_process("nobody: nothing", 0)
    assert "exit code 1" in found.problem
    assert "nobody: nothing" in found.problem


def test_there_are_subjects():
    names = subjects()
    assert all(name == subject.name for name, subject in names.items())
    assert len(names) >= 35


def test_the_command(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    arguments = ["census", "--folder", str(tmp_path), "--only", "transformers: MambaMixer", "--json"]
    first = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert first.exit_code == 0, first.output
    made = json.loads(first.stdout)["entries"]
    assert made[0]["cells"]["refines"]["verdict"] == "REFINES"
    assert made[0]["cells"]["gradient"]["verdict"] == "REFINES"
    assert made[0]["cells"]["causal"]["verdict"] == "CAUSAL"
    assert {file.suffix for file in tmp_path.iterdir()} == {".jsonl", ".json", ".md", ".html"}

    def never(name, seed, lists=None):
        raise AssertionError(name)

    monkeypatch.setattr(command, "in_a_process", never)
    assert CliRunner().invoke(app, arguments).exit_code == 0


def test_a_wrong_call(tmp_path):
    options = {"jobs": 1, "seed": 0, "fresh": False, "overlays": None, "as_json": False, "quiet": True}
    with pytest.raises(InvalidArgument, match="no subject matches 'z\\*'"):
        command.run_census(tmp_path, only="z*", **options)
    with pytest.raises(InvalidArgument, match="--jobs must be at least 1"):
        command.run_census(tmp_path, only="*", **{**options, "jobs": 0})
