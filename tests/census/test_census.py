"""A census asks once, goes on where it was cut off, and writes every answer that it got."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Never

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from block_case import block_case
from examples import example
from scanproof import InvalidArgument, Verdict, check_refinement
from scanproof.census import basis, command
from scanproof.census.answers import answer, causality
from scanproof.census.kind import IMPLEMENTATIONS
from scanproof.census.page import html
from scanproof.census.subject import COLUMNS, Answer, Entry, Subject
from scanproof.census.subjects import subjects
from scanproof.census.table import document, markdown
from scanproof.census.worker import examine
from scanproof.cli.app import app
from scanproof.lean.progress import silent
from scanproof.streaming.model import Unsupported


def said(check: str, verdict: str, worst: float | None = None, evidence: str = "36 cuts | <b>") -> Answer:
    return Answer(check=check, verdict=verdict, evidence=evidence, worst=worst)


def entry(name: str = "a: one", *answers: Answer, **options: Any) -> Entry:
    return Entry(name=name, package="a", version="1.0", answers=answers, **options)


def subject(name: str, version: str = "1.0") -> Subject:
    return Subject(name, "a", lambda seed: (), version=version)


def answering(asked: list[str]) -> Callable[..., Entry]:
    """Answer for a subject, and note that it was asked."""

    def examine(subject: Subject, seed: int) -> Entry:
        asked.append(subject.name)
        return replace(basis.unanswered(subject, seed), answers=(said("steps", "STREAMS"),))

    return examine


MIXED = entry(
    "a: mixed",
    said("certificate", "CAUSAL"),
    said("steps", "STREAMS", 1e-7),
    said("steps (positions given)", "DIVERGES", 0.25),
    said("left padding", "NOT_APPLICABLE"),
    said("chunked prefill", "INCONCLUSIVE"),
)


def test_a_column_is_the_gravest_of_its_checks_with_its_own_number() -> None:
    assert MIXED.column(COLUMNS["certificate"]) == (Verdict.CAUSAL, None)
    assert MIXED.column(COLUMNS["streaming"]) == (Verdict.DIVERGES, 0.25)
    assert MIXED.column(COLUMNS["padding"]) == (Verdict.NOT_APPLICABLE, None)
    assert MIXED.column(COLUMNS["refinement"]) == (Verdict.NOT_APPLICABLE, None)
    assert entry(problem="gone").column(COLUMNS["certificate"])[0] is Verdict.INCONCLUSIVE
    assert [answer.check for answer in MIXED.findings] == ["steps (positions given)"]


def test_every_check_of_streaming_has_a_column() -> None:
    from scanproof.streaming.probes import probes

    known = {check for checks in COLUMNS.values() for check in checks}
    assert {probe.name for probe in probes((1,))} <= known


def test_it_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(subjects: list[Subject], seed: int = 0) -> tuple[Entry, ...]:
        return command.collect(subjects, kept, seed, 1, silent, answering(asked))

    kept = tmp_path / "census.jsonl"
    a, b, c = subject("a"), subject("b"), subject("c")
    ask([a, b])
    kept.write_text(kept.read_text() + '\n{"name": "c", "pack')  # what a run that was killed leaves
    assert [found.name for found in ask([a, b, c])] == ["a", "b", "c"]
    ask([a, b, c])
    assert asked == ["a", "b", "c"]
    ask([a], seed=1)
    assert asked == ["a", "b", "c", "a"]


@pytest.mark.parametrize("changed", ["torch", "scanproof", "a", "code"])
def test_what_was_made_with_another_version_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    asked: list[str] = []
    kept = tmp_path / "census.jsonl"
    command.collect([subject("a: it", version="")], kept, 0, 1, silent, answering(asked))
    if changed == "code":
        monkeypatch.setattr(basis, "_code", lambda: "another")
    else:
        known = metadata.version
        monkeypatch.setattr(basis, "version", lambda name: "9.9" if name == changed else known(name))
    command.collect([subject("a: it", version="")], kept, 0, 1, silent, answering(asked))
    assert asked == ["a: it", "a: it"]


def test_the_hash_of_the_code_sees_every_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checks").mkdir()
    monkeypatch.setattr(basis, "files", lambda package: tmp_path)
    seen = set()
    for text in ("a = 1", "a = 2"):
        (tmp_path / "checks" / "one.py").write_text(text)
        seen.add(basis._code.__wrapped__())
    assert len(seen) == 2


def test_the_headline_names_every_version_of_torch_that_was_used() -> None:
    mixed = [entry("a: b", torch="2.5.0"), entry("a: c", torch="2.6.0")]
    assert "torch 2.5.0 and 2.6.0" in markdown(IMPLEMENTATIONS, mixed, "2026-01-02")
    assert "torch 2.5.0," in markdown(IMPLEMENTATIONS, mixed[:1], "2026-01-02")


def test_what_failed_is_asked_again(tmp_path: Path) -> None:
    answers = iter([entry("a", problem="no network"), entry("a", said("steps", "STREAMS"))])

    def examine(subject: Subject, seed: int) -> Entry:
        return next(answers)

    kept, a = tmp_path / "census.jsonl", subject("a")
    assert command.collect([a], kept, 0, 1, silent, examine)[0].problem == "no network"
    assert not command.collect([a], kept, 0, 1, silent, examine)[0].problem


def test_the_table_says_everything() -> None:
    broken = entry("a: broken", problem="ImportError: no")
    text = markdown(IMPLEMENTATIONS, [MIXED, broken], "2026-01-02")
    assert "2 implementations, 1 with findings" in text
    assert "error relative to the bound" in text  # of which kinds have no theorem: docs/families.md
    assert "| a: mixed | a 1.0 | ✓ | · | · | · | ✗ 2e-01 | ? | · | · | · | · |" in text
    assert "steps (positions given): DIVERGES: 36 cuts \\| &lt;b>" in text
    assert "chunked prefill: 36 cuts" in text
    assert "ImportError: no" in text
    assert "- left padding, 1 of 2: 36 cuts" in text
    plain = json.loads(json.dumps(document(IMPLEMENTATIONS, [MIXED, broken], "2026-01-02")))
    assert plain["entries"][0]["cells"]["streaming"] == {
        "verdict": "DIVERGES",
        "worst": 0.25,
        "exact": "",
    }
    page = html(IMPLEMENTATIONS, [MIXED, broken], "2026-01-02")
    assert "36 cuts | &lt;b&gt;" in page
    assert page.count("<section") == 2


def test_the_page_tells_what_does_not_apply_from_what_is_open() -> None:
    page = html(IMPLEMENTATIONS, [MIXED], "2026-01-02")
    assert '<td class="dim">·</td>' in page
    assert '<td class="open">?</td>' in page
    assert '<td class="dim">NOT_APPLICABLE</td>' in page


def test_what_a_package_raises_is_a_problem_of_its_entry_beside_the_answers_before() -> None:
    def raises(seed: int) -> Iterator[Answer]:
        yield said("certificate", "LEAK")
        raise RuntimeError("no such kernel")

    *_, found = examine(Subject("x: y", "nowhere", raises), 3)
    assert (found.problem, found.version, found.seed) == (
        "RuntimeError: no such kernel",
        "not installed",
        3,
    )
    assert [answer.verdict for answer in found.findings] == ["LEAK"]


def worker(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Have a process run a program in the place of the worker."""
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda _, **options: run([sys.executable, "-c", program], **options)
    )


