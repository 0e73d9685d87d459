"""One subject in a process of its own: it prints its entry.

``python -m scanproof.census.worker NAME SEED [OVERLAYS]``.
"""

import json
import logging
import sys
import time
import warnings
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from scanproof.census.subject import Entry, Subject
from scanproof.census.subjects import subjects


def examine(subject: Subject, seed: int) -> Entry:
    """Ask a subject every question; what it raises is the entry's problem."""
    began = time.perf_counter()
    entry = Entry(
        name=subject.name,
        package=subject.package,
        version=subject.version or _version(subject.package),
        notes=subject.notes,
        seed=seed,
    )
    try:
        entry = replace(entry, answers=tuple(subject.answers(seed)))
    except Exception as error:  # whatever a package raises while it is imported or built
        entry = replace(entry, problem=f"{type(error).__name__}: {error}")
    return replace(
        entry,
        seconds=round(time.perf_counter() - began, 1),
        processor_seconds=round(time.process_time(), 1),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def main(name: str, seed: str, lists: str = "") -> None:
    """Print the entry of one subject as a line of JSON."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    print(json.dumps(asdict(examine(subjects(Path(lists) if lists else None)[name], int(seed)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
