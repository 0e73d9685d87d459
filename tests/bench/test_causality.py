import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from scanproof import InvalidArgument, Verdict, certify
from scanproof.bench import causality, peer, task
from scanproof.bench import measure as measuring
from scanproof.bench.causality import Cell, Result, run_bench
from scanproof.bench.measure import measure
from scanproof.bench.models import MODELS, build, with_leak
from scanproof.bench.task import Failed, Measurement, Outcome, Stopped, Task, Tool, run
from scanproof.causality.gradients.certificate_report import CausalCertificate
from scanproof.cli.app import app
from scanproof.cli.exits import INCONCLUSIVE
from verdicts import pair_of, present

TASK = Task(tool="coded", model="small conv", T=24, dtype="float64")


def took(seconds: float, passed: bool = True) -> Measurement:
    return Measurement(
        seconds=10 * seconds,  # on a machine with other load
        cpu_seconds=seconds,
        calls=1,
        peak_bytes=2**20,
        passed=passed,
        verdict="",
        threads=1,
        torch="2",
    )


@pytest.mark.parametrize("name", MODELS)
def test_models_are_causal_and_their_leak_is_the_one_that_was_put_in(name: str) -> None:
    model, x = build(name, 24, torch.float64, seed=0)
    assert certify(model, x).verdict is Verdict.CAUSAL
    pair = pair_of(certify(with_leak(model, 1e-9), x))
    assert (pair.t, pair.s) == (12, 13)


def test_a_seed_repeats_model_and_input() -> None:
    (one, x), (other, z) = (build("attention", 8, torch.float32, seed=3) for _ in range(2))
    assert torch.equal(x, z)
    assert torch.equal(one(x), other(z))


def test_a_process_measures() -> None:
    outcome = run(TASK, 60.0)
    assert isinstance(outcome, Measurement)
    assert outcome.passed
    assert outcome.seconds > 0
    assert outcome.cpu_seconds > 0
    assert outcome.threads == 1
    assert outcome.verdict.startswith("CAUSAL, 2 VJPs")


@pytest.mark.parametrize("tool", ["exact", "coded", "default"])
def test_our_tools_see_a_leak_of_a_billionth(tool: Tool) -> None:
    assert not measure(replace(TASK, tool=tool, leak=1e-9)).passed


def test_reading_looks_at_the_given_shape_alone_and_the_default_at_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports: dict[Tool, CausalCertificate] = {}
    for tool in ("read", "exact", "coded", "default"):

        def counted(*args: Any, now: Tool = tool, **options: Any) -> CausalCertificate:
            reports[now] = certify(*args, **options)
            return reports[now]

        monkeypatch.setattr(measuring, "certify", counted)
        measure(replace(TASK, tool=tool))
    assert {tool: report.mode for tool, report in reports.items()} == {
        "read": "read",
        "exact": "exhaustive",
        "coded": "coded",
        "default": "read",
    }
    assert all(len(report.cases) == 1 for report in reports.values())
    assert present(reports["read"].reading).sizes() == ""
    assert "lengths 1, 2" in present(reports["default"].reading).sizes()


def test_the_time_of_all_cuts_is_projected_on_a_straight_line(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def takes(fn: object, x: object, **options: Any) -> CausalCertificate:
        nonlocal now
        now += 3.0 + 2.0 * options.get("K", 0)
        return certify(MODELS["small conv"](), torch.ones(1, 4, 16))

    monkeypatch.setattr(measuring, "certify", takes)
    for clock in ("perf_counter", "process_time"):
        monkeypatch.setattr(time, clock, lambda: now)
    found = measure(replace(TASK, tool="exact", sample=(4, 10)))
    assert found.seconds == found.cpu_seconds == 3.0 + 2.0 * (TASK.T - 1)
    text = str(Cell(replace(TASK, tool="exact", sample=(4, 10)), (found,)))
    assert text.startswith("~49 s (~49 s)")


def test_what_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "START_UP", 0.0)
    stopped = run(TASK, 0.01)
    assert isinstance(stopped, Stopped)
    assert stopped.seconds == 0.01
    assert 0.0 <= stopped.cpu_seconds < 10.0


