"""Where output cannot go, every option that names a place says so in one sentence, before any work."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scanproof.cli.app import app

CHECKS = [
    [command, "scanproof.demo.factories:block", "--shape", "1,5,8", "--html"]
    for command in ("audit", "certify", "refine")
]
FILES = [*CHECKS, ["theorems", "--markdown"], ["prove", "--catalogue"]]
FOLDERS = [["theorems", "--site"], ["census", "--folder"]]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()


def refused(arguments: list[str], place: str, sentence: str) -> None:
    result = CliRunner().invoke(app, [*arguments, place])
    said = " ".join(result.stderr.replace("│", " ").split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Invalid value for '{arguments[-1]}': {sentence}" in said


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("file/page", "file cannot be a folder, for file is a file; name another place."),
        ("file/deep/page", "file/deep cannot be a folder, for "),
        ("folder", "folder is a folder; name a file in it."),
        ("", ". is a folder; name a file in it."),
        ("absent/page", "page cannot be written: the folder absent does not exist."),
    ],
)
@pytest.mark.parametrize("arguments", FILES, ids=lambda words: words[0])
def test_a_file(arguments: list[str], place: str, sentence: str) -> None:
    refused(arguments, place, sentence)


@pytest.mark.parametrize("place", ["file", "file/deep"])
@pytest.mark.parametrize("arguments", FOLDERS, ids=lambda words: words[0])
def test_a_folder(arguments: list[str], place: str) -> None:
    refused(arguments, place, f"{place} cannot be a folder, for ")


@pytest.mark.parametrize("arguments", [*FILES, *FOLDERS], ids=lambda words: words[0])
def test_what_is_not_ours(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanproof.outputs.os.access", lambda place, mode: mode != os.W_OK)
    if arguments in FILES:
        refused(arguments, "file", "file cannot be written; name a file of yours.")
    else:
        refused(arguments, "folder", "folder cannot be written into; name a folder of yours.")
