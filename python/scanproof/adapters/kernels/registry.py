"""All subjects: the kernels of installed packages and of packages in overlays."""

from collections.abc import Mapping
from importlib import import_module

from scanproof.adapters.kernels.subject import Subject
from scanproof.adapters.overlay import LISTS, overlay

OVERLAYS: Mapping[str, str] = {
    "mamba_ssm": "mamba-ssm.txt",
    "fla": "fla.txt",
    "plain": "plain.txt",
    "mingru": "mingru.txt",
    "mlstm": "mlstm-kernels.txt",
    "ggml": "ggml.txt",
    "mlx": "mlx.txt",
    "recurrentgemma": "recurrentgemma.txt",
}
"""The list of packages that each module of subjects needs, in ``LISTS``."""


def kernel_subjects(*, overlays: bool = False) -> tuple[Subject, ...]:
    """Return the subjects of this package.

    Args:
        overlays: also return the subjects of packages that change others; overlays hold these packages.

    Raises:
        MissingDependency: pip could not install a list.
    """
    from scanproof.adapters.kernels import transformers

    found = list(transformers.subjects())
    if overlays:
        for module, name in OVERLAYS.items():
            subjects = import_module(f"scanproof.adapters.kernels.{module}").subjects
            found.extend(subjects(overlay(LISTS / name)))
    return tuple(found)
