"""``scanproof demo``, as a user runs it; the proofs are those of the last ``scanproof prove``."""

import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Never, cast

import pytest
from typer.testing import CliRunner

from examples import example
from scanproof.cli.app import app
from scanproof.cli.exits import INCONCLUSIVE
from scanproof.demo import tour
from scanproof.demo.runner import Runner
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.progress import silent
from scanproof.refinement.oracle import Oracle
from scanproof.report.console import output
from scanproof.report.verdict import Verdict
from scanproof.scans import selective_scan

ROOT = Path(__file__).parents[2]
pytest.importorskip("transformers")


@pytest.mark.lean
def test_the_demo_passes_and_says_so() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("scanproof"), *example("demo")],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if name != "COLUMNS"},  # xdist sets it
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for shown in (
        r"Proved: \d+ theorems",
        "proved only if the check of the proofs finds no fault",
        "✓ CAUSAL transformers MambaMixer, certificate",
        "CAUSAL_TO_ROUNDING",
        r"✓ REFINES",
        r"✗ LEAK\s+│ t=\d+ <- s=\d+",
        r"✗ REFUTED",
        "selectiveMamba_runList_append_outputs_prefix",
        "both injected faults were caught",
        r"Took \d+\.\d s\.\n$",
    ):
        assert re.search(shown, run.stdout), shown


@pytest.mark.lean
def test_a_fault_that_is_not_caught_fails_the_demo(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanproof.adapters.transformers import random_mamba_mixer

    monkeypatch.setattr(tour, "_SCANS", {})
    monkeypatch.setattr(tour, "_FAULTS", {"no fault": (selective_scan, {"refinement": Verdict.REFUTED})})
    runner = cast(Runner, SimpleNamespace(start=lambda: nullcontext(oracle)))
    audits = tour._audit_all(random_mamba_mixer(hidden_size=8), runner, output(), silent)
    assert [row.verdict for row in audits.rows if row.check == "refinement"] == [Verdict.REFINES] * 2
    assert len(audits.surprises) == 1
    assert audits.surprises[0].startswith("no fault, refinement: REFINES")


class Broken:
    """A toolchain that cannot be installed."""

    name = "WebAssembly"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def prepare(self, show: object) -> Never:
        raise self.error


def test_without_lean_the_other_audits_are_shown_and_the_demo_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tour, "_SCANS", {})
    offline = LeanUnavailable("The npm registry cannot be reached.")
    monkeypatch.setattr(tour, "find_toolchain", lambda project, note: Broken(offline))
    assert CliRunner().invoke(app, ["demo"]).exit_code == INCONCLUSIVE
    with pytest.raises(LeanUnavailable, match="cannot be reached"):
        tour.run_demo()
    shown = capsys.readouterr().out
    assert shown.count("✗ LEAK") == 2 * 2  # at once, and in the table
    assert "REFINES" not in shown
    assert "Proved" not in shown
    assert "passed" not in shown
    with pytest.raises(LeanUnavailable, match="cannot be reached"):
        tour.run_demo(as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], said["proved"]) == (False, False)
    assert said["problem"] == "The npm registry cannot be reached."
    assert {check["check"] for check in said["checks"]} == {"certificate", "prefix"}
    assert said["surprises"] == []


def test_breaking_off_starts_no_lean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour, "_SCANS", {})
    monkeypatch.setattr(tour, "find_toolchain", lambda project, note: Broken(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        tour.run_demo(quiet=True)
