"""Kernels run in a process of their own, which the first of their runs starts."""

import subprocess
import sys

import numpy as np
import pytest

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.process import LeanProcess
from scanproof.refinement.kernels.linear import LinearRecurrence
from scanproof.refinement.oracle import Oracle, OracleError

INPUTS = {"x": np.zeros((1, 1, 1)), "g": np.zeros((1, 1, 1))}


class Programs:
    """Starts programs that give one answer to every line, and keeps their processes."""

    def __init__(self) -> None:
        self.kernels: list[subprocess.Popen[str]] = []
        self.models = self._program("error this is the program of the models")

    def _program(self, answer: str) -> "subprocess.Popen[str]":
        lines = f"print('ready', flush=True)\nwhile input(): print({answer!r}, flush=True)"
        return subprocess.Popen(
            [sys.executable, "-c", lines], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start_kernels(self) -> LeanProcess:
        self.kernels.append(self._program("ok 4607182418800017408 0"))
        return LeanProcess(self.kernels[-1])

    def oracle(self) -> Oracle:
        return Oracle(LeanProcess(self.models), self.start_kernels)


@pytest.fixture
def programs() -> Programs:
    return Programs()


def test_the_first_kernel_starts_it_and_later_ones_share_it(programs: Programs) -> None:
    with programs.oracle() as oracle:
        with pytest.raises(OracleError, match="this is the program of the models"):
            oracle.check_program("program 1 end")
        assert not programs.kernels
        for _ in range(2):
            assert oracle.run_kernel(LinearRecurrence(), INPUTS)["y"].tolist() == [[[1.0]]]
        assert len(programs.kernels) == 1


def test_both_processes_end(programs: Programs) -> None:
    oracle = programs.oracle()
    oracle.run_kernel(LinearRecurrence(), INPUTS)
    oracle.close()
    assert all(process.poll() is not None for process in (programs.models, *programs.kernels))


def test_a_closed_oracle_starts_no_process(programs: Programs) -> None:
    oracle = programs.oracle()
    oracle.close()
    with pytest.raises(LeanUnavailable, match="The oracle was closed"):
        oracle.run_kernel(LinearRecurrence(), INPUTS)
    assert not programs.kernels
