"""Puts the Lean project into the wheel, where the commands find it without a checkout."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = (
    "Spec",
    "Spec.lean",
    "lakefile.lean",
    "lake-manifest.json",
    "lean-toolchain",
    "LICENSE",
    "CITATION.cff",
)


class CarryLean(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the Lean sources to a wheel; an editable installation uses those of the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files and folders, and where they go."""
        if version == "standard":
            for name in CARRIED:
                build_data["force_include"][name] = f"scanproof/lean/project/{name}"
