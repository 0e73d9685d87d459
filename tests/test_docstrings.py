"""Every example in a docstring runs, and gives what it shows."""

import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from scanproof.programs.table import REGISTERED

SOURCES = Path(__file__).parents[1] / "python"
MODULES = [
    ".".join(file.relative_to(SOURCES).with_suffix("").parts)
    for file in sorted(SOURCES.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.fixture(autouse=True)
def _statements() -> Iterator[Any]:
    """Forget the operators that examples register."""
    before = dict(REGISTERED)
    yield
    REGISTERED.clear()
    REGISTERED.update(before)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        done = doctest.testmod(import_module(name))
    assert done.attempted
    assert not done.failed
