"""The Lean runner of the demo starts when it can, and ends whatever happens."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import cast

import pytest

from scanproof.demo.runner import Runner
from scanproof.lean import toolchain as toolchains
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.project import Project
from verdicts import present

ROOT = Path(__file__).parents[2]
ANSWERS = "print('ready')\nwhile True: print(input())"
WAITS = "import time\nwhile True: time.sleep(1)"


class Toolchain:
    """Starts a program, after refusing as often as it is told to."""

    def __init__(self, program: str, refusals: int = 0) -> None:
        self.program = program
        self.refusals = refusals
        self.process: subprocess.Popen[str] | None = None
        self.spawned = threading.Event()

    def spawn(self, graph: Path, executable: Path) -> subprocess.Popen[str]:
        if self.refusals:
            self.refusals -= 1
            raise LeanUnavailable("no memory")
        command = [sys.executable, "-uc", self.program]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.spawned.set()
        return self.process


def runner_of(project: Project, toolchain: Toolchain) -> Runner:
    return Runner(project, cast(toolchains.Toolchain, toolchain))  # it spawns, and nothing else


@pytest.fixture
def project() -> Project:
    return Project.find(ROOT)


def test_it_starts_when_lean_is_installed(project: Project) -> None:
    runner = runner_of(project, Toolchain(ANSWERS))
    timer = threading.Timer(0.1, runner.installed)
    timer.start()
    with runner.start():
        assert not timer.is_alive()


def test_without_memory_it_starts_after_the_proofs(project: Project) -> None:
    runner = runner_of(project, Toolchain(ANSWERS, refusals=1))
    runner.installed()
    timer = threading.Timer(0.1, runner.proved)
    timer.start()
    with runner.start():
        assert not timer.is_alive()


def test_a_refusal_after_the_proofs_is_final(project: Project) -> None:
    runner = runner_of(project, Toolchain(ANSWERS, refusals=1))
    runner.installed()
    runner.proved()
    with pytest.raises(LeanUnavailable, match="no memory"):
        runner.start()


def test_what_cannot_be_installed_does_not_start(project: Project) -> None:
    toolchain = Toolchain(ANSWERS)
    runner = runner_of(project, toolchain)
    runner.refuse("no network")
    with pytest.raises(LeanUnavailable, match="no network"):
        runner.start()
    assert toolchain.process is None


def test_a_start_is_broken_off(project: Project) -> None:
    toolchain = Toolchain(WAITS)
    runner = runner_of(project, toolchain)
    runner.installed()

    def end() -> None:
        toolchain.spawned.wait()
        runner.end()

    threading.Thread(target=end).start()
    with pytest.raises(LeanUnavailable, match="interrupted"):
        runner.start()
    assert present(toolchain.process).wait() < 0
