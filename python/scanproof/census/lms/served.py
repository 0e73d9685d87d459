"""Rows from processes of their own: one that crashes, or takes too long, costs one row."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from os import environ
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Any

from scanproof.census.lms.result import Row
from scanproof.census.lms.worker import unanswered

LIMIT = 600.0
"""Greatest number of seconds for one model type."""

TYPES = 12
"""Model types for one process: imports take longer than most types."""


class Served:
    """Asks workers about model types, one after another.

    Args:
        seed: seed of weights, ids and checks.
        limit: greatest number of seconds for one model type.
    """

    def __init__(self, seed: int, limit: float = LIMIT) -> None:
        self._seed, self._limit = seed, limit
        self._process: subprocess.Popen[str] | None = None
        self._lines: Queue[str] = Queue()
        self._asked = 0

    def __enter__(self) -> "Served":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def row(self, model_type: str) -> Row:
        """Return the row of a model type; a process that ends, or takes too long, becomes its problem."""
        process = self._worker()
        last, problem = None, ""
        until = monotonic() + self._limit
        try:
            assert process.stdin is not None
            process.stdin.write(f"{model_type}\n")
            process.stdin.flush()
            while "done" not in (said := self._said(until)):
                last = said.get("row", last)
        except TimeoutError:
            problem = f"took more than {self._limit:.0f} s"
        except (EOFError, BrokenPipeError):
            problem = f"its process ended with exit code {process.wait()}"
        if problem:
            self._end()
        row = unanswered(model_type, self._seed) if last is None else Row.from_dict(last)
        return replace(row, problem=row.problem or problem)

    def _said(self, until: float) -> dict[str, Any]:
        """Return what the worker says next, among whatever packages print."""
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                raise TimeoutError from None
            if not line:
                raise EOFError
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                return said

    def _worker(self) -> "subprocess.Popen[str]":
        if self._asked == TYPES:
            self._end()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scanproof.census.lms.worker", str(self._seed)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env={**environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
            )
            self._lines, self._asked = Queue(), 0
            self._reader = Thread(target=_pass_on, args=(self._process, self._lines), daemon=True)
            self._reader.start()
        self._asked += 1
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._reader.join()
            with suppress(BrokenPipeError):
                self._process.communicate()
            self._process = None


def _pass_on(process: "subprocess.Popen[str]", lines: "Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")
