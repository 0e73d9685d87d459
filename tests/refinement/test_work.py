"""Running T tokens costs O(T): the tensors of the Lean runners are stored, not recomputed at look-ups."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scanproof.lean.find import find_toolchain
from scanproof.lean.modules import read_graph
from scanproof.lean.process import LeanProcess
from scanproof.lean.project import Project

ROOT = Path(__file__).parents[2]
EXECUTABLE = "\nlean_exe work where\n  root := `Spec.Work\n"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, int], int]]:
    """A program that runs a model on some tokens; returns the number of multiplications executed."""
    folder = tmp_path_factory.mktemp("work")
    for name in ("lean-toolchain", "lake-manifest.json", "Spec.lean"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "Spec", folder / "Spec")
    shutil.copy(Path(__file__).with_name("work.lean"), folder / "Spec" / "Work.lean")
    (folder / "lakefile.lean").write_text((ROOT / "lakefile.lean").read_text() + EXECUTABLE)
    project = Project.find(folder)
    with (folder / "shown").open("w+") as shown:
        process = LeanProcess(find_toolchain(project).spawn(read_graph(project), "work", errors=shown))

        def multiplications(model: str, tokens: int) -> int:
            before = (folder / "shown").read_text().count("*\n")
            process.ask(f"{model} {tokens}")
            return (folder / "shown").read_text().count("*\n") - before

        yield multiplications
        process.close()


@pytest.mark.lean
@pytest.mark.parametrize(("model", "least"), [("s4", 19), ("compact", 33), ("selective", 90)])
def test_every_token_costs_the_same(work: Callable[[str, int], int], model: str, least: int) -> None:
    per_token = work(model, 1)
    assert per_token >= least
    for tokens in (2, 50, 200):
        assert work(model, tokens) == per_token * tokens
