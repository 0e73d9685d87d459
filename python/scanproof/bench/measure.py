"""The process that measures one task: ``python -m scanproof.bench.measure '{"tool": …}'``."""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from scanproof.bench.models import build, with_leak
from scanproof.bench.peer import peer_certify
from scanproof.bench.task import Measurement, Task, Tool
from scanproof.causality.gradients.certificate import Cuts, certify
from scanproof.causality.gradients.certificate_report import CausalCertificate
from scanproof.errors import InvalidArgument
from scanproof.monitors.monitor import CausalityMonitor

WARM_UP_T = 24
BATCH = 16
"""Examples of a training step."""

ENOUGH_SECONDS, ENOUGH_CALLS = 2.0, 15
"""Short calls are repeated until all of them took so many seconds, or until so many calls."""

Check = Callable[..., tuple[bool, str]]
"""Takes the function, the input and, in two of the tools, which cuts to run."""


def _peer(fn: Callable[[Tensor], Tensor], x: Tensor, **cuts: Any) -> tuple[bool, str]:
    report = peer_certify(fn, x, **cuts)
    return bool(report.ok), f"energy fraction {report.temporal_fraction:.1e}"


def _read(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    return _said(certify(fn, x, lengths=(), batch_sizes=(), cases=1))


def _exact(fn: Callable[[Tensor], Tensor], x: Tensor, cuts: Cuts = "all", **options: Any) -> tuple[bool, str]:
    return _said(certify(fn, x, cuts=cuts, cases=1, **options))


def _coded(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    return _said(certify(fn, x, cuts="coded", cases=1))


def _default(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    return _said(certify(fn, x))


def _step(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    assert isinstance(fn, nn.Module)
    optimizer = torch.optim.SGD(fn.parameters(), 1e-3)
    fn.train()(x).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    return True, "forward, backward and optimizer"


def _monitor(fn: Callable[[Tensor], Tensor], x: Tensor) -> tuple[bool, str]:
    return _said(CausalityMonitor(fn).check(x))


def _said(report: CausalCertificate) -> tuple[bool, str]:
    probed = f"{report.vjps} VJPs, {report.batching}" if report.vjps else "read"
    return report.ok, f"{report.verdict.name}, {probed}"


_CHECKS: dict[Tool, Check] = {
    "peer": _peer,
    "read": _read,
    "exact": _exact,
    "coded": _coded,
    "default": _default,
    "step": _step,
    "monitor": _monitor,
}


def measure(task: Task) -> Measurement:
    """Measure ``task`` in this process, which should be a fresh one."""
    if task.tool not in _CHECKS:
        raise InvalidArgument(f"tool must be one of {', '.join(_CHECKS)}, got {task.tool!r}.")
    torch.set_num_threads(task.threads)
    examples = BATCH if task.tool in ("step", "monitor") else 1
    model, x = build(task.model, task.T, getattr(torch, task.dtype), task.seed, examples)
    fn, check = with_leak(model, task.leak), _CHECKS[task.tool]
    check(fn, x[:, :WARM_UP_T])

    before = _greatest_resident_bytes()
    times = [_timed(check, fn, x, task.sample)]
    peak = _greatest_resident_bytes() - before
    while sum(one.wall for one in times) < ENOUGH_SECONDS and len(times) < ENOUGH_CALLS:
        times.append(_timed(check, fn, x, task.sample))
    passed, verdict = times[0].said
    return Measurement(
        seconds=min(one.wall for one in times),
        cpu_seconds=min(one.cpu for one in times),
        calls=len(times),
        peak_bytes=peak,
        passed=passed,
        verdict=verdict,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )


class _Timed(NamedTuple):
    wall: float
    cpu: float
    said: tuple[bool, str]


def _timed(check: Check, fn: Callable[[Tensor], Tensor], x: Tensor, sample: tuple[int, int] | None) -> _Timed:
    if sample is None:
        return _once(partial(check, fn, x))
    few, some = sample
    short, long = (_once(partial(check, fn, x, cuts="rand", K=K)) for K in sample)
    more = (x.shape[1] - 1 - some) / (some - few)
    return _Timed(
        long.wall + more * (long.wall - short.wall), long.cpu + more * (long.cpu - short.cpu), long.said
    )


def _once(call: Callable[[], tuple[bool, str]]) -> _Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    said = call()
    return _Timed(time.perf_counter() - wall, time.process_time() - cpu, said)


def _greatest_resident_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Task(**json.loads(sys.argv[1]))))))
