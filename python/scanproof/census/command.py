"""The command ``scanproof census``."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import partial
from os import environ
from pathlib import Path

from rich.console import Console

from scanproof.census.page import html
from scanproof.census.subject import Entry
from scanproof.census.table import document, markdown
from scanproof.errors import InvalidArgument
from scanproof.lean.progress import ShowStep, on_console, silent
from scanproof.report.verdict import Verdict

LIMIT = 600.0
"""Seconds that one subject may take."""

Examine = Callable[[str, int], Entry]


@dataclass(frozen=True)
class Census:
    """What a run of the command left.

    Attributes:
        entries: in the order of the subjects.
        folder: where ``census.json``, ``census.md`` and ``census.html`` are.
    """

    entries: tuple[Entry, ...]
    folder: Path

    @property
    def findings(self) -> int:
        """How many entries hold a counterexample."""
        return sum(bool(entry.findings) for entry in self.entries)


def run_census(
    folder: Path,
    *,
    only: str,
    jobs: int,
    seed: int,
    fresh: bool,
    overlays: Path | None,
    as_json: bool,
    quiet: bool,
) -> Census:
    """Ask every subject every question, and write the table.

    Args:
        folder: where results go; entries there, in ``census.jsonl``, are kept and not made again.
        only: a pattern that names of subjects must match.
        jobs: processes at once.
        seed: seed of models, inputs and checks.
        fresh: forget the entries that are there.
        overlays: the folder ``ci/overlays``; None: only what is installed is looked at.
        as_json: print the table as JSON.
        quiet: no progress.

    Raises:
        InvalidArgument: no subject matches, or there are no jobs.
    """
    from scanproof.census.subjects import subjects

    known = subjects(overlays)
    names = [name for name in known if fnmatch(name, only)]
    if not names:
        raise InvalidArgument(f"census: no subject matches {only!r}; there are {', '.join(known)}.")
    if jobs < 1:
        raise InvalidArgument(f"census: --jobs must be at least 1, got {jobs}.")
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "census.jsonl"
    if fresh:
        kept.unlink(missing_ok=True)
    console = Console(highlight=False, stderr=as_json)
    entries = collect(
        names,
        kept,
        seed,
        jobs,
        silent if quiet else on_console(console),
        partial(in_a_process, lists=overlays),
    )
    census = Census(entries, folder)
    made = datetime.now(UTC).date().isoformat()
    whole = document(entries, made)
    (folder / "census.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    (folder / "census.md").write_text(markdown(entries, made), encoding="utf-8")
    (folder / "census.html").write_text(html(entries, made), encoding="utf-8")
    if as_json:
        print(json.dumps(whole))
    else:
        counts = f"{len(entries)} implementations, {census.findings} with findings"
        console.print(f"{counts}; {folder / 'census.md'}", markup=False, soft_wrap=True)
    return census


def collect(
    names: Iterable[str], kept: Path, seed: int, jobs: int, show: ShowStep, examine: Examine
) -> tuple[Entry, ...]:
    """Return the entry of every name; those in the file ``kept`` are not made again, new ones are added."""
    known = {entry.name: entry for entry in _read(kept) if entry.seed == seed}
    names = list(names)
    missing = [name for name in names if name not in known]
    with show("Census", len(missing), "implementations") as step, kept.open("a", encoding="utf-8") as file:

        def one(name: str) -> Entry:
            step.start(name)
            entry = examine(name, seed)
            file.write(json.dumps(asdict(entry)) + "\n")
            file.flush()
            step.finish(name)
            return entry

        with ThreadPoolExecutor(jobs) as pool:
            known |= {entry.name: entry for entry in pool.map(one, missing)}
    return tuple(known[name] for name in names)


def in_a_process(name: str, seed: int, lists: Path | None = None) -> Entry:
    """Examine a subject in another process, which what it imports cannot leave."""
    command = [sys.executable, "-m", "scanproof.census.worker", name, str(seed), str(lists or "")]
    quiet = {**environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT, env=quiet)
    except subprocess.TimeoutExpired:
        return Entry(name=name, package="", version="", seed=seed, problem=f"took more than {LIMIT:.0f} s")
    try:
        return Entry.from_dict(json.loads(run.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        last = (run.stderr.strip().splitlines() or ["no output"])[-1]
        problem = f"its process ended with exit code {run.returncode}: {last}"
        return Entry(name=name, package="", version="", seed=seed, problem=problem)


def _read(kept: Path) -> list[Entry]:
    if not kept.exists():
        return []
    entries = []
    for line in kept.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(Entry.from_dict(json.loads(line)))
        except (ValueError, TypeError, KeyError):
            continue  # the last line of a run that was cut off
    return [entry for entry in entries if not entry.problem and _known(entry)]


def _known(entry: Entry) -> bool:
    return all(answer.verdict in Verdict.__members__ for answer in entry.answers)
