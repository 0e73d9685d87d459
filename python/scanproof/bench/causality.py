"""The command ``scanproof bench causality``: side by side with causal-certificate 0.1.0."""

import json
import os
import platform
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from scanproof.bench.peer import PEER, require_peer
from scanproof.bench.task import Failed, Measurement, Outcome, Stopped, Task, Tool, run
from scanproof.errors import InvalidArgument
from scanproof.report.console import output

MODELS = ("attention", "scan", "conv")
_COMPARED = (*MODELS, "leaks")
PARTS = (*_COMPARED, "long", "monitor")
DTYPES = ("float32", "float64")
TOOLS: tuple[Tool, ...] = ("peer", "read", "exact", "coded", "default")
_FINDERS = TOOLS[:4]
READ_SPEEDUPS = {"attention": 200, "scan": 25, "conv": 100}
"""How many times as fast as the peer reading should be at T = 512."""

_MONITORING: tuple[Tool, ...] = ("step", "monitor")
LENGTHS, QUICK_LENGTHS = (128, 512, 2048), (128, 512)
SAMPLED, SAMPLE = 2048, (16, 80)
"""From this length on, the time of all cuts is projected from the times of these numbers of random cuts."""

LEAKY, LEAKS, LEAK_T = "attention", (1e-2, 1e-5, 1e-9), 512
LONG_MODEL, LONG_T, LONG_BYTES = "small conv", 16_384, 4 * 2**30

MONITORED, MONITORED_T, EVERY = "attention", 256, 100

ONCE_SECONDS = 20.0
"""A measurement that takes longer is not repeated."""


@dataclass(frozen=True)
class Cell:
    """All outcomes of one task."""

    task: Task
    outcomes: tuple[Outcome, ...]

    @property
    def measured(self) -> list[Measurement]:
        """The outcomes with a number."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Measurement)]

    @property
    def cpu_seconds(self) -> float | None:
        """Least CPU time of the repeats; None without a measurement."""
        return min((one.cpu_seconds for one in self.measured), default=None)

    @property
    def at_least(self) -> float | None:
        """The CPU time that the tool took; if it was stopped, the CPU time until then."""
        stopped = [outcome.cpu_seconds for outcome in self.outcomes if isinstance(outcome, Stopped)]
        return self.cpu_seconds if self.measured else max(stopped, default=None)

    def __str__(self) -> str:
        if self.cpu_seconds is not None:
            memory = max(one.peak_bytes for one in self.measured)
            wall = min(one.seconds for one in self.measured)
            projected = "~" if self.task.sample else ""
            took = f"{projected}{_duration(self.cpu_seconds)} ({projected}{_duration(wall)})"
            return f"{took}, {memory / 2**20:.0f} MiB"
        last = self.outcomes[-1]
        if isinstance(last, Stopped):
            return f">{last.seconds:g} s, stopped"
        assert isinstance(last, Failed)
        return f"failed: {last.reason}"


def run_bench(
    *,
    as_json: bool,
    quiet: bool,
    quick: bool,
    max_seconds: float,
    repeats: int,
    dtype: str,
    threads: int,
    whole: bool,
    parts: Collection[str] = PARTS,
) -> bool:
    """Measure and print; return whether scanproof passed every causal model and found every leak.

    Ratios compare the least CPU times of the repeats, so that other load on the machine matters little.

    Raises:
        InvalidArgument: an option is out of range, or one of ``parts`` is not in ``PARTS``.
        MissingDependency: causal-certificate is not installed, and a part compares with it.
    """
    unknown = [part for part in parts if part not in PARTS]
    for option, wrong, wanted, given in (
        ("max-seconds", not max_seconds > 0, "more than 0", f"{max_seconds:g}"),
        ("repeats", repeats < 1, "at least 1", repeats),
        ("threads", threads < 1, "at least 1", threads),
        ("dtype", dtype not in DTYPES, f"one of {', '.join(DTYPES)}", repr(dtype)),
        ("part", bool(unknown), f"one of {', '.join(PARTS)}", ", ".join(map(repr, unknown))),
    ):
        if wrong:
            raise InvalidArgument(f"bench causality: --{option} must be {wanted}, got {given}.")
    if not set(_COMPARED).isdisjoint(parts):
        require_peer()
    notes = Console(stderr=True, soft_wrap=True, highlight=False, quiet=quiet)
    measure = _Bench(max_seconds, 1 if quick else repeats, lambda text: notes.print(text, markup=False))
    task = partial(Task, dtype=dtype, threads=threads)
    speed = [
        measure.alternately([
            task(tool=tool, model=model, T=T, sample=None if whole else _sample(tool, T)) for tool in TOOLS
        ])
        for model in MODELS if model in parts
        for T in (QUICK_LENGTHS if quick else LENGTHS)
    ]  # fmt: skip
    leaks = [
        measure.once([task(tool=tool, model=LEAKY, T=LEAK_T, leak=leak) for tool in _FINDERS])
        for leak in LEAKS if "leaks" in parts
    ]  # fmt: skip
    long = measure.once([task(tool="coded", model=LONG_MODEL, T=LONG_T)]) if "long" in parts else []
    monitoring = measure.alternately([
        task(tool=tool, model=MONITORED, T=MONITORED_T, dtype="float32")
        for tool in _MONITORING if "monitor" in parts
    ])  # fmt: skip
    result = Result(speed, leaks, long, monitoring, dtype)
    if as_json:
        print(json.dumps(result.as_dict(), indent=2))
    else:
        result.print(output())
    return result.right


class _Bench:
    def __init__(self, max_seconds: float, repeats: int, note: Callable[[str], None]) -> None:
        self._max_seconds, self._repeats, self._note = max_seconds, repeats, note

    def alternately(self, tasks: list[Task]) -> list[Cell]:
        """Measure the tools in turn, so that a change of the machine's load affects all of them."""
        outcomes: dict[Task, list[Outcome]] = {task: [] for task in tasks}
        for _ in range(self._repeats):
            for task in tasks:
                if not outcomes[task] or _short(outcomes[task][-1]):
                    outcomes[task].append(self._run(task))
        return [Cell(task, tuple(found)) for task, found in outcomes.items()]

    def once(self, tasks: Iterable[Task]) -> list[Cell]:
        return [Cell(task, (self._run(task),)) for task in tasks]

    def _run(self, task: Task) -> Outcome:
        leak = f", leak {task.leak:g}" if task.leak else ""
        self._note(f"{task.tool}: {task.model}, T = {task.T}{leak} ...")
        return run(task, self._max_seconds)


