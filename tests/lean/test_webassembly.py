import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from scanproof.lean import webassembly
from scanproof.lean.checker import Checker, Job
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.modules import read_graph
from scanproof.lean.progress import silent
from scanproof.lean.project import Project
from scanproof.lean.toolchain import Build
from scanproof.lean.webassembly import WebAssembly

MakeProject = Callable[..., Project]
DIAMOND = {
    "Spec": "module\npublic import Spec.Top\n",
    "Spec.Top": "module\npublic import Spec.Left\npublic import Spec.Right\n",
    "Spec.Left": "module\npublic import Spec.Base\n",
    "Spec.Right": "module\npublic import Spec.Base\n",
    "Spec.Base": "module\n",
}


@pytest.fixture
def build(tmp_path: Path, fake_lean: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Project], Build]:
    monkeypatch.setattr(webassembly, "parallel_processes", lambda size: 2)
    count = iter(range(100))

    def run(project: Project) -> Build:
        folder = tmp_path / f"build{next(count)}"
        folder.mkdir()
        with closing(WebAssembly.require(project)) as lean:
            return lean.build(read_graph(project), folder, silent)

    return run


def events(log: Path, kind: str) -> list[str]:
    return [line.split()[1] for line in log.read_text().splitlines() if line.split()[0] == kind]


def test_everything_is_checked_once_and_imports_first(
    build: Callable[[Project], Build], make_project: MakeProject, fake_lean: Path
) -> None:
    project = make_project(DIAMOND)
    first = build(project)
    assert first.findings == ()
    assert first.checked == tuple(sorted(DIAMOND))
    begun = events(fake_lean, "begin")
    assert begun[0] == "Spec/Base.lean"
    assert begun[-2:] == ["Spec/Top.lean", "Spec.lean"]
    second = build(project)
    assert second.checked == ()
    assert (second.folder / "Spec" / "Top.olean").read_text() == DIAMOND["Spec.Top"]


def test_never_more_than_two_at_a_time(
    build: Callable[[Project], Build], make_project: MakeProject, fake_lean: Path
) -> None:
    wide = {f"Spec.M{i}": "-- waits for another to begin\nmodule\n" for i in range(6)}
    build(make_project({"Spec": "".join(f"public import {name}\n" for name in wide), **wide}))
    running, most = 0, 0
    for line in fake_lean.read_text().splitlines():
        running += {"start": 0, "begin": 1, "end": -1}[line.split()[0]]
        most = max(most, running)
    assert most == 2
    assert len(events(fake_lean, "start")) == 1  # one process for all


def test_only_what_changed_is_checked(
    build: Callable[[Project], Build], make_project: MakeProject, fake_lean: Path
) -> None:
    build(make_project(DIAMOND))
    fake_lean.unlink()
    again = build(make_project({"Spec.Left": DIAMOND["Spec.Left"] + "-- edited\n"}))
    assert again.checked == ("Spec", "Spec.Left", "Spec.Top")
    assert events(fake_lean, "begin") == ["Spec/Left.lean", "Spec/Top.lean", "Spec.lean"]
    fake_lean.unlink()
    assert build(make_project(DIAMOND)).checked == ()
    assert not fake_lean.exists()


def test_what_imports_a_faulty_module_is_skipped(
    build: Callable[[Project], Build], make_project: MakeProject
) -> None:
    faulty = DIAMOND["Spec.Left"] + "--! warning declaration uses `sorry`\n--! error unsolved goals\n"
    found = build(make_project({**DIAMOND, "Spec.Left": faulty}))
    assert [str(f) for f in found.findings] == [
        "Spec/Left.lean:3:0: warning: declaration uses `sorry`",
        "Spec/Left.lean:4:0: error: unsolved goals",
    ]
    assert found.skipped == ("Spec", "Spec.Top")
    assert found.checked == ("Spec.Base", "Spec.Left", "Spec.Right")
    mended = build(make_project(DIAMOND))
    assert mended.checked == ("Spec", "Spec.Left", "Spec.Top")


def test_information_is_no_fault(build: Callable[[Project], Build], make_project: MakeProject) -> None:
    assert build(make_project({"Spec": "module\n--! information hello\n"})).findings == ()


def test_the_options_of_the_lakefile_are_passed_on(
    make_project: MakeProject, fake_lean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webassembly, "parallel_processes", lambda size: 1)
    given: list[Job] = []
    monkeypatch.setattr(Checker, "submit", lambda self, job: given.append(job))
    monkeypatch.setattr(Checker, "result", lambda self: (given[-1].file, []))
    project = make_project({"Spec": "module\n"})
    with closing(WebAssembly.require(project)) as lean:
        lean.build(read_graph(project), tmp_path, silent)
    (job,) = given
    assert job.options == {"autoImplicit": "false", "linter.missingDocs": "true"}
    assert json.loads(job.to_json()) == {
        "file": "Spec.lean",
        "options": job.options,
        "fresh": False,
        "olean": str(tmp_path / "Spec.olean"),
        "ilean": str(tmp_path / "Spec.ilean"),
    }


def test_a_crash_is_not_a_verdict(build: Callable[[Project], Build], make_project: MakeProject) -> None:
    project = make_project({"Spec": "module\n--! crash\n"})
    with pytest.raises(LeanUnavailable, match=r"crashed on Spec\.lean with exit code 7: .*out of bounds"):
        build(project)
    assert build(make_project({"Spec": "module\n"})).checked == ("Spec",)


def test_a_crash_for_what_was_checked_before_is_tried_again(
    build: Callable[[Project], Build], make_project: MakeProject, fake_lean: Path
) -> None:
    assert build(make_project({"Spec": "module\n--! stale\n"})).checked == ("Spec",)
    assert events(fake_lean, "begin") == ["Spec.lean", "Spec.lean"]


def test_a_process_that_dies_is_not_a_verdict(
    build: Callable[[Project], Build], make_project: MakeProject
) -> None:
    project = make_project({"Spec": "module\n--! die\n"})
    with pytest.raises(LeanUnavailable, match=r"crashed on Spec\.lean with exit code 134: out of memory"):
        build(project)


def test_edits_during_a_check_do_not_reach_it(
    build: Callable[[Project], Build],
    make_project: MakeProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = make_project(DIAMOND)
    graph = read_graph(project)
    (project.root / "Spec" / "Base.lean").write_text("--! error written too late\n")
    folder = tmp_path / "mine"
    folder.mkdir()
    with closing(WebAssembly.require(project)) as lean:
        assert lean.build(graph, folder, silent).findings == ()


def test_another_version_of_lean(make_project: MakeProject) -> None:
    project = make_project({"Spec": ""})
    (project.root / "lean-toolchain").write_text("leanprover/lean4:v4.99.0")
    with pytest.raises(LeanUnavailable, match=r"uses Lean 4\.99\.0.* is Lean 4\.28\.0.*elan"):
        WebAssembly.require(Project.find(project.root))
