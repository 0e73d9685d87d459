"""``scanproof demo``, as a user runs it; the proofs are those of the last ``scanproof prove``."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples import example
from scanproof.demo import tour
from scanproof.report.console import output
from scanproof.report.verdict import Verdict
from scanproof.scans import selective_scan

ROOT = Path(__file__).parents[2]
pytest.importorskip("transformers")


@pytest.mark.lean
def test_the_demo_passes_and_says_so():
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
        "Ready after",
        "transformers MambaMixer",
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
def test_a_fault_that_is_not_caught_fails_the_demo(oracle, monkeypatch):
    from scanproof.adapters.transformers import random_mamba_mixer

    monkeypatch.setattr(tour, "_SCANS", {})
    monkeypatch.setattr(tour, "_FAULTS", {"no fault": (selective_scan, {"refinement": Verdict.REFUTED})})
    rows, surprises = tour._audit_all(random_mamba_mixer(hidden_size=8), oracle, output())
    assert [row.verdict for row in rows if row.check == "refinement"] == [Verdict.REFINES] * 2
    assert len(surprises) == 1
    assert surprises[0].startswith("no fault, refinement: REFINES")
