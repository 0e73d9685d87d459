"""A command that is terminated ends what it has started."""

import signal
import subprocess
import sys

PROGRAM = """
import subprocess, sys, time
from scanproof import cli
from scanproof.cli import app

def command():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        print("started", flush=True)
        time.sleep(60)
    finally:
        child.kill()
        print("child ended with", child.wait(), flush=True)

app.app = command
cli.main()
"""


def test_a_terminated_command_ends_the_processes_that_it_has_started() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.terminate()
        assert process.stdout.read() == f"child ended with {-signal.SIGKILL}\n"
    assert process.returncode == 128 + signal.SIGTERM