def test_what_breaks_off_says_why() -> None:
    outcome = run(replace(TASK, model="small talk"), 60.0)
    assert isinstance(outcome, Failed)
    assert "small talk" in outcome.reason


def result(outcome: dict[tuple[str, float], Outcome], long: Outcome) -> Result:
    def cells(model: str, T: int, leak: float) -> list[Cell]:
        return [
            Cell(Task(tool=tool, model=model, T=T, dtype="float64", leak=leak), (outcome[tool, leak],))
            for tool in causality.TOOLS
        ]

    speed = [cells(model, T, 0.0) for model in causality.MODELS for T in (128, 512)]
    leaks = [cells("attention", 512, leak)[:4] for leak in causality.LEAKS]
    step, check = (Cell(replace(TASK, tool=tool), (outcome[tool, 0.0],)) for tool in ("step", "monitor"))
    return Result(speed, leaks, [Cell(replace(TASK, T=causality.LONG_T), (long,))], [step, check], "float64")


@pytest.fixture
def outcomes() -> dict[tuple[str, float], Outcome]:
    seconds = {"peer": 40.0, "read": 0.1, "exact": 4.0, "coded": 1.0, "default": 0.5}
    monitoring: dict[tuple[str, float], Outcome] = {("step", 0.0): took(2.0), ("monitor", 0.0): took(1.0)}
    return monitoring | {
        (tool, leak): took(seconds[tool], passed=leak == 0 or tool == "peer")
        for tool in causality.TOOLS
        for leak in (0.0, *causality.LEAKS)
    }


class TestResult:
    def test_all_targets_met(self, outcomes: dict[tuple[str, float], Outcome]) -> None:
        found = result(outcomes, took(9.0))
        assert [met for _, _, met in found.targets()] == [True] * 9
        assert found.right
        assert found.as_dict()["ratios"][0] == {
            "model": "attention",
            "T": 128,
            "read": 400.0,
            "exact": 10.0,
            "coded": 40.0,
            "default": 80.0,
            "lower_bounds": False,
        }

    def test_none_met(self, outcomes: dict[tuple[str, float], Outcome]) -> None:
        slow = outcomes | {("exact", 0.0): took(41.0), ("coded", 0.0): took(2.0), ("read", 0.0): took(2.0)}
        slow |= {("coded", 1e-9): took(1.0), ("peer", 1e-2): took(1.0, passed=False)}
        slow |= {("monitor", 0.0): took(3.0)}
        found = result(slow, replace(took(9.0), peak_bytes=5 * 2**30))
        assert [met for _, _, met in found.targets()] == [False] * 9
        assert not found.right

    def test_a_peer_that_was_stopped_gives_a_lower_bound(
        self, outcomes: dict[tuple[str, float], Outcome]
    ) -> None:
        found = result(outcomes | {("peer", 0.0): Stopped(100.0, 100.0)}, Stopped(100.0, 100.0))
        with (console := Console(width=200)).capture() as text:
            found.print(console)
        assert ">100 s, stopped" in text.get()
        assert ">25x" in text.get()
        assert [met for _, _, met in found.targets()] == [True] * 7 + [None, True]

    def test_what_did_not_finish_meets_nothing(self, outcomes: dict[tuple[str, float], Outcome]) -> None:
        found = result(outcomes | {("exact", 0.0): Stopped(100.0, 100.0)}, Failed("exit code -9: no message"))
        assert [met for _, _, met in found.targets()] == [
            True,
            True,
            True,
            None,
            None,
            True,
            True,
            None,
            True,
        ]
        assert not found.right
        json.dumps(found.as_dict())


