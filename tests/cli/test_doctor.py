"""``scanproof doctor`` says what is missing, and the command that mends it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scanproof import doctor
from scanproof.cli.app import app
from scanproof.lean import presence
from scanproof.lean.project import Project


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Lean, whose Node.js is new enough or absent."""
    monkeypatch.setenv("SCANPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))


def findings() -> dict[str, dict[str, str]]:
    return {one["name"]: one for one in json.loads(run("--json").stdout)["findings"]}


def test_what_is_there() -> None:
    found = findings()
    assert "cpu" in found["devices"]["detail"]
    assert found["PyTorch"]["state"] == "ok"
    assert "Lean 4.28.0" in found["Lean sources"]["detail"]


def test_without_lean(nothing: None) -> None:
    result = run()
    assert result.exit_code == 3
    found = findings()
    assert found["toolchain"]["state"] == "missing"
    assert found["Lean as WebAssembly"]["remedy"] in ("scanproof prove", "pip install 'scanproof[wasm]'")
    assert found["proofs"]["remedy"] == "scanproof prove"
    assert found["Lean by lake"]["remedy"].startswith("curl ")
    quiet = run("--quiet").stdout
    assert "toolchain" in quiet
    assert "devices" not in quiet


def test_a_missing_extra_names_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "matplotlib" else "1")
    found = findings()
    assert found["extra plot"] == {
        "name": "extra plot",
        "state": "optional",
        "detail": "matplotlib missing",
        "remedy": "pip install 'scanproof[plot]'",
    }
    assert found["extra transformers"]["state"] == "ok"


def test_elan_is_not_made_to_download(nothing: None, tmp_path: Path) -> None:
    for name in ("lean", "lake", "elan"):
        file = tmp_path / name
        file.write_text('#!/bin/sh\necho downloading > "$HOME/ran"\n')
        file.chmod(0o755)
    project = Project.find()
    assert presence.elan_lacks(project)
    assert presence.lake(project) == (None, "elan toolchain install leanprover/lean4:v4.28.0")
    assert not (tmp_path / "ran").exists()
    (tmp_path / ".elan/toolchains/leanprover--lean4---v4.28.0").mkdir(parents=True)
    assert not presence.elan_lacks(project)
