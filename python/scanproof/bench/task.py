"""One thing to measure, and its outcome; plain data that crosses a process boundary as JSON."""

import json
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Literal

Tool = Literal["peer", "read", "exact", "coded", "default", "step", "monitor"]

START_UP = 30.0
"""Seconds to import PyTorch and to warm up, which a process gets in addition to the time of its task."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A tool on a benchmark model.

    Attributes:
        tool: ``peer`` is causal-certificate; ``read``, ``exact`` and ``coded`` are ``scanproof.certify`` by
            reading, with all cuts and with coded cuts, at the given shape only, as the peer does;
            ``default`` is ``certify(fn, x)``, which reads other shapes as well; ``step`` is a training step
            on a batch of 16; ``monitor`` is one check of ``CausalityMonitor`` on that batch.
        model: name in ``scanproof.bench.models.MODELS``.
        T: number of positions of the input; it has one example, except for ``step`` and ``monitor``.
        dtype: floating dtype of model and input.
        leak: amplitude with which output T // 2 also reads the next input; 0 for the causal model.
        seed: seed of parameters and input.
        threads: number of threads of PyTorch.
        sample: two numbers of random cuts to run; the time of all T - 1 cuts is projected from their times
            along a straight line. None to run all cuts.
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
    """The cost and the verdict of a tool.

    Attributes:
        seconds: least wall time of the calls, because other load on the machine only adds to it.
        cpu_seconds: least CPU time of the calls, of all threads.
        calls: number of timed calls; of pairs of calls if the time of all cuts is projected.
        peak_bytes: increase of the peak resident size of a fresh process during the first call.
        passed: whether the tool found the model causal.
        verdict: verdict in the tool's own words.
        threads: number of threads that PyTorch used.
        torch: version of PyTorch.
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
    """A call that was stopped after ``seconds`` of wall time, and at least ``cpu_seconds`` of CPU time."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Failed:
    """A process that failed, and the last line of its error."""

    reason: str


Outcome = Measurement | Stopped | Failed


def run(task: Task, max_seconds: float) -> Outcome:
    """Measure in a fresh process, so that no tool profits from the memory or caches of another."""
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
