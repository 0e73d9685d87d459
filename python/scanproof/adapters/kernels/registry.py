"""All subjects: the kernels of installed packages, and of those in overlays."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from scanproof.adapters.kernels.subject import Subject
from scanproof.adapters.overlay import overlay

OVERLAYS: Mapping[str, str] = {"mamba_ssm": "mamba-ssm.txt", "fla": "fla.txt", "plain": "plain.txt"}
"""The list of packages that each module of subjects needs, in ``ci/overlays``."""


def kernel_subjects(lists: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of this package.

    Args:
        lists: the folder ``ci/overlays``: packages that disturb others are put into overlays, once, and their
            subjects are among those returned; None: only what is installed, without them.

    Raises:
        MissingDependency: pip could not install a list.
    """
    from scanproof.adapters.kernels import transformers

    found = list(transformers.subjects())
    if lists is not None:
        for module, name in OVERLAYS.items():
            subjects = import_module(f"scanproof.adapters.kernels.{module}").subjects
            found.extend(subjects(overlay(lists / name)))
    return tuple(found)
