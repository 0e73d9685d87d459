from collections.abc import Callable
from pathlib import Path

import pytest

from scanproof.errors import InvalidArgument
from scanproof.lean.project import Project

MakeProject = Callable[..., Project]
PACKAGE = "package p where\n  {}\nlean_lib Spec\n"


def test_found_from_a_folder_inside(make_project: MakeProject) -> None:
    project = make_project({"Spec.Deep.Er": ""})
    assert Project.find(project.root / "Spec" / "Deep") == project
    assert project.version == "4.28.0"
    assert project.library == "Spec"


def test_the_repository_itself_is_understood() -> None:
    project = Project.find(Path(__file__))
    assert project.library == "Spec"
    assert project.options == {"autoImplicit": "false", "linter.missingDocs": "true"}
    assert project.executable("oracle").startswith("Spec.")


def test_outside_a_project(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"not in a Lean project.*--project"):
        Project.find(tmp_path)


def test_version_not_readable(make_project: MakeProject) -> None:
    project = make_project({})
    (project.root / "lean-toolchain").write_text("nightly\n")
    with pytest.raises(InvalidArgument, match=r"lean-toolchain names no version"):
        Project.find(project.root)


@pytest.mark.parametrize(
    ("setting", "options"),
    [
        ("", {}),
        ("leanOptions := #[]", {}),
        ("leanOptions := #[⟨`maxRecDepth, 1000⟩]", {"maxRecDepth": "1000"}),
        (
            "leanOptions := #[\n    ⟨`a.b, true⟩, -- why\n    ⟨ `c , false ⟩,\n  ]",
            {"a.b": "true", "c": "false"},
        ),
        ("-- leanOptions := #[⟨`a, true⟩]", {}),
    ],
)
def test_options(make_project: MakeProject, setting: str, options: dict[str, str]) -> None:
    assert make_project({}, PACKAGE.format(setting)).options == options


@pytest.mark.parametrize(
    "setting",
    [
        "leanOptions := common",
        "leanOptions := #[⟨`a, true⟩] ++ more",
        "leanOptions := #[⟨`a, .ofNat n⟩]",
        "leanOptions := #[⟨`a, true⟩]\n  leanOptions := #[]",
        'moreLeanArgs := #["-DwarningAsError=true"]',
        'weakLeanArgs := #["-j1"]',
    ],
)
def test_options_that_are_not_understood_are_refused(make_project: MakeProject, setting: str) -> None:
    with pytest.raises(InvalidArgument, match="only Lake understands"):
        _ = make_project({}, PACKAGE.format(setting)).options


def test_a_project_has_one_library(make_project: MakeProject) -> None:
    with pytest.raises(InvalidArgument, match="declares 2 libraries"):
        _ = make_project({}, PACKAGE.format("") + "lean_lib Other\n").library


def test_executables(make_project: MakeProject) -> None:
    lakefile = PACKAGE.format("") + "lean_exe run where\n  root := `Spec.Run\n"
    project = make_project({}, lakefile)
    assert project.executable("run") == "Spec.Run"
    with pytest.raises(InvalidArgument, match="declares no lean_exe walk"):
        project.executable("walk")
