"""Tests that run Triton's interpreter, which starts with the process: pytest --scanproof-interpret."""

import importlib.util
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

COMMAND = "pip install 'scanproof[triton]' && pytest tests/adapters/triton --scanproof-interpret"


@pytest.fixture(scope="session")
def interpreting(request: pytest.FixtureRequest) -> None:
    """Skip where Triton is not installed, or was not asked for."""
    if not request.config.getoption("scanproof_interpret") or find_spec("triton") is None:
        pytest.skip(f"runs Triton, which is 1 GB: {COMMAND}")


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
