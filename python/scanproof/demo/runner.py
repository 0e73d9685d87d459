"""The Lean runner of the demo, which starts while proofs are checked and always ends with the demo."""

import subprocess
import threading

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.modules import read_graph
from scanproof.lean.process import LeanProcess
from scanproof.lean.project import Project
from scanproof.lean.toolchain import Toolchain
from scanproof.refinement.oracle import Oracle


class Runner:
    """The oracle of a project. One thread starts it while another installs Lean and checks the proofs."""

    def __init__(self, project: Project, toolchain: Toolchain) -> None:
        self._project = project
        self._toolchain = toolchain
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._refused: str | None = None
        self._installed = threading.Event()
        self._proved = threading.Event()

    def installed(self) -> None:
        """Signal that Lean is installed, so the oracle can start."""
        self._installed.set()

    def proved(self) -> None:
        """Signal that the check of the proofs has released its memory."""
        self._proved.set()

    def refuse(self, reason: str) -> None:
        """Give a reason why the oracle cannot start; an oracle that already runs is not stopped."""
        with self._lock:
            self._refused = reason
        self._installed.set()
        self._proved.set()

    def end(self) -> None:
        """End the oracle if it runs, and prevent its start otherwise."""
        self.refuse("The demo was interrupted.")
        if self._process is not None:
            self._process.kill()

    def start(self) -> Oracle:
        """Return the oracle as soon as Lean is installed.

        If the oracle does not start while proofs are checked, this method tries again after the check.

        Raises:
            LeanUnavailable: the start was refused, or the oracle does not run.
        """
        self._installed.wait()
        if not self._proved.is_set():
            try:
                return self._spawn()
            except LeanUnavailable:  # the proofs may hold the memory, or the demo was interrupted
                self._proved.wait()
        return self._spawn()

    def _spawn(self) -> Oracle:
        with self._lock:
            if self._refused is not None:
                raise LeanUnavailable(self._refused)
            self._process = self._toolchain.spawn(read_graph(self._project), "oracle")
        return Oracle(LeanProcess(self._process))
