"""The Triton kernel of accelerated-scan (0.3.1)."""

from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.linear import LinearRecurrence


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subject; accelerated-scan is in ``folder``, which must be on the path of Python."""
    scalar = Subject(
        name="accelerated_scan.scalar:scan",
        package="accelerated-scan",
        load=_scalar,
        kernel=LinearRecurrence(),
        without=frozenset({"initial_state"}),
        sizes={"batch": 1, "channel": 3},
        block=16,
        folder=folder,
        departs="No states. Its block of 2048 tokens is longer than the sequences of the census.",
    )
    return (scalar,)


def _scalar() -> Implementation:
    scan = import_module("accelerated_scan.scalar").scan

    def implementation(x: Tensor, g: Tensor) -> Any:
        return scan(g.mT.contiguous(), x.mT.contiguous()).mT

    return implementation
