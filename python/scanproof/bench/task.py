"""One thing to measure, and what came of it; plain data that crosses a process boundary as JSON."""

import json
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Literal

Tool = Literal["peer", "exact", "coded", "default", "step", "monitor"]

START_UP = 30.0
"""Seconds that a process may take to import PyTorch and to warm up, on top of what its task may take."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A tool on a benchmark model.

    Attributes:
        tool: ``peer`` is causal-certificate; ``exact`` and ``coded`` are ``scanproof.certify`` with all cuts
            and with coded ones, at the given input alone, as the peer does; ``default`` is
            ``certify(fn, x)``, all cuts and three drawn inputs; ``step`` is a training step on a batch of 16;
            ``monitor`` is one check of ``CausalityMonitor`` on that batch.
        model: name in ``scanproof.bench.models.MODELS``.
        T: positions of the input, which has one example for all tools but ``step`` and ``monitor``.
        dtype: floating dtype of model and input.
        leak: amplitude with which output T // 2 also reads the next input; 0 for the causal model.
        seed: of parameters and input.
        threads: of PyTorch.
        sample: two numbers of random cuts to run with, in place of all T - 1, whose time is projected from
            theirs on a straight line; None to run all.
    """

    tool: Tool
    model: str
    T: int
    dtype: str
    leak: float = 0.0
    seed: int = 0
    threads: int = 1
    sample: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a tool took and said.

    Attributes:
        seconds: wall time, the least of the calls: other load on the machine only adds to it.
        cpu_seconds: CPU time of all threads, the least of the calls.
        calls: number of timed calls, or of pairs of them where the time of all cuts is projected.
        peak_bytes: by how much the first call raised the greatest resident size of a fresh process.
        passed: whether the tool found the model causal.
        verdict: in the tool's own words.
        threads: that PyTorch used.
        torch: its version.
    """

    seconds: float
    cpu_seconds: float
    calls: int
    peak_bytes: int
    passed: bool
    verdict: str
    threads: int
    torch: str


@dataclass(frozen=True)
class Stopped:
    """A call that was ended after more than so many seconds, of which so many on a CPU, at least."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Failed:
    """A process that broke off, and its last words."""

    reason: str


Outcome = Measurement | Stopped | Failed


def run(task: Task, max_seconds: float) -> Outcome:
    """Measure in a fresh process, so that neither memory nor caches of one tool serve another."""
    command = [sys.executable, "-m", "scanproof.bench.measure", json.dumps(asdict(task))]
    before = children_cpu_seconds()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=max_seconds + START_UP
        )
    except subprocess.TimeoutExpired:
        return Stopped(max_seconds, max(0.0, children_cpu_seconds() - before - START_UP))
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Failed(f"exit code {done.returncode}: {last}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def children_cpu_seconds() -> float:
    """Return the CPU time of the processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
