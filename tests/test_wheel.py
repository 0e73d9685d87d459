"""What ``pip install`` alone gives: the wheel in an empty environment, far from any checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def scanproof(wheel, tmp_path_factory):
    """Run the installed command in a folder of its own; the dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    install = [
        "pip",
        "--python",
        str(python),
        "install",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
    ]
    subprocess.run([sys.executable, "-m", *install, str(wheel)], check=True, capture_output=True)
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    installed = [path for path in sys.path if path.endswith("site-packages")]
    assert sysconfig.get_path("purelib") in installed
    (Path(where) / "dependencies.pth").write_text("\n".join(installed))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*arguments):
        command = [folder / "env" / "bin" / "scanproof", *arguments]
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in result.stderr
        return result

    return run


def test_it_carries_sources_catalogue_and_golden_vectors(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = [
        ROOT / "Spec.lean",
        ROOT / "lakefile.lean",
        ROOT / "lean-toolchain",
        *(ROOT / "Spec").rglob("*.lean"),
    ]
    carried = {f"scanproof/lean/project/{source.relative_to(ROOT).as_posix()}" for source in sources}
    assert carried <= names
    data = (
        "lean/catalogue.json",
        "lean/catalogue.lean",
        "refinement/golden.json",
        "report/schema.json",
        "py.typed",
    )
    assert {f"scanproof/{name}" for name in data} <= names


def test_doctor_finds_the_carried_project(scanproof):
    result = scanproof("doctor", "--json")
    found = {one["name"]: one for one in json.loads(result.stdout)["findings"]}
    assert result.returncode == (0 if found["toolchain"]["state"] == "ok" else 3)
    assert "/projects/" in found["Lean sources"]["detail"]
    assert f"{len(list((ROOT / 'Spec').rglob('*.lean'))) + 1} modules" in found["Lean sources"]["detail"]


@pytest.mark.lean
def test_prove_knows_what_was_proved_of_the_same_sources(scanproof):
    result = scanproof("prove", "--list")
    assert result.returncode == 0, result.stderr
    assert "Scanproof.Runner.take_outputs_append\n" in result.stdout
    assert " 0 checked now " in result.stdout


def test_audit(scanproof):
    result = scanproof("audit", "scanproof.demo.factories:block", "--shape", "1,9,8", "--quiet")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("✓ ")


def test_cite(scanproof):
    result = scanproof("cite", "Runner.take_outputs_append")
    assert result.returncode == 0
    assert result.stdout.startswith("@misc{scanproof:Runner.take_outputs_append,\n")
