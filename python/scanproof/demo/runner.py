"""The Lean runner of the demo: it starts beside the proofs, and ends with the demo whatever happens."""

import subprocess
import threading

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.modules import read_graph
from scanproof.lean.process import LeanProcess
from scanproof.lean.project import Project
from scanproof.lean.toolchain import Toolchain
from scanproof.refinement.oracle import Oracle


class Runner:
    """The oracle of a project, started in one thread while another installs Lean and checks the proofs."""

    def __init__(self, project: Project, toolchain: Toolchain) -> None:
        self._project = project
        self._toolchain = toolchain
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._refused: str | None = None
        self._installed = threading.Event()
        self._proved = threading.Event()

    def installed(self) -> None:
        """Say that Lean is installed: the oracle can start."""
        self._installed.set()

    def proved(self) -> None:
        """Say that the proofs need no more memory."""
        self._proved.set()

    def refuse(self, reason: str) -> None:
        """Give a reason why it cannot start; an oracle that runs goes on."""
        with self._lock:
            self._refused = reason
        self._installed.set()
        self._proved.set()

    def end(self) -> None:
        """End the oracle, running or not."""
        self.refuse("The demo was broken off.")
        if self._process is not None:
            self._process.kill()

    def start(self) -> Oracle:
        """Return the oracle when Lean is installed; where it does not start beside the proofs, after them.

        Raises:
            LeanUnavailable: it was refused, or does not run.
        """
        self._installed.wait()
        if not self._proved.is_set():
            try:
                return self._spawn()
            except LeanUnavailable:  # the proofs may hold the memory, or the demo was broken off
                self._proved.wait()
        return self._spawn()

    def _spawn(self) -> Oracle:
        with self._lock:
            if self._refused is not None:
                raise LeanUnavailable(self._refused)
            self._process = self._toolchain.spawn(read_graph(self._project), "oracle")
        return Oracle(LeanProcess(self._process))