@dataclass(frozen=True)
class Result:
    """What was measured; a part that was not measured is empty.

    Attributes:
        speed: for each model and length, the cells of ``TOOLS``.
        leaks: for each amplitude, the cells of peer, read, exact and coded.
        long: coded cuts on a long sequence.
        monitoring: a training step, and a check by the monitor.
        dtype: dtype of models and inputs, except in ``monitoring``.
    """

    speed: list[list[Cell]]
    leaks: list[list[Cell]]
    long: list[Cell]
    monitoring: list[Cell]
    dtype: str

    @property
    def right(self) -> bool:
        """Whether scanproof passed every causal model and found every leak, in all runs that finished."""
        causal = [one for row in self.speed for cell in row[1:] for one in cell.measured]
        causal += [one for cell in (*self.long, *self.monitoring) for one in cell.measured]
        leaky = [one for row in self.leaks for cell in row[1:] for one in cell.measured]
        failed = any(isinstance(outcome, Failed) for cell in self._cells for outcome in cell.outcomes)
        return not failed and all(one.passed for one in causal) and not any(one.passed for one in leaky)

    def targets(self) -> Iterator[tuple[str, str, bool | None]]:
        """Yield each target, what was measured, and whether it was met; None if nothing was measured."""
        for model, least in READ_SPEEDUPS.items():
            if reads := self._speedups("read", models=(model,), lengths=(512,)):
                yield _least(f"reading at least {least} times as fast on {model} at T = 512", least, reads)
        for target, least, speedups in (
            (
                "exact cuts at least 8 times as fast on the scan",
                8,
                self._speedups("exact", models=("scan",)),
            ),
            ("exact cuts never slower than the peer", 1, self._speedups("exact")),
            (
                "coded cuts at least 30 times as fast from T = 512",
                30,
                self._speedups("coded", lengths=range(512, LONG_T)),
            ),
        ):
            if speedups:
                yield _least(target, least, speedups)
        if self.leaks:
            found = {(cell.task.tool, cell.task.leak): _passed(cell) for row in self.leaks for cell in row}
            read, coded, peer = found["read", 1e-9], found["coded", 1e-9], found["peer", 1e-2]
            text = f"reading {_said(read)} 1e-9, coded {_said(coded)} 1e-9, the peer {_said(peer)} 1e-2"
            known = None not in (read, coded, peer)
            yield (
                "reading and coded cuts find a leak of 1e-9, and the peer passes one of 1e-2",
                text,
                (not read and not coded and bool(peer)) if known else None,
            )
        for cell in self.long:
            memory = [one.peak_bytes for one in cell.measured]
            target = f"coded cuts at T = {LONG_T} within 4 GiB"
            yield target, str(cell), max(memory) <= LONG_BYTES if memory else None
        if self.monitoring:
            step, check = self.monitoring
            share = None
            if step.cpu_seconds and check.cpu_seconds:
                share = check.cpu_seconds / (EVERY * step.cpu_seconds)
            yield (
                f"a monitor every {EVERY} steps adds less than 1 % of the time of a step",
                "not measured"
                if share is None
                else f"{100 * share:.2g} %: a check takes {check}, a step {step}",
                None if share is None else share < 0.01,
            )

    def _speedups(
        self, tool: Tool, models: Collection[str] = MODELS, lengths: Collection[int] = range(LONG_T)
    ) -> list[float | None]:
        """Return how many times as fast as the peer a tool was, on some models at some lengths."""
        return [
            _speedup(row[0], cell)
            for row in self.speed
            for cell in row[1:]
            if cell.task.tool == tool and cell.task.model in models and cell.task.T in lengths
        ]

    @property
    def _cells(self) -> list[Cell]:
        rows = [*self.speed, *self.leaks, self.long, self.monitoring]
        return [cell for row in rows for cell in row]

    def print(self, console: Console) -> None:
        """Print tables of times and ratios, of leaks, and of targets."""
        title = "CPU time of a check (wall time), and memory on top of the model"
        times = _table(f"{title} ({self.dtype}, one example; ratios of CPU time)", [
            "model", "T", PEER, "read", "ratio", "exact", "ratio", "coded", "ratio",
            "certify(fn, x)", "ratio",
        ])  # fmt: skip
        for peer, *ours in self.speed:
            numbers = [text for cell in ours for text in (str(cell), _ratio_text(peer, cell))]
            times.add_row(peer.task.model, str(peer.task.T), str(peer), *numbers)
        if self.speed:
            console.print(times)

        seen = _table(f"One output reads the next input ({LEAKY}, T = {LEAK_T})", [
            "amplitude", PEER, "read", "exact", "coded",
        ])  # fmt: skip
        for row in self.leaks:
            seen.add_row(f"{row[0].task.leak:g}", *(_said(_passed(cell)) for cell in row))
        if self.leaks:
            console.print(seen)

        aims = _table("Targets", ["target", "measured", ""])
        for target, measured, met in self.targets():
            aims.add_row(target, measured, "not measured" if met is None else "met" if met else "NOT met")
        console.print(aims)
        if any(cell.task.sample for cell in self._cells):
            few, some = SAMPLE
            console.print(f"~ projected along a straight line from {few} and {some} random cuts")
        console.print(self._machine(), highlight=False)

    def as_dict(self) -> dict[str, Any]:
        """Return everything measured, as plain data."""
        return {
            "peer": PEER,
            "machine": self._machine(),
            "cells": [
                asdict(cell.task)
                | {"outcomes": [{"kind": type(one).__name__} | asdict(one) for one in cell.outcomes]}
                for cell in self._cells
            ],
            "ratios": [
                {
                    "model": row[0].task.model,
                    "T": row[0].task.T,
                    **{cell.task.tool: _speedup(row[0], cell) for cell in row[1:]},
                    "lower_bounds": not row[0].measured,
                }
                for row in self.speed
            ],
            "targets": [
                {"target": target, "measured": measured, "met": met}
                for target, measured, met in self.targets()
            ],
        }

    def _machine(self) -> str:
        one = next((one for cell in self._cells for one in cell.measured), None)
        torch = f"PyTorch {one.torch} with {one.threads} threads, " if one else ""
        return f"{torch}Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"


