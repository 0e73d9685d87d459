"""The command in a process of its own, in which Triton starts with its interpreter."""

import os
import subprocess
import sys
from collections.abc import Sequence

from scanproof.adapters.triton.interpreter import VARIABLE


def is_interpreting() -> bool:
    """Whether this process was started for Triton's interpreter."""
    return os.environ.get(VARIABLE) == "1"


def rerun(arguments: Sequence[str]) -> int:
    """Run scanproof with these arguments in a new process with the interpreter; return its exit code."""
    command = [sys.executable, "-m", "scanproof", *arguments]
    done = subprocess.run(command, env={**os.environ, VARIABLE: "1"}, check=False)
    return done.returncode
