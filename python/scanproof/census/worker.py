"""One subject in a process of its own: it prints its entry anew with every answer.

``python -m scanproof.census.worker NAME SEED [overlays | kernels]``.
"""

import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace

import torch

from scanproof.census.basis import unanswered
from scanproof.census.kernels.subjects import kernels
from scanproof.census.kind import KERNELS
from scanproof.census.subject import Entry, Subject
from scanproof.census.subjects import subjects


def examine(subject: Subject, seed: int) -> Iterator[Entry]:
    """Run every check on a subject; yield its entry after every answer, and once more when it is complete.

    If the subject raises, the entry keeps the answers so far, and the error becomes its ``problem``.
    """
    began = time.perf_counter()
    entry = unanswered(subject, seed)
    try:
        for answer in subject.answers(seed):
            entry = replace(entry, answers=(*entry.answers, answer))
            yield entry
    except Exception as error:  # whatever a package raises while it is imported or built
        entry = replace(entry, problem=f"{type(error).__name__}: {error}")
    yield replace(
        entry,
        seconds=round(time.perf_counter() - began, 1),
        processor_seconds=round(time.process_time(), 1),
    )


def main(name: str, seed: str, of: str = "") -> None:
    """Print the entry of one subject as lines of JSON; the last line is the complete entry."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    known = kernels() if of == KERNELS.name else subjects(overlays=bool(of))
    for entry in examine(known[name], int(seed)):
        print(json.dumps(asdict(entry)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
