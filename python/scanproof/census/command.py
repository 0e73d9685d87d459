"""The command ``scanproof census``."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import partial
from os import environ
from pathlib import Path

from rich.console import Console

from scanproof.adapters.overlay import interpreting
from scanproof.census.basis import unanswered
from scanproof.census.kind import IMPLEMENTATIONS, KERNELS
from scanproof.census.page import html
from scanproof.census.subject import Entry, Subject
from scanproof.census.table import document, markdown
from scanproof.errors import InvalidArgument
from scanproof.lean.progress import ShowStep, on_console, silent
from scanproof.named import near
from scanproof.report.verdict import Verdict

LIMIT = 600.0
"""Greatest number of seconds for one subject."""

Examine = Callable[[Subject, int], Entry]


@dataclass(frozen=True)
class Census:
    """What a run of the command left.

    Attributes:
        entries: in the order of the subjects.
        folder: where ``census.json``, ``census.md`` and ``census.html`` are, or those named ``kernels``.
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
    overlays: bool,
    kernels: bool,
    as_json: bool,
    quiet: bool,
) -> Census:
    """Run every check on every subject, and write the table.

    Args:
        folder: folder of the results. Entries in its ``census.jsonl``, or ``kernels.jsonl``, with the same
            versions, code and seed are kept and not made again.
        only: pattern that the names of subjects must match.
        jobs: number of processes at a time.
        seed: seed of models, inputs and checks.
        fresh: discard the entries in the folder.
        overlays: also check the packages of ``scanproof.adapters.overlay.LISTS``.
        kernels: check the real kernels instead: those of Triton under its interpreter, and those of ggml, MLX
            and JAX. Their packages are in overlays.
        as_json: print the table as JSON.
        quiet: no progress.

    Raises:
        InvalidArgument: no subject matches, or ``jobs`` is below 1.
    """
    from scanproof.census.kernels.subjects import kernels as real_kernels
    from scanproof.census.subjects import subjects

    kind = KERNELS if kernels else IMPLEMENTATIONS
    known = real_kernels() if kernels else subjects(overlays=overlays)
    names = [name for name in known if fnmatch(name, only)]
    if not names:
        raise InvalidArgument(
            f"census: --only {only!r} matches none of {len(known)} implementations{near(only, known)} "
            "A name is, for example, 'transformers: mamba2'; '*mamba*' matches every name with mamba in it."
        )
    if jobs < 1:
        raise InvalidArgument(f"census: --jobs must be at least 1, got {jobs}.")
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{kind.name}.jsonl"
    if fresh:
        kept.unlink(missing_ok=True)
    console = Console(highlight=False, stderr=as_json)
    entries = collect(
        [known[name] for name in names],
        kept,
        seed,
        jobs,
        silent if quiet else on_console(console),
        partial(in_a_process, of=KERNELS.name if kernels else "overlays" if overlays else ""),
    )
    census = Census(entries, folder)
    made = datetime.now(UTC).date().isoformat()
    whole = document(kind, entries, made)
    table = folder / f"{kind.name}.md"
    table.with_suffix(".json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    table.write_text(markdown(kind, entries, made), encoding="utf-8")
    table.with_suffix(".html").write_text(html(kind, entries, made), encoding="utf-8")
    if as_json:
        print(json.dumps(whole))
    else:
        counts = f"{len(entries)} implementations, {census.findings} with findings"
        console.print(f"{counts}; {table}", markup=False, soft_wrap=True)
    return census


def collect(
    subjects: Sequence[Subject], kept: Path, seed: int, jobs: int, show: ShowStep, examine: Examine
) -> tuple[Entry, ...]:
    """Return the entry of every subject.

    Entries in the file ``kept`` with the same key are not made again; new entries are added to the file.
    """
    wanted = {unanswered(subject, seed).key for subject in subjects}
    known = {entry.name: entry for entry in _read(kept) if entry.key in wanted}
    missing = [subject for subject in subjects if subject.name not in known]
    with show("Census", len(missing), "implementations") as step, kept.open("a", encoding="utf-8") as file:

        def one(subject: Subject) -> Entry:
            step.start(subject.name)
            entry = examine(subject, seed)
            file.write("\n" + json.dumps(asdict(entry)))  # the last line may be cut off
            file.flush()
            step.finish(subject.name)
            return entry

        with ThreadPoolExecutor(jobs) as pool:
            known |= {entry.name: entry for entry in pool.map(one, missing)}
    return tuple(known[subject.name] for subject in subjects)


def in_a_process(subject: Subject, seed: int, of: str = "") -> Entry:
    """Examine a subject in another process, so that its imports do not affect this one.

    Args:
        subject: the subject.
        seed: seed of its checks.
        of: ``"overlays"`` or ``"kernels"`` for a subject that is not among the installed implementations.
    """
    command = [sys.executable, "-m", "scanproof.census.worker", subject.name, str(seed), of]
    quiet = {**environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    if subject.interpreted is not None:
        quiet |= interpreting(subject.interpreted)
    try:
        run = subprocess.run(command, capture_output=True, check=False, timeout=LIMIT, env=quiet)
        output, problem = run.stdout, ""
        if run.returncode:
            last = (run.stderr.decode(errors="replace").strip().splitlines() or ["no output"])[-1]
            problem = f"its process ended with exit code {run.returncode}: {last}"
    except subprocess.TimeoutExpired as late:
        output, problem = late.stdout or b"", f"took more than {LIMIT:.0f} s"
    entry = _last(output.decode(errors="replace"))
    if entry is None:
        entry, problem = unanswered(subject, seed), problem or "its process printed no entry"
    return replace(entry, problem=entry.problem or problem)


def _last(output: str) -> Entry | None:
    """Return the last entry that a worker printed, among whatever packages print."""
    entries = [entry for line in output.splitlines() if (entry := _parsed(line))]
    return entries[-1] if entries else None


def _read(kept: Path) -> list[Entry]:
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    entries = (entry for line in lines if (entry := _parsed(line)))
    return [entry for entry in entries if not entry.problem and _known(entry)]


def _parsed(line: str) -> Entry | None:
    """Return the entry on a line; None if there is none, as on the last line of an interrupted run."""
    try:
        return Entry.from_dict(json.loads(line))
    except (ValueError, TypeError, KeyError):
        return None


def _known(entry: Entry) -> bool:
    return all(answer.verdict in Verdict.__members__ for answer in entry.answers)
