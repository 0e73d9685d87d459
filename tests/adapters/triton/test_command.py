"""``scanproof kernel``: a process of its own with the interpreter, and sentences for what is wrong."""

import json
import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from packaging.requirements import Requirement

import scanproof
from examples import example
from pages import ROOT
from scanproof.adapters.triton.versions import TESTED, version_note
from scanproof.cli.named_spec import rounding_named, sizes_named, spec_named
from scanproof.errors import InvalidArgument

SCHEMA = json.loads((Path(scanproof.__file__).parent / "report" / "schema.json").read_text())


def run(*arguments: str, cwd: Path, **environment: str) -> Any:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**{k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_starts_a_process_with_the_interpreter(interpreting: None, tmp_path: Path) -> None:
    done = run("-m", "scanproof", *example("kernel"), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    whole, *parts = document["reports"]
    assert (whole["type"], whole["verdict"], whole["outcome"]) == ("KernelReport", "CLEAN", "passed")
    assert "not the compiled code" in whole["summary"]
    assert whole["fields"]["launches"] == {"states_kernel": 1, "outputs_kernel": 1}
    assert {"RefinementReport", "PrefixReport", "KernelAnswer"} == {part["type"] for part in parts}


def test_triton_without_its_interpreter_is_refused(interpreting: None, tmp_path: Path) -> None:
    program = "import triton\nfrom scanproof.adapters.triton import interpreted\nwith interpreted(): pass\n"
    done = run("-c", program, cwd=tmp_path)
    assert "InvalidArgument: Triton was imported without its interpreter" in done.stderr
    assert run("-c", program.partition("\n")[2], cwd=tmp_path).returncode == 0
    assert run("-c", program, cwd=tmp_path, TRITON_INTERPRET="1").returncode == 0


@pytest.mark.skipif(find_spec("triton") is not None, reason="Triton is installed")
def test_a_sentence_says_that_triton_is_missing(tmp_path: Path) -> None:
    done = run("-m", "scanproof", *example("kernel"), cwd=tmp_path)
    assert done.returncode == 3
    assert "pip install 'scanproof[triton]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("target", "spec", "said"),
    [
        ("scanproof.demo.block:Scan", "Nothing", "there is no kernel spec Nothing; choose CausalConv1d"),
        ("scanproof.demo.block:Scan", "SsdScan(", "is not understood"),
        ("scanproof.demo.block:Scan", "SsdScan(colour=3)", "is not understood"),
        ("scanproof.demo.block:CHANNELS_", "SsdScan", "has no CHANNELS_"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    interpreting: None, tmp_path: Path, target: str, spec: str, said: str
) -> None:
    done = run("-m", "scanproof", "kernel", target, "--spec", spec, "-q", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_specs_are_named_with_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])  # commands look in the working folder, too
    assert spec_named("kernel", "SsdScan") == scanproof.SsdScan()
    assert spec_named("kernel", "SsdScan(dt_softplus=True)") == scanproof.SsdScan(dt_softplus=True)
    assert spec_named("kernel", "scanproof:MinGru") == scanproof.MinGru()
    for wrong in (
        "Kernel",
        "SsdScan(1)",
        "os.system('x')",
        "SsdScan(dt_softplus=open('x'))",
        "scanproof:Row",
    ):
        with pytest.raises((InvalidArgument, TypeError)):
            spec_named("kernel", wrong)


def test_sizes_and_roundings_are_named() -> None:
    assert sizes_named("kernel", "time=65, head=1") == {"time": 65, "head": 1}
    assert sizes_named("kernel", None) == {}
    assert rounding_named("kernel", "tf32") == "tf32"
    assert rounding_named("kernel", None) is None
    for wrong in ("time", "time=x", "time=-1"):
        with pytest.raises(InvalidArgument, match="--sizes"):
            sizes_named("kernel", wrong)
    with pytest.raises(InvalidArgument, match="--rounding"):
        rounding_named("kernel", "fp8")


FIXTURE = """
import pytest, torch, triton, triton.language as tl

@triton.jit
def fill(out, n, N: tl.constexpr):
    at = tl.arange(0, N)
    tl.store(out + at, at, at < n)

def test_right(scanproof_triton):
    fill[(1,)](torch.zeros(5), 5, 8)
    assert scanproof_triton.launches == {"fill": 1}

def test_wrong(scanproof_triton):
    fill[(1,)](torch.zeros(5), 6, 8)

def test_nothing(scanproof_triton):
    pass
"""


def test_the_fixture_fails_on_what_must_not_be(interpreting: None, tmp_path: Path) -> None:
    (tmp_path / "test_fixture.py").write_text(FIXTURE)
    done = run("-m", "pytest", "-q", "-p", "no:randomly", "--scanproof-interpret", cwd=tmp_path)
    assert "3 passed, 2 errors" in done.stdout, done.stdout
    assert "fill (test_fixture.py, line 7): program (0) writes 1 entry past the last entry of out" in (
        done.stdout
    )
    assert "no Triton kernel was launched" in done.stdout


def test_the_fixture_skips_without_its_option(tmp_path: Path) -> None:
    (tmp_path / "test_fixture.py").write_text("def test_it(scanproof_triton):\n    assert False\n")
    done = run("-m", "pytest", "-q", "-rs", cwd=tmp_path)
    assert "1 skipped" in done.stdout
    assert "pytest --scanproof-interpret" in done.stdout


def test_the_option_refuses_a_triton_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import sys, types\nsys.modules['triton'] = types.ModuleType('t')\n"
    )
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    done = run("-m", "pytest", "-q", "--scanproof-interpret", cwd=tmp_path)
    assert done.returncode == 4
    assert "triton was imported before" in done.stdout + done.stderr


def test_an_untested_version_is_named() -> None:
    assert version_note("3.9.0") == version_note("3.9.7") == ""
    assert "Triton 3.10.0 was not tested" in version_note("3.10.0")


def test_the_extra_brings_tested_versions_and_is_no_part_of_all() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    [triton] = extras["triton"]
    assert all(Requirement(triton).specifier.contains(f"{version}.0") for version in TESTED)
    assert not Requirement(triton).specifier.contains("3.10.0")
    assert "triton" not in Requirement(extras["all"][0]).extras
