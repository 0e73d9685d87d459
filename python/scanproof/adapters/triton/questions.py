"""The answers about the kernels of one function: how each is found and judged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from scanproof.adapters.triton.compared import Compared
from scanproof.adapters.triton.differences import detached, difference
from scanproof.adapters.triton.findings import BOUNDS, RACES, UNINITIALISED
from scanproof.adapters.triton.report import KernelAnswer
from scanproof.adapters.triton.watch import Fill, Order, Watch
from scanproof.report.verdict import Verdict

CLEAN, FAULTY = Verdict.CLEAN, Verdict.FAULTY


@dataclass(frozen=True)
class Runs:
    """The runs of one function at one input.

    Attributes:
        watch: what is seen in all runs, and how they run.
        outputs: runs the function and returns its outputs, and its gradients if they were asked for.
        refine: checks the outputs against the spec.
        tell: is told what runs next.
    """

    watch: Watch
    outputs: Callable[[], Any]
    refine: Callable[[], Compared]
    tell: Callable[[str], None]

    def run(self, order: Order, fill: Fill) -> dict[str, Tensor]:
        """Return the results of a run in an order, with these contents of new tensors."""
        self.tell(f"{order} order of programs")
        with self.running(order=order, fill=fill):
            return detached(self.outputs())

    @contextmanager
    def running(self, **how: Any) -> Iterator[None]:
        """Run in this way until the context ends."""
        before = {name: getattr(self.watch, name) for name in how}
        for name, value in how.items():
            setattr(self.watch, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self.watch, name, value)


def launches(watch: Watch, ran: str) -> KernelAnswer:
    """Say which kernels were launched, and what of them ran; a fault if there is none."""
    if watch.launches:
        reason = f"{', '.join(sorted(watch.launches))}: {ran}"
        return KernelAnswer(check="launches", verdict=CLEAN, reason=reason)
    reason = "no Triton kernel was launched, so that a fallback was tested; give the function with the kernel"
    return KernelAnswer(check="launches", verdict=FAULTY, reason=reason)


def accesses(watch: Watch) -> list[KernelAnswer]:
    """Answer for accesses outside tensors, and for races, in all runs so far."""
    return [
        _seen(watch, BOUNDS, "every access is inside the tensor of its pointer"),
        _seen(watch, RACES, "no two programs of a grid access one entry without an order between the two"),
    ]


def _seen(watch: Watch, kind: str, clean: str) -> KernelAnswer:
    faults = tuple(fault for fault in watch.faults if fault.kind == kind)
    reason = f"{len(faults)} place{'s' if len(faults) > 1 else ''} in the source" if faults else clean
    return KernelAnswer(check=kind, verdict=FAULTY if faults else CLEAN, reason=reason, faults=faults)


def repeated(runs: Runs, refined: Compared) -> list[KernelAnswer]:
    """Answer for memory that nothing wrote, and for the order of the programs."""
    first = runs.run("forward", "nan")
    turned = runs.run("reversed", "finite")
    mixed = runs.run("shuffled", "finite")
    if not difference(first, turned) and not difference(first, mixed):
        return [
            KernelAnswer(check=UNINITIALISED, verdict=CLEAN, reason="no result depends on unwritten memory"),
            KernelAnswer(
                check="order",
                verdict=CLEAN,
                reason="forward, reversed and shuffled order of programs give the same bits",
            ),
        ]
    again = runs.run("forward", "finite")
    unwritten = difference(first, again)
    seen = tuple(fault for fault in runs.watch.faults if fault.kind == UNINITIALISED)
    memory = KernelAnswer(
        check=UNINITIALISED,
        verdict=FAULTY if unwritten else CLEAN,
        reason=f"with other contents of unwritten memory, {unwritten}"
        if unwritten
        else "no result depends on unwritten memory",
        faults=seen if unwritten else (),
    )
    moved = difference(again, turned) or difference(again, mixed)
    return [memory, _order(runs, moved, refined)]


def _order(runs: Runs, moved: str, refined: Compared) -> KernelAnswer:
    def answer(verdict: Verdict, reason: str) -> KernelAnswer:
        return KernelAnswer(check="order", verdict=verdict, reason=reason)

    if not moved:
        return answer(CLEAN, "forward, reversed and shuffled order of programs give the same bits")
    once, twice = runs.run("forward", "finite"), runs.run("forward", "finite")
    if random := difference(once, twice):
        return answer(Verdict.INCONCLUSIVE, f"two runs in one order differ: {random}; give a fixed seed")
    if not runs.watch.atomic_floats:
        return answer(FAULTY, f"in another order of programs, {moved}")
    added = ", ".join(sorted(runs.watch.atomic_floats))
    if not refined.verdict.passed:
        return answer(
            Verdict.INCONCLUSIVE,
            f"{moved}; atomic additions ({added}) round in their order, and no bound says how far",
        )
    runs.tell("refinement in reversed order")
    with runs.running(order="reversed"):
        other = runs.refine()
    if other.verdict.passed:
        return answer(
            CLEAN,
            f"atomic additions ({added}) round in their order; the reversed order is within the bound",
        )
    return answer(FAULTY, f"in reversed order of programs, the outputs leave the bound: {other.reason}")


def configurations(runs: Runs, refined: Compared) -> KernelAnswer:
    """Check every configuration of the autotuned kernels against the spec."""
    watch = runs.watch
    found = {name: shown for name, shown in watch.configurations.items() if len(shown) > 1}
    count = max(map(len, found.values()), default=0)
    name = "configurations"
    if not found:
        reason = "no kernel has more than one configuration that its source sees"
        return KernelAnswer(check=name, verdict=Verdict.NOT_APPLICABLE, reason=reason)
    if not refined.verdict.passed:
        reason = "the first configuration does not refine, so the others were not compared"
        return KernelAnswer(check=name, verdict=Verdict.INCONCLUSIVE, reason=reason)
    wrong: list[str] = []
    open_: list[str] = []
    for number in range(1, count):
        runs.tell(f"configuration {number + 1} of {count}")
        with runs.running(configuration=number):
            report = runs.refine()
        if not report.verdict.passed:
            (wrong if report.verdict.found else open_).extend(_blamed(runs, found, number, report))
    if wrong or open_:
        verdict = FAULTY if wrong else Verdict.INCONCLUSIVE
        return KernelAnswer(check=name, verdict=verdict, reason="; ".join(wrong or open_))
    kernels = ", ".join(f"{kernel} ({len(shown)})" for kernel, shown in found.items())
    return KernelAnswer(check=name, verdict=CLEAN, reason=f"all are within the bound: {kernels}")


def _blamed(runs: Runs, found: dict[str, tuple[str, ...]], number: int, report: Compared) -> Iterator[str]:
    """Say which kernel's configuration leaves the bound alone; if none does, those that do together."""
    for kernel, shown in found.items():
        if number < len(shown):
            with runs.running(configuration=number, only=kernel):
                alone = runs.refine()
            if not alone.verdict.passed:
                yield f"{kernel} with {shown[number]}: {alone.worst}"
                return
    together = ", ".join(f"{kernel} with {shown[number % len(shown)]}" for kernel, shown in found.items())
    yield f"{together}: {report.worst}"