LEAKS = json.dumps(asdict(entry("a: it", said("certificate", "LEAK"), torch="2.6.0")))


@pytest.mark.parametrize(
    ("end", "problem"),
    [("os.kill(os.getpid(), 9)", "exit code -9"), ("time.sleep(60)", "took more than 5 s")],
)
def test_a_process_that_dies_leaves_its_answers(
    monkeypatch: pytest.MonkeyPatch, end: str, problem: str
) -> None:
    worker(monkeypatch, f"import os, time\nprint('noise')\nprint({LEAKS!r}, flush=True)\n{end}")
    monkeypatch.setattr(command, "LIMIT", 5.0)
    found = command.in_a_process(subject("a: it"), 0)
    assert problem in found.problem
    assert len(found.findings) == 1


def test_a_process_that_dies_is_a_problem_of_its_entry() -> None:
    found = command.in_a_process(subject("nobody: nothing"), 0)
    assert "exit code 1" in found.problem
    assert "nobody: nothing" in found.problem
    assert (found.package, found.version) == ("a", "1.0")


def shaped(*shape: int) -> Callable[[Tensor], Tensor]:
    return lambda x: x.new_zeros(shape)


def test_only_what_is_not_offered_does_not_apply() -> None:
    x = torch.randn(2, 9, 4)
    answers = list(causality(shaped(1), x, 9, 0))
    assert {said.verdict for said in answers} == {"INCONCLUSIVE"}, answers
    assert all(said.evidence for said in answers)

    def unsupported() -> Never:
        raise Unsupported("it has no such form")

    found = answer("refinement", unsupported)
    assert (found.verdict, found.evidence) == ("NOT_APPLICABLE", "it has no such form")


def test_there_are_subjects() -> None:
    names = subjects()
    assert all(name == subject.name for name, subject in names.items())
    assert len(names) >= 35


def test_the_example_of_its_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    first = CliRunner().invoke(app, example("census"))
    assert first.exit_code == 0, first.output
    assert first.stdout.endswith("1 implementations, 0 with findings; census/census.md\n")
    made = json.loads((tmp_path / "census" / "census.json").read_text())["entries"]
    assert made[0]["cells"]["refinement"]["verdict"] == "REFINES"
    assert made[0]["cells"]["gradients"]["verdict"] == "REFINES"
    assert made[0]["cells"]["certificate"]["verdict"] == "CAUSAL"
    assert made[0]["cells"]["same function"]["verdict"] == "EQUAL"
    assert 0 < made[0]["cells"]["gradients"]["worst"] != made[0]["cells"]["refinement"]["worst"]
    assert {file.suffix for file in (tmp_path / "census").iterdir()} == {".jsonl", ".json", ".md", ".html"}

    def never(subject: Subject, seed: int, overlays: object) -> Never:
        raise AssertionError(subject.name)

    monkeypatch.setattr(command, "in_a_process", never)
    again = CliRunner().invoke(app, [*example("census"), "--json", "--quiet"])
    assert (again.exit_code, json.loads(again.stdout)["entries"]) == (0, made)


def test_a_wrong_call(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "jobs": 1,
        "seed": 0,
        "fresh": False,
        "overlays": False,
        "kernels": False,
        "as_json": False,
        "quiet": True,
    }
    with pytest.raises(InvalidArgument, match="--only 'z\\*' matches none of"):
        command.run_census(tmp_path, only="z*", **options)
    with pytest.raises(InvalidArgument, match="--jobs must be at least 1"):
        command.run_census(tmp_path, only="*", **{**options, "jobs": 0})


def test_an_inconclusive_gradient_has_no_worst_number() -> None:
    impl, spec, x = block_case()
    x[0, 3, 1] = torch.nan
    found = answer("refinement of gradients", lambda: check_refinement(impl, spec, x, gradients=True))
    assert (found.verdict, found.worst) == ("INCONCLUSIVE", None)
    assert "not finite" in found.evidence
