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
    """Return the Lean to use: Lake's Lean if it has the version of the project, else WebAssembly.

    Args:
        project: the project to check.
        choice: ``auto``, or ``lake`` or ``wasm`` to require that toolchain.
        note: called with a sentence that says why an installed Lake is not used.

    Raises:
        InvalidArgument: ``choice`` is none of these.
        LeanUnavailable: the toolchain is not usable here, or does not have the version of the project.
    """
    if choice not in get_args(Choice):
        raise InvalidArgument(f"The toolchain is {choice!r}; choose one of {', '.join(get_args(Choice))}.")
    if choice == "wasm":
        return WebAssembly.require(project)
    try:
        return Lake.require(project)
    except LeanUnavailable as unusable:
        if choice == "lake":
            raise
        if Lake.is_installed():
            note(f"{unusable} scanproof uses WebAssembly instead.")
        return WebAssembly.require(project)
