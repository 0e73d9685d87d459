"""What was seen of the kernels while they ran, and how they run."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from scanproof.adapters.triton.findings import BOUNDS, RACES, Fault

Order = Literal["forward", "reversed", "shuffled"]
Fill = Literal["nan", "finite"]

_OURS = str(Path(__file__).parent)


@dataclass
class Watch:
    """How kernels run, and what was seen of them.

    Attributes:
        order: order of the programs of each grid.
        fill: contents of tensors that ``torch.empty`` and its kin return: NaN, or finite numbers. Integers
            are large, or 0.
        configuration: number of the configuration that autotuned kernels take, counted from 0; a kernel with
            fewer configurations begins again.
        exact_products: multiply float32 exactly where a kernel asks for shorter factors, such as TF32.
        only: the kernel that ``configuration`` holds for; all others take the first. None: it holds for all.
        launches: number of launches of each kernel.
        configurations: for each kernel with an autotuner, the configurations that differ in more than warps
            and stages, which the source does not see.
        atomic_floats: kernels that add up floating numbers atomically, so that rounding depends on the order.
        products: the precisions in which float32 matrix products were taken, such as ``"tf32"``.
        seen: the faults that were seen.
    """

    order: Order = "forward"
    fill: Fill = "nan"
    configuration: int = 0
    exact_products: bool = False
    only: str | None = None
    launches: Counter[str] = field(default_factory=Counter)
    configurations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    atomic_floats: set[str] = field(default_factory=set)
    products: set[str] = field(default_factory=set)
    seen: dict[tuple[str, str, str, int, str], Fault] = field(default_factory=dict)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that were seen, each place once."""
        return tuple(self.seen.values())

    @property
    def problem(self) -> str:
        """Say which accesses are wrong, or that no kernel was launched; empty if all is well."""
        wrong = [str(fault) for fault in self.faults if fault.kind in (BOUNDS, RACES)]
        if not self.launches:
            wrong = ["no Triton kernel was launched, so that a fallback was tested"]
        return "\n".join(wrong)

    def programs(self, count: int) -> list[int]:
        """Return the numbers of the programs of a grid, in the order in which they run."""
        if self.order == "shuffled":
            return [int(program) for program in np.random.default_rng(count).permutation(count)]
        return list(range(count))[:: -1 if self.order == "reversed" else 1]

    def report(self, kernel: str, kind: str, argument: str, text: str) -> None:
        """Keep a fault at the line of the kernel that runs now, unless this place has one."""
        file, line = _kernel_line()
        fault = Fault(kind=kind, kernel=kernel, file=file, line=line, argument=argument, text=text)
        self.seen.setdefault(fault.place, fault)


def _kernel_line() -> tuple[str, int]:
    """Return the innermost line that is neither in this package nor in Triton or NumPy."""
    frame = sys._getframe()
    while frame.f_back is not None:
        file = frame.f_code.co_filename
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if not file.startswith(_OURS) and package not in ("triton", "numpy"):
            return file, frame.f_lineno
        frame = frame.f_back
    return "", 0
