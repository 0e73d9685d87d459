"""Packages in folders of their own: installed once, seen only by the process that asks."""

import subprocess
import zipfile
from pathlib import Path
from typing import Never

import pytest

from scanproof.adapters.overlay import overlay, run_over
from scanproof.errors import InvalidArgument, MissingDependency

WHEEL = {
    "tiny.py": "VALUE = 1\n",
    "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny-1.0.dist-info/RECORD": "tiny.py,,\n",
}


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of lists, one of which names a package of one module."""
    monkeypatch.setenv("SCANPROOF_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in WHEEL.items():
            wheel.writestr(name, text)
    (tmp_path / "tiny.txt").write_text(f"{wheel.filename}\n")
    return tmp_path


def test_packages_are_installed_once_and_seen_by_one_process(
    lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = overlay(lists / "tiny.txt")
    done = run_over(folder, ["-c", "import tiny, torch; print(tiny.__file__)"], timeout=600)
    assert done.stdout.strip() == str(folder / "tiny.py")

    def no_more(*args: object, **kwargs: object) -> Never:
        raise AssertionError("installed again")

    monkeypatch.setattr(subprocess, "run", no_more)
    assert overlay(lists / "tiny.txt") == folder


def test_another_list_is_another_folder(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def install(
        command: list[str], env: dict[str, str], **kwargs: object
    ) -> subprocess.CompletedProcess[str]:
        ran.append((command, env))
        target = command[command.index("--target") + 1]
        subprocess.Popen(["mkdir", target]).wait()
        return subprocess.CompletedProcess(command, 0, "", "")

    (lists / "build.txt").write_text("setuptools==1.0\n")
    monkeypatch.setattr(subprocess, "run", install)
    first = overlay(lists / "tiny.txt")
    (lists / "tiny.txt").write_text("tiny==2.0\n")
    second = overlay(lists / "tiny.txt")
    assert first != second
    assert [str(command[-1]) for command, _ in ran] == [
        str(lists / name) for name in ("build.txt", "tiny.txt", "tiny.txt")
    ]
    command, environment = ran[1]
    assert "--no-deps" in command
    assert environment["MAMBA_SKIP_CUDA_BUILD"] == "TRUE"
    assert str(overlay(lists / "build.txt")) in environment["PYTHONPATH"]


def test_a_failure_is_told_and_leaves_nothing(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **kwargs: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "ERROR: No matching distribution found\nhint: x\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(MissingDependency, match=r"tiny\.txt: ERROR: No matching distribution found"):
        overlay(lists / "tiny.txt")
    assert not [path for path in (lists / "cache" / "overlays").iterdir() if path.name != ".lock"]


def test_a_list_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="list of pinned packages"):
        overlay(tmp_path / "none.txt")
