"""Lean as WebAssembly, which checks file after file in the threads of one Node.js process."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.messages import Message, parse_messages

PROGRAM = Path(__file__).parent / "wasm" / "checker.cjs"
MEGABYTES = 1000
"""Memory limit of one Lean instance before a new instance replaces it; the hard limit is 2048."""

_EXIT_CODES = {False: 0, True: 1}
"""The exit codes of Lean, without and with an error in the file."""


@dataclass(frozen=True)
class Job:
    """A file to check.

    Attributes:
        file: path of the file, relative to the folder of the checker.
        options: the options of Lean, by name.
        stem: path of the ``.olean`` and ``.ilean`` files, without a suffix; None: do not write them.
    """

    file: str
    options: Mapping[str, str]
    stem: Path | None = None

    def to_json(self, fresh: bool = False) -> str:
        """Return the job as a line for ``checker.cjs``; ``fresh``: use a new instance of Lean."""
        outputs = {suffix: f"{self.stem}.{suffix}" for suffix in ("olean", "ilean") if self.stem}
        return json.dumps({"file": self.file, "options": dict(self.options), "fresh": fresh, **outputs})


class Checker:
    """A running ``checker.cjs``. Use the checker as a context manager, or call :meth:`close`."""

    def __init__(self, node: str, sysroot: Path, folder: Path) -> None:
        """Start the process.

        Args:
            node: the Node.js to run.
            sysroot: the folder in which Lean is installed.
            folder: the working folder, which also holds the imported modules.
        """
        setting = {"sysroot": str(sysroot), "folder": str(folder), "megabytes": MEGABYTES}
        self._errors: IO[str] = tempfile.TemporaryFile(  # noqa: SIM115 (closed with the process)
            "w+", encoding="utf-8", errors="replace"
        )
        self._running: dict[str, Job] = {}
        self._process = subprocess.Popen(
            [node, "--stack-size=8000", str(PROGRAM), json.dumps(setting)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )

    def __enter__(self) -> "Checker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> int:
        """Number of files that are being checked, each in a thread of its own."""
        return len(self._running)

    def submit(self, job: Job) -> None:
        """Begin to check a file."""
        self._running[job.file] = job
        self._send(job.to_json())

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the process died; `result` raises
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def result(self) -> tuple[str, list[Message]]:
        """Wait until a file is checked, and return the file with Lean's messages about it.

        Raises:
            LeanUnavailable: Lean crashed on a file, even in a new instance.
        """
        assert self._process.stdout is not None
        while (line := self._process.stdout.readline()).endswith("\n"):
            answer = json.loads(line)
            file, code = answer["file"], answer["code"]
            messages = list(parse_messages(answer["output"]))
            failed = any(message.severity == "error" for message in messages)
            if code == _EXIT_CODES[failed]:
                del self._running[file]
                return file, messages
            if not answer["checked"]:
                raise _crash(file, code, answer["output"] + answer["noted"])
            self._send(self._running[file].to_json(fresh=True))
        raise self._died()

    def check(self, job: Job) -> list[Message]:
        """Check one file while no other file is being checked, and return Lean's messages about it.

        Raises:
            LeanUnavailable: Lean crashed.
        """
        self.submit(job)
        return self.result()[1]

    def _died(self) -> LeanUnavailable:
        self._process.kill()
        code = self._process.wait()
        self._errors.seek(0)
        return _crash(" or ".join(self._running), code, self._errors.read())

    def close(self) -> None:
        """End the process at once, even during a check."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        with suppress(BrokenPipeError):  # a job may be unsent
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()


def _crash(file: str, code: int, said: str) -> LeanUnavailable:
    killed = " (killed, perhaps out of memory)" if code == -9 else ""
    tail = " ".join(said.split())[-400:]
    return LeanUnavailable(f"Lean crashed on {file} with exit code {code}{killed}: {tail}")
