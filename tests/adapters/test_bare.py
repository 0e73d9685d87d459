"""Single modules of packages that cannot be imported whole, from folders of their own."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanproof.adapters.bare import bare_module
from scanproof.errors import MissingDependency

KERNELS = """
import gpu
import gpu.language as gl
from helper import VALUE


@gpu.autotune(configs=[gpu.Config({"BLOCK": 1})], key=["n"])
@gpu.jit
def kernel(x, BLOCK: gl.constexpr):
    'Adds.'
    return x + BLOCK


def launch(x):
    y = x * 0
    kernel[(1,)](y, BLOCK=2)
    return y


SMALLEST = min(config.kwargs["BLOCK"] for config in kernel.configs)
NEW = gpu.__version__ >= "3"


def reference(x):
    from pack.deep.other import twice

    return VALUE + x
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    deep = tmp_path / "pack" / "deep"
    deep.mkdir(parents=True)
    for init in (tmp_path / "pack" / "__init__.py", deep / "__init__.py"):
        init.write_text("raise ImportError('needs a GPU')\n")
    (deep / "kernels.py").write_text(KERNELS)
    (deep / "other.py").write_text("import absent\n")
    (tmp_path / "helper.py").write_text("VALUE = 40\n")
    yield tmp_path
    sys.modules.pop("helper", None)


def test_a_module_inside_a_package_that_does_not_import(folder: Path) -> None:
    before = {name: module for name, module in sys.modules.items() if name != "helper"}
    module = bare_module("pack.deep.kernels", folder=folder, inert=("gpu", "gpu.language"))
    assert module.VALUE == 40
    assert module.NEW
    assert {name: module for name, module in sys.modules.items() if name != "helper"} == before
    assert str(folder) not in sys.path


def test_kernels_are_kept_and_their_launch_is_refused(folder: Path) -> None:
    """In silence it would leave the output as it was allocated."""
    module = bare_module("pack.deep.kernels", folder=folder, inert=("gpu", "gpu.language"))
    assert module.kernel(1, 2) == 3
    assert (module.kernel.__name__, module.kernel.__doc__) == ("kernel", "Adds.")
    assert "return x + BLOCK" in inspect.getsource(module.kernel)
    with pytest.raises(MissingDependency, match="kernel cannot be launched: gpu is replaced"):
        module.launch(1)


def test_an_installed_module_of_that_name_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pack", pytest)
    bare_module("pack.deep.kernels", folder=folder, inert=("gpu", "gpu.language"))
    assert sys.modules["pack"] is pytest


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.to.be.found", "nowhere is missing"),
        ("pack.deep.absent", "pack.deep.absent cannot be imported"),
        ("pack.deep.other", "No module named 'absent'"),
    ],
)
def test_what_is_missing_is_named(folder: Path, name: str, message: str) -> None:
    with pytest.raises(MissingDependency, match=message):
        bare_module(name, folder=folder)
