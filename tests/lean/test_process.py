import subprocess
import sys

import pytest

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.process import LeanProcess


def started(program: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-uc", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_lines_are_answered() -> None:
    process = LeanProcess(started("print('noise'); print('ready')\nwhile True: print(input().upper())"))
    assert [process.ask(line) for line in ("a", "b", "")] == ["A", "B", ""]
    process.close()


def test_a_program_that_does_not_start() -> None:
    with pytest.raises(LeanUnavailable, match=r"did not start: x\.lean:1:0: error: unknown"):
        LeanProcess(started("print('x.lean:1:0: error: unknown')"))


def test_a_program_that_dies_in_an_answer() -> None:
    process = LeanProcess(started("print('ready'); input(); print('half', end='')"))
    with pytest.raises(LeanUnavailable, match="died with exit code"):
        process.ask("question")
    process.close()


def test_a_program_that_was_closed() -> None:
    process = LeanProcess(started("print('ready')\nwhile True: print(input())"))
    process.close()
    with pytest.raises(LeanUnavailable, match="was closed"):
        process.ask("anything")
