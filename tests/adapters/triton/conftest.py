"""These tests run Triton's interpreter, which starts with the process: pytest --scanproof-interpret."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

COMMAND = "pip install 'scanproof[triton]' && pytest tests/adapters/triton --scanproof-interpret"


def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    ready = config.getoption("scanproof_interpret") and find_spec("triton") is not None
    for item in items:
        needs = item.path.parent == Path(__file__).parent and "without_triton" not in item.name
        if needs and not ready:
            item.add_marker(pytest.mark.skip(reason=f"runs Triton, which is 1 GB: {COMMAND}"))
