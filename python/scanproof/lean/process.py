"""A long-lived Lean process that answers one line with one line."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.find import find_toolchain
from scanproof.lean.modules import read_graph
from scanproof.lean.progress import ShowStep, silent
from scanproof.lean.project import Project


class LeanProcess:
    """A running Lean program that reads and writes lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        if process.stdin is None or process.stdout is None:
            raise TypeError("the process needs pipes for its standard input and output")
        self._process = process
        self._stdin: IO[str] = process.stdin
        self._stdout: IO[str] = process.stdout
        self._await_ready()

    def _await_ready(self) -> None:
        said = []
        for line in self._stdout:
            if line.strip() == "ready":
                return
            said.append(line)
        self.close()
        raise LeanUnavailable(f"The Lean program did not start: {_tail(said) or 'it said nothing'}")

    def ask(self, line: str) -> str:
        """Send a line and return the answer, without its line end.

        Raises:
            LeanUnavailable: the process has died or was closed.
        """
        if self._stdin.closed:
            raise LeanUnavailable("The Lean program was closed; start a new one.")
        try:
            self._stdin.write(line + "\n")
            self._stdin.flush()
            answer = self._stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer.endswith("\n"):
            raise LeanUnavailable(f"The Lean program died with exit code {self._process.poll()}.")
        return answer.rstrip("\n")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        with suppress(BrokenPipeError):  # a request may be unsent
            self._stdin.close()
        self._stdout.close()
        self._process.wait()


def start_program(name: str, project: Path | None = None, show: ShowStep = silent) -> LeanProcess:
    """Start a program of the project that contains a folder (default: the working folder).

    Args:
        name: the name of its ``lean_exe``: ``oracle`` or ``kernels``.
        project: a folder of the project.
        show: shows the progress of a download.

    Raises:
        InvalidArgument: the folder is in no Lean project.
        LeanUnavailable: no usable Lean was found, or the program does not run.
    """
    found = Project.find(project)
    toolchain = find_toolchain(found)
    toolchain.prepare(show)
    return LeanProcess(toolchain.spawn(read_graph(found), name))


def _tail(lines: list[str]) -> str:
    return " ".join("".join(lines).split())[-400:]
