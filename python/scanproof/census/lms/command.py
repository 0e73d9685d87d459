"""The command ``scanproof census --causal-lms``."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from queue import Empty, SimpleQueue

from rich.console import Console

from scanproof.census.lms.result import Row
from scanproof.census.lms.served import Served
from scanproof.census.lms.table import document, markdown
from scanproof.census.lms.worker import unanswered
from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.lean.progress import ShowStep, on_console, silent
from scanproof.named import near

NAME = "causal-lms"
"""Name of the folder of rows, and of the table."""

Examine = Callable[[str], Row]


@dataclass(frozen=True)
class LmCensus:
    """What a run of the command left.

    Attributes:
        rows: in the order of the model types.
        folder: where ``causal-lms.json``, ``causal-lms.md`` and the folder ``causal-lms`` of rows are.
    """

    rows: tuple[Row, ...]
    folder: Path

    @property
    def leaks(self) -> int:
        """How many model types have a counterexample."""
        return sum("leak" in row.outcomes for row in self.rows)

    @property
    def undecided(self) -> int:
        """How many model types were not built, were not asked to the end, or are open."""
        return sum(bool(row.problem) or not row.outcomes or "open" in row.outcomes for row in self.rows)


def run_lm_census(
    folder: Path, *, only: str, shard: str, jobs: int, seed: int, fresh: bool, as_json: bool, quiet: bool
) -> LmCensus:
    """Ask about every causal language model of the installed transformers, and write the table.

    Args:
        folder: folder of the results. Rows in its folder ``causal-lms``, a file a model type, with the same
            versions, code and seed are kept and not made again. So shards are merged by copying their rows
            into one folder.
        only: pattern that model types must match.
        shard: ``"i/n"``: only the i-th of n parts of the model types that match.
        jobs: number of processes at a time.
        seed: seed of weights, ids and checks.
        fresh: discard the rows of these model types that are in the folder.
        as_json: print the table as JSON.
        quiet: no progress.

    Raises:
        InvalidArgument: no model type matches, ``jobs`` is below 1, or ``shard`` is no part.
        MissingDependency: transformers is not installed.
    """
    known = model_types()
    matching = [name for name in known if fnmatch(name, only)]
    if not matching:
        raise InvalidArgument(
            f"census: --only {only!r} matches none of {len(known)} model types{near(only, known)} "
            "A name is, for example, 'llama'; '*mamba*' matches every name with mamba in it."
        )
    if jobs < 1:
        raise InvalidArgument(f"census: --jobs must be at least 1, got {jobs}.")
    chosen = part_of(matching, shard)
    rows_in = folder / NAME
    rows_in.mkdir(parents=True, exist_ok=True)
    if fresh:
        for name in chosen:
            file_of(rows_in, name).unlink(missing_ok=True)
    console = Console(highlight=False, stderr=as_json)
    rows = collect(chosen, rows_in, seed, jobs, silent if quiet else on_console(console))
    census = LmCensus(rows, folder)
    made = datetime.now(UTC).date().isoformat()
    whole = document(rows, made)
    (folder / f"{NAME}.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    (folder / f"{NAME}.md").write_text(markdown(rows, made), encoding="utf-8")
    if as_json:
        print(json.dumps(whole))
    else:
        established = sum(row.established for row in rows)
        counts = f"{len(rows)} model types, {established} established, {census.leaks} with a leak"
        console.print(f"{counts}; {folder / f'{NAME}.md'}", markup=False, soft_wrap=True)
    return census


def model_types() -> tuple[str, ...]:
    """Return the model types of transformers' ``MODEL_FOR_CAUSAL_LM_MAPPING``, without importing models.

    Raises:
        MissingDependency: transformers is not installed.
    """
    try:
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    except ImportError as missing:
        raise MissingDependency(
            "transformers is missing; pip install 'scanproof[transformers]'."
        ) from missing
    return tuple(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def part_of(names: Sequence[str], shard: str) -> list[str]:
    """Return the i-th of n parts of names, for a shard ``"i/n"``; every name is in exactly one part."""
    found = re.fullmatch(r"(\d+)/(\d+)", shard)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise InvalidArgument(f"census: --shard must be i/n with 1 <= i <= n, such as 2/4, got {shard!r}.")
    return list(names[part - 1 :: parts])


def file_of(rows_in: Path, model_type: str) -> Path:
    """Return the file of the row of a model type."""
    return rows_in / f"{model_type}.json"


def collect(
    names: Sequence[str],
    rows_in: Path,
    seed: int,
    jobs: int,
    show: ShowStep,
    examine: Examine | None = None,
) -> tuple[Row, ...]:
    """Return the row of every model type; rows that are in the folder with the same key are not made again.

    Args:
        names: the model types.
        rows_in: folder of the rows.
        seed: seed of weights, ids and checks.
        jobs: number of processes at a time.
        show: shows progress.
        examine: makes a row; default: in a process that serves several.
    """
    kept = {name: row for name in names if (row := _kept(file_of(rows_in, name), name, seed))}
    missing: SimpleQueue[str] = SimpleQueue()
    for name in names:
        if name not in kept:
            missing.put(name)
    made: dict[str, Row] = {}
    with show("Census", missing.qsize(), "model types") as step:

        def work() -> None:
            with Served(seed) as served:
                for name in _taken(missing):
                    step.start(name)
                    made[name] = (examine or served.row)(name)
                    text = json.dumps(asdict(made[name]), indent=1) + "\n"
                    file_of(rows_in, name).write_text(text, encoding="utf-8")
                    step.finish(name)

        with ThreadPoolExecutor(jobs) as pool:
            for done in [pool.submit(work) for _ in range(jobs)]:
                done.result()
    return tuple({**kept, **made}[name] for name in names)


def _taken(names: "SimpleQueue[str]") -> Iterator[str]:
    """Yield names until none is left; several threads may take them."""
    while True:
        try:
            yield names.get_nowait()
        except Empty:
            return


def _kept(file: Path, name: str, seed: int) -> Row | None:
    """Return the row of a file; None if there is none, it is cut off, or it was made with something else."""
    try:
        row = Row.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return row if row.key == unanswered(name, seed).key and not _again(row) else None


def _again(row: Row) -> bool:
    """Whether a row is worth another try: its process died, or took too long."""
    return row.problem.startswith(("took more than", "its process ended"))
