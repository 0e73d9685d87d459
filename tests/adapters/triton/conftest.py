"""Tests that run Triton's interpreter, which starts with the process: pytest --scanproof-interpret."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from scanproof.adapters import overlay

COMMAND = "pip install 'scanproof[triton]' && pytest tests/adapters/triton --scanproof-interpret"
INSTALL = "SCANPROOF_OVERLAYS=1 pytest tests/adapters/triton"


@pytest.fixture(scope="session")
def interpreting(request: pytest.FixtureRequest) -> None:
    """Skip where Triton is not installed, or was not asked for."""
    if not request.config.getoption("scanproof_interpret") or find_spec("triton") is None:
        pytest.skip(f"runs Triton, which is 1 GB: {COMMAND}")


@pytest.fixture(scope="session")
def over_packages() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """A function that runs Python, with the interpreter, over the packages of a list; it installs them."""
    if "SCANPROOF_OVERLAYS" not in os.environ:
        pytest.skip(f"installs Triton, which is 1 GB: {INSTALL}")

    def run(packages: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            env=overlay.interpreting(overlay.overlay(overlay.LISTS / packages)),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def kernels(interpreting: None) -> ModuleType:
    """The kernels of these tests, imported with the interpreter."""
    return imported(Path(__file__).with_name("kernels.py"))


def imported(file: Path) -> ModuleType:
    """Import a file with kernels."""
    from scanproof.adapters.triton import interpreted

    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with interpreted():
        spec.loader.exec_module(module)
    return module
