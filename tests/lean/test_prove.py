import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scanproof.lean import catalogue as catalogues
from scanproof.lean import webassembly
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.messages import Message
from scanproof.lean.modules import read_graph
from scanproof.lean.project import Project
from scanproof.lean.prove import prove
from scanproof.lean.toolchain import Build
from scanproof.lean.webassembly import WebAssembly

MakeProject = Callable[..., Project]
GOOD = {
    "Spec": "module\npublic import Spec.A\n",
    "Spec.A": "module\n/-- Says so. -/\ntheorem one : True\n/-- Says more. -/\ntheorem two : True\n",
}


@pytest.fixture
def lean(fake_lean: Path, monkeypatch: pytest.MonkeyPatch) -> WebAssembly:
    monkeypatch.setattr(webassembly, "parallel_processes", lambda size: 2)
    return WebAssembly()


def test_what_is_proved_is_catalogued(lean: WebAssembly, make_project: MakeProject) -> None:
    project = make_project(GOOD)
    report = prove(project, lean)
    assert report.findings == ()
    assert report.catalogue is not None
    assert [(t.name, t.docstring, t.file, t.line) for t in report.catalogue.theorems] == [
        ("one", "Says so.", "Spec/A.lean", 3),
        ("two", "Says more.", "Spec/A.lean", 5),
    ]
    assert report.summary().startswith(
        "Proved: 2 theorems in 2 modules, 2 checked now (Lean 4.28.0, WebAssembly,"
    )
    assert catalogues.cached(read_graph(project), lean) == report.catalogue


def test_unchanged_means_no_process_at_all(
    lean: WebAssembly, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(GOOD)
    first = prove(project, lean)

    def forbidden(*arguments: object, **options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    second = prove(project, lean)
    assert second.catalogue == first.catalogue
    assert second.checked == 0


def test_a_clean_clone_is_warm(
    lean: WebAssembly, make_project: MakeProject, tmp_path: Path, fake_lean: Path
) -> None:
    project = make_project(GOOD)
    prove(project, lean)
    fake_lean.unlink()
    moved = tmp_path / "elsewhere"
    project.root.rename(moved)
    assert prove(Project.find(moved), lean).catalogue is not None
    assert not fake_lean.exists()


def test_a_module_that_nothing_reaches(lean: WebAssembly, make_project: MakeProject, fake_lean: Path) -> None:
    report = prove(make_project({**GOOD, "Spec.Lost": "module\n"}), lean)
    assert report.catalogue is None
    assert [f.file for f in report.findings] == ["Spec/Lost.lean"]
    assert not fake_lean.exists()


def test_faults_that_lean_finds(lean: WebAssembly, make_project: MakeProject) -> None:
    report = prove(make_project({**GOOD, "Spec.A": "module\n--! error no\n--! error never\n"}), lean)
    assert report.catalogue is None
    assert report.summary().startswith(
        "Not proved: 2 faults in 2 modules, 1 modules not checked (WebAssembly,"
    )
    assert "scanproof prove" in report.summary()


def test_a_theorem_without_docstring(lean: WebAssembly, make_project: MakeProject) -> None:
    report = prove(make_project({"Spec": "module\n\ntheorem bare : True\n"}), lean)
    assert [str(f) for f in report.findings] == [
        "Spec.lean:3:0: error: theorem bare has no docstring; write its statement in words"
    ]
    assert prove(make_project({"Spec": "module\n\ntheorem bare : True\n"}), lean).catalogue is None


def test_executables_are_described_apart_and_all_are_checked(
    lean: WebAssembly, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two ``main``s do not go into one environment."""
    theorem = "/-- Says so. -/\ntheorem {} : True\n"
    project = make_project(
        {
            "Spec": "module\n",
            "Spec.One": f"module\n{theorem.format('main')}",
            "Spec.Two": f"module\n{theorem.format('main')}{theorem.format('own')}",
        },
        "lean_lib Spec\nlean_exe one where\n  root := `Spec.One\nlean_exe two where\n  root := `Spec.Two\n",
    )
    files: list[str] = []
    elaborate = lean.elaborate

    def recorded(build: Build, file: Path) -> list[Message]:
        files.append(file.read_text())
        return elaborate(build, file)

    monkeypatch.setattr(lean, "elaborate", recorded)
    report = prove(project, lean)
    imports = [[line for line in text.splitlines() if line.startswith("import all Spec")] for text in files]
    assert imports == [["import all Spec", "import all Spec.One"], ["import all Spec.Two"]]
    assert report.catalogue is not None
    assert [t.name for t in report.catalogue.theorems] == ["main", "own"]


def test_lean_answers_for_every_declaration(
    lean: WebAssembly, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lean, "elaborate", lambda build, file: [])
    with pytest.raises(LeanUnavailable, match="described 0 of 4 modules and names"):
        prove(make_project(GOOD), lean)


def test_no_heavy_import() -> None:
    program = (
        "import sys, scanproof.lean.command, scanproof.cli.app\n"
        "print([m for m in ('torch', 'numpy', 'pytest', 'hypothesis', 'transformers') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
