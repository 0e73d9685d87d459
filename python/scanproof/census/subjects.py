"""The implementations of the census, by name; each imports its package only when its checks run."""

from collections.abc import Iterator
from functools import partial

import torch

from scanproof.adapters.kernels.registry import kernel_subjects
from scanproof.adapters.kernels.subject import Subject as KernelSubject
from scanproof.adapters.overlay import LISTS, overlay
from scanproof.adapters.transformers_models import FAMILIES
from scanproof.census.answers import DECIDED, causality, refinements, streaming
from scanproof.census.exported import exports
from scanproof.census.subject import Answer, Subject
from scanproof.refinement.runners import Spec

SHORT = 17
"""Length of the second run, with positions given: position ids do not depend on chunks."""


def subjects(*, overlays: bool = False) -> dict[str, Subject]:
    """Return every subject by its name.

    Args:
        overlays: also return packages that change others; each list of them has a folder of its own.

    Raises:
        MissingDependency: pip could not install a list.
    """
    found = [*_transformers(), *map(_kernel, kernel_subjects(overlays=overlays))]
    if overlays:
        found += exports(overlay(LISTS / "exports.txt"))
    return {subject.name: subject for subject in found}


def _kernel(kernel: KernelSubject) -> Subject:
    return Subject(
        f"{kernel.package}: {kernel.name.partition('.')[2]}",
        kernel.package,
        partial(_kernel_answers, kernel),
        f"a kernel, against {type(kernel.kernel).__name__}. {kernel.departs}".strip(),
        kernel.version,
    )


def _kernel_answers(kernel: KernelSubject, seed: int) -> Iterator[Answer]:
    fn, x = kernel.function(seed)
    T = next(iter(x.values())).shape[1]
    gradients = not kernel.no_gradient
    yield from causality(fn, x, T, seed, multiple=kernel.multiple, gradients=gradients)
    yield from refinements(
        {
            "refinement": lambda: kernel.refinement(seed),
            "refinement of gradients": lambda: kernel.gradient_refinement(seed),
        }
    )


def _transformers() -> Iterator[Subject]:
    for model_type, family in FAMILIES.items():
        chunk = f"chunk {family.chunk}" if family.chunk else "no chunk in its config"
        yield Subject(
            f"transformers: {model_type}",
            "transformers",
            partial(_model, model_type),
            f"small random model, T = {family.length}, {chunk}",
        )
    yield Subject(
        "transformers: MambaMixer",
        "transformers",
        _mamba_mixer,
        "one mixer with random parameters against the spec of its block, T = 37, no chunk in its config",
    )
    yield Subject(
        "transformers: Mamba2Mixer",
        "transformers",
        _mamba2_mixer,
        "one mixer with random parameters against the spec of its block, T = 37, chunk 8",
    )


def _model(model_type: str, seed: int) -> Iterator[Answer]:
    from scanproof.adapters.transformers_models import CachedModel, small_model

    family = FAMILIES[model_type]
    x = _normal(2, family.length, family.width, seed=seed)
    base = small_model(model_type, seed=seed)
    model, given = CachedModel(base), CachedModel(base, positions=True)
    yield from causality(model.forward, x, family.length, seed)
    decided = () if given.takes_positions else DECIDED
    yield from streaming(model, x, seed, short=family.short, decided=decided)
    if given.takes_positions:
        yield from streaming(given, x[:, :SHORT], seed, "positions given", short=family.short)


def _mamba_mixer(seed: int) -> Iterator[Answer]:
    from scanproof.adapters.transformers import mamba_mixer_spec, random_mamba_mixer

    mixer = random_mamba_mixer(seed=seed)
    yield from _mixer_answers(mixer, mamba_mixer_spec(mixer), seed)


def _mamba2_mixer(seed: int) -> Iterator[Answer]:
    from scanproof.adapters.transformers import mamba2_mixer_spec, random_mamba2_mixer

    mixer = random_mamba2_mixer(seed=seed, chunk_size=8)
    yield from _mixer_answers(mixer, mamba2_mixer_spec(mixer), seed)


def _mixer_answers(mixer: torch.nn.Module, spec: Spec, seed: int) -> Iterator[Answer]:
    from scanproof.refinement.check import check_refinement

    x = _normal(2, 37, 8, seed=seed)
    yield from causality(mixer, x, 37, seed)
    yield from refinements(
        {
            "refinement": lambda: check_refinement(mixer, spec, x, shrink=False),
            "refinement of gradients": lambda: check_refinement(mixer, spec, x, shrink=False, gradients=True),
        }
    )


def _normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
