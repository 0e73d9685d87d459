"""Which Lean to use on this machine."""

from collections.abc import Callable
from typing import Literal, get_args

from scanproof.errors import InvalidArgument
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.lake import Lake
from scanproof.lean.project import Project
from scanproof.lean.toolchain import Toolchain
from scanproof.lean.webassembly import WebAssembly

Choice = Literal["auto", "lake", "wasm"]


def find_toolchain(
    project: Project, choice: str = "auto", note: Callable[[str], None] = lambda text: None
) -> Toolchain:
    """Return the Lean to use: Lake's where it has the project's version, else WebAssembly.

    Args:
        project: the project to check.
        choice: ``auto``, or ``lake`` or ``wasm`` to insist on one.
        note: told in a sentence why Lake is passed over, where one might expect it to be used.

    Raises:
        InvalidArgument: there is no such choice.
        LeanUnavailable: the chosen one is not usable here, or does not have the project's version.
    """
    if choice not in get_args(Choice):
        raise InvalidArgument(
            f"There is no toolchain {choice!r}; choose one of {', '.join(get_args(Choice))}."
        )
    if choice == "wasm":
        return WebAssembly.require(project)
    try:
        return Lake.require(project)
    except LeanUnavailable as unusable:
        if choice == "lake":
            raise
        if Lake.is_installed():
            note(f"{unusable} Using WebAssembly instead.")
        return WebAssembly.require(project)
