from collections.abc import Callable
from pathlib import Path

import pytest

from scanproof.errors import InvalidArgument
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.find import find_toolchain
from scanproof.lean.lake import Lake, parse_lake
from scanproof.lean.modules import read_graph
from scanproof.lean.process import LeanProcess
from scanproof.lean.progress import silent
from scanproof.lean.project import Project

MakeProject = Callable[..., Project]
AddCommand = Callable[[str, str], None]

GOOD = """ℹ [2/5] Built Spec.A (1.2s)
info: Spec/A.lean:3:0: hello
✔ [3/5] Built Spec (300ms)
Build completed successfully (5 jobs).
"""
BAD = """✔ [2/5] Built Spec.B (1.2s)
⚠ [3/5] Built Spec.A (1.2s)
warning: Spec/A.lean:3:8: declaration uses 'sorry'
✖ [4/5] Building Spec (600ms)
trace: .> LEAN_PATH=x lean Spec.lean
error: ././Spec.lean:7:2: unsolved goals
n : Nat
⊢ n = 0
error: Lean exited with code 1
Some required targets logged failures:
- Spec.A
error: build failed
"""


@pytest.fixture
def lake(add_command: AddCommand, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Install a lake and a lean on the PATH; call it with what they should do."""
    program = (Path(__file__).parent / "fake_lake.py").read_text(encoding="utf-8")

    def behave(how: str) -> None:
        monkeypatch.setenv("FAKE_LAKE", how)
        add_command("lake", program)
        add_command("lean", program)

    return behave


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    return make_project({"Spec": "module\npublic import Spec.A\n", "Spec.A": "module\n"})


def says(project: Project, output: str, status: int) -> None:
    (project.root / "lake-output.txt").write_text(output, encoding="utf-8")
    (project.root / "lake-status.txt").write_text(str(status))


def test_lake_is_preferred(lake: Callable[[str], None], project: Project) -> None:
    lake("well")
    notes: list[str] = []
    found = find_toolchain(project, note=notes.append)
    assert found.name == "lake"
    assert "4.28.0" in found.identity
    assert notes == []


def test_webassembly_where_there_is_no_lake(add_command: AddCommand, project: Project) -> None:
    notes: list[str] = []
    assert find_toolchain(project, note=notes.append).name == "WebAssembly"
    assert notes == []


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("offline", "could not provide Lean 4.28.0: could not download the toolchain."),
        ("old", "version 4.27.0"),
    ],
)
def test_an_unusable_lake_is_passed_over_with_a_note(
    lake: Callable[[str], None], project: Project, how: str, sentence: str
) -> None:
    lake(how)
    notes: list[str] = []
    assert find_toolchain(project, note=notes.append).name == "WebAssembly"
    assert len(notes) == 1
    assert sentence in notes[0]
    assert "WebAssembly" in notes[0]
    with pytest.raises(LeanUnavailable, match=sentence):
        find_toolchain(project, "lake")


def test_webassembly_can_be_insisted_on(lake: Callable[[str], None], project: Project) -> None:
    lake("well")
    assert find_toolchain(project, "wasm").name == "WebAssembly"


def test_no_such_choice(project: Project) -> None:
    with pytest.raises(InvalidArgument, match="The toolchain is 'cargo'; choose one of auto, lake, wasm"):
        find_toolchain(project, "cargo")


def test_lake_where_there_is_none(add_command: AddCommand, project: Project) -> None:
    with pytest.raises(
        LeanUnavailable, match=r"lake and lean are not on the PATH; install Lean 4\.28\.0 with elan"
    ):
        find_toolchain(project, "lake")


def test_a_good_build(lake: Callable[[str], None], project: Project, tmp_path: Path) -> None:
    lake("well")
    says(project, GOOD, 0)
    build = Lake.require(project).build(read_graph(project), tmp_path, silent)
    assert build.findings == ()
    assert build.checked == ("Spec.A", "Spec")
    assert build.folder == project.root / ".lake" / "build" / "lib" / "lean"


def test_a_bad_build(lake: Callable[[str], None], project: Project, tmp_path: Path) -> None:
    lake("well")
    says(project, BAD, 1)
    build = Lake.require(project).build(read_graph(project), tmp_path, silent)
    assert [str(f) for f in build.findings] == [
        "Spec.lean:7:2: error: unsolved goals\nn : Nat\n⊢ n = 0",
        "Spec/A.lean:3:8: warning: declaration uses 'sorry'",
    ]


def test_a_build_that_fails_without_saying_where(
    lake: Callable[[str], None], project: Project, tmp_path: Path
) -> None:
    lake("well")
    says(project, "error: no such file or directory\n  file: x\n", 1)
    with pytest.raises(LeanUnavailable, match="lake build failed: error: no such file"):
        Lake.require(project).build(read_graph(project), tmp_path, silent)


def test_edits_during_a_build(lake: Callable[[str], None], project: Project, tmp_path: Path) -> None:
    lake("edit")
    says(project, GOOD, 0)
    with pytest.raises(LeanUnavailable, match="changed during the check; run the command again"):
        Lake.require(project).build(read_graph(project), tmp_path, silent)


def test_an_executable_is_built_and_started(lake: Callable[[str], None], project: Project) -> None:
    lake("well")
    process = LeanProcess(Lake.require(project).spawn(read_graph(project), "oracle"))
    assert process.ask("stressed") == "desserts"
    with pytest.raises(LeanUnavailable, match="died"):
        process.ask("again")
    process.close()


def test_an_executable_that_does_not_build(lake: Callable[[str], None], project: Project) -> None:
    lake("broken")
    with pytest.raises(LeanUnavailable, match="lake build oracle failed"):
        Lake.require(project).spawn(read_graph(project), "oracle")


def test_output_without_messages() -> None:
    assert parse_lake(GOOD.splitlines()) == []
