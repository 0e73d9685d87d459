"""The kernels of the census of kernels, by name."""

from functools import partial
from importlib import import_module

from scanproof.adapters.kernels.launched.forms import Forms, forms
from scanproof.adapters.kernels.subject import Subject as KernelSubject
from scanproof.adapters.kernels.subject import version_in
from scanproof.adapters.overlay import LISTS, overlay
from scanproof.census.kernels.answers import kernel_answers
from scanproof.census.kernels.forms import form_answers
from scanproof.census.subject import Subject

LAUNCHED = ("mamba_ssm", "fla", "accelerated_scan")
"""The modules of ``scanproof.adapters.kernels.launched``: kernels in Triton."""

NATIVE = ("ggml", "mlx", "recurrentgemma")
"""The modules of ``scanproof.adapters.kernels`` whose kernels run on a CPU as they are."""


def kernels() -> dict[str, Subject]:
    """Return every subject by its name; the packages are installed into overlays.

    Raises:
        MissingDependency: pip could not install a list.
    """
    folder = overlay(LISTS / "triton.txt")
    found = []
    for module in LAUNCHED:
        launched = import_module(f"scanproof.adapters.kernels.launched.{module}").subjects(folder)
        found += [_subject(each, triton=True) for each in launched]
    found += [_of_forms(pair) for pair in forms(folder)]
    for module in NATIVE:
        native = import_module(f"scanproof.adapters.kernels.{module}").subjects
        found += [_subject(each, triton=False) for each in native(overlay(LISTS / f"{module}.txt"))]
    return {subject.name: subject for subject in found}


def _of_forms(pair: Forms) -> Subject:
    return Subject(
        f"{pair.package}: {pair.name.partition('.')[2]}",
        pair.package,
        partial(form_answers, pair),
        "interpreter, no spec: by chunks against token after token.",
        version_in(pair.package, pair.folder),
        pair.folder,
    )


def _subject(kernel: KernelSubject, *, triton: bool) -> Subject:
    ran = "interpreter" if triton else "native"
    return Subject(
        f"{kernel.package}: {kernel.name.partition('.')[2]}",
        kernel.package,
        partial(kernel_answers, kernel, triton=triton),
        f"{ran}, against {type(kernel.kernel).__name__}. {kernel.departs}".strip(),
        kernel.version,
        kernel.folder if triton else None,
    )
