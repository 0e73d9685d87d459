"""What the family keeps: selective scans that are wrong in one step, and ones that are right."""

from dataclasses import dataclass

from .scan import Scan, Step


@dataclass(frozen=True)
class Mutant:
    """A wrong scan.

    Attributes:
        name: what is wrong.
        scan: the scan, in the signature of ``scanproof.selective_scan``.
        backward: whether its outputs are right and its gradients wrong.
    """

    name: str
    scan: Step
    backward: bool = False


def forward(name: str, **exchanged: Step) -> Mutant:
    return Mutant(name, Scan(**exchanged))
