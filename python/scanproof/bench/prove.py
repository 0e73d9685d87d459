"""What it costs to check Lean modules: one process of Lean for each, and the threads of one process."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from scanproof.bench.task import children_cpu_seconds
from scanproof.errors import InvalidArgument
from scanproof.lean.checker import Checker, Job
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.install import sysroot
from scanproof.lean.modules import Graph, read_graph
from scanproof.lean.node import find_node
from scanproof.lean.progress import silent
from scanproof.lean.project import Project
from scanproof.lean.webassembly import WebAssembly
from scanproof.report.console import output

_WRITTEN = "measured"
"""What is written, beside the compiled modules in place, which are links into the cache."""


@dataclass(frozen=True)
class Cost:
    """What a way of checking took.

    Attributes:
        way: the way.
        cpu_seconds: CPU time of its processes, user and system.
        seconds: wall time.
    """

    way: str
    cpu_seconds: float
    seconds: float


def run_bench(modules: int, as_json: bool = False, quiet: bool = False) -> float:
    """Check some modules of the library in both ways, one after the other, and print what each took.

    The imports of the modules are in place before, so that these modules alone are measured. Each way checks
    one module at a time, and starts from nothing.

    Args:
        modules: how many, spread evenly over the library in order of imports.
        as_json: print one JSON document instead.
        quiet: print the ratio alone.

    Returns:
        The CPU time of the threads of one process, divided by that of one process for each module.

    Raises:
        InvalidArgument: there are not so many modules.
        LeanUnavailable: Lean as WebAssembly does not run here, or the library has faults.
    """
    project = Project.find()
    graph = read_graph(project)
    names = sample(graph, modules)
    with tempfile.TemporaryDirectory() as folder, closing(WebAssembly.require(project)) as lean:
        place = Path(folder).resolve()
        lean.prepare(silent)
        if lean.build(graph, place, silent).findings:
            raise LeanUnavailable("The library has faults; run scanproof prove.")
        lean.close()
        files = [graph.modules[name].file for name in names]
        for file in files:
            (place / file).write_text((project.root / file).read_text(encoding="utf-8"), encoding="utf-8")
        ways = {
            "one process for each module": lambda: _processes(lean, project, place, files),
            "one process for all": lambda: _threads(project, place, files),
        }
        costs = [_measured(way, check) for way, check in ways.items()]
    ratio = costs[1].cpu_seconds / costs[0].cpu_seconds
    _print(costs, files, ratio, as_json, quiet)
    return ratio


def sample(graph: Graph, count: int) -> list[str]:
    """Return so many modules, spread evenly over the library in order of imports.

    Raises:
        InvalidArgument: there are not so many.
    """
    order = graph.closure(*graph.modules)
    if not 1 <= count <= len(order):
        raise InvalidArgument(f"modules is {count}; the library has {len(order)}, so give 1 to {len(order)}.")
    return [order[len(order) * place // count] for place in range(count)]


def _processes(lean: WebAssembly, project: Project, folder: Path, files: list[str]) -> None:
    options = [f"-D{name}={value}" for name, value in project.options.items()]
    for file in files:
        stem = folder / _WRITTEN
        outputs = ["-o", f"{stem}.olean", "-i", f"{stem}.ilean"]
        command = lean.command(folder, ["--json", *options, *outputs, file])
        run = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if run.returncode != 0:
            raise LeanUnavailable(f"Lean failed on {file} with exit code {run.returncode}.")


def _threads(project: Project, folder: Path, files: list[str]) -> None:
    with Checker(find_node().executable, sysroot().resolve(), folder) as checker:
        for file in files:
            job = Job(file, project.options, folder / _WRITTEN)
            if any(message.is_fault for message in checker.check(job)):
                raise LeanUnavailable(f"Lean failed on {file}.")


def _measured(way: str, check: Callable[[], None]) -> Cost:
    began, before = time.perf_counter(), children_cpu_seconds()
    check()
    return Cost(way, children_cpu_seconds() - before, time.perf_counter() - began)


def _print(costs: list[Cost], files: list[str], ratio: float, as_json: bool, quiet: bool) -> None:
    if as_json:
        document = {"command": "bench prove", "files": files, "costs": [asdict(cost) for cost in costs]}
        print(json.dumps(document | {"ratio": ratio}, ensure_ascii=False, indent=2))
        return
    console: Console = output()
    if not quiet:
        for cost in costs:
            each = cost.cpu_seconds / len(files)
            cpu = f"{cost.cpu_seconds:.1f} s of CPU, {each:.1f} a module"
            console.print(f"{cost.way}: {cpu}; {cost.seconds:.1f} s of wall")
    console.print(f"{ratio:.2f} of the CPU time, over {len(files)} modules")