def test_repeats_take_turns_and_long_ones_are_not_repeated(
    outcomes: dict[tuple[str, float], Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[tuple[str, int]] = []

    def measured(task: Task, max_seconds: float) -> Outcome:
        order.append((task.tool, task.T))
        return outcomes[task.tool, task.leak]

    monkeypatch.setattr(causality, "run", measured)
    monkeypatch.setattr(causality, "require_peer", lambda: None)
    options: dict[str, Any] = {
        "as_json": True,
        "quiet": False,
        "max_seconds": 1.0,
        "repeats": 3,
        "dtype": "float64",
    }
    options |= {"threads": 1, "whole": False}
    assert run_bench(quick=False, **options)
    once = ["peer", "read", "exact", "coded", "default"]
    short = ["read", "coded", "default"]  # the others take over 20 s here
    assert [tool for tool, _ in order[:11]] == [*once, *short, *short]
    assert {T for _, T in order} == {128, 256, 512, 2048, causality.LONG_T}
    order.clear()
    assert run_bench(quick=True, **options)
    assert [tool for tool, _ in order[:10]] == once * 2


@pytest.mark.parametrize("part", causality.PARTS)
def test_a_part_alone(
    part: str,
    outcomes: dict[tuple[str, float], Outcome],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[Task] = []

    def run(task: Task, max_seconds: float) -> Outcome:
        measured.append(task)
        return outcomes[task.tool, task.leak]

    monkeypatch.setattr(causality, "run", run)
    monkeypatch.setattr(causality, "require_peer", lambda: None)
    found = CliRunner().invoke(app, ["bench", "causality", "--quick", "--part", part])
    assert found.exit_code == 0
    targets = {"attention": 3, "scan": 4, "conv": 3}.get(part, 1)
    assert len(re.findall(r"│ (?:NOT )?met", found.stdout)) == targets
    assert ("amplitude" in found.stdout) is (part == "leaks")
    assert ("MiB" in found.stdout) is (part != "leaks")
    model = {"leaks": "attention", "long": "small conv", "monitor": "attention"}.get(part, part)
    assert {task.model for task in measured} == {model}
    assert all(bool(task.leak) is (part == "leaks") for task in measured)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"max_seconds": 0.0}, "--max-seconds must be more than 0, got 0."),
        ({"max_seconds": float("nan")}, "--max-seconds must be more than 0, got nan."),
        ({"repeats": 0}, "--repeats must be at least 1, got 0."),
        ({"threads": -1}, "--threads must be at least 1, got -1."),
        ({"dtype": "float16"}, "--dtype must be one of float32, float64, got 'float16'."),
        (
            {"parts": ["leak"]},
            "--part must be one of attention, scan, conv, leaks, long, monitor, got 'leak'.",
        ),
    ],
)
def test_options_out_of_range(option: dict[str, Any], sentence: str) -> None:
    options: dict[str, Any] = {
        "as_json": False,
        "quiet": False,
        "quick": True,
        "max_seconds": 1.0,
        "dtype": "float64",
    }
    options |= {"repeats": 1, "threads": 1, "whole": False}
    with pytest.raises(InvalidArgument, match=f"^bench causality: {sentence}$"):
        run_bench(**options | option)


def test_without_the_peer_the_command_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "find_spec", lambda name: None)
    found = CliRunner().invoke(app, ["bench", "causality"])
    assert found.exit_code == INCONCLUSIVE
    assert "pip install 'scanproof[bench]'" in found.stderr


@pytest.mark.parametrize("part", ["long", "monitor"])
def test_what_compares_with_no_peer_needs_none(
    part: str, outcomes: dict[tuple[str, float], Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "find_spec", lambda name: None)
    monkeypatch.setattr(causality, "run", lambda task, max_seconds: outcomes[task.tool, task.leak])
    assert CliRunner().invoke(app, ["bench", "causality", "--part", part]).exit_code == 0


def test_the_command_itself_needs_no_torch() -> None:
    code = "import sys, scanproof.bench.causality; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
