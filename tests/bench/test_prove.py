"""``scanproof bench prove``: the same modules in both ways, and what each took."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scanproof import InvalidArgument
from scanproof.bench import prove
from scanproof.bench.prove import run_bench, sample
from scanproof.bench.task import children_cpu_seconds
from scanproof.cli.app import app
from scanproof.cli.exits import WRONG_CALL
from scanproof.lean.modules import read_graph
from scanproof.lean.project import Project

ROOT = Path(__file__).parents[2]


def test_a_sample_is_spread_over_the_library() -> None:
    graph = read_graph(Project.find(ROOT))
    order = graph.closure(*graph.modules)
    assert sample(graph, len(order)) == order
    assert sample(graph, 2) == [order[0], order[len(order) // 2]]


def test_there_are_not_so_many_modules() -> None:
    graph = read_graph(Project.find(ROOT))
    with pytest.raises(InvalidArgument, match=rf"give 1 to {len(graph.modules)}"):
        sample(graph, len(graph.modules) + 1)
    assert CliRunner().invoke(app, ["bench", "prove", "--modules", "0"]).exit_code == WRONG_CALL


def test_the_cost_is_that_of_the_processes_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 13.5])
    monkeypatch.setattr(prove, "children_cpu_seconds", lambda: next(times))
    assert prove._measured("a way", lambda: None).cpu_seconds == 3.5
    assert children_cpu_seconds() >= 0


@pytest.mark.lean
def test_both_ways_check_the_same_module(capsys: pytest.CaptureFixture[str]) -> None:
    ratio = run_bench(1, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == [sample_file()]
    ways = {cost["way"]: cost["cpu_seconds"] for cost in said["costs"]}
    assert ratio == ways["one process for all"] / ways["one process for each module"] > 0


def sample_file() -> str:
    graph = read_graph(Project.find(ROOT))
    return graph.modules[sample(graph, 1)[0]].file
