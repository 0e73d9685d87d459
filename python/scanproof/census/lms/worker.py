"""A process that asks about model types: it reads a type a line, and answers with rows as JSON.

``python -m scanproof.census.lms.worker SEED``. It prints the row of a type anew with every way, so that what
was found stays if the process dies; the last row of a type has ``"done"``.
"""

import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace

import torch

from scanproof.census.basis import made_with
from scanproof.census.lms.ask import ask
from scanproof.census.lms.build import settings_of, small_lm
from scanproof.census.lms.result import Row


def unanswered(model_type: str, seed: int) -> Row:
    """Return the row of a model type before anything was asked."""
    made = made_with("transformers")
    return Row(
        model_type=model_type,
        transformers=made["transformers"],
        torch=made["torch"],
        scanproof=made["scanproof"],
        code=made["code"],
        seed=seed,
    )


def examine(model_type: str, seed: int) -> Iterator[Row]:
    """Ask about a model type; yield its row after every way, and once more when it is complete.

    What transformers raises while the model is built becomes the ``problem`` of the row.
    """
    began = time.process_time()
    row = unanswered(model_type, seed)
    try:
        row = replace(row, settings=settings_of(model_type))
        for kind, found in ask(model_type, seed, small_lm):
            row = replace(row, kind=kind, found=(*row.found, found))
            yield row
    except Exception as error:  # whatever transformers raises
        row = replace(row, problem=f"{type(error).__name__}: {' '.join(str(error).split())}")
    yield replace(row, processor_seconds=round(time.process_time() - began, 1))


def main(seed: str) -> None:
    """Answer for every model type that comes in, until no more do."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for line in sys.stdin:
        for row in examine(line.strip(), int(seed)):
            print(json.dumps({"row": asdict(row)}), flush=True)
        print(json.dumps({"done": line.strip()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
