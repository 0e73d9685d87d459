"""The process that measures one task: ``python -m scanproof.bench.measure '{"tool": …}'``."""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from statistics import median

import torch
from torch import Tensor, nn

from scanproof.bench.models import build, with_leak
from scanproof.bench.peer import peer_certify
from scanproof.bench.task import Measurement, Task, Tool
from scanproof.causality.certificate import certify
from scanproof.errors import InvalidArgument
from scanproof.monitors.monitor import CausalityMonitor

WARM_UP_T = 24
BATCH = 16
"""Examples of a training step."""

ENOUGH_SECONDS, ENOUGH_CALLS = 2.0, 15
"""Short calls are repeated until they took so long together, or so often."""

Check = Callable[[Callable[[Tensor], Tensor], Tensor], tuple[bool, str]]


def _peer(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    report = peer_certify(fn, x)
    return bool(report.ok), f"energy fraction {report.temporal_fraction:.1e}"


def _exact(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    report = certify(fn, x)
    return report.ok, f"{report.verdict.name}, {report.vjps} VJPs, {report.batching}"


def _coded(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    report = certify(fn, x, cuts="coded")
    return report.ok, f"{report.verdict.name}, {report.vjps} VJPs, {report.batching}"


def _step(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    assert isinstance(fn, nn.Module)
    optimizer = torch.optim.SGD(fn.parameters(), 1e-3)
    fn.train()(x).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    return True, "forward, backward and optimizer"


def _monitor(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    report = CausalityMonitor(fn).check(x)
    return report.ok, f"{report.verdict.name}, {report.vjps} VJPs, {report.batching}"


_CHECKS: dict[Tool, Check] = {
    "peer": _peer,
    "exact": _exact,
    "coded": _coded,
    "step": _step,
    "monitor": _monitor,
}


def measure(task: Task) -> Measurement:
    """Measure ``task`` in this process, which should be a fresh one."""
    if task.tool not in _CHECKS:
        raise InvalidArgument(f"tool must be one of {', '.join(_CHECKS)}, got {task.tool!r}.")
    if task.threads is not None:
        torch.set_num_threads(task.threads)
    examples = BATCH if task.tool in ("step", "monitor") else 1
    model, x = build(task.model, task.T, getattr(torch, task.dtype), task.seed, examples)
    fn, check = with_leak(model, task.leak), _CHECKS[task.tool]
    check(fn, x[:, :WARM_UP_T])

    before = _greatest_resident_bytes()
    seconds, (passed, verdict) = _timed(lambda: check(fn, x))
    peak = _greatest_resident_bytes() - before
    times = [seconds]
    while sum(times) < ENOUGH_SECONDS and len(times) < ENOUGH_CALLS:
        times.append(_timed(lambda: check(fn, x))[0])
    return Measurement(
        seconds=median(times),
        calls=len(times),
        peak_bytes=peak,
        passed=passed,
        verdict=verdict,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )


def _timed(call: Callable[[], tuple[bool, str]]) -> tuple[float, tuple[bool, str]]:
    began = time.perf_counter()
    said = call()
    return time.perf_counter() - began, said


def _greatest_resident_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Task(**json.loads(sys.argv[1]))))))