def _sample(tool: Tool, T: int) -> tuple[int, int] | None:
    return SAMPLE if T >= SAMPLED and tool in ("peer", "exact") else None


def _short(outcome: Outcome) -> bool:
    return isinstance(outcome, Measurement) and outcome.seconds <= ONCE_SECONDS


def _speedup(peer: Cell, ours: Cell) -> float | None:
    """Return how many times longer the peer took, a lower bound if it was stopped; None if unknown."""
    if peer.at_least is None or ours.cpu_seconds is None:
        return None
    return peer.at_least / ours.cpu_seconds


def _ratio_text(peer: Cell, ours: Cell) -> str:
    speedup = _speedup(peer, ours)
    return "-" if speedup is None else f"{'' if peer.measured else '>'}{speedup:.3g}x"


def _least(target: str, least: float, speedups: list[float | None]) -> tuple[str, str, bool | None]:
    known = [speedup for speedup in speedups if speedup is not None]
    if not known or len(known) < len(speedups):
        return target, "not all finished", None
    return target, f"{min(known):.3g}x at least, {max(known):.3g}x at most", min(known) >= least


def _passed(cell: Cell) -> bool | None:
    return cell.measured[0].passed if cell.measured else None


def _said(passed: bool | None) -> str:
    return "did not finish on" if passed is None else "passes" if passed else "finds"


def _duration(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.ROUNDED)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
